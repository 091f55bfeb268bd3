"""How much a server takes at once: halved on a refusal, grown again after successes."""

from __future__ import annotations

import pytest

from agent.chain.limits import SUCCESSES_TO_GROW, AdaptiveLimit


def test_limit__refused__halves_or_follows_the_servers_word_and_grows_again():
    limit = AdaptiveLimit(5_000, 10_000)
    limit.refused(5_000)
    assert limit.current == 2_500
    limit.refused(2_500, suggested=10)
    assert limit.current == 10
    limit.refused(10, suggested=9_999)
    assert limit.current == 5
    for _ in range(3):
        limit.refused(1)
    assert limit.current == 1
    for _ in range(20 * SUCCESSES_TO_GROW):
        limit.passed(limit.current)
    assert limit.current == 10_000


def test_limit__so_many_full_successes_in_a_row__doubles_and_a_refusal_starts_anew():
    limit = AdaptiveLimit(100, 1_000)
    for _ in range(SUCCESSES_TO_GROW - 1):
        limit.passed(100)
    assert limit.current == 100
    limit.refused(200)
    for _ in range(SUCCESSES_TO_GROW - 1):
        limit.passed(100)
    assert limit.current == 100
    limit.passed(100)
    assert limit.current == 200


def test_limit__small_requests__prove_nothing():
    limit = AdaptiveLimit(100, 1_000)
    for _ in range(5 * SUCCESSES_TO_GROW):
        limit.passed(99)
    assert limit.current == 100


@pytest.mark.parametrize(
    ("current", "tried", "suggested", "expected"),
    [
        (100, 100, None, 50),
        (100, 101, None, 50),
        (100, 1, None, 1),
        (100, 100, 99, 99),
        (100, 100, 100, 50),
        (100, 100, 0, 1),
        (100, 400, None, 100),
        (100, 400, 300, 100),
        (3, 3, 1, 1),
    ],
)
def test_limit__refused__never_grows_and_never_is_nothing(current, tried, suggested, expected):
    limit = AdaptiveLimit(current, 1_000)
    limit.refused(tried, suggested)
    assert limit.current == expected


def test_limit__refusal__forgets_the_successes_before_it():
    limit = AdaptiveLimit(100, 1_000)
    for _ in range(15):
        limit.passed(100)
    limit.refused(400)
    limit.passed(100)
    assert limit.current == 100


def test_limit__grown__counts_its_successes_anew():
    limit = AdaptiveLimit(1, 1_000)
    for _ in range(16 + 15):
        limit.passed(1_000)
    assert limit.current == 2
