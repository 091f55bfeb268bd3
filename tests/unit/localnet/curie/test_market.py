from __future__ import annotations

from itertools import pairwise

import pytest

from agent.localnet.curie.market import schedule_moves
from agent.localnet.curie.pool_math import sqrt_price_x96, ticks_between
from agent.localnet.price_feed import answer_to_wad, feed_answer

START = 1_722_470_400
POOL_USD = 3_200.0
POOL = sqrt_price_x96(answer_to_wad(feed_answer(POOL_USD)))


def moves_to(price_usd, seconds):
    return schedule_moves(POOL, feed_answer(price_usd), START, START + seconds)


@pytest.mark.parametrize("price_usd", [POOL_USD, 3_000.0, 3_400.0])
def test_schedule_moves__move_below_the_limit__one_publication_before_the_end(price_usd):
    (move,) = moves_to(price_usd, 300)
    assert move.at_unix == START + 285
    assert move.answer == feed_answer(price_usd)


@pytest.mark.parametrize("seconds", [1, 14, 15])
def test_schedule_moves__no_time_for_the_mark_to_follow__all_at_the_end(seconds):
    (move,) = moves_to(1_600.0, seconds)
    assert move.at_unix == START + seconds


@pytest.mark.parametrize("price_usd", [POOL_USD * 0.7, POOL_USD * 1.3, POOL_USD * 0.5, POOL_USD * 2.0])
def test_schedule_moves__large_move__parts_within_the_price_window_of_the_venue(price_usd):
    moves = moves_to(price_usd, 300)
    times = [move.at_unix for move in moves]
    assert times[-1] == START + 285
    assert moves[-1].answer == feed_answer(price_usd)
    assert all(later - earlier > 15 for earlier, later in pairwise(times))
    roots = [POOL, *(sqrt_price_x96(answer_to_wad(move.answer)) for move in moves)]
    distances = [ticks_between(one, other) for one, other in pairwise(roots)]
    assert all(abs(distance) <= 700.001 for distance in distances)
    assert max(distances) - min(distances) < 0.01, "the parts are equal in logarithms"


@pytest.mark.parametrize("seconds", [16, 17, 31, 32, 33, 47, 100])
def test_schedule_moves__large_move_in_little_time__never_at_or_before_last_block(seconds):
    moves = moves_to(POOL_USD / 4.0, seconds)
    assert all(START < move.at_unix <= START + seconds - 15 for move in moves)
    assert moves[-1].answer == feed_answer(POOL_USD / 4.0)
