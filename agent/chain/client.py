"""The chain behind one or several servers: reads at one block hash, agreed by a quorum, and raw transactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, TypeVar

from eth_abi.exceptions import DecodingError

from agent.chain.abi import Call, Log
from agent.chain.block_id import BlockId
from agent.chain.config import ChainSettings
from agent.chain.reverts import decode_revert
from agent.chain.transport import Answer, Request, RevertedError, RpcRefusedError, Server
from agent.domain import BlockRef
from agent.errors import DataError, FatalError, RejectedError, TransientError
from agent.units import Address, BlockHash, Seconds, Wei

T = TypeVar("T")

LOG_RANGE_BLOCKS = 5_000
"""Blocks asked of ``eth_getLogs`` at once; public servers refuse more than 10,000."""


class SendOutcome(Enum):
    """What a server said to a raw transaction."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    """It has these very bytes already."""
    NONCE_USED = "nonce used"
    """A transaction with this nonce is mined: maybe this one."""
    UNDERPRICED = "underpriced"
    """Another transaction with this nonce waits and pays about as much or more."""


_SEND_OUTCOMES: tuple[tuple[str, SendOutcome], ...] = (
    ("already known", SendOutcome.KNOWN),
    ("already imported", SendOutcome.KNOWN),
    ("alreadyknown", SendOutcome.KNOWN),
    ("nonce too low", SendOutcome.NONCE_USED),
    ("underpriced", SendOutcome.UNDERPRICED),
)
"""Words of go-ethereum, Nethermind, Erigon and Anvil, lower-case."""


class ChainClient:
    """Typed access to one chain. Not for use by several threads at once."""

    def __init__(self, settings: ChainSettings) -> None:
        self._expected_chain_id = settings.chain_id
        self._quorum = settings.rpc_quorum
        self._max_head_age_seconds = settings.max_head_age_seconds
        self._servers = [Server(url, settings.rpc_timeout_seconds) for url in settings.rpc_urls]

    def close(self) -> None:
        """Close all connections."""
        for server in self._servers:
            server.close()

    # --- which chain ----------------------------------------------------------------------------------------------

    def require_chain(self) -> None:
        """Check that every server that answers is on the configured chain.

        Raises
        ------
        DataError
            A server is on another chain.
        TransientError
            Fewer servers than the quorum answer.

        """
        for server, answer in self._agreeing(lambda server: server.request(Request("eth_chainId", ()))):
            actual = int(answer, 16)
            if actual != self._expected_chain_id:
                raise DataError(
                    f"[chain] chain_id is {self._expected_chain_id}, but {server.name} answers for chain {actual}; "
                    "correct chain_id or rpc_urls"
                )

    # --- blocks ---------------------------------------------------------------------------------------------------

    def head(self, now_unix: float) -> BlockRef:
        """Return the newest block that a quorum of servers has, one hash for all of them.

        Raises
        ------
        TransientError
            Too few servers answer, they disagree, or the head is too far from the wall clock.

        """
        heads = self._agreeing(
            lambda server: _block(server.request(Request("eth_getBlockByNumber", ("latest", False))))
        )
        newest_first = sorted((head for _, head in heads), key=lambda head: -head.number)
        block = newest_first[self._quorum - 1]
        if self._quorum > 1:
            block = self._agreed_block(block.number)
        age_seconds = abs(now_unix - block.timestamp)
        if age_seconds > self._max_head_age_seconds:
            raise TransientError(
                f"block {block.number} is {age_seconds:.0f} s from this machine's clock, more than "
                f"max_head_age_seconds {self._max_head_age_seconds}: a server lags, or the clock is wrong"
            )
        return block

    def block(self, number: int) -> BlockRef:
        """Return a block of the canonical chain by number; `TransientError` when there is none yet."""
        return _block(self.request("eth_getBlockByNumber", hex(number), False))

    def parent(self, block: BlockRef) -> BlockRef:
        """Return the block before ``block``."""
        parent_hash = self.request("eth_getBlockByHash", block.hash, False)["parentHash"]
        return _block(self.request("eth_getBlockByHash", parent_hash, False))

    def _agreed_block(self, number: int) -> BlockRef:
        request = Request("eth_getBlockByNumber", (hex(number), False))
        blocks = [block for _, block in self._agreeing(lambda server: _block(server.request(request)))]
        block, count = Counter(blocks).most_common(1)[0]
        if count < self._quorum:
            raise TransientError(f"servers disagree on block {number}: {sorted({block.hash for block in blocks})}")
        return block

    # --- reads ----------------------------------------------------------------------------------------------------

    def read(self, calls: Sequence[Call], block: BlockRef) -> list[tuple[Any, ...]]:
        """Return the decoded outputs of each call at one block hash (EIP-1898).

        Raises
        ------
        RejectedError
            A call reverted; decoded.
        TransientError
            The block is unknown, or the quorum does not agree.
        DataError
            A contract answered what its function cannot have returned.

        """
        outputs: list[tuple[Any, ...]] = []
        for call, answer in zip(calls, self._answers(calls, block), strict=True):
            if isinstance(answer.failure, RevertedError):
                raise decode_revert(answer.failure.data)
            output = _decoded_or_none(call, answer)
            if output is None:
                raise DataError(
                    f"{call.to} answers {call.function.name} with {answer.unwrap()[:66]}, which is not what that "
                    "function returns: check the address in the manifest, or deploy anew"
                )
            outputs.append(output)
        return outputs

    def read_or_none(self, calls: Sequence[Call], block: BlockRef) -> list[tuple[Any, ...] | None]:
        """As `read`, with None for a call that reverted or answered what its function cannot have returned."""
        answers = zip(calls, self._answers(calls, block), strict=True)
        return [
            None if isinstance(answer.failure, RevertedError) else _decoded_or_none(call, answer)
            for call, answer in answers
        ]

    def outcomes(self, batch: Sequence[Request]) -> list[Answer]:
        """Return what each request of a batch meets, a result or a revert; any other failure is the whole batch's."""
        return self._first(lambda server: _settled(server.batch(batch)))

    def simulate(self, sender: Address, call: Call, gas_limit: int, block: BlockRef) -> RejectedError | None:
        """Execute ``call`` as ``sender`` on top of ``block`` without sending; return the decoded rejection, if any."""
        transaction = {"from": sender, "to": call.to, "data": call.data, "gas": hex(gas_limit)}
        try:
            self.request("eth_call", transaction, _at(block))
        except RevertedError as reverted:
            return decode_revert(reverted.data)
        return None

    def logs(
        self, addresses: Sequence[Address], topics: Sequence[str], first: int, last: BlockId, anchor: BlockId | None
    ) -> list[Log] | None:
        """Return the logs of ``addresses`` with one of ``topics`` from block number ``first`` to ``last``, in order.

        None when ``anchor``, a block seen earlier, is not on the chain any more.

        Raises
        ------
        TransientError
            ``last`` left the chain meanwhile.

        """
        found: list[Log] = []
        marks = [last] if anchor is None else [last, anchor]
        for start in range(first, last.number + 1, LOG_RANGE_BLOCKS):
            end = min(start + LOG_RANGE_BLOCKS - 1, last.number)
            query = {"fromBlock": hex(start), "toBlock": hex(end), "address": list(addresses), "topics": [list(topics)]}
            entries, *blocks = self._batch_of(
                [Request("eth_getLogs", (query,)), *(_by_number(mark.number) for mark in marks)]
            )
            on_chain = [
                block is not None and block["hash"] == mark.hash for block, mark in zip(blocks, marks, strict=True)
            ]
            if not on_chain[0]:
                raise TransientError(f"block {last.number} was replaced while its logs were read")
            if not all(on_chain):
                return None
            found += [Log.from_rpc(entry) for entry in entries]
        return sorted(found, key=lambda log: (log.block_number, log.log_index))

    def canonical_hashes(self, numbers: Sequence[int]) -> list[BlockHash | None]:
        """Return the hash of each block number, None beyond the head."""
        results = self._batch_of([_by_number(number) for number in numbers])
        return [None if result is None else BlockHash(result["hash"]) for result in results]

    def _answers(self, calls: Sequence[Call], block: BlockRef) -> list[Answer]:
        tag = _at(block)
        batch = [Request("eth_call", ({"to": call.to, "data": call.data}, tag)) for call in calls]
        if self._quorum == 1:
            return self._first(lambda server: _settled(server.batch(batch)))
        given = self._agreeing(lambda server: _settled(server.batch(batch)))
        fingerprints = Counter(_fingerprint(answers) for _, answers in given)
        fingerprint, count = fingerprints.most_common(1)[0]
        if count < self._quorum:
            names = ", ".join(server.name for server, _ in given)
            raise TransientError(f"servers disagree on the state at block {block.number}: {names}")
        return next(answers for _, answers in given if _fingerprint(answers) == fingerprint)

    # --- transactions ---------------------------------------------------------------------------------------------

    def account(self, address: Address) -> tuple[int, int, Wei]:
        """Return an account's mined nonce, its nonce with waiting transactions, and its balance."""
        mined, waiting, balance = self._batch_of(
            [
                Request("eth_getTransactionCount", (address, "latest")),
                Request("eth_getTransactionCount", (address, "pending")),
                Request("eth_getBalance", (address, "latest")),
            ]
        )
        return int(mined, 16), int(waiting, 16), Wei(int(balance, 16))

    def nonce_at(self, address: Address, block: BlockRef) -> int:
        """Return how many transactions of an account are mined up to ``block``."""
        return int(self.request("eth_getTransactionCount", address, _at(block)), 16)

    def balance_at(self, address: Address, block: BlockRef) -> Wei:
        """Return what an account holds of the gas token at ``block``."""
        return Wei(int(self.request("eth_getBalance", address, _at(block)), 16))

    def estimate_gas(self, sender: Address, call: Call) -> int:
        """Return the gas a transaction needs at the head; raises the decoded rejection when it would revert."""
        try:
            return int(self.request("eth_estimateGas", {"from": sender, "to": call.to, "data": call.data}), 16)
        except RevertedError as reverted:
            raise decode_revert(reverted.data) from None

    def send_raw(self, raw: str) -> SendOutcome:
        """Hand a signed transaction to the first server that takes it; sending the same bytes again is harmless.

        Raises
        ------
        TransientError
            No server answered: it may or may not have been sent.
        FatalError
            A server refuses it for a reason that needs a person, such as a sender without gas money.

        """
        try:
            self.request("eth_sendRawTransaction", raw)
        except RpcRefusedError as refusal:
            for words, outcome in _SEND_OUTCOMES:
                if words in refusal.message.lower():
                    return outcome
            raise
        except RevertedError as reverted:
            raise FatalError(f"eth_sendRawTransaction: {reverted}") from None
        return SendOutcome.ACCEPTED

    def receipts(self, hashes: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the receipt of each transaction, None where it is not mined."""
        return self._batch_of([Request("eth_getTransactionReceipt", (hash_,)) for hash_ in hashes])

    # --- servers --------------------------------------------------------------------------------------------------

    def request(self, method: str, *params: Any) -> Any:
        """Return the result of one request from the first server that answers."""
        return self._first(lambda server: server.request(Request(method, params)))

    def _batch_of(self, batch: Sequence[Request]) -> list[Any]:
        return self._first(lambda server: [answer.unwrap() for answer in server.batch(batch)])

    def _first(self, ask: Callable[[Server], T]) -> T:
        """Ask one server after the other; one that failed is asked last the next time."""
        failures: list[str] = []
        for server in list(self._servers):
            try:
                return ask(server)
            except TransientError as failure:
                failures.append(str(failure))
                self._servers.remove(server)
                self._servers.append(server)
        raise TransientError("; ".join(failures))

    def _agreeing(self, ask: Callable[[Server], T]) -> list[tuple[Server, T]]:
        """Ask every server, or the first that answers where one is enough; at least a quorum must answer."""
        if self._quorum == 1:
            return [self._first(lambda server: (server, ask(server)))]
        answers: list[tuple[Server, T]] = []
        failures: list[str] = []
        for server in self._servers:
            try:
                answers.append((server, ask(server)))
            except TransientError as failure:
                failures.append(str(failure))
        if len(answers) < self._quorum:
            raise TransientError(f"{len(answers)} of {self._quorum} servers answer: {'; '.join(failures)}")
        return answers


def _decoded_or_none(call: Call, answer: Answer) -> tuple[Any, ...] | None:
    data = answer.unwrap()
    try:
        return call.function.decode(data)
    except DecodingError:
        return None


def _at(block: BlockRef) -> dict[str, object]:
    return {"blockHash": block.hash, "requireCanonical": True}


def _by_number(number: int) -> Request:
    return Request("eth_getBlockByNumber", (hex(number), False))


def _block(entry: Any) -> BlockRef:
    if entry is None:
        raise TransientError("the server does not have the block yet")
    return BlockRef(
        number=int(entry["number"], 16),
        hash=BlockHash(entry["hash"]),
        timestamp=Seconds(int(entry["timestamp"], 16)),
        base_fee_wei=Wei(int(entry.get("baseFeePerGas") or "0x0", 16)),
        parent_hash=BlockHash(entry["parentHash"]),
    )


def _settled(answers: list[Answer]) -> list[Answer]:
    """Let through results and reverts alone: any other failure is the whole batch's."""
    for answer in answers:
        if answer.failure is not None and not isinstance(answer.failure, RevertedError):
            raise answer.failure
    return answers


def _fingerprint(answers: Sequence[Answer]) -> tuple[object, ...]:
    return tuple(
        ("reverted", answer.failure.data) if isinstance(answer.failure, RevertedError) else answer.result
        for answer in answers
    )
