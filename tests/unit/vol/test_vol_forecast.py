"""Volatility forecast: a refused model gives way to a plainer one, aloud; bad data is still refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.errors import DataError, FitRefusedError
from agent.vol import vol_forecast
from agent.vol.ewma import RISKMETRICS_DAILY_DECAY, ewma_path
from agent.vol.garch import GarchKind, fit_garch, forecast_vol_to_expiry_annual
from agent.vol.vol_forecast import forecast_vol

TAU = np.array([7.0, 30.0]) / 365.0


def clustered(size=1500):
    z, v, returns = np.random.default_rng(8).standard_normal(size), 4e-4, []
    for shock in z:
        returns.append(math.sqrt(v) * shock)
        v = 1e-5 + 0.1 * returns[-1] ** 2 + 0.87 * v
    return np.array(returns)


def test_forecast_vol__fit_holds__is_the_forecast_of_the_fit():
    forecast = forecast_vol(clustered(), GarchKind.GARCH, TAU, 365.0)
    assert (forecast.model, forecast.refusals) == ("GARCH", ())
    theirs = forecast_vol_to_expiry_annual(fit_garch(clustered(), GarchKind.GARCH), TAU, 365.0)
    np.testing.assert_array_equal(forecast.vol_annual, theirs)


def test_forecast_vol__first_model_refused__plainer_one_and_why(monkeypatch):
    def refuse_egarch(returns, kind):
        if kind is GarchKind.EGARCH:
            raise FitRefusedError("EGARCH has no verified maximum")
        return fit_garch(returns, kind)

    monkeypatch.setattr(vol_forecast, "fit_garch", refuse_egarch)
    forecast = forecast_vol(clustered(), GarchKind.EGARCH, TAU, 365.0)
    assert (forecast.model, forecast.refusals) == ("GJR", ("EGARCH has no verified maximum",))


@pytest.mark.parametrize("kind", list(GarchKind))
def test_forecast_vol__returns_all_of_one_size__ewma_and_why(kind):
    """Squares that never change hold no reaction of variance to returns."""
    returns = np.tile([0.01, -0.01], 150)
    forecast = forecast_vol(returns, kind, TAU, 365.0)
    assert forecast.model == "EWMA"
    assert all("no verified maximum" in refusal for refusal in forecast.refusals)
    np.testing.assert_allclose(forecast.vol_annual, 0.01 * math.sqrt(365.0), rtol=1e-12)


def test_forecast_vol__too_few_returns__ewma_and_why():
    returns = clustered(60)
    forecast = forecast_vol(returns, GarchKind.EGARCH, 0.1, 365.0)
    expected = ewma_path(returns, RISKMETRICS_DAILY_DECAY, float(np.mean(returns**2))).next_vol_annual(365.0)
    assert forecast.model == "EWMA"
    assert forecast.vol_annual == pytest.approx(expected, rel=1e-14)
    assert forecast.refusals[0] == "EGARCH needs at least 100 returns and was given 60"
    assert len(forecast.refusals) == 3


def test_forecast_vol__regime_break__stays_within_what_was_seen():
    returns = np.random.default_rng(4).standard_normal(1200) * np.repeat([0.001, 0.05], 600)
    for kind in GarchKind:
        forecast = forecast_vol(returns, kind, 1.0, 365.0)
        assert 0.3 < float(forecast.vol_annual) < 8.0


@pytest.mark.parametrize("returns", [np.zeros(200), np.zeros(20), np.append(np.full(150, 0.01), np.nan)])
def test_forecast_vol__bad_returns__are_refused(returns):
    with pytest.raises(DataError, match="log_returns"):
        forecast_vol(returns, GarchKind.EGARCH, TAU, 365.0)
