"""GARCH family: the published benchmark, simulated truth, forecasts against `arch`, bad input."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from arch import arch_model

from agent.errors import DataError
from agent.vol.garch import (
    GarchFit,
    GarchKind,
    GarchParameters,
    fit_garch,
    forecast_term_structure_vol_annual,
    forecast_variance_per_bar,
    forecast_vol_to_expiry_annual,
)

PERCENT = 100.0


@pytest.fixture(scope="module")
def dem_gbp(repository):
    """Daily DEM/GBP returns 1984-1991, ratios: the series of Bollerslev and Ghysels (1996) in the JBES data archive."""
    returns = np.loadtxt(repository / "tests/vectors/garch/dem_gbp_returns.csv", skiprows=1) / PERCENT
    assert returns.size == 1974
    return returns


def simulate(kind, omega, alpha, gamma, beta, size, seed):
    """Returns in ratios of the named recursion, with the variance of each bar."""
    z = np.random.default_rng(seed).standard_normal(size)
    variance, returns = np.empty(size), np.empty(size)
    v = 1e-4
    for t in range(size):
        variance[t], returns[t] = v, math.sqrt(v) * z[t]
        if kind is GarchKind.EGARCH:
            shock = alpha * (abs(z[t]) - math.sqrt(2 / math.pi)) + gamma * z[t]
            v = math.exp(omega + shock + beta * math.log(v))
        else:
            v = omega + (alpha + gamma * (z[t] < 0)) * returns[t] ** 2 + beta * v
    return returns, variance


def test_fit_garch__dem_gbp__fiorentini_calzolari_panattoni(dem_gbp):
    fit = fit_garch(dem_gbp, GarchKind.GARCH)
    p, e = fit.parameters, fit.standard_errors
    # The benchmark moves the backcast with the mean as it searches; the mean differs by 0.2 % of its standard error.
    assert p.mean * PERCENT == pytest.approx(-0.00619041, abs=3e-5)
    assert p.omega * PERCENT**2 == pytest.approx(0.0107613, abs=1e-6)
    assert p.alpha == pytest.approx(0.153134, abs=5e-6)
    assert p.beta == pytest.approx(0.805974, abs=1e-5)
    errors = (e.mean * PERCENT, e.omega * PERCENT**2, e.alpha, e.beta)
    assert errors == pytest.approx((0.00846212, 0.00285271, 0.0265228, 0.0335527), rel=1e-3)
    assert fit.log_likelihood == pytest.approx(-1106.6079, abs=2e-3)


def test_fit_garch__arch_default_backcast__gives_the_other_estimates(dem_gbp):
    default = (
        arch_model(dem_gbp * PERCENT, rescale=False)
        .fit(disp="off")
        .model.volatility.backcast((dem_gbp - dem_gbp.mean()) * PERCENT)
    )
    fit = fit_garch(dem_gbp, GarchKind.GARCH, backcast_variance_per_bar=float(default) / PERCENT**2)
    p = fit.parameters
    assert (p.omega * PERCENT**2, p.alpha, p.beta) == pytest.approx((0.00992, 0.1455, 0.8168), abs=5e-5)


def test_fit_garch__dem_gbp__variance_path_obeys_the_recursion(dem_gbp):
    fit = fit_garch(dem_gbp, GarchKind.GARCH)
    p, e2 = fit.parameters, (dem_gbp - fit.parameters.mean) ** 2
    v = np.append(fit.variance_per_bar, fit.next_variance_per_bar)
    np.testing.assert_allclose(v[1:], p.omega + p.alpha * e2 + p.beta * v[:-1], rtol=1e-10)
    backcast = np.mean((dem_gbp - dem_gbp.mean()) ** 2)
    assert v[0] == pytest.approx(p.omega + (p.alpha + p.beta) * backcast, rel=1e-10)
    np.testing.assert_allclose(fit.standardised_residuals**2 * v[:-1], e2, rtol=1e-10)


@pytest.mark.parametrize(
    ("kind", "truth"),
    [
        (GarchKind.GARCH, (2e-6, 0.08, 0.0, 0.90)),
        (GarchKind.GJR, (2e-6, 0.03, 0.10, 0.90)),
        (GarchKind.EGARCH, (-0.35, 0.15, -0.08, 0.96)),
    ],
)
def test_fit_garch__simulated_returns__recovers_truth_within_four_errors(kind, truth):
    returns, variance = simulate(kind, *truth, size=8000, seed=3)
    fit = fit_garch(returns, kind, robust_errors=True)
    p, e = fit.parameters, fit.standard_errors
    estimates, errors = (p.omega, p.alpha, p.gamma, p.beta), (e.omega, e.alpha, e.gamma, e.beta)
    for estimate, error, true in zip(estimates, errors, truth, strict=True):
        assert abs(estimate - true) <= 4.0 * error
    assert np.corrcoef(fit.variance_per_bar, variance)[0, 1] > 0.98
    assert fit.standardised_residuals.std() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("kind", [GarchKind.GARCH, GarchKind.GJR])
def test_forecast__closed_form__equals_arch(kind):
    returns, _ = simulate(kind, 2e-6, 0.05, 0.05, 0.88, size=2000, seed=5)
    fit, unit = fit_garch(returns, kind), returns.std()
    model = arch_model(returns / unit, p=1, o=0 if kind is GarchKind.GARCH else 1, q=1, rescale=False)
    result = model.fit(disp="off", backcast=1.0, tol=1e-11)
    theirs = result.forecast(horizon=50).variance.to_numpy()[-1] * unit**2
    np.testing.assert_allclose(forecast_variance_per_bar(fit, 50), theirs, rtol=1e-6)


def test_forecast__egarch__equals_arch_simulation():
    returns, _ = simulate(GarchKind.EGARCH, -0.35, 0.2, -0.1, 0.96, size=2000, seed=5)
    fit = fit_garch(returns, GarchKind.EGARCH)
    model = arch_model(returns * PERCENT, vol="EGARCH", p=1, o=1, q=1, rescale=False)
    result = model.fit(disp="off", backcast=np.var(returns) * PERCENT**2, tol=1e-11)
    rng = np.random.default_rng(9)
    simulated = result.forecast(horizon=20, method="simulation", simulations=40_000, rng=rng.standard_normal)
    paths = simulated.simulations.variances[-1] / PERCENT**2
    error = paths.std(axis=0) / math.sqrt(paths.shape[0])
    exact = forecast_variance_per_bar(fit, 20)
    assert exact[0] == pytest.approx(paths[0, 0], rel=1e-6)
    assert (np.abs(exact - paths.mean(axis=0))[1:] < 4.0 * error[1:]).all()


@pytest.mark.parametrize("kind", list(GarchKind))
def test_fit_garch__returns_in_another_unit__same_shape(kind):
    returns, _ = simulate(
        kind, *((-0.35, 0.15, -0.08, 0.96) if kind is GarchKind.EGARCH else (2e-6, 0.05, 0.05, 0.9)), 1500, 8
    )
    one, small = (fit_garch(returns * unit, kind) for unit in (1.0, 1e-3))
    p, q = one.parameters, small.parameters
    assert (p.alpha, p.gamma, p.beta) == pytest.approx((q.alpha, q.gamma, q.beta), abs=1e-6)
    assert small.next_variance_per_bar * 1e6 == pytest.approx(one.next_variance_per_bar, rel=1e-6)
    assert small.log_likelihood - one.log_likelihood == pytest.approx(1500 * math.log(1e3), rel=1e-6)


@pytest.mark.market_data
def test_fit_garch__five_minute_returns__reach_the_maximum_that_percent_returns_miss(market_data):
    """On percent `arch` stops at a log likelihood of 10564.4 and reports success."""
    bars = pl.read_parquet(market_data / "binance_spot_5m_2024.parquet").filter(pl.col("symbol") == "ETHUSDT")
    close = bars.sort("open_ts")["close"].to_numpy()[:20_000]
    fit = fit_garch(np.diff(np.log(close)), GarchKind.GARCH)
    assert fit.log_likelihood == pytest.approx(10652.754, abs=0.01)
    assert fit.persistence == pytest.approx(0.99728, abs=1e-4)


@pytest.mark.market_data
def test_fit_garch__a_year_of_days_without_a_clear_maximum__is_refused(market_data):
    """From four starts EGARCH ends at log likelihoods of -513, -500 and -498, each reported as a success."""
    bars = pl.read_parquet(market_data / "perp_ohlcv_1h_multivenue_2025_2026.parquet")
    bars = bars.filter((pl.col("venue") == "binance") & (pl.col("coin") == "ETH")).sort("open_ts")
    returns = np.diff(np.log(bars["close"].to_numpy()[::24]))
    with pytest.raises(DataError, match="EGARCH has no clear maximum on these 363 returns"):
        fit_garch(returns, GarchKind.EGARCH)


def test_forecast__persistence_one__grows_by_omega_a_bar():
    parameters = GarchParameters(0.0, 1e-6, 0.1, 0.0, 0.9)
    fit = GarchFit(GarchKind.GARCH, parameters, parameters, 0.0, np.ones(1), np.ones(1), 4e-4)
    np.testing.assert_allclose(forecast_variance_per_bar(fit, 3), [4e-4, 4.01e-4, 4.02e-4], rtol=1e-12)


def test_term_structure__far_horizon__tends_to_the_long_run(dem_gbp):
    fit = fit_garch(dem_gbp, GarchKind.GARCH)
    term = forecast_term_structure_vol_annual(fit, 20_000, 252.0)
    long_run = math.sqrt(fit.parameters.omega / (1.0 - fit.persistence) * 252.0)
    assert term[0] == pytest.approx(math.sqrt(fit.next_variance_per_bar * 252.0), rel=1e-14)
    assert term[-1] == pytest.approx(long_run, rel=2e-3)
    forecast = forecast_variance_per_bar(fit, 10)
    assert term[9] == pytest.approx(math.sqrt(forecast.mean() * 252.0), rel=1e-14)


def fitted(kind, *parameters, next_variance=4e-4):
    p = GarchParameters(0.0, *parameters)
    return GarchFit(kind, p, p, 0.0, np.ones(1), np.ones(1), next_variance)


@pytest.mark.parametrize(
    "fit",
    [
        fitted(GarchKind.GARCH, 2e-6, 0.08, 0.0, 0.90),
        fitted(GarchKind.GJR, 2e-6, 0.03, 0.10, 0.90),
        fitted(GarchKind.EGARCH, -0.35, 0.15, -0.08, 0.96),
    ],
)
def test_vol_to_expiry__seeded_paths__realise_it_on_average(fit):
    p, paths, rng = fit.parameters, 200_000, np.random.default_rng(21)
    variance, total = np.full(paths, fit.next_variance_per_bar), np.zeros(paths)
    for _ in range(30):
        z = rng.standard_normal(paths)
        total += variance * z * z
        if fit.kind is GarchKind.EGARCH:
            shock = p.alpha * (np.abs(z) - math.sqrt(2 / math.pi)) + p.gamma * z
            variance = np.exp(p.omega + shock + p.beta * np.log(variance))
        else:
            variance = p.omega + (p.alpha + p.gamma * (z < 0)) * variance * z * z + p.beta * variance
    expected = forecast_vol_to_expiry_annual(fit, 30.0 / 365.0, 365.0) ** 2 * 30.0 / 365.0
    assert abs(total.mean() - expected) < 4.0 * total.std() / math.sqrt(paths)


def test_vol_to_expiry__whole_and_part_bars__follow_the_term_structure():
    fit = fitted(GarchKind.GJR, 2e-6, 0.03, 0.10, 0.90)
    term, bars = forecast_term_structure_vol_annual(fit, 40, 365.0), np.array([[1.0, 7.0], [30.0, 40.0]])
    vols = forecast_vol_to_expiry_annual(fit, bars / 365.0, 365.0)
    np.testing.assert_allclose(vols, term[bars.astype(int) - 1], rtol=1e-12)
    within, half = forecast_vol_to_expiry_annual(fit, np.array([1e-6, 1.5 / 365.0]), 365.0)
    assert within == pytest.approx(term[0], rel=1e-12)
    first, second = forecast_variance_per_bar(fit, 2)
    assert half == pytest.approx(math.sqrt((first + 0.5 * second) / 1.5 * 365.0), rel=1e-12)
    assert forecast_vol_to_expiry_annual(fit, [], 365.0).shape == (0,)


@pytest.mark.parametrize(
    ("tau", "message"),
    [
        ([0.1, 0.0], "row 1: tau_years is 0.0"),
        ([0.1, np.nan], "row 1: tau_years is nan"),
        (1e6, "an expiry is 365000000 bars away"),
    ],
)
def test_vol_to_expiry__bad_time__named(tau, message):
    with pytest.raises(DataError, match=message):
        forecast_vol_to_expiry_annual(fitted(GarchKind.GARCH, 2e-6, 0.08, 0.0, 0.9), tau, 365.0)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.zeros(200), "do not vary"),
        (np.full(200, 0.01), "do not vary"),
        (np.full(50, 0.01), "has 50 rows; expected at least 100"),
        (np.append(np.full(150, 0.01), np.nan), "row 150: log_returns is nan"),
        (np.zeros((2, 200)), "has shape"),
    ],
)
def test_fit_garch__bad_returns__named(returns, message):
    with pytest.raises(DataError, match=message):
        fit_garch(returns, GarchKind.GARCH)


def test_fit_garch__bad_backcast_or_horizon__named(dem_gbp):
    with pytest.raises(DataError, match="backcast_variance_per_bar is -1"):
        fit_garch(dem_gbp, GarchKind.GARCH, backcast_variance_per_bar=-1.0)
    fit = fit_garch(dem_gbp, GarchKind.GARCH)
    with pytest.raises(DataError, match="horizon_bars is 0"):
        forecast_variance_per_bar(fit, 0)
