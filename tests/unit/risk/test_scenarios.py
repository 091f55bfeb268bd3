"""The scenario grid against full revaluation leg by leg, its limits, its memory, and refusal of bad numbers."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from agent.domain import Book, HoldingLeg
from agent.errors import DataError
from agent.products.european import black76_greeks
from agent.risk.exposure import LiveOptions, book_exposure
from agent.risk.positions import NO_OPTIONS, Positions, positions_of
from agent.risk.scenarios import Scenarios, VolShock, revalue, scenario_grid, scenarios_of
from tests.support.decision_builders import NOW, short_calls

SPOT = 3_000.0
SPOTS, SHIFTS, TIMES = np.array([1_500.0, 2_700.0, 3_000.0, 3_600.0]), np.array([-0.2, 0.0, 0.3]), np.array([0.0, 0.02])


def options_of(legs, seed=3):
    rng = np.random.default_rng(seed)
    return LiveOptions(
        rng.random(legs) < 0.5,
        SPOT * np.exp(0.4 * rng.standard_normal(legs)),
        rng.uniform(0.001, 1.0, legs),
        rng.uniform(0.3, 1.2, legs),
        rng.normal(0.0, 5.0, legs),
    )


def legs_one_by_one(positions, spot, factor, shift, elapsed):
    """Value and delta of the options by the full-Greeks kernel."""
    o = positions.options
    tau = np.maximum(o.tau_years - elapsed, 0.0)
    greeks = black76_greeks(o.is_call, spot, o.strike_usd, tau, o.iv_annual * factor + shift)
    return float(o.quantity @ greeks.value), float(o.quantity @ greeks.delta)


@pytest.mark.parametrize("legs", [1, 3, 4, 255, 256, 257, 700])
def test_scenario_grid__any_number_of_legs__matches_leg_by_leg_revaluation(legs):
    positions = Positions(options_of(legs), SPOT, holding_quantity=2.0, hedge_size=-7.0, funding_rate_annual=0.1)
    grid = scenario_grid(positions, SPOTS, SHIFTS, TIMES)
    assert grid.pnl_usd.shape == grid.book_delta.shape == (4, 3, 2)
    now, _ = legs_one_by_one(positions, SPOT, 1.0, 0.0, 0.0)
    for (i, j, k), pnl in np.ndenumerate(grid.pnl_usd):
        value, delta = legs_one_by_one(positions, SPOTS[i], 1.0, SHIFTS[j], TIMES[k])
        linear = -5.0 * (SPOTS[i] - SPOT) + 7.0 * SPOT * 0.1 * TIMES[k]
        assert pnl == pytest.approx(value - now + linear, abs=1e-9 * legs)
        assert grid.book_delta[i, j, k] == pytest.approx(delta + 2.0, abs=1e-11 * legs)


def test_scenario_grid__factors__scale_each_legs_own_volatility():
    positions = Positions(options_of(50), SPOT)
    grid = scenario_grid(positions, SPOT, [0.5, 1.0, 2.0], 0.0, VolShock.FACTOR)
    now, _ = legs_one_by_one(positions, SPOT, 1.0, 0.0, 0.0)
    expected = [legs_one_by_one(positions, SPOT, factor, 0.0, 0.0)[0] - now for factor in (0.5, 1.0, 2.0)]
    assert grid.pnl_usd[0, :, 0] == pytest.approx(expected, abs=1e-8)


def test_scenario_grid__nothing_moves__is_exactly_zero():
    grid = scenario_grid(Positions(options_of(300), SPOT, 1.0, 2.0), SPOT, 0.0, 0.0)
    assert grid.pnl_usd.item() == 0.0


def test_scenario_grid__time_passes_expiry__settles_at_the_payoff():
    call = LiveOptions(np.array([True]), np.array([3_100.0]), np.array([0.01]), np.array([0.8]), np.array([-2.0]))
    positions = Positions(call, SPOT)
    now, _ = legs_one_by_one(positions, SPOT, 1.0, 0.0, 0.0)
    grid = scenario_grid(positions, [2_900.0, 3_400.0], 0.0, [0.01, 0.02])
    assert grid.pnl_usd[0, 0] == pytest.approx([-now, -now])
    assert grid.pnl_usd[1, 0] == pytest.approx([-600.0 - now, -600.0 - now])
    assert grid.book_delta[:, 0, 0].tolist() == [0.0, -2.0]


def test_scenario_grid__tiny_moves__are_the_greeks_of_the_exposure():
    book = replace(short_calls(), positions=(*short_calls().positions, HoldingLeg(4.0, "coins")))
    positions, exposure = positions_of(book, SPOT, NOW, 3.0), book_exposure(book, SPOT, NOW, 3.0)
    grid = scenario_grid(positions, [SPOT - 0.5, SPOT, SPOT + 0.5], [-1e-4, 0.0, 1e-4], [0.0, 1e-6])
    down, middle, up = grid.pnl_usd[:, 1, 0]
    assert (up - down) / 1.0 == pytest.approx(exposure.net_delta, rel=1e-6)
    assert (up - 2 * middle + down) / 0.25 == pytest.approx(exposure.book_gamma_per_usd, rel=1e-4)
    assert (grid.pnl_usd[1, 2, 0] - grid.pnl_usd[1, 0, 0]) / 2e-4 == pytest.approx(
        exposure.book_vega_usd_per_vol, rel=1e-6
    )
    assert grid.pnl_usd[1, 1, 1] / 1e-6 == pytest.approx(exposure.book_theta_usd_per_year, rel=1e-3)
    assert grid.book_delta[1, 1, 0] == pytest.approx(exposure.book_delta, rel=1e-12)


def test_scenario_grid__short_book__worst_cell_is_found():
    grid = scenario_grid(positions_of(short_calls(), SPOT, NOW, 0.0), SPOTS, SHIFTS, TIMES)
    assert grid.worst() == (3, 2, 0)
    assert grid.pnl_usd[grid.worst()] == grid.pnl_usd.min()


def test_revalue__hedge_and_holding_alone__are_linear_and_pay_funding():
    positions = Positions(NO_OPTIONS, SPOT, 1.0, -3.0, 0.2)
    found = revalue(positions, scenarios_of([2_000.0, 4_000.0], elapsed_years=0.5))
    assert found.pnl_usd.tolist() == [2_000.0 + 900.0, -2_000.0 + 900.0]
    assert found.book_delta.tolist() == [1.0, 1.0]


def test_revalue__many_scenarios_on_threads__equal_those_one_at_a_time():
    positions, rng = Positions(options_of(200), SPOT, 1.0), np.random.default_rng(8)
    scenarios = scenarios_of(SPOT * np.exp(0.3 * rng.standard_normal(5_000)), rng.uniform(0.5, 2.0, 5_000), 0.01, 0.001)
    together = revalue(positions, scenarios).pnl_usd
    for row in range(0, 5_000, 977):
        alone = revalue(positions, scenarios_of(scenarios.spot_usd[row], scenarios.vol_factor[row], 0.01, 0.001))
        assert alone.pnl_usd.item() == together[row]


def test_revalue__thousand_legs_ten_thousand_scenarios__needs_little_memory():
    positions, scenarios = Positions(options_of(1_000), SPOT), scenarios_of(np.linspace(1_000.0, 6_000.0, 10_000))
    revalue(positions, scenarios)
    tracemalloc.start()
    revalue(positions, scenarios)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3e6  # legs x scenarios would be 80 MB


@pytest.mark.parametrize(
    ("field", "bad", "message"),
    [
        ("strike_usd", math.nan, "row 1: strike_usd is nan"),
        ("strike_usd", 0.0, "row 1: strike_usd is 0.0"),
        ("iv_annual", -0.5, "row 1: iv_annual is -0.5"),
        ("tau_years", -0.1, "row 1: tau_years is -0.1"),
        ("quantity", math.inf, "row 1: quantity is inf"),
    ],
)
def test_positions__bad_leg__is_refused_by_row_field_and_value(field, bad, message):
    options = options_of(3)
    column = getattr(options, field).copy()
    column[1] = bad
    with pytest.raises(DataError, match=message):
        Positions(options._replace(**{field: column}), SPOT)


@pytest.mark.parametrize("field", ["spot_usd", "holding_quantity", "hedge_size", "funding_rate_annual"])
def test_positions__not_finite__is_refused_by_name(field):
    with pytest.raises(DataError, match=f"{field} is nan"):
        Positions(**{"options": options_of(1), "spot_usd": SPOT, field: math.nan})


def test_positions__empty_book__is_refused():
    with pytest.raises(DataError, match="the book is empty"):
        positions_of(Book("ETH", ()), SPOT, NOW, 0.0)


def test_positions__columns_of_different_lengths__are_refused():
    with pytest.raises(DataError, match="do not broadcast"):
        Positions(options_of(3)._replace(quantity=np.ones(2)), SPOT)
    with pytest.raises(DataError, match="is_call"):
        Positions(options_of(3)._replace(is_call=np.array([True])), SPOT)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (([SPOT, math.nan], 0.0, 0.0), "row 1: spot_usd is nan"),
        (([SPOT, -1.0], 0.0, 0.0), "spot_usd is -1.0"),
        ((SPOT, [0.0, math.inf], 0.0), "row 1: vol_shocks is inf"),
        ((SPOT, 0.0, -0.1), "elapsed_years is -0.1"),
        (([], 0.0, 0.0), "spot_usd has shape"),
        (([[SPOT]], 0.0, 0.0), "spot_usd has shape"),
        (
            (SPOT, [0.0, -5.0], 0.0),
            r"row 1: vol_shift_annual is -5.0 and leaves leg \d, iv_annual 0\.\d+, a volatility",
        ),
    ],
)
def test_scenario_grid__bad_axis__is_refused_by_row_field_and_value(axes, message):
    with pytest.raises(DataError, match=message):
        scenario_grid(Positions(options_of(5), SPOT), *axes)


def test_revalue__scenarios_built_by_hand__are_checked_too():
    one = np.ones(1)
    with pytest.raises(DataError, match=r"row 0: elapsed_years is -1\.0"):
        revalue(Positions(options_of(2), SPOT), Scenarios(SPOT * one, one, 0.0 * one, -one))


def test_revalue__pnl_overflows__is_refused_by_row():
    options = options_of(2)._replace(quantity=np.array([1e100, 1e100]))
    with pytest.raises(DataError, match="row 0: pnl_usd is"):
        revalue(Positions(options, 1e100, 1e100, 1e300), scenarios_of(1.0))
