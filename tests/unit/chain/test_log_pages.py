"""Logs page by page: ranges follow what the servers take, and no page rests on a block that was replaced meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from agent.chain.block_id import BlockId
from agent.chain.endpoint import FIRST_LOG_RANGE_BLOCKS, Endpoint
from agent.chain.failures import BatchRefusedError, RangeRefusedError, RateLimitedError, TimedOutError
from agent.chain.limits import SUCCESSES_TO_GROW
from agent.chain.log_pages import QUICK_RANGE_BLOCKS, AnchorReplacedError, LogQuery, LogReader
from agent.chain.pool import EndpointPool
from agent.chain.transport import Answer, Request
from agent.errors import TransientError
from agent.units import Address, BlockHash

CONTRACT = Address("0x00000000000000000000000000000000000000A1")
TOPIC = "0x" + "aa" * 32
QUERY = LogQuery((CONTRACT,), (TOPIC,))


def hash_at(number: int, fork: int = 0) -> BlockHash:
    return BlockHash(f"0x{number:063x}{fork:x}")


class LogServer:
    """A server with a log in the first and last block of a range, that takes ranges of at most ``most`` blocks."""

    def __init__(self, most: int = 10**9, head: int = 10**9) -> None:
        self.name = "server"
        self.most = most
        self.head = head
        self.fork = 0
        self.ranges: list[tuple[int, int]] = []
        self.failures: dict[int, Exception] = {}
        self.odd_logs: list[dict[str, Any]] = []

    def request(self, request: Request, timeout_seconds: float) -> Any:
        return "0x1"

    def batch(self, batch: list[Request], timeout_seconds: float) -> list[Answer]:
        return [self._answer(request) for request in batch]

    def close(self) -> None:
        pass

    def _answer(self, request: Request) -> Answer:
        if request.method == "eth_getBlockByNumber":
            number = int(request.params[0], 16)
            return Answer(self._block(number) if number <= self.head else None, None)
        first, last = (int(request.params[0][name], 16) for name in ("fromBlock", "toBlock"))
        self.ranges.append((first, last))
        if failure := self.failures.pop(len(self.ranges), None):
            return Answer(None, failure)
        if last - first + 1 > self.most:
            return Answer(None, RangeRefusedError("too wide"))
        return Answer([self._log(number) for number in (last, first)] + self.odd_logs, None)

    def _block(self, number: int) -> dict[str, Any]:
        return {
            "number": hex(number),
            "hash": hash_at(number, self.fork),
            "parentHash": hash_at(number - 1, self.fork),
            "timestamp": "0x1",
            "baseFeePerGas": "0x7",
        }

    def _log(self, number: int) -> dict[str, Any]:
        return {
            "address": CONTRACT,
            "topics": [TOPIC],
            "data": "0x",
            "blockNumber": hex(number),
            "blockHash": hash_at(number, self.fork),
            "transactionHash": "0x" + "bb" * 32,
            "logIndex": "0x0",
        }


def reader_of(*servers: LogServer, quorum: int = 1) -> tuple[LogReader, EndpointPool]:
    pool = EndpointPool([Endpoint(server, 1, 5.0) for server in servers], 5.0)
    return LogReader(pool, quorum), pool


def target(number: int) -> BlockId:
    return BlockId(number, hash_at(number))


def covered(pages: list[Any], first: int) -> list[tuple[int, int]]:
    """Ranges of pages, which must follow one another without a gap."""
    ranges = []
    for page in pages:
        ranges.append((first, page.to.number))
        first = page.to.number + 1
    return ranges


@pytest.mark.parametrize("most", [1, 7, 500, 5_000, 10_000])
def test_pages__server_takes_so_many_blocks__all_are_read_in_order_and_none_twice(most):
    server = LogServer(most)
    reader, _ = reader_of(server)
    last = 30 * most
    pages = list(reader.pages(QUERY, 1, target(last), None))
    ranges = covered(pages, 1)
    assert ranges[-1][1] == last
    assert all(end - start < most for start, end in ranges)
    assert [log.block_number for page in pages for log in page.logs] == [
        number for start, end in ranges for number in sorted({start, end})
    ]


def test_pages__refused_once__limit_is_remembered_by_the_next_query():
    server = LogServer(100)
    reader, _ = reader_of(server)
    list(reader.pages(QUERY, 1, target(1_000), None))
    refused = sum(1 for start, end in server.ranges if end - start >= 100)
    assert refused == 4  # 1,000, 500, 250, 125
    server.ranges.clear()
    list(reader.pages(QUERY, 1, target(700), None))
    assert sum(1 for start, end in server.ranges if end - start >= 100) <= 1  # a trial whether more is taken now


def test_pages__request_too_large_for_http__is_asked_in_shorter_ranges():
    server = LogServer()
    server.failures = {1: BatchRefusedError("takes no request as large")}
    reader, pool = reader_of(server)
    assert len(list(reader.pages(QUERY, 1, target(FIRST_LOG_RANGE_BLOCKS), None))) == 2
    assert pool.endpoints[0].log_range.current == FIRST_LOG_RANGE_BLOCKS // 2


def test_pages__server_takes_more_again__ranges_grow():
    server = LogServer(10)
    reader, pool = reader_of(server)
    list(reader.pages(QUERY, 1, target(20), None))
    server.most = 10**9
    list(reader.pages(QUERY, 1, target(9 * SUCCESSES_TO_GROW * 8), None))
    assert pool.endpoints[0].log_range.current > 10


def test_pages__failure_in_the_middle__pages_before_it_stand():
    server = LogServer()
    server.failures[3] = RateLimitedError("slow down")
    reader, _ = reader_of(server)
    pages = reader.pages(QUERY, 1, target(20_000), None)
    assert [next(pages).to.number, next(pages).to.number] == [FIRST_LOG_RANGE_BLOCKS, 2 * FIRST_LOG_RANGE_BLOCKS]
    with pytest.raises(TransientError, match="slow down"):
        next(pages)


def test_pages__server_refuses_a_single_block__is_given_up():
    server = LogServer(0)
    reader, pool = reader_of(server)
    with pytest.raises(TransientError):
        list(reader.pages(QUERY, 1, target(4), None))
    assert pool.endpoints[0].log_range.current == 1
    assert server.ranges[-1] == (1, 1)


def test_pages__search_times_out__next_attempt_asks_for_half():
    server = LogServer()
    server.failures[1] = TimedOutError("late")
    reader, pool = reader_of(server)
    with pytest.raises(TransientError, match="late"):
        list(reader.pages(QUERY, 1, target(20_000), None))
    assert pool.endpoints[0].log_range.current == FIRST_LOG_RANGE_BLOCKS // 2
    assert server.ranges == [(1, FIRST_LOG_RANGE_BLOCKS)]


def test_pages__two_of_three_servers_take_a_range__the_third_does_not_shorten_it():
    servers = [LogServer(), LogServer(), LogServer(10)]
    reader, _ = reader_of(*servers, quorum=2)
    pages = list(reader.pages(QUERY, 1, target(10_000), None))
    assert covered(pages, 1) == [(1, 5_000), (5_001, 10_000)]


def test_pages__two_disagree_and_the_third_takes_less__pages_are_what_it_takes():
    honest, hiding, narrow = LogServer(), LogServer(), LogServer(10)
    hiding._log = lambda number: {**honest._log(number), "logIndex": "0x7"}
    reader, pool = reader_of(honest, hiding, narrow, quorum=2)
    pages = list(reader.pages(QUERY, 1, target(25), None))
    assert covered(pages, 1) == [(1, 6), (7, 12), (13, 18), (19, 24), (25, 25)]
    pool.endpoints[2].log_range.current = 10  # as learnt before, so that a longer range is not even tried
    assert covered(list(reader.pages(QUERY, 1, target(25), None)), 1) == [(1, 10), (11, 20), (21, 25)]


@pytest.mark.parametrize(("blocks", "limit"), [(QUICK_RANGE_BLOCKS, 5_000), (QUICK_RANGE_BLOCKS + 1, 32)])
def test_pages__silent_for_few_blocks__is_not_taken_for_a_range_too_long(blocks, limit):
    server = LogServer()
    server.failures[1] = TimedOutError("late")
    reader, pool = reader_of(server)
    with pytest.raises(TransientError, match="late"):
        list(reader.pages(QUERY, 1, target(blocks), None))
    assert pool.endpoints[0].log_range.current == limit


def test_pages__servers_disagree_on_the_logs__is_transient():
    honest, hiding = LogServer(), LogServer()
    hiding._log = lambda number: {**honest._log(number), "logIndex": "0x7"}
    reader, _ = reader_of(honest, hiding, quorum=2)
    with pytest.raises(TransientError, match="servers disagree"):
        list(reader.pages(QUERY, 1, target(10), None))


def test_pages__anchor_or_target_replaced__is_told_apart():
    server = LogServer()
    reader, _ = reader_of(server)
    with pytest.raises(AnchorReplacedError):
        list(reader.pages(QUERY, 5, target(9), BlockId(4, hash_at(4, fork=1))))
    with pytest.raises(TransientError, match="block 9 was replaced"):
        list(reader.pages(QUERY, 5, BlockId(9, hash_at(9, fork=1)), target(4)))


def test_pages__server_behind_the_target__is_not_believed_that_there_is_nothing():
    reader, _ = reader_of(LogServer(head=8))
    with pytest.raises(TransientError, match="does not have block 9 yet"):
        list(reader.pages(QUERY, 1, target(9), None))


@pytest.mark.parametrize("change", [{"blockNumber": "0x63"}, {"blockNumber": "0x9", "blockHash": hash_at(9, fork=1)}])
def test_pages__log_of_another_range_or_branch__is_the_servers_fault(change):
    server = LogServer()
    server.odd_logs = [{**server._log(9), **change}]
    reader, _ = reader_of(server)
    with pytest.raises(TransientError, match="with a log of block"):
        list(reader.pages(QUERY, 1, target(9), None))


def test_pages__log_told_twice__happened_once():
    server = LogServer()
    server.odd_logs = [server._log(9), {**server._log(9), "logIndex": "0x1"}, server._log(1)]
    reader, _ = reader_of(server)
    [page] = reader.pages(QUERY, 1, target(9), None)
    assert [(log.block_number, log.log_index) for log in page.logs] == [(1, 0), (9, 0), (9, 1)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": "0x01"}, "two logs of one place, block 9"),
        ({"logIndex": "0x1", "address": "0x" + "22" * 20}, "that it was not asked for"),
        ({"logIndex": "0x1", "topics": ["0x" + "cc" * 32]}, "that it was not asked for"),
        ({"logIndex": "0x1", "topics": []}, "that it was not asked for"),
    ],
)
def test_pages__log_nobody_asked_for__is_the_servers_fault(change, words):
    server = LogServer()
    server.odd_logs = [{**server._log(9), **change}]
    reader, _ = reader_of(server)
    with pytest.raises(TransientError, match=words):
        list(reader.pages(QUERY, 1, target(9), None))


def test_pages__last_block_of_a_page_replaced_while_it_is_read__is_not_recorded():
    server = LogServer()
    plain = server._answer

    def replaced_after_the_logs(request: Request) -> Answer:
        answer = plain(request)
        server.fork = 1 if request.method == "eth_getLogs" else server.fork
        return answer

    server._answer = replaced_after_the_logs
    server._log = lambda number: {**LogServer._log(server, number), "blockHash": hash_at(number)}
    reader, _ = reader_of(server)
    with pytest.raises(TransientError, match="replaced block 5000 while its logs were read"):
        list(reader.pages(QUERY, 1, target(20_000), None))


@pytest.mark.parametrize(("quorum", "length"), [(1, 400), (2, 200), (3, 100)])
def test_pages__servers_take_different_lengths__a_page_is_what_a_quorum_takes(quorum, length):
    servers = [LogServer() for _ in range(3)]
    reader, pool = reader_of(*servers, quorum=quorum)
    for endpoint, most in zip(pool.endpoints, (100, 400, 200), strict=True):
        endpoint.log_range.current = most
    pages = list(reader.pages(QUERY, 1, target(length), None))
    assert covered(pages, 1) == [(1, length)]


def test_pages__server_that_is_left_alone__does_not_decide_the_length():
    servers = [LogServer() for _ in range(3)]
    reader, pool = reader_of(*servers, quorum=2)
    for endpoint, most in zip(pool.endpoints, (400, 300, 200), strict=True):
        endpoint.log_range.current = most
    pool.endpoints[0].breaker.failed(pool.endpoints[0]._clock(), "late", opens=True)
    assert reader._size() == 200
    pool.endpoints[1].breaker.failed(pool.endpoints[1]._clock(), "late", opens=True)
    assert reader._size() == 300, "too few are left, so all count again"


@pytest.mark.parametrize("first", [1, 2])
def test_pages__server_lags_at_first__is_not_taken_for_a_range_too_long(first):
    """Only a refusal of the length shortens a page; any other failure is told."""
    server = LogServer()
    server.failures[first] = TimedOutError("late")
    reader, pool = reader_of(server)
    pool.endpoints[0].log_range.current = 10
    with pytest.raises(TransientError, match="late"):
        list(reader.pages(QUERY, 1, target(20), None))
    assert [end - start + 1 for start, end in server.ranges] == [10] * first
