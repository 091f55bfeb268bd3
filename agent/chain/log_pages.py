"""Reads logs page by page, in ranges as long as the servers allow, so that nothing read is read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.chain import shapes
from agent.chain.abi import Log
from agent.chain.block_id import BlockId
from agent.chain.breaker import BreakerState
from agent.chain.endpoint import Endpoint
from agent.chain.failures import BatchRefusedError, RangeRefusedError, ServerError, StateMissingError, TimedOutError
from agent.chain.node_errors import LOGS_METHOD
from agent.chain.pool import EndpointPool, Reply
from agent.chain.transport import Request
from agent.errors import TransientError
from agent.units import Address, BlockHash

QUICK_RANGE_BLOCKS = 64
"""So few are searched in no time: a server that is silent for them is silent for another reason than their number."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Logs of ``addresses`` with one of ``topics``."""

    addresses: tuple[Address, ...]
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LogPage:
    """The logs of a range of blocks, in order, up to and including the block ``to``."""

    to: BlockId
    logs: tuple[Log, ...]


class AnchorReplacedError(TransientError):
    """The block that was seen before the range is not on the chain any more: go back to one that is."""


@dataclass(frozen=True, slots=True)
class _Range:
    """One page to be asked for."""

    query: LogQuery
    start: int
    end: int
    last: BlockId
    anchor: BlockId | None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one server shows of a range; servers that show the same agree."""

    end: BlockId
    last_hash: BlockHash
    anchor_hash: BlockHash | None
    logs: tuple[Log, ...]


class LogReader:
    """Reads logs from a pool of servers, of which ``quorum`` must agree."""

    def __init__(self, pool: EndpointPool, quorum: int) -> None:
        self._pool = pool
        self._quorum = quorum

    def pages(self, query: LogQuery, first: int, last: BlockId, anchor: BlockId | None) -> Iterator[LogPage]:
        """Yield the logs from block number ``first`` to ``last``, the last page ending there.

        ``anchor`` is the block before ``first`` as it was seen earlier; each page is the anchor of the next.

        Raises
        ------
        AnchorReplacedError
            The anchor is not on the chain any more.
        TransientError
            The servers do not answer, or ``last`` left the chain meanwhile. Pages already yielded stand.

        """
        start = first
        while start <= last.number:
            page = self._page(query, start, last, anchor)
            yield page
            start, anchor = page.to.number + 1, page.to

    def _page(self, query: LogQuery, start: int, last: BlockId, anchor: BlockId | None) -> LogPage:
        """Read one page, a shorter one where the servers refuse the length.

        Those who take it may disagree, or fail: then those who refuse it are needed, and the page is what they take.
        """
        size = self._size()
        while True:
            end = min(start + size - 1, last.number)
            refusing: list[Endpoint] = []
            try:
                seen = self._agreed(_Range(query, start, end, last, anchor), refusing)
            except TransientError:
                size = self._shorter(end - start + 1, refusing)
                if size == 0:
                    raise
                continue
            if seen.last_hash != last.hash:
                raise TransientError(f"block {last.number} was replaced while its logs were read")
            if anchor is not None and seen.anchor_hash != anchor.hash:
                raise AnchorReplacedError(f"block {anchor.number} was replaced")
            return LogPage(seen.end, seen.logs)

    def _size(self) -> int:
        """Return the longest range that a quorum of the servers that answer takes."""
        endpoints = [one for one in self._pool.endpoints if one.state is not BreakerState.OPEN]
        if len(endpoints) < self._quorum:
            endpoints = list(self._pool.endpoints)
        return sorted((one.log_range.current for one in endpoints), reverse=True)[self._quorum - 1]

    def _shorter(self, blocks: int, refusing: Sequence[Endpoint]) -> int:
        """Return the longest range below ``blocks`` that a quorum or one of those who refused it takes; 0 for none."""
        if not refusing:
            return 0
        lengths = (self._size(), *(endpoint.log_range.current for endpoint in refusing))
        return max((length for length in lengths if length < blocks), default=0)

    def _agreed(self, range_: _Range, refusing: list[Endpoint]) -> _Seen:
        def ask(endpoint: Endpoint) -> _Seen:
            try:
                return _ask(endpoint, range_)
            except RangeRefusedError:
                refusing.append(endpoint)
                raise

        if self._quorum == 1:
            return self._pool.first(ask)
        return self._pool.gather(ask, self._quorum, self._most)

    def _most(self, replies: Sequence[Reply[_Seen]]) -> _Seen | None:
        shown = [reply.value for reply in replies if reply.value is not None]
        best = max(shown, key=shown.count)
        return best if shown.count(best) >= self._quorum else None


def _ask(endpoint: Endpoint, range_: _Range) -> _Seen:
    """Ask one server for a range, and keep its limits in mind."""
    blocks, limit = range_.end - range_.start + 1, endpoint.log_range
    if blocks > limit.current:
        raise RangeRefusedError(f"{endpoint.name} takes {limit.current} blocks at once, not {blocks}")
    try:
        seen = _exchange(endpoint, range_)
    except RangeRefusedError as refusal:
        limit.refused(blocks, refusal.suggested_blocks)
        raise
    except BatchRefusedError as refusal:
        limit.refused(blocks)
        raise RangeRefusedError(str(refusal)) from None
    except TimedOutError:
        if blocks > QUICK_RANGE_BLOCKS:
            limit.refused(blocks)
        raise
    limit.passed(blocks)
    return seen


def _exchange(endpoint: Endpoint, range_: _Range) -> _Seen:
    """Read the logs with the last block of the range before and after them, and the blocks that must be there."""
    start, end, last, anchor = range_.start, range_.end, range_.last, range_.anchor
    filter_ = {
        "fromBlock": hex(start),
        "toBlock": hex(end),
        "address": list(range_.query.addresses),
        "topics": [list(range_.query.topics)],
    }
    marks = [last.number] if anchor is None else [last.number, anchor.number]
    requests = [_by_number(end), Request(LOGS_METHOD, (filter_,)), _by_number(end), *map(_by_number, marks)]
    answers = [answer.unwrap() for answer in endpoint.batch(requests)]
    entries = answers.pop(1)
    blocks = [block for block in map(shapes.block_or_none, answers) if block is not None]
    if len(blocks) < len(answers):
        raise StateMissingError(f"{endpoint.name} does not have block {last.number} yet")
    hashes = [block.hash for block in blocks]
    if hashes[0] != hashes[1]:
        raise ServerError(f"{endpoint.name} replaced block {end} while its logs were read")
    logs = shapes.logs(entries)
    emitters, topics = {one.lower() for one in range_.query.addresses}, {one.lower() for one in range_.query.topics}
    for log in logs:
        if not start <= log.block_number <= end or (log.block_number == end and log.block_hash != hashes[0]):
            raise ServerError(f"{endpoint.name} answers blocks {start} to {end} with a log of block {log.block_number}")
        if log.emitter.lower() not in emitters or not topics.intersection(log.topics[:1]):
            raise ServerError(f"{endpoint.name} answers with a log of {log.emitter} that it was not asked for")
    placed = _in_order(logs, endpoint.name)
    return _Seen(BlockId(end, hashes[0]), hashes[2], None if anchor is None else hashes[3], placed)


def _in_order(logs: Sequence[Log], server: str) -> tuple[Log, ...]:
    """Return logs in the order of the chain, each once: one that a server repeats happened once all the same."""
    placed = {(log.block_number, log.log_index): log for log in logs}
    for log in logs:
        if placed[log.block_number, log.log_index] != log:
            raise ServerError(f"{server} answers with two logs of one place, block {log.block_number}")
    return tuple(placed[place] for place in sorted(placed))


def _by_number(number: int) -> Request:
    return Request("eth_getBlockByNumber", (hex(number), False))
