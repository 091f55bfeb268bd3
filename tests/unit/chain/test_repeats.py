"""When which server is asked again while a quorum is short of answers."""

from __future__ import annotations

import math

import pytest

from agent.chain.endpoint import Endpoint
from agent.chain.failures import BatchRefusedError, RateLimitedError, RpcRefusedError, ServerError, TimedOutError
from agent.chain.pool import Repeats
from agent.errors import TransientError
from tests.support.scripted_server import ScriptedServer, pool_of


def repeats_of(*endpoints: Endpoint) -> Repeats:
    repeats = Repeats(first_pause_seconds=0.5, silence_seconds=4.0)
    for endpoint in endpoints:
        repeats.listen(endpoint, 100.0)
    return repeats


def endpoints(count: int) -> list[Endpoint]:
    return list(pool_of(*(ScriptedServer(str(index), lambda: 1) for index in range(count))).endpoints)


def test_repeats__server_fails_again_and_again__pauses_double_three_times():
    [endpoint] = endpoints(1)
    repeats, now, pauses = repeats_of(), 100.0, []
    assert repeats.next_at == math.inf
    for _ in range(5):
        repeats.add(endpoint, ServerError("busy"), now)
        if repeats.next_at == math.inf:
            break
        pauses.append(repeats.next_at - now)
        now = repeats.next_at
        assert repeats.due(now) == [endpoint]
    assert pauses == [0.5, 1.0, 2.0]


def test_repeats__server_is_silent__is_asked_again_twice():
    [endpoint] = endpoints(1)
    repeats = repeats_of(endpoint)
    assert repeats.due(103.9) == []
    assert repeats.next_at == 104.0
    assert repeats.due(104.0) == [endpoint]
    repeats.listen(endpoint, 104.0)
    assert repeats.due(108.0) == [endpoint]
    repeats.listen(endpoint, 108.0)
    assert repeats.next_at == math.inf


def test_repeats__one_replies__the_other_alone_is_asked_again():
    first, second = endpoints(2)
    repeats = repeats_of(first, second)
    repeats.heard(first)
    assert repeats.due(104.0) == [second]
    assert repeats.due(104.0) == [], "asked once for each time that is due"


def test_repeats__server_that_had_to_be_asked_again__is_in_doubt_until_it_replies():
    first, second = endpoints(2)
    repeats = repeats_of(first, second)
    assert repeats.doubtful == set()
    repeats.due(104.0)
    assert repeats.doubtful == {first, second}
    repeats.heard(first)
    assert repeats.doubtful == {second}


@pytest.mark.parametrize(
    ("failure", "is_asked_again"),
    [
        (ServerError("busy"), True),
        (RateLimitedError("slow down"), True),
        (RateLimitedError("slow down", 1.0), False),
        (TimedOutError("late"), False),
        (BatchRefusedError("too many"), False),
        (RpcRefusedError("ping", "no"), False),
        (TransientError("odd"), False),
    ],
)
def test_repeats__failure__is_worth_another_question_only_where_it_is_of_the_moment(failure, is_asked_again):
    [endpoint] = endpoints(1)
    repeats = repeats_of()
    repeats.add(endpoint, failure, 100.0)
    assert (repeats.next_at < math.inf) is is_asked_again
