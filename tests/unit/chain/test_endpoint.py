"""One server and what is known of it: whose fault a failure is, what it takes at once, and what it shows of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.chain.breaker import LONGEST_REST_SECONDS, Breaker, BreakerState
from agent.chain.endpoint import Endpoint
from agent.chain.failures import (
    BatchRefusedError,
    RangeRefusedError,
    RateLimitedError,
    RevertedError,
    RpcRefusedError,
    ServerError,
    StateMissingError,
    TimedOutError,
)
from agent.chain.transport import Answer, Request
from agent.errors import TransientError

PING = Request("ping", ())


class Scripted:
    """A server that answers, or fails, as a function says."""

    name = "node"

    def __init__(self, answer: Callable[[], Any] = lambda: "0x7", chain_id: int = 1) -> None:
        self.answer, self.chain_id = answer, chain_id
        self.asked: list[tuple[str, float]] = []
        self.batches: list[int] = []
        self.is_closed = False

    def request(self, request: Request, timeout_seconds: float) -> Any:
        self.asked.append((request.method, timeout_seconds))
        return hex(self.chain_id) if request.method == "eth_chainId" else self.answer()

    def batch(self, batch: list[Request], timeout_seconds: float) -> list[Answer]:
        self.batches.append(len(batch))
        answer = self.answer()
        return answer if isinstance(answer, list) else [Answer(answer, None)] * len(batch)

    def close(self) -> None:
        self.is_closed = True


def failing(failure: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise failure

    return fail


def endpoint_of(server: Scripted, now: Callable[[], float] = lambda: 100.0) -> Endpoint:
    return Endpoint(server, 1, 5.0, now)


def ask(endpoint: Endpoint, times: int = 1) -> None:
    for _ in range(times):
        try:
            endpoint.request(PING)
        except (TransientError, RpcRefusedError, RevertedError):
            continue


FAULTS = {
    ServerError("busy"): 1,
    TimedOutError("late"): 1,
    RateLimitedError("slow down"): 1,
    RangeRefusedError("too wide"): 0,
    BatchRefusedError("too many"): 0,
    StateMissingError("not yet"): 0,
    RpcRefusedError("ping", "no"): 0,
    RevertedError("0x", "execution reverted"): 0,
}


@pytest.mark.parametrize("failure", FAULTS, ids=lambda failure: type(failure).__name__)
def test_request__each_failure__counts_against_health_only_where_it_is_a_fault(failure):
    """A server that answers in order, but keeps no old state or takes no long range, is well."""
    endpoint = endpoint_of(Scripted(failing(failure)))
    ask(endpoint)
    health = endpoint.health
    assert (health.requests, health.faults) == (2, FAULTS[failure])
    assert health.last_fault == (str(failure) if FAULTS[failure] else "")


@pytest.mark.parametrize(
    ("failure", "opens_after"),
    [(ServerError("busy"), 3), (TimedOutError("late"), 1), (RateLimitedError("slow down"), 1)],
    ids=["fault", "time-out", "rate"],
)
def test_request__faults__leave_the_server_alone_at_once_or_after_three(failure, opens_after):
    endpoint = endpoint_of(Scripted(failing(failure)))
    ask(endpoint, opens_after - 1)
    assert endpoint.state is BreakerState.CLOSED
    assert not endpoint.health.is_open
    ask(endpoint)
    assert endpoint.state is BreakerState.OPEN
    assert endpoint.health.is_open
    assert endpoint.must_be_left_alone is False, "it has not asked for a rest itself"


def test_note__nonsense_found_later__rests_at_once_and_counts_once():
    endpoint = endpoint_of(Scripted())
    ask(endpoint)
    nonsense = ServerError("nonsense")
    endpoint.note(nonsense)
    assert (endpoint.health.faults, endpoint.state) == (1, BreakerState.OPEN)
    counted = ServerError("counted")
    counted.is_counted = True
    endpoint.note(counted)
    endpoint.note(RangeRefusedError("too wide"))
    assert endpoint.health.faults == 1


def test_note__failure_that_the_request_ended_in__is_not_counted_again():
    failure = ServerError("busy")
    endpoint = endpoint_of(Scripted(failing(failure)))
    ask(endpoint)
    endpoint.note(failure)
    assert endpoint.health.faults == 1


def test_request__any__has_the_configured_time_and_asks_for_the_chain_once():
    server = Scripted()
    endpoint = endpoint_of(server)
    assert [endpoint.request(PING) for _ in range(2)] == ["0x7"] * 2
    assert server.asked == [("eth_chainId", 5.0), ("ping", 5.0), ("ping", 5.0)]
    assert endpoint.chain_id() == 1


def test_batch__even_one_is_too_many__is_refused_and_not_asked_for_ever():
    server = Scripted(failing(BatchRefusedError("too many")))
    with pytest.raises(BatchRefusedError):
        endpoint_of(server).batch([PING] * 5)
    assert server.batches == [5, 2, 1]


def test_batch__answers_in_full__asks_for_more_at_once_in_time():
    server = Scripted()
    endpoint = endpoint_of(server)
    for _ in range(16):
        assert len(endpoint.batch([PING] * 100)) == 100
    assert endpoint.health.batch_requests == 200
    endpoint.batch([PING] * 500)
    assert server.batches[-3:] == [200, 200, 100]


def test_batch__method_answered_beside_a_refusal__its_refusals_stay_counted():
    """Of one method an answer clears the count; a batch that refuses it as well does not."""
    refusal = Answer(None, RpcRefusedError("ping", "no"))
    server = Scripted(lambda: [refusal, Answer("0x1", None)])
    endpoint = endpoint_of(server)
    kinds = [type(endpoint.batch([PING, PING])[0].failure) for _ in range(3)]
    assert kinds == [ServerError, ServerError, RpcRefusedError]
    server.answer = lambda: [Answer("0x1", None), Answer("0x1", None)]
    assert endpoint.batch([PING, PING])[0].unwrap() == "0x1"
    server.answer = lambda: [refusal, Answer("0x1", None)]
    assert type(endpoint.batch([PING, PING])[0].failure) is ServerError


def test_health__fresh_server__shows_where_it_starts():
    health = endpoint_of(Scripted()).health
    assert (health.name, health.state, health.requests, health.faults) == ("node", BreakerState.CLOSED, 0, 0)
    assert (health.disagreements, health.latency_seconds, health.lag_blocks, health.last_fault) == (0, 0.0, 0, "")
    assert (health.log_range_blocks, health.batch_requests) == (5_000, 100)


def test_close__server__is_closed():
    server = Scripted()
    endpoint_of(server).close()
    assert server.is_closed


def test_limits__many_successes__grow_up_to_what_public_servers_bear():
    endpoint = endpoint_of(Scripted())
    for limit in (endpoint.log_range, endpoint.batch_size):
        for _ in range(16 * 20):
            limit.passed(limit.current)
    assert (endpoint.health.log_range_blocks, endpoint.health.batch_requests) == (100_000, 400)


# --- the breaker and the limit by themselves --------------------------------------------------------------------------


def test_breaker__fault_while_half_open__opens_again_at_once_for_longer():
    breaker = Breaker()
    breaker.failed(0.0, "late", opens=True)
    assert breaker.state(2.0) is BreakerState.HALF_OPEN
    breaker.failed(2.0, "busy", opens=False)
    assert breaker.state(5.9) is BreakerState.OPEN
    assert breaker.state(6.0) is BreakerState.HALF_OPEN


def test_breaker__server_asks_for_hours__rests_for_the_longest_and_is_left_alone():
    breaker = Breaker()
    breaker.failed(10.0, "slow down", opens=True, rest_seconds=86_400.0)
    assert LONGEST_REST_SECONDS == 60.0
    assert breaker.wants_rest(69.9)
    assert not breaker.wants_rest(70.0)
    assert breaker.state(70.0) is BreakerState.HALF_OPEN
    breaker.answered(0.1, 69.0)
    assert not breaker.wants_rest(69.5)


def test_breaker__answer__ends_the_doubling_of_rests():
    breaker = Breaker()
    for now in (0.0, 10.0, 20.0):
        breaker.failed(now, "late", opens=True)
    breaker.answered(0.1, 30.0)
    breaker.failed(40.0, "late", opens=True)
    assert breaker.state(41.9) is BreakerState.OPEN
    assert breaker.state(42.0) is BreakerState.HALF_OPEN


def test_breaker__rests_without_end__stay_at_the_longest():
    breaker = Breaker()
    for _ in range(2_000):
        breaker.failed(0.0, "late", opens=True)
    assert breaker.state(59.9) is BreakerState.OPEN
    assert breaker.state(60.0) is BreakerState.HALF_OPEN


def test_breaker__latency__is_the_first_then_a_fifth_of_each_newer():
    breaker = Breaker()
    breaker.answered(1.0)
    assert breaker.latency_seconds == 1.0
    breaker.answered(2.0)
    assert breaker.latency_seconds == pytest.approx(1.2)
    breaker.slow(0.5)
    assert breaker.latency_seconds == pytest.approx(1.2)
    breaker.slow(3.0)
    assert breaker.latency_seconds == 3.0


def test_breaker__answered_since__is_by_the_newest_answer():
    breaker = Breaker()
    assert not breaker.has_answered_since(-1.0)
    breaker.answered(0.1, 5.0)
    assert breaker.has_answered_since(4.9)
    assert not breaker.has_answered_since(5.0)
    breaker.answered(0.1)
    assert breaker.has_answered_since(4.9)


def test_breaker__contradicted__is_counted_and_no_fault():
    breaker = Breaker()
    breaker.contradicted()
    breaker.contradicted()
    assert (breaker.disagreements, breaker.faults, breaker.requests) == (2, 0, 0)
