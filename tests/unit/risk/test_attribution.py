"""P&L attribution: exact sums, each part against its formula, real ETH paths, expiry, bad input."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from agent.errors import DataError
from agent.products.european import black76_greeks
from agent.risk.attribution import Attribution, MarkPath, StepCosts, attribute_path
from agent.risk.exposure import LiveOptions
from agent.vol.ewma import ewma_path

DAY = 1.0 / 365.0
FIVE_MINUTES = DAY / 288.0
PARTS = list(Attribution.__slots__)


def options_of(spot, days=(20.0, 35.0, 60.0, 90.0)):
    """A desk's book around the money: short straddles, long wings."""
    strikes = spot * np.array([1.0, 1.0, 0.85, 1.2])
    return LiveOptions(
        np.array([True, False, False, True]),
        strikes,
        np.array(days) * DAY,
        np.array([0.6, 0.6, 0.7, 0.65]),
        np.array([-50.0, -50.0, 30.0, 40.0]),
    )


@pytest.fixture(scope="module")
def eth(market_data):
    frame = pl.read_parquet(market_data / "binance_spot_5m_2024.parquet").filter(pl.col("symbol") == "ETHUSDT")
    return frame.sort("open_ts")["close"].to_numpy()


def eth_book(prices, bars_per_day, has_vol_moves):
    """Fifteen days of ETH; volatility follows an EWMA of the price where it moves at all."""
    returns = np.diff(np.log(prices))
    options = options_of(prices[0])
    path = ewma_path(returns, 1.0 - 0.5 / bars_per_day, float(np.var(returns)))
    level = np.sqrt(np.append(path.variance_per_bar, path.next_variance_per_bar) * bars_per_day * 365.0)
    vols = np.outer(level / level[0], options.iv_annual) if has_vol_moves else options.iv_annual
    return options, MarkPath(prices, np.arange(prices.size) * DAY / bars_per_day, vols)


@pytest.mark.market_data
@pytest.mark.parametrize(
    ("stride", "has_vol_moves", "bound"), [(1, False, 2e-4), (12, False, 1e-3), (1, True, 2e-3), (12, True, 0.02)]
)
def test_attribute_path__real_eth_steps__leave_little_unexplained(eth, stride, has_vol_moves, bound):
    options, path = eth_book(eth[: 15 * 288 + 1 : stride], 288 // stride, has_vol_moves)
    hedge = -float(options.quantity @ black76_greeks(
        options.is_call, path.spot_usd[0], options.strike_usd, options.tau_years, options.iv_annual
    ).delta)  # fmt: skip
    found = attribute_path(options, path, hedge)
    assert found.unexplained_share < bound
    assert abs(float(found.over_path().unexplained_usd)) < bound * float(np.abs(found.total_usd).sum())


@pytest.mark.market_data
@pytest.mark.parametrize("stride", [1, 12])
def test_attribute_path__charm_and_speed__explain_more_of_real_eth_steps(eth, stride):
    options, path = eth_book(eth[: 15 * 288 + 1 : stride], 288 // stride, False)
    found = attribute_path(options, path)
    without = found.unexplained_usd + found.charm_usd + found.speed_usd
    assert np.mean(np.abs(found.unexplained_usd)) < 0.25 * np.mean(np.abs(without))


@pytest.mark.market_data
def test_attribute_path__hedged_at_every_step__gamma_and_theta_are_what_is_left(eth):
    prices = eth[: 5 * 288 + 1]
    options, path = eth_book(prices, 288, False)
    tau = options.tau_years - path.elapsed_years[:-1, None]
    delta = black76_greeks(options.is_call, prices[:-1, None], options.strike_usd, tau, options.iv_annual).delta
    found = attribute_path(options, path, -(delta @ options.quantity))
    assert np.max(np.abs(found.delta_usd + found.hedge_usd)) < 1e-9 * np.max(np.abs(found.delta_usd))
    assert found.unexplained_share < 0.02
    left = found.gamma_usd + found.theta_usd
    assert np.corrcoef(found.total_usd, left)[0, 1] > 0.999


def test_attribute_path__one_step__each_part_is_its_formula():
    options = options_of(3_000.0)
    bumped = options.iv_annual + np.array([0.01, 0.02, -0.01, 0.005])
    path = MarkPath([3_000.0, 3_020.0], [0.0, DAY], np.array([options.iv_annual, bumped]))
    costs = StepCosts(funding_usd=3.0, fees_usd=2.0, slippage_usd=1.0, gas_usd=0.5)
    found = attribute_path(options, path, hedge_size=7.0, holding_quantity=2.0, costs=costs)
    g = black76_greeks(options.is_call, 3_000.0, options.strike_usd, options.tau_years, options.iv_annual)
    q, dvol = options.quantity, bumped - options.iv_annual
    expected = {
        "delta_usd": (float(q @ g.delta) + 2.0) * 20.0,
        "hedge_usd": 140.0,
        "gamma_usd": float(q @ g.gamma) * 200.0,
        "theta_usd": float(q @ g.theta) * DAY,
        "vega_usd": float(q @ (g.vega * dvol)),
        "vanna_usd": float(q @ (g.vanna * dvol)) * 20.0,
        "volga_usd": float(q @ (g.volga * dvol**2)) / 2.0,
        "charm_usd": float(q @ g.charm) * DAY * 20.0,
        "speed_usd": float(q @ g.speed) * 8_000.0 / 6.0,
        "funding_usd": -3.0,
        "fees_usd": -2.0,
        "slippage_usd": -1.0,
        "gas_usd": -0.5,
    }
    for name, part in expected.items():
        assert getattr(found, name).item() == pytest.approx(part, rel=1e-10), name
    after = black76_greeks(options.is_call, 3_020.0, options.strike_usd, options.tau_years - DAY, bumped).value
    total = float(q @ (after - g.value)) + 9.0 * 20.0 - 6.5
    assert found.total_usd.item() == pytest.approx(total, rel=1e-12)
    assert found.unexplained_usd.item() == pytest.approx(total - sum(expected.values()), abs=1e-8)


def test_attribute_path__parts__add_up_to_the_total_exactly():
    rng, options = np.random.default_rng(4), options_of(3_000.0)
    spot = 3_000.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(200)))
    costs = StepCosts(*rng.uniform(0.0, 10.0, (4, 199)))
    observed = rng.normal(0.0, 500.0, 199)
    path = MarkPath(spot, np.arange(200) * DAY / 24.0, options.iv_annual)
    found = attribute_path(options, path, rng.normal(0.0, 5.0, 199), 1.0, costs, observed)
    assert np.array_equal(sum((getattr(found, name) for name in PARTS), np.zeros(199)), found.total_usd)
    largest = np.max([np.abs(getattr(found, name)) for name in PARTS], axis=0)
    assert np.all(np.abs(found.total_usd - observed) <= 4.0 * np.spacing(largest))
    path_sum = found.over_path()
    assert float(path_sum.total_usd) == pytest.approx(math.fsum(observed), rel=1e-11)


def test_attribute_path__shorter_steps__leave_less_by_their_order():
    options, shares = options_of(3_000.0), []
    returns = 0.6 * math.sqrt(DAY) * np.random.default_rng(1).standard_normal(4_096) / math.sqrt(512.0)
    spot = 3_000.0 * np.exp(np.concatenate(([0.0], np.cumsum(returns))))
    for stride in (1, 16):
        marks = spot[::stride]
        times = np.arange(marks.size) * stride * DAY / 512.0
        shares.append(
            np.sqrt(np.mean(attribute_path(options, MarkPath(marks, times, options.iv_annual)).unexplained_usd ** 2))
        )
    assert shares[1] / shares[0] == pytest.approx(16.0**2, rel=0.5)  # what is left is of order dt^2


def test_attribute_path__option_expires_inside_a_step__is_settled_then_gone():
    call = LiveOptions(np.array([True]), np.array([3_000.0]), np.array([1.5 * DAY]), np.array([0.6]), np.array([-2.0]))
    path = MarkPath([3_000.0, 3_100.0, 3_300.0, 2_000.0], np.arange(4) * DAY, call.iv_annual)
    found = attribute_path(call, path)
    values = black76_greeks(True, [3_000.0, 3_100.0], 3_000.0, [1.5 * DAY, 0.5 * DAY], 0.6).value
    steps = [-2.0 * (values[1] - values[0]), -2.0 * (300.0 - values[1]), 0.0]
    assert found.total_usd == pytest.approx(steps, rel=1e-9)
    for name in PARTS:
        assert getattr(found, name)[2] == 0.0


def test_attribute_path__many_marks__blocks_do_not_show():
    rng = np.random.default_rng(2)
    legs = 700
    options = LiveOptions(
        rng.random(legs) < 0.5, rng.uniform(2_000.0, 4_000.0, legs), rng.uniform(0.01, 1.0, legs),
        np.full(legs, 0.6), rng.normal(0.0, 1.0, legs),
    )  # fmt: skip
    spot = 3_000.0 * np.exp(np.cumsum(0.002 * rng.standard_normal(250)))
    times = np.arange(250) * FIVE_MINUTES
    whole = attribute_path(options, MarkPath(spot, times, options.iv_annual))
    for step in (0, 92, 93, 94, 248):
        aged = options._replace(tau_years=options.tau_years - times[step])
        alone = attribute_path(aged, MarkPath(spot[step : step + 2], [0.0, FIVE_MINUTES], options.iv_annual))
        assert alone.total_usd.item() == pytest.approx(whole.total_usd[step], abs=1e-7)
        assert alone.gamma_usd.item() == pytest.approx(whole.gamma_usd[step], rel=1e-9)


def test_attribute_path__no_options__is_delta_hedge_and_costs():
    found = attribute_path(None, MarkPath([100.0, 90.0], [0.0, DAY], []), -3.0, 4.0, StepCosts(gas_usd=2.0))
    parts = (found.delta_usd, found.hedge_usd, found.gas_usd, found.unexplained_usd, found.total_usd)
    assert [part.item() for part in parts] == [-40.0, 30.0, -2.0, 0.0, -12.0]


def test_attribute_path__books_differ_from_the_model__is_unexplained():
    path = MarkPath([100.0, 90.0], [0.0, DAY], [])
    assert attribute_path(None, path, 1.0, observed_pnl_usd=[-13.0]).unexplained_usd.tolist() == [-3.0]
    assert attribute_path(None, MarkPath([100.0, 100.0], [0.0, DAY], []), 1.0).unexplained_share == 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spot_usd": [3_000.0, math.nan, 3_000.0]}, "row 1: spot_usd is nan"),
        ({"spot_usd": [3_000.0, 0.0, 3_000.0]}, r"row 1: spot_usd is 0\.0"),
        ({"spot_usd": [3_000.0]}, "spot_usd has 1 rows; expected at least 2"),
        ({"elapsed_years": [0.0, 0.2, 0.1]}, r"row 2: elapsed_years is 0\.1; expected times"),
        ({"elapsed_years": [-0.1, 0.2, 0.3]}, r"row 0: elapsed_years is -0\.1; expected times"),
        ({"elapsed_years": [0.0, 0.1]}, "spot_usd has 3 marks, elapsed_years 2"),
        ({"vol_annual": [0.5, -0.1, 0.5, 0.5]}, r"row 1: vol_annual is -0\.1"),
        ({"vol_annual": [0.5, 0.5]}, r"expected vol_annual of shape \(4,\) or \(3, 4\)"),
    ],
)
def test_attribute_path__bad_path__is_refused_by_row_field_and_value(changes, message):
    fields = {"spot_usd": [3_000.0] * 3, "elapsed_years": [0.0, 0.01, 0.02], "vol_annual": [0.5] * 4}
    with pytest.raises(DataError, match=message):
        attribute_path(options_of(3_000.0), MarkPath(**(fields | changes)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hedge_size": [1.0, math.nan]}, "row 1: hedge_size is nan"),
        ({"hedge_size": [1.0]}, "hedge_size has shape"),
        ({"holding_quantity": math.nan}, "holding_quantity"),
        ({"costs": StepCosts(fees_usd=[0.0, math.inf])}, "row 1: fees_usd is inf"),
        ({"observed_pnl_usd": [math.nan, 0.0]}, "row 0: observed_pnl_usd is nan"),
    ],
)
def test_attribute_path__bad_record__is_refused_by_row_field_and_value(arguments, message):
    path = MarkPath([3_000.0] * 3, [0.0, 0.01, 0.02], [0.5] * 4)
    with pytest.raises(DataError, match=message):
        attribute_path(options_of(3_000.0), path, **arguments)
