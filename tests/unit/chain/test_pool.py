"""Several servers at once: one that hangs, limits or lies costs no more than a moment, and every send reaches all."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest

from agent.chain import shapes
from agent.chain.breaker import FAULTS_TO_OPEN, FIRST_REST_SECONDS, Breaker, BreakerState
from agent.chain.endpoint import FINAL_REFUSALS, Endpoint
from agent.chain.failures import (
    BatchRefusedError,
    RateLimitedError,
    RevertedError,
    RpcRefusedError,
    ServerError,
    TimedOutError,
)
from agent.chain.pool import MOST_REPEATS, MOST_SILENCES, EndpointPool
from agent.chain.transport import Answer, Request
from agent.errors import TransientError
from tests.support.scripted_server import PING, ScriptedServer, failing, hanging, ping, pool_of, two_alike


@pytest.fixture
def over():
    """Set when the test is over: what hangs until then ends with it."""
    event = threading.Event()
    yield event
    event.set()


def test_first__one_of_three_hangs__another_answers_before_the_time_out(over):
    hung, well, spare = (
        ScriptedServer("hung", hanging(over)),
        ScriptedServer("well", lambda: 1),
        ScriptedServer("spare", lambda: 2),
    )
    pool = pool_of(hung, well, spare, timeout_seconds=2.0)
    assert pool.first(ping) == 1
    assert {pool.first(ping) for _ in range(5)} <= {1, 2}
    assert not over.is_set()


def test_first__all_hang__is_given_up_at_the_time_out_and_they_rest(over):
    pool = pool_of(*(ScriptedServer(name, hanging(over)) for name in "ab"), timeout_seconds=0.3)
    with pytest.raises(TransientError, match=r"^a, b did not answer in time$"):
        pool.first(ping)
    assert [health.state for health in pool.health()] == [BreakerState.OPEN] * 2
    assert not over.is_set()


def test_first__all_fail__names_every_reason():
    pool = pool_of(ScriptedServer("a", failing(ServerError("one"))), ScriptedServer("b", failing(ServerError("two"))))
    with pytest.raises(TransientError, match="one; two"):
        pool.first(ping)


@pytest.mark.parametrize(("second", "kind"), [(RpcRefusedError("ping", "no"), RpcRefusedError), (None, TransientError)])
def test_first__refused_for_good__is_final_only_where_every_server_says_so(second, kind):
    failures = [RpcRefusedError("ping", "no"), second or ServerError("busy")]
    pool = pool_of(*(ScriptedServer(str(index), failing(failure)) for index, failure in enumerate(failures)))
    for _ in range(FINAL_REFUSALS - 1):
        with pytest.raises(TransientError):
            pool.first(ping)
    with pytest.raises(kind) as caught:
        pool.first(ping)
    assert type(caught.value) is kind


def test_first__revert__is_the_chains_answer_and_asks_no_other():
    other = ScriptedServer("b", lambda: 1)
    pool = pool_of(ScriptedServer("a", failing(RevertedError("0x", "execution reverted"))), other)
    with pytest.raises(RevertedError):
        pool.first(ping)
    assert other.asked == 0


def test_first__defect_in_a_thread__is_raised_where_it_was_asked():
    with pytest.raises(ZeroDivisionError):
        pool_of(ScriptedServer("a", lambda: 1 // 0)).first(ping)


def test_first__server_talks_nonsense__rests_and_the_others_are_asked():
    odd, well = ScriptedServer("odd", lambda: "nonsense"), ScriptedServer("well", lambda: "0x7")
    pool = EndpointPool([Endpoint(server, 1, 30.0, lambda: 100.0) for server in (odd, well)], 30.0, lambda: 100.0)
    for _ in range(5):
        assert pool.first(lambda endpoint: shapes.quantity(ping(endpoint), "a number")) == 7
    assert odd.asked == 1
    assert pool.health()[0].state is BreakerState.OPEN
    assert "a server answers a number with nonsense" in pool.health()[0].last_fault


def test_gather__one_of_three_hangs__two_that_agree_are_enough(over):
    hung = ScriptedServer("hung", hanging(over))
    pool = pool_of(hung, ScriptedServer("a", lambda: 7), ScriptedServer("b", lambda: 7))
    assert pool.gather(ping, 2, two_alike) == 7
    assert not over.is_set()


def test_gather__one_of_three_lies__is_outvoted():
    pool = pool_of(*(ScriptedServer(str(index), lambda value=value: value) for index, value in enumerate([6, 7, 7])))
    assert pool.gather(ping, 2, two_alike) == 7


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([lambda: 6, lambda: 7], "servers disagree on the time: a, b"),
        ([lambda: 6, failing(ServerError("busy"))], "1 of 2 servers answer: busy"),
    ],
)
def test_gather__no_quorum__is_transient_and_says_why(answers, words):
    pool = pool_of(*(ScriptedServer(name, answer) for name, answer in zip("ab", answers, strict=True)))
    with pytest.raises(TransientError, match=words):
        pool.gather(ping, 2, two_alike, "the time")


@pytest.mark.parametrize("faults", [1, MOST_REPEATS])
def test_gather__fault_of_the_moment__is_asked_again_while_answers_are_short(faults):
    """Was a cycle lost for each: with 30 % of requests failing, 21 of 27 cycles."""
    flaky = ScriptedServer("flaky", lambda: 7 if flaky.asked > faults else failing(ServerError("busy"))())
    well, dead = ScriptedServer("well", lambda: 7), ScriptedServer("dead", failing(ServerError("dead")))
    assert pool_of(flaky, well, dead).gather(ping, 2, two_alike) == 7
    assert flaky.asked == faults + 1


@pytest.mark.parametrize(
    ("failure", "asked"),
    [
        (ServerError("dead"), 1 + MOST_REPEATS),
        (RateLimitedError("slow down", 30.0), 1),
        (TimedOutError("no answer"), 1),
        (BatchRefusedError("too many"), 1),
    ],
)
def test_gather__server_stays_dead__is_asked_a_few_times_or_once_for_rest(failure, asked):
    dead = ScriptedServer("dead", failing(failure))
    with pytest.raises(TransientError, match=f"1 of 2 servers answer: {failure}"):
        pool_of(dead, ScriptedServer("well", lambda: 7)).gather(ping, 2, two_alike)
    assert dead.asked == asked


def losing(over, lost):
    """Answers all but so many first requests, which nobody ever answers."""
    asked = iter(range(1_000))

    def answer():
        return hanging(over)() if next(asked) < lost else 7

    return answer


@pytest.mark.parametrize("lost", [1, MOST_SILENCES])
def test_gather__two_of_three_lose_the_request__are_asked_again_before_the_time_out(over, lost):
    """A quorum that two lost requests delay by the whole time-out costs a block: 13 % of cycles did so."""
    servers = [ScriptedServer(name, losing(over, count)) for name, count in (("a", lost), ("b", lost), ("c", 0))]
    assert pool_of(*servers, timeout_seconds=2.0).gather(ping, 2, two_alike) == 7
    assert not over.is_set()


def test_gather__one_server_answers_twice__is_no_quorum(over):
    """Its first answer is late, its second comes at once: still one opinion."""
    first = threading.Event()

    def answer():
        if not first.is_set():
            first.set()
            over.wait(0.6)
        return 7

    servers = [ScriptedServer("twice", answer), *(ScriptedServer(name, hanging(over)) for name in "bc")]
    with pytest.raises(TransientError, match="b, c did not answer in time"):
        pool_of(*servers, timeout_seconds=1.0).gather(ping, 2, two_alike)


def test_gather__servers_answer_in_time__nobody_is_asked_twice():
    servers = [ScriptedServer(name, lambda: 7) for name in "abc"]
    pool_of(*servers, timeout_seconds=0.5).gather(ping, 3, lambda replies: len(replies) == 3 or None)
    threading.Event().wait(0.2)
    assert [server.asked for server in servers] == [1, 1, 1]


def test_breaker__lost_request_after_a_newer_answer__does_not_open():
    """The request that was lost ends with its time-out while the one sent after it was answered."""
    now = [0.0]
    lost = threading.Event()

    def time_out():
        lost.wait(5)
        raise TimedOutError("late")

    server = ScriptedServer("a", time_out)
    endpoint = Endpoint(server, 1, 2.0, clock=lambda: now[0])
    endpoint.chain_id()
    thread = threading.Thread(target=_quietly, args=(endpoint,))
    thread.start()
    server.was_asked.wait(5)
    server.answer = lambda: 7
    now[0] = 1.0
    assert ping(endpoint) == 7
    now[0] = 2.0
    lost.set()
    thread.join()
    assert endpoint.breaker.state(2.0) is BreakerState.CLOSED


def _quietly(endpoint):
    with suppress(ServerError):
        ping(endpoint)


def test_gather__server_at_rest__is_asked_where_the_others_are_too_few():
    resting, well = ScriptedServer("resting", lambda: 7), ScriptedServer("well", lambda: 7)
    pool = pool_of(resting, well)
    pool.endpoints[0].breaker.failed(pool.endpoints[0]._clock(), "slow", opens=True)
    assert pool.gather(ping, 2, two_alike) == 7


@pytest.mark.parametrize("needed", [1, 2])
def test_gather__healthy_one_is_silent__one_at_rest_is_asked_in_its_stead(over, needed):
    """Was the whole time-out, and the cycle with it: a server that had failed a little before was not asked."""
    servers = [ScriptedServer("rests", lambda: 7), ScriptedServer("hung", hanging(over))]
    servers += [ScriptedServer("well", lambda: 7)] * (needed - 1)
    pool = pool_of(*servers, timeout_seconds=2.0)
    pool.endpoints[0].breaker.failed(pool.endpoints[0]._clock(), "late", opens=True)
    assert pool.gather(ping, needed, lambda replies: replies[0].value if len(replies) == needed else None) == 7
    assert not over.is_set()


def test_every__one_hangs_and_one_rests__all_are_asked(over):
    servers = [ScriptedServer("hung", hanging(over)), *(ScriptedServer(name, lambda: 1) for name in "ab")]
    pool = pool_of(*servers)
    pool.endpoints[1].breaker.failed(pool.endpoints[1]._clock(), "slow", opens=True)
    replies = pool.every(ping, linger_seconds=0.05, is_enough=bool)
    assert all(server.was_asked.wait(30) for server in servers)
    assert {reply.endpoint.name for reply in replies} <= {"a", "b"}
    assert not over.is_set()


def test_within__deadline_over__asks_nobody_for_a_read_and_everybody_for_a_send():
    server = ScriptedServer("a", lambda: 1)
    pool = pool_of(server)
    with pool.within(-1.0), pytest.raises(TransientError, match="the time for this cycle is over"):
        pool.first(ping)
    assert server.asked == 0
    with pool.within(-1.0):
        assert [reply.value for reply in pool.every(ping)] == [1]
    assert pool.first(ping) == 1


def test_endpoint__server_on_another_chain__is_never_believed():
    server = ScriptedServer("a", lambda: 1)
    endpoint = Endpoint(server, 2, 1.0)
    for _ in range(2):
        with pytest.raises(ServerError, match="a answers for chain 1, not 2"):
            endpoint.request(PING)
        with pytest.raises(ServerError, match="a answers for chain 1, not 2"):
            endpoint.batch([Request("echo", (1,))])
    assert server.asked == 0
    assert endpoint.state is BreakerState.OPEN


@pytest.mark.parametrize("most", [1, 3, 7])
def test_batch__server_takes_fewer_at_once__is_split_and_its_limit_remembered(most):
    server = ScriptedServer("a", lambda: 1)
    server.most = most
    endpoint = Endpoint(server, 1, 1.0)
    numbers = list(range(20))
    batch = [Request("echo", (number,)) for number in numbers]
    for _ in range(2):
        assert [answer.unwrap() for answer in endpoint.batch(batch)] == numbers
    assert max(server.batches) <= most
    assert endpoint.health.faults == 0


def test_batch__every_request_refused_for_good__is_one_refusal_of_three(over):
    class Without(ScriptedServer):
        def batch(self, batch: list[Request], timeout_seconds: float) -> list[Answer]:
            return [Answer(None, RpcRefusedError(request.method, "no")) for request in batch]

    endpoint = Endpoint(Without("a", lambda: 1), 1, 1.0)
    kinds = [{type(answer.failure) for answer in endpoint.batch([PING] * 9)} for _ in range(FINAL_REFUSALS)]
    assert kinds == [{ServerError}] * (FINAL_REFUSALS - 1) + [{RpcRefusedError}]


# --- health -----------------------------------------------------------------------------------------------------------


def test_breaker__faults_in_a_row__opens_half_opens_and_closes_on_an_answer():
    breaker = Breaker()
    for _ in range(FAULTS_TO_OPEN - 1):
        breaker.failed(0.0, "busy", opens=False)
    assert breaker.state(0.0) is BreakerState.CLOSED
    breaker.failed(0.0, "busy", opens=False)
    assert breaker.state(FIRST_REST_SECONDS - 0.01) is BreakerState.OPEN
    assert breaker.state(FIRST_REST_SECONDS) is BreakerState.HALF_OPEN
    breaker.answered(0.1)
    assert breaker.state(FIRST_REST_SECONDS) is BreakerState.CLOSED


def test_breaker__time_out__opens_at_once_and_each_rest_doubles_up_to_the_longest():
    breaker, rests, now = Breaker(), [], 0.0
    for _ in range(8):
        breaker.failed(now, "late", opens=True)
        rest = next(s for s in range(1, 100) if breaker.state(now + s) is BreakerState.HALF_OPEN)
        rests.append(rest)
        now += rest
    assert rests == [2, 4, 8, 16, 32, 60, 60, 60]


def test_breaker__answer_between_faults__starts_the_count_anew():
    breaker = Breaker()
    for _ in range(3 * FAULTS_TO_OPEN):
        breaker.failed(0.0, "busy", opens=False)
        breaker.answered(0.1)
    assert breaker.state(0.0) is BreakerState.CLOSED
    assert breaker.faults == 3 * FAULTS_TO_OPEN


@pytest.mark.parametrize("answer", [lambda: 1, failing(RevertedError("0x", "execution reverted"))])
def test_request__answer_or_revert__its_latency_is_how_long_it_took(answer):
    clock = [100.0]

    def slow() -> Any:
        clock[0] += 0.5
        return answer()

    endpoint = Endpoint(ScriptedServer("a", slow), 1, 1.0, lambda: clock[0])
    for _ in range(40):
        with suppress(RevertedError):
            endpoint.request(PING)
    assert endpoint.health.latency_seconds == pytest.approx(0.5, rel=0.01)


def test_breaker__rate_limit_with_a_time__rests_as_long_as_asked():
    clock = [100.0]
    server = ScriptedServer("a", failing(RateLimitedError("slow down", 7.0)))
    endpoint = Endpoint(server, 1, 1.0, lambda: clock[0])
    with pytest.raises(RateLimitedError):
        endpoint.request(PING)
    clock[0] = 106.9
    assert endpoint.state is BreakerState.OPEN
    clock[0] = 107.0
    assert endpoint.state is BreakerState.HALF_OPEN


def test_first__only_server_asked_for_a_rest__is_handed_transactions_alone():
    clock, server = [100.0], ScriptedServer("a", failing(RateLimitedError("slow down", 7.0)))
    pool = EndpointPool([Endpoint(server, 1, 1.0, lambda: clock[0])], 1.0, lambda: clock[0])
    for _ in range(3):
        with pytest.raises(TransientError, match="slow down"):
            pool.first(ping)
    assert server.asked == 1
    server.answer = lambda: 1
    assert [reply.value for reply in pool.every(ping)] == [1]
    assert pool.first(ping) == 1


def test_request__refused_for_good_between_answers__stays_a_fault_of_the_moment():
    answers = [RpcRefusedError("ping", "no"), RpcRefusedError("ping", "no"), 1] * 3

    def answer() -> int:
        given = answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    endpoint, faults = Endpoint(ScriptedServer("a", answer), 1, 1.0), 0
    while answers:
        try:
            assert endpoint.request(PING) == 1
        except ServerError:
            faults += 1
    assert faults == 6


def test_every__no_word_on_what_is_enough__waits_for_all(over):
    late = ScriptedServer("late", lambda: over.wait(0.2) or 2)
    replies = pool_of(late, ScriptedServer("soon", lambda: 1)).every(ping, linger_seconds=0.0)
    assert sorted(reply.value for reply in replies) == [1, 2]


def test_every__failures__are_replies_too_and_defects_are_raised():
    replies = pool_of(ScriptedServer("a", failing(ServerError("busy"))), ScriptedServer("b", lambda: 1)).every(ping)
    assert sorted((reply.endpoint.name, str(reply.failure), reply.value) for reply in replies) == [
        ("a", "busy", None), ("b", "None", 1),
    ]  # fmt: skip
    with pytest.raises(ZeroDivisionError):
        pool_of(ScriptedServer("a", lambda: 1 // 0)).every(ping)


def test_pool__servers__are_counted_and_closed_together():
    closed = []

    class Closing(ScriptedServer):
        def close(self) -> None:
            closed.append(self.name)

    pool = pool_of(Closing("a", lambda: 1), Closing("b", lambda: 1))
    assert len(pool) == 2
    pool.close()
    assert closed == ["a", "b"]
    assert [health.name for health in pool.health()] == ["a", "b"]


@pytest.mark.parametrize(("inner", "outer", "is_over"), [(50.0, -1.0, False), (-1.0, 50.0, True)])
def test_within__one_deadline_in_another__the_innermost_holds(inner, outer, is_over):
    pool = EndpointPool([Endpoint(ScriptedServer("a", lambda: 1), 1, 1.0)], 1.0)
    with pool.within(outer), pool.within(inner):
        if is_over:
            with pytest.raises(TransientError, match="the time for this cycle is over"):
                pool.first(ping)
        else:
            assert pool.first(ping) == 1


def test_end__deadline_nearer_than_the_time_out__is_where_a_question_ends():
    now = [100.0]
    pool = EndpointPool([], 30.0, lambda: now[0])
    assert pool._end() == pytest.approx(130.2)
    with pool.within(10.0):
        assert pool._end() == pytest.approx(110.0)
        now[0] = 109.9
        assert pool._end() == pytest.approx(110.0)
        now[0] = 110.0
        with pytest.raises(TransientError):
            pool._end()


@pytest.mark.parametrize(("latency", "patience"), [(0.0, 3.0), (0.001, 0.05), (0.1, 0.4), (0.75, 3.0), (10.0, 3.0)])
def test_patience__usual_latency__is_four_of_them_within_a_twentieth_and_a_tenth(latency, patience):
    """Time-out of 30 s: a tenth of it at most, 0.05 s at least, and all of the tenth where no latency is known."""
    pool = pool_of(ScriptedServer("a", lambda: 1))
    pool.endpoints[0].breaker.latency_seconds = latency
    assert pool._patience(pool.endpoints[0]) == pytest.approx(patience)


def test_first__several_servers__asks_the_quickest_of_the_healthiest_first():
    clock = lambda: 100.0  # noqa: E731
    servers = [ScriptedServer(name, lambda: 1) for name in ("open", "slow", "quick")]
    pool = EndpointPool([Endpoint(server, 1, 5.0, clock) for server in servers], 5.0, clock)
    for endpoint, latency in zip(pool.endpoints, (0.001, 0.2, 0.1), strict=True):
        endpoint.breaker.latency_seconds = latency
    pool.endpoints[0].breaker.failed(100.0, "late", opens=True)
    assert pool.first(lambda endpoint: endpoint.name) == "quick"
    assert [pool._rank(endpoint)[0] for endpoint in pool.endpoints] == [2, 0, 0]


def test_first__one_whose_rest_is_over__is_asked_beside_the_leading_one():
    now = [100.0]
    resting, well = ScriptedServer("resting", lambda: 7), ScriptedServer("well", lambda: 7)
    pool = EndpointPool([Endpoint(server, 1, 5.0, lambda: now[0]) for server in (resting, well)], 5.0, lambda: now[0])
    pool.endpoints[0].breaker.failed(98.0, "late", opens=True)
    assert pool.endpoints[0].state is BreakerState.HALF_OPEN
    assert pool.first(ping) == 7
    assert resting.was_asked.wait(30)


def test_first__all_servers_ask_for_a_rest__says_what_each_met():
    clock = lambda: 100.0  # noqa: E731
    names = {"a": "slow down", "b": "quota exceeded"}
    pool = EndpointPool([Endpoint(ScriptedServer(name, lambda: 1), 1, 5.0, clock) for name in names], 5.0, clock)
    for endpoint in pool.endpoints:
        endpoint.breaker.failed(100.0, names[endpoint.name], opens=True, rest_seconds=30.0)
    with pytest.raises(TransientError, match="slow down; quota exceeded"):
        pool.first(ping)


def test_gather__those_asked_are_too_few__spare_servers_fill_the_gap_alone(over):
    """A quorum of two, one healthy server and two at rest: one of these is asked, not both."""
    clock = lambda: 100.0  # noqa: E731
    servers = [ScriptedServer(name, lambda: 7) for name in ("well", "rests", "rests too")]
    pool = EndpointPool([Endpoint(server, 1, 5.0, clock) for server in servers], 5.0, clock)
    for endpoint in pool.endpoints[1:]:
        endpoint.breaker.failed(100.0, "late", opens=True)
    assert pool.gather(ping, 2, two_alike) == 7
    assert [server.asked for server in servers] == [1, 1, 0]


def test_gather__time_is_over__the_silent_rest_and_all_reasons_are_told(over):
    hung, dead = ScriptedServer("hung", hanging(over)), ScriptedServer("dead", failing(RpcRefusedError("ping", "no")))
    pool = pool_of(hung, dead, timeout_seconds=0.3)
    with pytest.raises(TransientError, match="ping: no; hung did not answer in time"):
        pool.gather(ping, 2, two_alike)
    assert pool.endpoints[0].state is BreakerState.OPEN


def test_gather__every_server_refuses_for_good__is_final():
    pool = pool_of(*(ScriptedServer(name, failing(RpcRefusedError("ping", "no"))) for name in "ab"))
    for _ in range(FINAL_REFUSALS - 1):
        with suppress(TransientError, RpcRefusedError):
            pool.gather(ping, 2, two_alike)
    with pytest.raises(RpcRefusedError):
        pool.gather(ping, 2, two_alike)
