"""What a deployment reads from the chain: code, balances and getters at the head."""

from __future__ import annotations

import time
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from agent.chain.abi import Function, load_abi
from agent.chain.client import ChainClient
from agent.chain.failures import RevertedError
from agent.chain.reverts import decode_revert
from agent.errors import DataError, TransientError
from agent.units import Address, Seconds, Wei

LAG_SECONDS = 120
"""How long a server may be behind another one."""
_LATEST = "latest"
_POLL_SECONDS = 0.2


class ChainState:
    """The head of one chain; every answer is of the moment it is asked for."""

    def __init__(self, client: ChainClient) -> None:
        self.client = client

    def code(self, address: Address) -> bytes:
        """Return the code at an address; empty where there is no contract."""
        return bytes.fromhex(str(self.client.request("eth_getCode", address, _LATEST)).removeprefix("0x"))

    def balance(self, address: Address) -> Wei:
        """Return the ether of an account."""
        return Wei(int(self.client.request("eth_getBalance", address, _LATEST), 16))

    def head(self) -> tuple[int, Seconds, Wei]:
        """Return number, time and base fee of the newest block."""
        block = self.client.request("eth_getBlockByNumber", _LATEST, False)
        return (
            int(block["number"], 16),
            Seconds(int(block["timestamp"], 16)),
            Wei(int(block.get("baseFeePerGas") or "0x0", 16)),
        )

    def wait_for(self, block_number: int) -> None:
        """Wait until the server that is asked has a block: another one than the one that took the transaction may lag.

        Raises
        ------
        TransientError
            It lags for longer than `LAG_SECONDS`.

        """
        deadline = time.monotonic() + LAG_SECONDS
        while (head := self.head()[0]) < block_number:
            if time.monotonic() > deadline:
                raise TransientError(
                    f"a server is still at block {head}, not {block_number}, after {LAG_SECONDS} s; run this again, or "
                    "take it out of [chain] rpc_urls"
                )
            time.sleep(_POLL_SECONDS)

    def read(self, contract: str, address: Address, name: str, *arguments: object) -> Any:
        """Return what a view of one of our contracts answers: one value, or a tuple of several.

        Raises
        ------
        DataError
            It reverts, or no such contract stands there.

        """
        return self.ask(load_abi(contract).function(name), address, *arguments)

    def ask(self, function: Function, address: Address, *arguments: object) -> Any:
        """As `read`, for any function."""
        data = function.encode(*arguments)
        try:
            answer = self.client.request("eth_call", {"to": address, "data": data}, _LATEST)
            outputs = tuple(
                checksummed(kind, value) for kind, value in zip(function.outputs, function.decode(answer), strict=True)
            )
        except RevertedError as reverted:
            raise DataError(f"{address} refuses {function.name}: {decode_revert(reverted.data)}") from None
        except DecodingError:
            raise DataError(f"{address} does not answer {function.name} as expected; check the address") from None
        return outputs[0] if len(outputs) == 1 else outputs


def checksummed(kind: str, value: Any) -> Any:
    """Return a decoded value with the addresses in it checksummed."""
    if kind == "address":
        return Address(to_checksum_address(value))
    if kind == "address[]":
        return tuple(Address(to_checksum_address(one)) for one in value)
    return value
