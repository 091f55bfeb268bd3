"""The chain behind one or several servers: what a quorum of them agrees on, and raw transactions for all of them.

What must be agreed: chain, heads, blocks, logs, receipts, state, simulations and mined nonces. Where honest servers
differ a quorum's answers are weighed: waiting transactions count as far as a quorum knows them, the middle one of gas
estimates stands, and anyone may tell the market for fees.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

from eth_abi.exceptions import DecodingError

from agent.chain import shapes
from agent.chain.abi import Call, Log
from agent.chain.agreement import agreed_batch, confirmed, contradicting, middle_estimate, plain_key, receipt_key
from agent.chain.ahead import Ahead
from agent.chain.block_id import BlockId
from agent.chain.breaker import EndpointHealth
from agent.chain.config import ChainSettings
from agent.chain.endpoint import Endpoint
from agent.chain.failures import RevertedError, RpcRefusedError, ServerError
from agent.chain.head_memory import HeadMemory
from agent.chain.log_pages import AnchorReplacedError, LogQuery, LogReader
from agent.chain.pool import HEDGE_SHARE, EndpointPool, Reply, values_of
from agent.chain.reverts import decode_revert
from agent.chain.send_outcomes import SendOutcome
from agent.chain.sending import combined, is_taken
from agent.chain.transport import SEND_METHOD, Answer, Request, Server
from agent.domain import BlockRef
from agent.errors import DataError, RejectedError, TransientError
from agent.units import Address, BlockHash, Wei

T = TypeVar("T")

NONCE_METHOD = "eth_getTransactionCount"
TIP_BLOCKS = 10
"""Looked through for what others pay for a place."""


class ChainClient:
    """Typed access to one chain. Heads are asked for by one thread; all else may be read by several at once."""

    def __init__(self, settings: ChainSettings) -> None:
        self._expected_chain_id = settings.chain_id
        self._quorum = settings.rpc_quorum
        self._state_quorum = settings.state_quorum
        self._max_head_age_seconds = settings.max_head_age_seconds
        timeout = settings.rpc_timeout_seconds
        self._linger_seconds = HEDGE_SHARE * timeout
        endpoints = [Endpoint(Server(url), settings.chain_id, timeout) for url in settings.rpc_urls]
        self._pool = EndpointPool(endpoints, timeout)
        self._heads = HeadMemory()
        self.log_reader = LogReader(self._pool, self._quorum)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Let no read inside go on after ``seconds`` from now; transactions are handed over all the same."""
        return self._pool.within(seconds)

    def health(self) -> tuple[EndpointHealth, ...]:
        """Return what each server has done so far, in the order of the configuration."""
        return self._pool.health()

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
        replies = self._pool.every(lambda endpoint: endpoint.chain_id())
        answered = [(reply.endpoint.name, reply.value) for reply in replies if reply.value is not None]
        for name, actual in answered:
            if actual != self._expected_chain_id:
                raise DataError(
                    f"[chain] chain_id is {self._expected_chain_id}, but {name} answers for chain {actual}; "
                    "correct chain_id or rpc_urls"
                )
        if len(answered) < self._quorum:
            failures = "; ".join(str(reply.failure) for reply in replies if reply.failure is not None)
            raise TransientError(f"{len(answered)} of {self._quorum} servers answer: {failures}")

    # --- blocks ---------------------------------------------------------------------------------------------------

    def head(self, now_unix: float) -> BlockRef:
        """Return the newest block that a quorum of servers has, one hash for all of them; never one older than before.

        Raises
        ------
        TransientError
            Too few servers answer, they disagree, the head is too far from the wall clock, or it went back.

        """
        block = self._pool.first(self._latest) if self._quorum == 1 else self._shared_head(now_unix)
        if self._is_astray(block, now_unix):
            raise TransientError(
                f"block {block.number} is {abs(now_unix - block.timestamp):.0f} s from this machine's clock, more than "
                f"max_head_age_seconds {self._max_head_age_seconds}: a server lags, or the clock is wrong"
            )
        self._heads.accept(block, now_unix)
        return block

    def block(self, number: int) -> BlockRef:
        """Return a block of the canonical chain by number; `TransientError` when there is none yet."""
        [block] = self._blocks([number], f"block {number}")
        return shapes.block(None) if block is None else block

    def parent(self, block: BlockRef) -> BlockRef:
        """Return the block before ``block``; `TransientError` where no server has it."""
        return self._by_hash(block.parent_hash or self._by_hash(block.hash).parent_hash or block.hash)

    def canonical_hashes(self, numbers: Sequence[int]) -> list[BlockHash | None]:
        """Return the hash of each block number, None beyond the head."""
        return [None if block is None else block.hash for block in self._blocks(numbers)]

    def _latest(self, endpoint: Endpoint) -> BlockRef:
        block = shapes.block(endpoint.request(Request("eth_getBlockByNumber", ("latest", False))))
        endpoint.lag_blocks = max(self._heads.newest - block.number, 0)
        return block

    def _shared_head(self, now_unix: float) -> BlockRef:
        """Return the newest block that a quorum has reached.

        Where that is no head to act on, the others may be ahead of those who have answered so far: they are asked too,
        also those that rest after a fault.
        """
        found: list[tuple[BlockRef, bool]] = []

        def enough(replies: list[Reply[BlockRef]]) -> tuple[BlockRef, bool] | None:
            heads = sorted(values_of(replies), key=lambda head: -head.number)
            if len(heads) < self._quorum:
                return None
            newest = heads[self._quorum - 1]
            found.append((newest, heads.count(newest) >= self._quorum))
            is_behind = newest.number < self._heads.newest or self._is_astray(newest, now_unix)
            return None if is_behind and len(heads) < len(self._pool) else found[-1]

        try:
            block, is_agreed = self._pool.gather(self._latest, self._quorum, enough)
        except TransientError:
            if not found:
                raise
            block, is_agreed = found[-1]
        return block if is_agreed else self.block(block.number)

    def _is_astray(self, block: BlockRef, now_unix: float) -> bool:
        return abs(now_unix - block.timestamp) > self._max_head_age_seconds

    def _by_hash(self, block_hash: BlockHash) -> BlockRef:
        def ask(endpoint: Endpoint) -> BlockRef:
            block = shapes.block(endpoint.request(Request("eth_getBlockByHash", (block_hash, False))))
            if block.hash != block_hash.lower():
                raise ServerError(f"{endpoint.name} answers block {block_hash} with {block.hash}")
            return block

        return self._pool.first(ask)

    def _blocks(self, numbers: Sequence[int], what: str = "blocks") -> list[BlockRef | None]:
        requests = [Request("eth_getBlockByNumber", (hex(number), False)) for number in numbers]

        def ask(endpoint: Endpoint) -> list[Answer]:
            blocks = [shapes.block_or_none(answer.unwrap()) for answer in endpoint.batch(requests)]
            if any(block is not None and block.number != number for block, number in zip(blocks, numbers, strict=True)):
                raise ServerError(f"{endpoint.name} answers other blocks than it was asked for")
            return [Answer(block, None) for block in blocks]

        return [answer.result for answer in self._agreed(ask, self._quorum, what, lambda block: block)]

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
            A contract answered what its function cannot have returned, and so again.

        """
        try:
            return _outputs(calls, self._call_all(calls, block))
        except DataError:  # of a wrong address, or of a server that had the block and not yet its state
            return _outputs(calls, self._call_all(calls, block))

    def read_or_none(self, calls: Sequence[Call], block: BlockRef) -> list[tuple[Any, ...] | None]:
        """As `read`, with None for a call that reverted or answered what its function cannot have returned."""
        answers = zip(calls, self._call_all(calls, block), strict=True)
        return [
            None if isinstance(answer.failure, RevertedError) else _decoded_or_none(call, answer)
            for call, answer in answers
        ]

    def outcomes(self, batch: Sequence[Request]) -> list[Answer]:
        """Return what each request of a batch meets, a result or a revert; any other failure is the whole batch's."""
        return self._pool.first(lambda endpoint: _settled(endpoint.batch(batch)))

    def simulate(
        self, sender: Address, call: Call, gas_limit: int, block: BlockRef, gas_price_wei: Wei | None = None
    ) -> RejectedError | None:
        """Execute ``call`` as ``sender`` on top of ``block`` without sending; return the decoded rejection, if any.

        Without a gas price the call sees one of 0. With one the sender is lent the money for the gas, by the state
        override of go-ethereum's ``eth_call``: what is asked is how the call would end. A server that refuses to lend
        is asked what becomes of the sender's own money.
        """
        transaction = {**_transaction(sender, call), "gas": hex(gas_limit)}
        if gas_price_wei is None:
            [answer] = self._at(block, [Request("eth_call", (transaction, _tag(block)))])
        else:
            [answer] = self._priced(sender, [call], gas_limit, block, gas_price_wei)
        if isinstance(answer.failure, RevertedError):
            return decode_revert(answer.failure.data, answer.failure.message)
        return None

    def read_priced(
        self, sender: Address, calls: Sequence[Call], gas_limit: int, block: BlockRef, gas_price_wei: Wei
    ) -> list[tuple[Any, ...]]:
        """As `read`, of views whose answer depends on the price of gas; the sender is lent money as in `simulate`."""
        return _outputs(calls, self._priced(sender, calls, gas_limit, block, gas_price_wei))

    def logs(
        self, addresses: Sequence[Address], topics: Sequence[str], first: int, last: BlockId, anchor: BlockId | None
    ) -> list[Log] | None:
        """Return the logs of ``addresses`` with one of ``topics`` from block number ``first`` to ``last``, in order.

        None when ``anchor``, a block seen earlier, is not on the chain any more. A long range is better read from
        ``log_reader``, page by page, by who can keep what is read.

        Raises
        ------
        TransientError
            ``last`` left the chain meanwhile, or the servers do not answer.

        """
        query = LogQuery(tuple(addresses), tuple(topics))
        try:
            return [log for page in self.log_reader.pages(query, first, last, anchor) for log in page.logs]
        except AnchorReplacedError:
            return None

    def _call_all(self, calls: Sequence[Call], block: BlockRef) -> list[Answer]:
        tag = _tag(block)
        return self._at(block, [Request("eth_call", ({"to": call.to, "data": call.data}, tag)) for call in calls])

    def _priced(
        self, sender: Address, calls: Sequence[Call], gas_limit: int, block: BlockRef, gas_price_wei: Wei
    ) -> list[Answer]:
        """Return what a quorum answers to calls that see a price of gas."""
        terms = {"gas": hex(gas_limit), "gasPrice": hex(gas_price_wei)}
        lent: list[Request] = []
        own: list[Request] = []
        for call in calls:
            priced = {**_transaction(sender, call), **terms}
            money = {sender: {"balance": hex(gas_limit * gas_price_wei + call.value_wei)}}
            lent.append(Request("eth_call", (priced, _tag(block), money)))
            own.append(Request("eth_call", (priced, _tag(block))))
        what = f"the state at block {block.number}"
        return self._agreed(partial(_lent_or_own, lent, own), self._state_quorum, what)

    def _at(self, block: BlockRef, batch: Sequence[Request]) -> list[Answer]:
        """Return what a quorum answers at one block."""
        return self._agreed(partial(_data_or_reverts, batch), self._state_quorum, f"the state at block {block.number}")

    # --- transactions ---------------------------------------------------------------------------------------------

    def account(self, address: Address, block: BlockRef) -> tuple[int, int, Wei]:
        """Return an account's mined nonce and balance at ``block``, and its nonce with waiting transactions between.

        The second is what a quorum of servers knows: the claim of a single one stops no hedge.
        """
        batch = [
            Request(NONCE_METHOD, (address, _tag(block))),
            Request("eth_getBalance", (address, _tag(block))),
        ]
        with Ahead(partial(self.waiting_nonce, address)) as waiting:
            mined, balance = (_whole(answer) for answer in self._at_block(block, batch))
        return mined, max(mined, waiting.result()), Wei(balance)

    def waiting_nonce(self, address: Address) -> int:
        """Return the nonce that follows an account's waiting transactions, as far as a quorum knows them."""
        request = Request(NONCE_METHOD, (address, "pending"))

        def ask(endpoint: Endpoint) -> int:
            return shapes.count(endpoint.request(request), NONCE_METHOD)

        if self._quorum == 1:
            return self._pool.first(ask)
        return self._pool.gather(ask, self._quorum, lambda replies: confirmed(values_of(replies), self._quorum))

    def nonce_at(self, address: Address, block: BlockRef) -> int:
        """Return how many transactions of an account are mined up to ``block``."""
        [answer] = self._at_block(block, [Request(NONCE_METHOD, (address, _tag(block)))])
        return _whole(answer)

    def balance_at(self, address: Address, block: BlockRef) -> Wei:
        """Return what an account holds of the gas token at ``block``."""
        [answer] = self._at_block(block, [Request("eth_getBalance", (address, _tag(block)))])
        return Wei(_whole(answer))

    def estimate_gas(self, sender: Address, call: Call) -> int:
        """Return the gas a transaction needs at the head; raises the decoded rejection when it would revert."""
        batch = [Request("eth_estimateGas", (_transaction(sender, call),))]

        def ask(endpoint: Endpoint) -> Answer:
            [answer] = _settled(endpoint.batch(batch))
            return answer if answer.failure is not None else Answer(shapes.gas(answer.result), None)

        answer = (
            self._pool.first(ask)
            if self._quorum == 1
            else self._pool.gather(ask, self._quorum, lambda replies: middle_estimate(values_of(replies), self._quorum))
        )
        if isinstance(answer.failure, RevertedError):
            raise decode_revert(answer.failure.data, answer.failure.message)
        return int(answer.result)

    def market_tip(self, percentile: float) -> Wei | None:
        """Return the median over the last blocks of a percentile of the tips paid, None where no server tells."""
        try:
            return self.told(shapes.median_reward, "eth_feeHistory", hex(TIP_BLOCKS), "latest", [percentile])
        except (TransientError, RpcRefusedError):
            return None

    def send_raw(self, raw: str) -> SendOutcome:
        """Hand a signed transaction to every server; sending the same bytes again is harmless.

        Raises
        ------
        TransientError
            No server took it, or none answered: it may or may not have been sent.
        FatalError
            Every server refuses it for a reason that needs a person, such as a sender without gas money.

        """
        request = Request(SEND_METHOD, (raw,))

        def ask(endpoint: Endpoint) -> SendOutcome:
            endpoint.request(request)
            return SendOutcome.ACCEPTED

        return combined(self._pool.every(ask, self._linger_seconds, is_taken), len(self._pool))

    def receipts(self, hashes: Sequence[str]) -> list[dict[str, Any] | None]:
        """Return the receipt of each transaction as a quorum shows it, None where it is not mined."""
        batch = [Request("eth_getTransactionReceipt", (hash_,)) for hash_ in hashes]

        def ask(endpoint: Endpoint) -> list[Answer]:
            told = [shapes.receipt(answer.unwrap()) for answer in endpoint.batch(batch)]
            for hash_, receipt in zip(hashes, told, strict=True):
                if receipt is not None and str(receipt["transactionHash"]).lower() != hash_.lower():
                    raise ServerError(f"{endpoint.name} answers receipt {hash_} with another transaction's")
            return [Answer(receipt, None) for receipt in told]

        return [answer.result for answer in self._agreed(ask, self._quorum, "a receipt", receipt_key)]

    # --- servers --------------------------------------------------------------------------------------------------

    def request(self, method: str, *params: Any) -> Any:
        """Return the result of one request from the first server that answers."""
        return self.told(lambda result: result, method, *params)

    def told(self, shape: Callable[[Any], T], method: str, *params: Any) -> T:
        """As `request`, in its shape: a result that has another is its server's fault, and another one is asked."""
        return self._pool.first(lambda endpoint: shape(endpoint.request(Request(method, params))))

    def _at_block(self, block: BlockRef, batch: Sequence[Request]) -> list[Answer]:
        """Return what a quorum says of accounts at one block."""

        def ask(endpoint: Endpoint) -> list[Answer]:
            told = zip(batch, endpoint.batch(batch), strict=True)
            return [Answer(_of_account(request, answer.unwrap()), None) for request, answer in told]

        return self._agreed(ask, self._quorum, f"the state at block {block.number}")

    def _agreed(
        self,
        ask: Callable[[Endpoint], list[Answer]],
        quorum: int,
        what: str,
        key: Callable[[Any], Hashable] = plain_key,
    ) -> list[Answer]:
        """Return the answers of a batch that a quorum gives to each request."""
        if quorum == 1:
            return self._pool.first(ask)

        def enough(replies: list[Reply[list[Answer]]]) -> list[Answer] | None:
            batches = values_of(replies)
            verdict = agreed_batch(batches, quorum, key)
            if verdict is not None:
                for index in contradicting(batches, key):
                    replies[index].endpoint.breaker.contradicted()
            return verdict

        return self._pool.gather(ask, quorum, enough, what)


def _data_or_reverts(batch: Sequence[Request], endpoint: Endpoint) -> list[Answer]:
    answers = _settled(endpoint.batch(batch))
    for answer in answers:
        if answer.failure is None:
            shapes.data(answer.result, "eth_call")
    return answers


def _lent_or_own(lent: Sequence[Request], own: Sequence[Request], endpoint: Endpoint) -> list[Answer]:
    try:
        return _data_or_reverts(lent, endpoint)
    except RpcRefusedError:
        return _data_or_reverts(own, endpoint)


def _outputs(calls: Sequence[Call], answers: Sequence[Answer]) -> list[tuple[Any, ...]]:
    """Return what calls answer; raises as `ChainClient.read` does."""
    outputs: list[tuple[Any, ...]] = []
    for call, answer in zip(calls, answers, strict=True):
        if isinstance(answer.failure, RevertedError):
            raise decode_revert(answer.failure.data, answer.failure.message)
        output = _decoded_or_none(call, answer)
        if output is None:
            raise DataError(
                f"{call.to} answers {call.function.name} with {answer.unwrap()[:66]}, which is not what that "
                "function returns: check the address in the manifest, or deploy anew"
            )
        outputs.append(output)
    return outputs


def _decoded_or_none(call: Call, answer: Answer) -> tuple[Any, ...] | None:
    data = answer.unwrap()
    try:
        return call.function.decode(data)
    except DecodingError:
        return None


def _transaction(sender: Address, call: Call) -> dict[str, str]:
    value = {"value": hex(call.value_wei)} if call.value_wei else {}
    return {"from": sender, "to": call.to, "data": call.data, **value}


def _tag(block: BlockRef) -> dict[str, object]:
    return {"blockHash": block.hash, "requireCanonical": True}


def _whole(answer: Answer) -> int:
    number = answer.unwrap()
    return number if isinstance(number, int) else shapes.quantity(number, "a number")


def _of_account(request: Request, told: Any) -> int:
    return (shapes.count if request.method == NONCE_METHOD else shapes.quantity)(told, request.method)


def _settled(answers: list[Answer]) -> list[Answer]:
    """Let through results and reverts alone: any other failure is the whole batch's."""
    for answer in answers:
        if answer.failure is not None and not isinstance(answer.failure, RevertedError):
            raise answer.failure
    return answers
