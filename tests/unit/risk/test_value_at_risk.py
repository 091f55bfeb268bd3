"""Value at risk of books and of the real ETH series, against closed forms and `arch`."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from arch import arch_model
from scipy.stats import norm

from agent.errors import DataError
from agent.risk.market_moves import MarketMoves, filtered_moves, historical_moves, rescaled_moves
from agent.risk.positions import NO_OPTIONS, Positions, positions_of
from agent.risk.tail import value_at_risk
from agent.risk.value_at_risk import Valuation, book_tail_risk, pnl_of_moves
from agent.risk.var_backtest import backtest_var, var_breaches
from agent.vol.ewma import ewma_path
from agent.vol.garch import GarchFit, GarchKind, GarchParameters, fit_garch
from tests.support.decision_builders import NOW, SPOT_USD, short_calls

HOURS_PER_YEAR = 8_760.0
SEED = 5


@pytest.fixture(scope="module")
def eth_five_minutes(market_data):
    frame = pl.read_parquet(market_data / "binance_spot_5m_2024.parquet").filter(pl.col("symbol") == "ETHUSDT")
    return frame.sort("open_ts")["close"].to_numpy()


@pytest.fixture(scope="module")
def eth_hourly(eth_five_minutes):
    return eth_five_minutes[11::12]


@pytest.fixture(scope="module")
def eth_fit(eth_hourly):
    return fit_garch(np.diff(np.log(eth_hourly))[:4_000], GarchKind.GJR)


def still_fit(kind, parameters, shocks, variance=1e-4):
    """A fit whose residuals are given; only what a simulation uses is filled in."""
    rows = np.full(len(shocks), variance)
    return GarchFit(kind, parameters, parameters, 0.0, rows, np.asarray(shocks), variance)


def test_pnl_of_moves__spot_alone__is_the_closed_form():
    moves = MarketMoves(np.random.default_rng(SEED).normal(0.0, 0.02, 1_000_000), np.zeros(1_000_000), 1 / 365)
    risk = book_tail_risk(Positions(NO_OPTIONS, SPOT_USD, 10.0), moves, 0.99, SEED, resamples=100)
    assert risk.var_usd == pytest.approx(30_000.0 * (1.0 - math.exp(0.02 * norm.ppf(0.01))), rel=0.01)
    tail_mean = math.exp(0.0002) * norm.cdf(norm.ppf(0.01) - 0.02) / 0.01
    assert risk.expected_shortfall_usd == pytest.approx(30_000.0 * (1.0 - tail_mean), rel=0.01)


def test_pnl_of_moves__small_moves__delta_gamma_vega_agrees_with_full_revaluation():
    positions = positions_of(short_calls(), SPOT_USD, NOW, 5.0, 0.1)
    moves = MarketMoves(np.linspace(-0.01, 0.01, 21), np.linspace(0.004, -0.004, 21), 1 / HOURS_PER_YEAR)
    full, taylor = (pnl_of_moves(positions, moves, valuation) for valuation in Valuation)
    assert np.max(np.abs(taylor - full)) < 0.005 * np.max(np.abs(full))


def test_pnl_of_moves__large_moves__delta_gamma_vega_is_told_apart():
    positions = positions_of(short_calls(), SPOT_USD, NOW, 5.0)
    moves = MarketMoves(np.array([-0.4, 0.4]), np.array([0.3, 0.1]), 1 / 365)
    full, taylor = (pnl_of_moves(positions, moves, valuation) for valuation in Valuation)
    assert np.max(np.abs(taylor - full)) > 0.1 * np.max(np.abs(full))


def test_historical_moves__bars__end_at_the_last_price():
    price = np.array([1.0, 2.0, 3.0, 5.0, 7.0, 11.0])
    apart = historical_moves(price, 2, HOURS_PER_YEAR, vol_beta=-0.5)
    assert apart.log_return == pytest.approx(np.log([5.0 / 2.0, 11.0 / 5.0]))
    assert apart.vol_shift_annual == pytest.approx(-0.5 * apart.log_return)
    assert apart.horizon_years == 2.0 / HOURS_PER_YEAR
    overlapping = historical_moves(price, 2, HOURS_PER_YEAR, is_overlapping=True)
    assert overlapping.log_return == pytest.approx(np.log([3.0, 2.5, 7.0 / 3.0, 2.2]))


def test_rescaled_moves__volatility_doubled__returns_double():
    moves = rescaled_moves([0.01, -0.02], [1e-4, 4e-4], 16e-4, 365.0)
    assert moves.log_return == pytest.approx([0.04, -0.04])


def test_filtered_moves__constant_variance__is_a_bootstrap_of_the_shocks():
    shocks = np.array([-2.0, 1.0])
    fit = still_fit(GarchKind.GARCH, GarchParameters(0.001, 1e-4, 0.0, 0.0, 0.0), shocks)
    moves = filtered_moves(fit, 1, 365.0, 4_000, SEED)
    assert sorted(set(np.round(moves.log_return, 12))) == [-0.019, 0.011]
    assert np.mean(moves.log_return < 0) == pytest.approx(0.5, abs=0.03)
    assert filtered_moves(fit, 9, 365.0, 1, SEED).horizon_years == 9 / 365


@pytest.mark.parametrize(
    ("kind", "gamma", "expected"),
    [
        (GarchKind.GARCH, 0.0, 1e-5 + 0.1 * 4e-4 + 0.8 * 1e-4),
        (GarchKind.GJR, 0.05, 1e-5 + 0.15 * 4e-4 + 0.8 * 1e-4),
    ],
)
def test_filtered_moves__two_bars_of_one_shock__follow_the_recursion(kind, gamma, expected):
    fit = still_fit(kind, GarchParameters(0.0, 1e-5, 0.1, gamma, 0.8), [-2.0])
    moves = filtered_moves(fit, 2, 365.0, 1, SEED)
    assert moves.log_return.item() == pytest.approx(-2.0 * (0.01 + math.sqrt(expected)), rel=1e-12)


def test_filtered_moves__egarch__follows_the_recursion():
    p = GarchParameters(0.0, -1.0, 0.2, -0.1, 0.9)
    moves = filtered_moves(still_fit(GarchKind.EGARCH, p, [-2.0]), 2, 365.0, 1, SEED)
    log_variance = -1.0 + 0.2 * (2.0 - math.sqrt(2 / math.pi)) + 0.2 + 0.9 * math.log(1e-4)
    assert moves.log_return.item() == pytest.approx(-2.0 * (0.01 + math.exp(0.5 * log_variance)), rel=1e-12)


@pytest.mark.market_data
def test_filtered_moves__eth_day_ahead__agrees_with_the_bootstrap_of_arch(eth_hourly, eth_fit):
    returns = np.diff(np.log(eth_hourly))[:4_000]
    p = eth_fit.parameters
    model = arch_model(returns * 100.0, mean="Constant", vol="GARCH", p=1, o=1, q=1, rescale=False)
    fixed = model.fix([p.mean * 100.0, p.omega * 1e4, p.alpha, p.gamma, p.beta])
    forecast = fixed.forecast(
        horizon=24, method="bootstrap", simulations=100_000, random_state=np.random.RandomState(3)
    )
    theirs = forecast.simulations.values[-1].sum(axis=1) / 100.0
    ours = filtered_moves(eth_fit, 24, HOURS_PER_YEAR, 100_000, SEED).log_return
    assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    for tail in (0.01, 0.05, 0.5, 0.95, 0.99):
        assert np.quantile(ours, tail) == pytest.approx(np.quantile(theirs, tail), abs=0.05 * theirs.std())


def rolling_var(returns, level, window, variances=None):
    """One-bar VaR of one unit of log return from the ``window`` bars before, rescaled where variances are given."""
    found, place = np.empty(returns.size - window), int(window * (1.0 - level) + 1e-9)
    for row in range(found.size):
        past = returns[row : row + window]
        if variances is not None:
            past = past * np.sqrt(variances[row + window] / variances[row : row + window])
        found[row] = -np.partition(past, place)[place]
    return found


@pytest.mark.market_data
def test_backtest_var__eth_five_minutes__rescaled_covers_and_plain_does_not(eth_five_minutes):
    returns = np.diff(np.log(eth_five_minutes[:30_001]))
    level, window = 0.99, 2_016
    variances = ewma_path(returns, 0.94, float(np.var(returns[:100]))).variance_per_bar
    judged = returns[window:]
    plain = backtest_var(var_breaches(judged, rolling_var(returns, level, window)), level)
    rescaled = backtest_var(var_breaches(judged, rolling_var(returns, level, window, variances)), level)
    assert plain.unconditional_coverage.rejects()
    assert plain.independence.rejects(1e-12)
    assert rescaled.breaches / rescaled.periods == pytest.approx(0.01, abs=0.001)
    assert not rescaled.unconditional_coverage.rejects()
    assert rescaled.independence.statistic < 0.2 * plain.independence.statistic


@pytest.mark.market_data
def test_rescaled_moves__eth_five_minutes__give_the_var_of_the_rolling_backtest(eth_five_minutes):
    returns = np.diff(np.log(eth_five_minutes[:3_000]))
    path = ewma_path(returns, 0.94, float(np.var(returns[:100])))
    window = slice(returns.size - 2_016, None)
    moves = rescaled_moves(returns[window], path.variance_per_bar[window], path.next_variance_per_bar, 105_120.0)
    variances = np.append(path.variance_per_bar, path.next_variance_per_bar)
    expected = rolling_var(np.append(returns, 0.0), 0.99, 2_016, variances)[-1]
    assert value_at_risk(moves.log_return, 0.99) == pytest.approx(expected, rel=1e-12)


@pytest.mark.market_data
def test_book_tail_risk__eth_filtered__shortfall_exceeds_var_and_stress_exceeds_calm(eth_hourly, eth_fit):
    positions = positions_of(short_calls(), SPOT_USD, NOW, 5.0)
    risk = book_tail_risk(positions, filtered_moves(eth_fit, 24, HOURS_PER_YEAR, 10_000, SEED), 0.99, SEED)
    assert risk.expected_shortfall_usd > risk.var_usd > 0.0
    assert risk.var_interval.low <= risk.var_usd <= risk.var_interval.high
    hour = book_tail_risk(positions, historical_moves(eth_hourly, 1, HOURS_PER_YEAR), 0.99, SEED)
    assert hour.var_usd < risk.var_usd


@pytest.mark.parametrize(
    ("price", "message"),
    [
        ([1.0, math.nan, 2.0], "row 1: price_usd is nan"),
        ([1.0, 2.0, -1.0], "row 2: price_usd is -1.0"),
        ([1.0], "price_usd has 1 rows; expected at least 2"),
    ],
)
def test_historical_moves__bad_prices__are_refused_by_row(price, message):
    with pytest.raises(DataError, match=message):
        historical_moves(price, 1, 365.0)


def test_market_moves__bad_columns__are_refused_by_row_and_field():
    with pytest.raises(DataError, match="row 1: log_return is nan"):
        MarketMoves(np.array([0.0, math.nan]), np.zeros(2), 0.1)
    with pytest.raises(DataError, match="vol_shift_annual 1; give one of each"):
        MarketMoves(np.zeros(2), np.zeros(1), 0.1)
    with pytest.raises(DataError, match="horizon_years is -1"):
        MarketMoves(np.zeros(2), np.zeros(2), -1.0)


def test_rescaled_moves__bad_variance__is_refused_by_row():
    with pytest.raises(DataError, match=r"row 1: variance_per_bar is 0\.0"):
        rescaled_moves([0.1, 0.1], [1.0, 0.0], 1.0, 365.0)
    with pytest.raises(DataError, match="log_returns has 2 rows and variance_per_bar 1"):
        rescaled_moves([0.1, 0.1], [1.0], 1.0, 365.0)


def test_filtered_moves__explosive_variance__is_refused():
    fit = still_fit(GarchKind.GARCH, GarchParameters(0.0, 1e-4, 5.0, 0.0, 5.0), [3.0])
    with pytest.raises(DataError, match="variance grows without end over horizon_bars 2000"):
        filtered_moves(fit, 2_000, 365.0, 3, SEED)


@pytest.mark.parametrize(("bars", "paths", "name"), [(0, 1, "horizon_bars"), (1, 0, "paths"), (1.5, 1, "horizon_bars")])
def test_filtered_moves__bad_count__is_refused_by_name(bars, paths, name):
    with pytest.raises(DataError, match=name):
        filtered_moves(still_fit(GarchKind.GARCH, GarchParameters(0, 1, 0, 0, 0), [1.0]), bars, 365.0, paths, SEED)


def test_pnl_of_moves__move_beyond_every_price__is_refused_by_row():
    with pytest.raises(DataError, match="row 1: spot_usd is inf"):
        pnl_of_moves(Positions(NO_OPTIONS, SPOT_USD, 1.0), MarketMoves(np.array([0.0, 800.0]), np.zeros(2), 0.0))
