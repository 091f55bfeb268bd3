"""Queue a deployment whose addresses are known in advance, and send it as one pipeline."""

from __future__ import annotations

from eth_utils.crypto import keccak

from agent.localnet.codec import create2_address, create_address, encode_call, encode_constructor
from agent.localnet.evm import LocalChain, Transaction
from agent.units import Address, Seconds

CREATE2_FACTORY = Address("0x4e59b44847b379578588920cA78FbF26c0B4956C")
"""Deterministic deployment proxy; Anvil puts it into the genesis block."""

_CREATION_GAS = 7_000_000
_CALL_GAS = 1_000_000


class Deployer:
    """Collects creations and calls of one account; nothing is sent before `flush`.

    ``first_salt``: where `create_above` begins to look, so that two markets on one chain do not meet.
    """

    def __init__(self, chain: LocalChain, account: Address, first_salt: int = 0) -> None:
        self._chain = chain
        self._first_salt = first_salt
        self.account = account
        self._nonce = chain.nonce(account)
        self._queue: list[Transaction] = []

    def create(self, name: str, bytecode: str, types: str = "()", *arguments: object) -> Address:
        """Queue the creation of a contract and return its address."""
        address = create_address(self.account, self._nonce)
        self._add(f"creation of {name}", None, encode_constructor(bytecode, types, arguments), _CREATION_GAS)
        return address

    def create_above(self, floor: Address, name: str, bytecode: str) -> Address:
        """Queue a creation through CREATE2, with the next salt that gives an address of at least ``floor``."""
        code = bytes.fromhex(bytecode.removeprefix("0x"))
        code_hash, salt = keccak(code), self._first_salt
        while int(address := create2_address(CREATE2_FACTORY, salt, code_hash), 16) < int(floor, 16):
            salt += 1
        self._add(
            f"creation of {name}", CREATE2_FACTORY, "0x" + salt.to_bytes(32, "big").hex() + code.hex(), _CREATION_GAS
        )
        return address

    def call(self, name: str, to: Address, signature: str, *arguments: object, gas: int = _CALL_GAS) -> None:
        """Queue a call."""
        function = signature.partition("(")[0]
        self._add(f"{name}.{function}", to, encode_call(signature, *arguments), gas)

    def flush(self, timestamp: Seconds | None = None) -> int:
        """Send and mine all that is queued; returns the gas used.

        Raises: `FatalError` that names the first step that reverted.
        """
        queue, self._queue = self._queue, []
        return sum(receipt.gas_used for receipt in self._chain.mine(queue, timestamp))

    def _add(self, label: str, to: Address | None, data: str, gas: int) -> None:
        self._queue.append(Transaction(label, self.account, to, data, gas, nonce=self._nonce))
        self._nonce += 1
