"""Calibration of chains that are hard on purpose: made by other models, noisy, sparse, one-sided, about to expire."""

from __future__ import annotations

import numpy as np
import pytest

from agent.errors import DataError
from agent.products.european import black76_greeks
from agent.vol.arbitrage import check_arbitrage
from agent.vol.bates import Bates
from agent.vol.heston import Heston
from agent.vol.implied import black76_implied_vol
from agent.vol.merton import LognormalJumps
from agent.vol.quotes import chain_quotes, slice_targets
from agent.vol.surface_fit import calibrate_surface
from tests.support.chain_samples import model_chain, noisy_quotes, rows_of

DAYS = np.array([1.0, 2.0, 4.0, 7.0, 14.0, 30.0, 60.0, 90.0, 182.5, 273.75, 365.0]) / 365.0
HOUR, MINUTE = 1.0 / 8760.0, 1.0 / 525_600.0
CALM = Heston(0.36, 2.0, 0.36, 1.2, -0.5)
FELLER_BROKEN = Heston(0.04, 1.5, 0.09, 1.5, -0.9)
CRASHES = Bates(CALM, LognormalJumps(1.0, -0.1, 0.15))
FINE_POINTS = 20_000
LIQUID_INSIDE = 0.95


def skewed(correlation):
    """A smile that falls in one wing almost to nothing."""
    return Heston(0.36, 1.0, 0.36, 3.0, correlation)


@pytest.mark.parametrize(
    ("model", "width_stdevs", "level", "spread", "noise"),
    [
        (CALM, 3.0, 0.6, 0.02, 0.5),
        (FELLER_BROKEN, 3.0, 0.25, 0.005, 0.0),
        (FELLER_BROKEN, 3.0, 0.25, 0.02, 0.5),
        (CRASHES, 3.0, 0.65, 0.005, 0.0),
        (CRASHES, 6.0, 0.65, 0.02, 0.3),
        (skewed(0.95), 3.0, 0.6, 0.02, 0.5),
    ],
)
def test_calibrate_surface__chain_of_another_model__inside_without_arbitrage(model, width_stdevs, level, spread, noise):
    strikes = 61 if width_stdevs > 3.0 else 31
    fit = calibrate_surface(noisy_quotes(model_chain(model, DAYS, strikes, width_stdevs, level), spread, noise))
    assert fit.inside_share >= LIQUID_INSIDE
    assert check_arbitrage(fit.surface, FINE_POINTS).is_free


@pytest.mark.parametrize("seed", range(4))
def test_calibrate_surface__skew_that_kinks_the_slices__nothing_is_given_back(seed):
    """Expiries that touch at a kink between grid strikes must not cost the chain its fit."""
    fit = calibrate_surface(noisy_quotes(model_chain(skewed(-0.95), DAYS), 0.02, 0.5, seed))
    assert fit.inside_share >= LIQUID_INSIDE
    assert min(fit.svi_shares.min(), fit.bump_shares.min()) > 0.9
    assert check_arbitrage(fit.surface, FINE_POINTS).is_free


def test_calibrate_surface__wings_of_jumps_to_six_deviations__no_fall_back_to_ssvi():
    fit = calibrate_surface(noisy_quotes(model_chain(CRASHES, DAYS, 61, 6.0, 0.65), 0.02, 0.0))
    assert fit.inside_share >= LIQUID_INSIDE
    assert fit.svi_shares.min() > 0.9


@pytest.mark.parametrize("strikes", [3, 4, 5])
def test_calibrate_surface__few_strikes_an_expiry__all_inside_without_arbitrage(strikes):
    fit = calibrate_surface(noisy_quotes(model_chain(CALM, DAYS, strikes, 1.5), 0.01, 0.0))
    assert fit.inside_share == 1.0
    assert check_arbitrage(fit.surface, FINE_POINTS).is_free


def test_calibrate_surface__half_the_chain_one_sided__crossed_by_a_tenth_at_most():
    quotes = noisy_quotes(model_chain(CRASHES, DAYS, level=0.65), 0.02, 0.3)
    side = np.random.default_rng(5).random(quotes.tau_years.size)
    bid = np.where(side < 0.25, np.nan, quotes.bid_vol_annual)
    ask = np.where(side > 0.75, np.nan, quotes.ask_vol_annual)
    fit = calibrate_surface(rows_of(quotes, slice(None), bid_vol_annual=bid, ask_vol_annual=ask))
    vols = fit.surface.vol_annual(quotes.log_moneyness, quotes.tau_years)
    slack = 0.1 * (quotes.ask_vol_annual - quotes.bid_vol_annual)
    held = (vols >= np.nan_to_num(bid - slack)) & (vols <= np.nan_to_num(ask + slack, nan=np.inf))
    assert held.mean() >= 0.98
    assert check_arbitrage(fit.surface, FINE_POINTS).is_free


@pytest.mark.parametrize("taus", [[0.1], [0.1, 0.1 + HOUR], [3 * MINUTE, 10 * MINUTE, 0.001]])
def test_calibrate_surface__odd_expiries__each_its_own_slice_all_inside(taus):
    quotes = noisy_quotes(model_chain(CALM, taus), 0.01, 0.2)
    fit = calibrate_surface(quotes)
    assert fit.surface.tau_years.size == len(taus)
    assert fit.inside_share == 1.0
    assert check_arbitrage(fit.surface, FINE_POINTS).is_free


def test_slice_targets__expiries_minutes_apart__stay_apart_though_stamps_differ():
    tau = np.array([3.0, 3.0 + 1e-3, 10.0, 10.0 + 1e-3]) * MINUTE
    targets = slice_targets(chain_quotes(1.0, [0.99, 1.01, 0.99, 1.01], tau, 0.5, 0.6))
    np.testing.assert_array_equal(targets.counts, [2, 2])


def test_calibrate_surface__smile_of_a_yes_or_no_event__most_quotes_inside():
    """Two outcomes 8 % up or down leave a density with two humps, which no hyperbola follows."""
    k, tau = np.linspace(-0.2, 0.2, 41), 2.0 / 365.0
    outcomes = [0.5 * black76_greeks(k >= 0.0, mean, np.exp(k), 1.0, 0.02).value for mean in (0.92, 1.08)]
    implied = black76_implied_vol(k >= 0.0, np.sum(outcomes, axis=0), 1.0, np.exp(k), tau)
    vols = implied.vol_annual[implied.is_ok]
    fit = calibrate_surface(chain_quotes(1.0, np.exp(k[implied.is_ok]), tau, 0.99 * vols, 1.01 * vols))
    assert fit.inside_share >= 0.8
    assert check_arbitrage(fit.surface, FINE_POINTS).is_free


def test_chain_quotes__crossed_row_in_a_whole_chain__named():
    quotes = noisy_quotes(model_chain(CALM, DAYS[:2]), 0.02, 0.0)
    bid = quotes.bid_vol_annual.copy()
    bid[17] = quotes.ask_vol_annual[17] + 0.01
    with pytest.raises(
        DataError, match=r"^row 17: bid_vol_annual is .* above ask_vol_annual .*; drop the crossed quote"
    ):
        chain_quotes(1.0, np.exp(quotes.log_moneyness), quotes.tau_years, bid, quotes.ask_vol_annual)
