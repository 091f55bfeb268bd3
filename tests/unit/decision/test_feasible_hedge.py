"""What no policy can hedge within the bounds is told from the prices alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.decision.feasible_hedge import delta_interval, infeasible_bounds
from agent.products.european import black76_delta
from tests.support.decision_builders import BOUNDS, EXPIRY, NOW, held, short_calls, wad

TIMES = NOW + 300.0 * np.arange(3)
FLAT = np.full(3, 3_000.0)


def problems(book, prices=FLAT, collateral_usd=1e6, **bounds):
    return infeasible_bounds(book, TIMES, prices, replace(BOUNDS, **bounds), collateral_usd, 1_000)


def test_infeasible_bounds__wide_bounds__nothing_found():
    assert problems(short_calls()) == ()


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"max_size_delta": wad(50)}, "max_size_delta_underlying 50"),
        ({"max_notional": wad(150_000)}, "max_notional_usd $150,000"),
        ({"turnover_capacity": wad(150_000)}, "turnover_capacity_usd"),
        ({"max_leverage": wad("0.1")}, "max_leverage_ratio"),
        ({"max_venue_leverage": wad("0.1")}, "max_venue_leverage_ratio"),
    ],
)
def test_infeasible_bounds__one_too_small__it_alone_named(bounds, words):
    (found,) = problems(short_calls(), **bounds)
    assert found.index == 0
    assert words in found.problem


@pytest.mark.parametrize("bound", [{"max_size_delta": wad(5)}, {"max_notional": wad(15_000)}])
def test_infeasible_bounds__trade_of_a_dozen_parts__is_slow_and_of_more_is_not(bound):
    """A holding of 62 under a band of 2 needs 60 at once: a dozen times 5 coins, $15,000 at $3,000."""
    (found,) = problems(held(-62), **bound)
    assert found.is_slow
    (beyond,) = problems(held(-62.1), **bound)
    assert not beyond.is_slow


def test_infeasible_bounds__iv_interval_wider_than_band__named():
    found = problems(short_calls(1_000, strike_usd=3_300, iv_spread=0.2), collateral_usd=0.0)
    assert "IV intervals alone" in found[0].problem


def test_infeasible_bounds__jump__found_at_its_row():
    small = {"max_size_delta": wad(60)}
    (found,) = problems(short_calls(100, iv_spread=0.0), np.array([2_400.0, 2_400.0, 3_600.0]), **small)
    assert found.index == 2


def test_infeasible_bounds__advised_number__suffices():
    (found,) = problems(held(-40), max_size_delta=wad(30))
    advised = found.mend.split("raise max_size_delta_underlying to ")[1].split(" ")[0]
    assert problems(held(-40), max_size_delta=wad(advised)) == ()


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_infeasible_bounds__least_hedge__goes_to_the_near_edge_of_the_band_alone(side):
    """Forty units beside a band of two: 38 are traded, not 40, and not 42."""
    assert problems(held(side * 40.0), collateral_usd=0.0, max_size_delta=wad(38)) == ()
    (found,) = problems(held(side * 40.0), collateral_usd=0.0, max_size_delta=wad("37.999"))
    assert found.problem.startswith("the least trade into the band is 38,")


@pytest.mark.parametrize("key", ["max_leverage", "max_venue_leverage"])
def test_infeasible_bounds__advised_deposit__suffices_and_less_does_not(key):
    bounds = {"max_leverage": wad(100), "max_venue_leverage": wad(100), key: wad(2), "band": wad("0.001")}
    (found,) = problems(held(-40), collateral_usd=30_000.0, **bounds)
    advised = float(found.mend.split("deposit $")[1].split(" ")[0].replace(",", ""))
    assert problems(held(-40), collateral_usd=advised, **bounds) == ()
    assert problems(held(-40), collateral_usd=0.98 * advised, **bounds) != ()


def test_infeasible_bounds__no_collateral__leverage_left_out():
    assert problems(short_calls(), collateral_usd=0.0, max_leverage=wad("0.1")) == ()


def test_delta_interval__every_vol_inside__lies_in_it():
    book = short_calls(1.0, strike_usd=2_900, iv_spread=0.65)
    low, high = delta_interval(book, TIMES[:1], FLAT[:1])
    tau_years = (EXPIRY - NOW) / (365 * 86_400)
    deltas = -black76_delta(True, 3_000.0, 2_900.0, tau_years, np.linspace(0.05, 1.35, 400))
    assert low[0] - 1e-9 <= deltas.min()
    assert deltas.max() <= high[0] + 1e-9
    assert low[0] == pytest.approx(deltas.min(), abs=1e-3)
    assert high[0] == pytest.approx(deltas.max(), abs=1e-3)


def test_delta_interval__expired__no_delta():
    assert delta_interval(short_calls(), np.array([float(EXPIRY)]), FLAT[:1])[0] == 0.0


@pytest.mark.parametrize(("prices", "row"), [((3_000.0, 1_500.0, 1_500.0), 1), ((3_000.0, 3_000.0, 1_500.0), 2)])
def test_infeasible_bounds__hedge_loses_as_the_price_falls__nav_is_less_by_it(prices, row):
    """38 long lose $57,000 of $100,000 where the price halves, and are $57,000 then: more than 1.2 times the rest."""
    bounds = {"max_leverage": wad("1.2"), "max_venue_leverage": wad(100)}
    (found,) = problems(held(-40), np.array(prices), 100_000.0, **bounds)
    assert found.index == row
    assert "the least hedge is $57,000 on $43,000 of NAV" in found.problem
    assert problems(held(-40), FLAT, 100_000.0, **bounds) == ()
