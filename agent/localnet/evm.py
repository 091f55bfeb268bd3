"""The local chain as its actors use it: view calls, and blocks whose content and time are chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from agent.errors import FatalError
from agent.localnet.codec import decode, encode_call, revert_reason
from agent.localnet.rpc import JsonRpc, RpcError
from agent.units import WEI_PER_GWEI, Address, BlockHash, Seconds, Wei

ACCOUNT_ROLES = (
    "deployer",
    "guardian",
    "keeper",
    "depositor",
    "publisher",
    "arbitrageur",
    "liquidity_maker",
    "funding_poker",
    "attacker",
    "spare",
    "governor",
)
"""What each of Anvil's accounts is used for, by index. The deployer has no power over the vault it has handed over."""

MAX_FEE_PER_GAS_WEI = Wei(100_000 * WEI_PER_GWEI)
"""Actors of the market always get in, whatever the base fee is set to."""
DEFAULT_TIP_WEI = Wei(WEI_PER_GWEI)
TRADER_TIP_WEI = Wei(2 * WEI_PER_GWEI)
PUBLISHER_TIP_WEI = Wei(3 * WEI_PER_GWEI)
MINTER_TIP_WEI = Wei(4 * WEI_PER_GWEI)
"""Within a block the higher tip goes first: dollars and prices before trades, trades before all else."""
_BLOCK_SPACING_SECONDS = 1
_MAX_BLOCKS_PER_BATCH = 64


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction from an account that the node holds the key of.

    ``label`` says in an error what failed; a higher ``tip_wei`` goes first within a block; ``nonce`` None lets the node
    choose; a revert with one of ``accepted_reverts`` is an answer, not a defect.
    """

    label: str
    sender: Address
    to: Address | None
    data: str
    gas: int
    tip_wei: Wei = DEFAULT_TIP_WEI
    nonce: int | None = None
    accepted_reverts: tuple[str, ...] = ()
    value_wei: Wei = Wei(0)  # noqa: RUF009 - a plain integer

    def parameters(self) -> dict[str, str]:
        """Form that ``eth_sendTransaction`` takes."""
        fields = {
            "from": self.sender,
            "data": self.data,
            "gas": hex(self.gas),
            "maxFeePerGas": hex(MAX_FEE_PER_GAS_WEI),
            "maxPriorityFeePerGas": hex(self.tip_wei),
        }
        if self.to is not None:
            fields["to"] = self.to
        if self.value_wei:
            fields["value"] = hex(self.value_wei)
        if self.nonce is not None:
            fields["nonce"] = hex(self.nonce)
        return fields


@dataclass(frozen=True, slots=True)
class BlockHead:
    """The head of the chain."""

    number: int
    hash: BlockHash
    timestamp: Seconds
    base_fee_wei: Wei
    state_root: str


@dataclass(frozen=True, slots=True)
class MinedTransaction:
    """What became of one transaction."""

    label: str
    succeeded: bool
    gas_used: int


class LocalChain:
    """One Anvil node under our control."""

    def __init__(self, rpc: JsonRpc) -> None:
        self.rpc = rpc
        self._mines_by_itself = True

    @contextmanager
    def by_hand(self) -> Iterator[None]:
        """Have nothing mined inside but by `mine`: several blocks follow one another with nobody's between them."""
        if not self._mines_by_itself:
            yield
            return
        self.rpc.request("evm_setAutomine", False)
        self._mines_by_itself = False
        try:
            yield
        finally:
            self._mines_by_itself = True
            self.rpc.request("evm_setAutomine", True)

    def use_deterministic_time(self) -> None:
        """Give every block that nobody dates the time of its parent plus one second, instead of the wall clock's."""
        self.rpc.request("anvil_setBlockTimestampInterval", _BLOCK_SPACING_SECONDS)

    def head(self) -> BlockHead:
        """Latest block."""
        block = self.rpc.request("eth_getBlockByNumber", "latest", False)
        return BlockHead(
            number=int(block["number"], 16),
            hash=BlockHash(block["hash"]),
            timestamp=Seconds(int(block["timestamp"], 16)),
            base_fee_wei=Wei(int(block["baseFeePerGas"], 16)),
            state_root=block["stateRoot"],
        )

    def accounts(self) -> dict[str, Address]:
        """Anvil's accounts by role."""
        found = self.rpc.request("eth_accounts")
        return {role: Address(to_checksum_address(account)) for role, account in zip(ACCOUNT_ROLES, found, strict=True)}

    def nonce(self, account: Address) -> int:
        """Return the number of the next transaction of ``account``."""
        return int(self.rpc.request("eth_getTransactionCount", account, "latest"), 16)

    def call(self, to: Address, signature: str, *arguments: object, returns: str) -> tuple[Any, ...]:
        """Call a view function at the head; ``returns`` lists the types, such as ``(uint256,address)``."""
        request = {"to": to, "data": encode_call(signature, *arguments)}
        try:
            return decode(returns, self.rpc.request("eth_call", request, "latest"))
        except RpcError as error:
            raise FatalError(f"{signature} of {to} reverted: {revert_reason(error.data)}") from error

    def mine(
        self,
        transactions: Sequence[Transaction],
        timestamp: Seconds | None = None,
        base_fee_wei: Wei | None = None,
    ) -> list[MinedTransaction]:
        """Put ``transactions`` into the next block, dated ``timestamp``; into the next few where one is too small.

        Raises: `FatalError` that names the first transaction that reverted for a reason it must not, with that reason.
        """
        dated = [] if timestamp is None else [("evm_setNextBlockTimestamp", [int(timestamp)])]
        priced = [] if base_fee_wei is None else [("anvil_setNextBlockBaseFeePerGas", [hex(base_fee_wei)])]
        with self.by_hand():
            hashes = self._send(transactions)
            self.rpc.batch([*dated, *priced])
            return self._mine_all(dict(zip(hashes, transactions, strict=True)))

    def _send(self, transactions: Sequence[Transaction]) -> list[str]:
        if all(transaction.nonce is not None for transaction in transactions):
            sends = [("eth_sendTransaction", [transaction.parameters()]) for transaction in transactions]
            return [str(found) for found in self.rpc.batch(sends)]
        return [str(self.rpc.request("eth_sendTransaction", one.parameters())) for one in transactions]

    def _mine_all(self, sent: dict[str, Transaction]) -> list[MinedTransaction]:
        waiting = dict(sent)
        done: dict[str, MinedTransaction] = {}
        for _ in range(_MAX_BLOCKS_PER_BATCH):
            self.rpc.request("evm_mine")
            for found in self.rpc.request("eth_getBlockReceipts", "latest"):
                transaction = waiting.pop(found["transactionHash"], None)
                if transaction is None:
                    continue
                succeeded = int(found["status"], 16) == 1
                if not succeeded:
                    self._require_accepted(transaction, found["transactionHash"])
                gas_used = int(found["gasUsed"], 16)
                done[found["transactionHash"]] = MinedTransaction(transaction.label, succeeded, gas_used)
            if not waiting:
                return [done[key] for key in sent]
        raise FatalError(f"{next(iter(waiting.values())).label} was not mined within {_MAX_BLOCKS_PER_BATCH} blocks")

    def _require_accepted(self, transaction: Transaction, transaction_hash: str) -> None:
        trace = self.rpc.request("debug_traceTransaction", transaction_hash, {"tracer": "callTracer"})
        reason = revert_reason(trace["output"]) if trace.get("output") else str(trace.get("error"))
        if reason not in transaction.accepted_reverts:
            raise FatalError(f"{transaction.label} reverted: {reason}")
