"""The search for the largest size that bounds accept: right to 1/4096, short, and sound for any shape of figures."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decision.largest_accepted import largest_accepted
from agent.errors import RejectedError
from agent.guard import UINT256_MAX

WANTED = 80 * 10**18
PRECISION = WANTED >> 12


class Bounds:
    """Accepts sizes whose figure is at most ``limit`` and that are at least ``smallest``; counts what it is asked."""

    def __init__(self, figure, limit, smallest=0, name="LeverageExceeded", keys=("leverage", "maxLeverage")):
        self.figure, self.limit, self.smallest, self.name, self.keys = figure, limit, smallest, name, keys
        self.asked = []

    def __call__(self, size):
        self.asked.append(size)
        if size < self.smallest:
            raise RejectedError("NetDeltaExceeded", {"worstNetDelta": 2, "maxAbsDelta": 1})
        figure = self.figure(size)
        if figure > self.limit:
            raise RejectedError(self.name, dict(zip(self.keys, (figure, self.limit), strict=True)))
        return size

    def search(self, least=1):
        with pytest.raises(RejectedError) as refusal:
            self(WANTED)
        return largest_accepted(self, WANTED, refusal.value, least)


def priced_above(limit, size, smallest=0):
    """Bounds on the price, which is one unit too high for all beyond a size."""
    keys = ("executionPrice", "limitPrice")
    return Bounds(lambda tried: limit + (tried > size), limit, smallest, "SlippageExceeded", keys)


def largest(bounds):
    """The same by plain bisection to the last unit; None where nothing is accepted."""
    low, high = bounds.smallest, WANTED
    if bounds.figure(low) > bounds.limit:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bounds.figure(middle) <= bounds.limit else (low, middle)
    return low


@pytest.mark.parametrize("share", [0.003, 0.2, 0.5, 0.97, 0.9999])
@pytest.mark.parametrize("at_0", [0, 3 * 10**17])
def test_largest_accepted__figure_on_a_line__takes_few_probes(share, at_0):
    bounds = Bounds(lambda size: at_0 + size // 40, at_0 + int(share * WANTED) // 40)
    found = bounds.search()
    assert 0 <= largest(bounds) - found <= PRECISION
    assert len(bounds.asked) <= 7


@pytest.mark.parametrize("bend", [10**20, 10**21, 10**22])
@pytest.mark.parametrize("share", [0.04, 0.3, 0.8])
def test_largest_accepted__loss_that_bends_with_the_impact__takes_few_probes(bend, share):
    def loss(size):
        return size // 50 + size * size // bend

    bounds = Bounds(loss, loss(int(share * WANTED)), name="NavLossExceeded", keys=("loss", "maxLoss"))
    assert 0 <= largest(bounds) - bounds.search() <= PRECISION
    assert len(bounds.asked) <= 5


@settings(deadline=None, max_examples=300, derandomize=True)
@given(
    cuts=st.lists(st.integers(1, WANTED - 1), min_size=1, max_size=6),
    heights=st.lists(st.integers(0, 10**18), min_size=7, max_size=7),
    limit=st.integers(0, 3 * 10**18),
    smallest=st.integers(0, WANTED // 2),
    least=st.integers(1, WANTED // 100),
)
def test_largest_accepted__any_figures_that_grow__is_right_and_ends(cuts, heights, limit, smallest, least):
    edges = sorted(cuts)
    steps = [sum(heights[: position + 1]) for position in range(len(edges) + 1)]
    bounds = Bounds(lambda size: steps[sum(size >= edge for edge in edges)], limit, smallest)
    if bounds.figure(WANTED) <= limit:
        return
    found, truth = bounds.search(least), largest(bounds)
    if found is None:
        assert truth is None or truth < least or truth - smallest <= PRECISION
    else:
        assert 0 <= truth - found <= PRECISION
        assert found >= least
    assert len(bounds.asked) <= 1 + 3 * 13


def test_largest_accepted__no_equity_at_all__halves_where_the_figure_says_nothing():
    bounds = Bounds(lambda size: UINT256_MAX if size > WANTED // 3 else size // 40, 10**18)
    assert 0 <= WANTED // 3 - bounds.search() <= PRECISION
    assert len(bounds.asked) <= 14


def test_largest_accepted__error_without_a_figure__bisects():
    limit = 3_200 * 10**18
    bounds = priced_above(limit, WANTED // 5)
    assert 0 <= WANTED // 5 - bounds.search() <= PRECISION
    assert len(bounds.asked) == 1 + 12, "the refused size, and twelve halvings to 1/4096 of it"


def test_largest_accepted__size_that_improves_too_little__is_a_lower_end():
    limit = 3_200 * 10**18
    bounds = priced_above(limit, 7 * WANTED // 10, 6 * WANTED // 10)
    assert 0 <= 7 * WANTED // 10 - bounds.search() <= PRECISION


@pytest.mark.parametrize("limit", [10, WANTED // 20])
def test_largest_accepted__nothing_worth_a_trade_is_accepted__is_none(limit):
    assert Bounds(lambda size: size, limit).search(least=WANTED // 10) is None
