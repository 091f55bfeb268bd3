"""Bounds that do not fit a book are told before it is hedged, each with how to mend it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decision.bounds_fit import Circumstances, misfits
from agent.domain import Book, OptionLeg, OptionType
from tests.support.decision_builders import BOUNDS, EXPIRY, NOW, SPOT_USD, delta_interval, held, short_calls, wad

HERE = Circumstances(
    at_unix=NOW, price_usd=SPOT_USD, nav_usd=500_000.0, deviation_bps=100, idle_reserve_bps=1_000, gas_usd=40.0
)


def told(book=None, bounds=BOUNDS, **changes):
    return misfits(short_calls() if book is None else book, bounds, replace(HERE, **changes))


def test_misfits__bounds_made_for_the_book__are_none():
    assert told() == ()
    assert told(Book("ETH", ())) == ()


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"band": wad("0.1")}, "no hedge brings the worst case inside"),
        ({"max_size_delta": wad(10)}, "raise max_size_delta_underlying"),
        ({"turnover_capacity": wad(1_000)}, "turnover_capacity_usd"),
        ({"loss_capacity_bps": 30}, "is built, and closed at an expiry, in parts; raise [bounds] loss_capacity_bps"),
    ],
    ids=["IV interval wider than the band", "size", "turnover below the first hedge", "loss budget below it"],
)
def test_misfits__one_bound_too_small__is_named_with_its_mend(bounds, words):
    found = told(bounds=replace(BOUNDS, **bounds))
    assert any(words in line for line in found), found


def test_misfits__band_as_wide_as_all_of_the_book__is_told():
    """Two calls never reach a delta of more than 2, the band."""
    (line,) = [line for line in told(short_calls(2.0)) if "never asks" in line]
    assert "delta is at most 1." in line
    assert "from 2,000 to 4,500 USD, all inside [bounds] band_underlying 2" in line
    assert not [line for line in told(short_calls(4.0)) if "never asks" in line]
    assert "never asks" in told(held(1.9))[0]
    assert not [line for line in told(held(1.9), nav_usd=10_000.0) if "never asks" in line]  # a quarter of NAV binds


def test_misfits__iv_intervals_outgrow_the_band_near_by__is_told():
    """At the strike volatility hardly moves a delta; a third lower it moves more than the band."""
    leg = OptionLeg(OptionType.CALL, SPOT_USD, EXPIRY, -100.0, 0.7, 0.5, 0.9, "calls")
    low, high = (float(end) for end in delta_interval(Book("ETH", (leg,)), SPOT_USD, NOW))
    bounds = replace(BOUNDS, band=wad(4))
    assert (high - low) / 2.0 < 4.0
    (line,) = [line for line in told(Book("ETH", (leg,)), bounds) if "uncertain" in line]
    assert "today but by up to" in line
    assert not [line for line in told(short_calls(), bounds) if "uncertain" in line]


def test_misfits__gas_takes_a_hundredth_of_the_band__is_told():
    """A band of 2 at $3,000 is $6,000."""
    assert told(gas_usd=59.0) == ()
    (line,) = told(gas_usd=61.0)
    assert "gas of $61.00 is 1.0% of what the band of 2 is worth" in line


def test_misfits__vault_is_empty__says_nothing_of_its_budget():
    assert told(nav_usd=0.0) == ()


def test_misfits__loss_budget__is_that_of_the_largest_end_of_the_interval():
    """20 coins at 3,000 and 135 bps are charged $810; one keeper has 16 bps of 500,000."""
    assert "is charged about $810" in told(held(20.0), replace(BOUNDS, loss_capacity_bps=16))[0]
    assert told(held(20.0), replace(BOUNDS, loss_capacity_bps=17)) == ()


@pytest.mark.parametrize("quantity", [100.0, -100.0])
def test_misfits__delta_that_is_an_interval__is_charged_at_its_farther_end(quantity):
    leg = OptionLeg(OptionType.CALL, 1.1 * SPOT_USD, EXPIRY, quantity, 0.7, 0.4, 1.0, "calls")
    book = Book("ETH", (leg,))
    farther = max(abs(end) for end in delta_interval(book, SPOT_USD, NOW))
    lines = told(book, replace(BOUNDS, loss_capacity_bps=1))
    assert any(line.startswith(f"a hedge of {farther:.4g} at once is charged") for line in lines), lines


@pytest.mark.parametrize(("share_bps", "is_told"), [(10_000, False), (5_001, False), (4_999, True)])
def test_misfits__keepers_share__is_what_one_has_of_the_budget(share_bps, is_told):
    """20 coins are charged $810; 5,000 bps of 32.4 bps of 500,000."""
    bounds = replace(BOUNDS, loss_capacity_bps=324, keeper_share_bps=share_bps)
    found = told(held(20.0), bounds, nav_usd=50_000.0)
    assert any("of the loss budget" in line for line in found) is is_told
