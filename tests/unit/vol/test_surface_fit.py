"""Calibration of whole chains: real ones inside their spreads, odd ones without arbitrage, always the same."""

from __future__ import annotations

import numpy as np
import pytest

from agent.products.european import black76_greeks
from agent.vol.arbitrage import check_arbitrage
from agent.vol.quotes import chain_quotes
from agent.vol.surface_fit import calibrate_surface
from tests.support.chain_samples import SMOOTH, btc_quotes, eth_frame, eth_quotes, rows_of, smooth_chain

FINE_POINTS = 20_000


def inside_share(surface, quotes):
    """Share of two-sided quotes whose surface vol lies inside bid and ask, asked through the public surface."""
    judged = quotes.is_two_sided
    vols = surface.vol_annual(quotes.log_moneyness[judged], quotes.tau_years[judged])
    return np.mean((vols >= quotes.bid_vol_annual[judged]) & (vols <= quotes.ask_vol_annual[judged]))


def assert_free_everywhere(surface):
    """No butterfly and no calendar arbitrage on a fine grid with both wings, nor between and beyond expiries."""
    assert check_arbitrage(surface, FINE_POINTS).is_free
    edges = surface.tau_years
    times = np.sort(np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1]), [0.3 * edges[0], 3.0 * edges[-1]]]))
    spread = np.sqrt(surface.total_variance(0.0, times))
    before = None
    for tau, reach in zip(times, 8.0 * spread, strict=True):
        strikes = np.linspace(np.exp(-reach), min(np.exp(reach), 50.0), 4001)
        calls = black76_greeks(True, 1.0, strikes, 1.0, np.sqrt(surface.total_variance(np.log(strikes), tau))).value
        assert np.diff(calls, 2).min() > -1e-13
        variances = surface.total_variance(np.linspace(-5.0, 5.0, 1001), tau)
        if before is not None:
            assert (variances > before).all()
        before = variances


def test_calibrate_surface__eth_chain__inside_the_spreads_without_arbitrage(market_data):
    priced = eth_quotes(market_data)
    fit = calibrate_surface(priced.quotes)
    assert fit.surface.tau_years.size == 11
    assert priced.quotes.is_two_sided.sum() > 390
    assert fit.inside_share >= 0.985
    assert inside_share(fit.surface, priced.quotes) == pytest.approx(fit.inside_share, abs=1e-12)
    assert_free_everywhere(fit.surface)


def test_calibrate_surface__eth_chain__marks_reproduced(market_data):
    frame, priced = eth_frame(market_data), eth_quotes(market_data)
    surface = calibrate_surface(priced.quotes).surface
    vols = surface.vol_annual(priced.quotes.log_moneyness, priced.quotes.tau_years)
    forward, strike = frame["underlying_usd"].to_numpy(), frame["strike_usd"].to_numpy()
    is_call = (frame["option_type"] == "C").to_numpy()
    model_coin = black76_greeks(is_call, forward, strike, priced.quotes.tau_years, vols).value / forward
    error_coin = np.abs(model_coin - frame["mark_coin"].to_numpy())
    assert np.median(error_coin) < 1e-4
    assert np.quantile(error_coin, 0.95) < 5e-4
    traded = (np.abs(priced.quotes.log_moneyness) < np.sqrt(priced.quotes.tau_years)) & np.isfinite(
        priced.quotes.mark_vol_annual
    )
    assert np.quantile(np.abs(vols - priced.quotes.mark_vol_annual)[traded], 0.95) < 0.006


def test_calibrate_surface__eth_chain_without_marks__inside_spreads_no_arbitrage(market_data):
    quotes = eth_quotes(market_data).quotes
    bare = rows_of(quotes, slice(None), mark_vol_annual=np.full(quotes.tau_years.size, np.nan))
    fit = calibrate_surface(bare)
    assert fit.inside_share >= 0.97
    assert_free_everywhere(fit.surface)


def test_calibrate_surface__btc_smiles__all_inside_without_arbitrage(market_data):
    fit = calibrate_surface(btc_quotes(market_data))
    assert fit.inside_share == 1.0
    assert_free_everywhere(fit.surface)


def test_calibrate_surface__same_quotes_twice__same_bits(market_data):
    quotes = btc_quotes(market_data)
    first, second = (calibrate_surface(quotes).surface for _ in range(2))
    np.testing.assert_array_equal(first.raw, second.raw)
    np.testing.assert_array_equal(first.bumps.coefficients, second.bumps.coefficients)


def test_calibrate_surface__rows_shuffled__same_surface(market_data):
    quotes = btc_quotes(market_data)
    order = np.random.default_rng(1).permutation(quotes.tau_years.size)
    first, second = calibrate_surface(quotes).surface, calibrate_surface(rows_of(quotes, order)).surface
    k = np.linspace(-1.0, 1.0, 21)
    np.testing.assert_allclose(first.vol_annual(k, 0.2), second.vol_annual(k, 0.2), atol=1e-4)


def test_calibrate_surface__ssvi_quotes__finds_the_surface():
    fit = calibrate_surface(smooth_chain(half_spread_vol=0.002))
    assert fit.inside_share == 1.0
    k = np.linspace(-2.0, 2.0, 41)[None] * np.sqrt(SMOOTH.theta)[:, None]
    tau = SMOOTH.tau_years[:, None]
    expected = np.sqrt(SMOOTH.total_variance(k, tau) / tau)
    np.testing.assert_allclose(fit.surface.vol_annual(k, tau), expected, atol=0.002)
    assert_free_everywhere(fit.surface)


@pytest.mark.parametrize(
    ("bid", "ask", "mark"), [(0.5, 0.6, np.nan), (np.nan, 0.6, np.nan), (0.5, np.nan, np.nan), (np.nan, np.nan, 0.55)]
)
def test_calibrate_surface__one_quote__a_surface_through_it(bid, ask, mark):
    fit = calibrate_surface(chain_quotes(100.0, [110.0], 0.1, bid, ask, mark))
    assert 0.45 < fit.surface.vol_annual(np.log(1.1), 0.1) < 0.65
    assert check_arbitrage(fit.surface, FINE_POINTS).is_free


def test_calibrate_surface__near_expiry_slice__fits_and_is_free():
    tau = np.repeat([2.0 / 24.0 / 365.0, 0.05], 9)
    k = np.tile(np.linspace(-2.5, 2.5, 9), 2) * 0.8 * np.sqrt(tau)
    vols = 0.8 + 3.0 * (k / np.sqrt(tau)) ** 2 * 0.02
    fit = calibrate_surface(chain_quotes(1.0, np.exp(k), tau, vols - 0.01, vols + 0.01))
    assert fit.inside_share == 1.0
    assert_free_everywhere(fit.surface)


def test_calibrate_surface__half_the_quotes_one_sided__respects_both_bounds():
    chain = smooth_chain()
    side = np.arange(chain.tau_years.size) % 4
    bid = np.where(side == 1, np.nan, chain.bid_vol_annual)
    ask = np.where(side == 3, np.nan, chain.ask_vol_annual)
    bounded = rows_of(chain, slice(None), bid_vol_annual=bid, ask_vol_annual=ask)
    surface = calibrate_surface(bounded).surface
    vols = surface.vol_annual(bounded.log_moneyness, bounded.tau_years)
    assert (vols >= np.nan_to_num(bid)).all()
    assert (vols <= np.nan_to_num(ask, nan=np.inf)).all()


def test_calibrate_surface__a_few_stale_quotes__others_stay_inside():
    chain = smooth_chain(half_spread_vol=0.005)
    stale = np.zeros(chain.tau_years.size, dtype=bool)
    stale[[3, 30, 55]] = True
    shift = np.where(stale, 1.4, 1.0)
    moved = rows_of(
        chain, slice(None), bid_vol_annual=chain.bid_vol_annual * shift, ask_vol_annual=chain.ask_vol_annual * shift
    )
    fit = calibrate_surface(moved)
    assert inside_share(fit.surface, rows_of(moved, ~stale)) >= 0.97
    assert_free_everywhere(fit.surface)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_calibrate_surface__quotes_with_calendar_arbitrage__surface_has_none(factor):
    chain = smooth_chain()
    shift = np.where(chain.tau_years == 0.1, factor, 1.0)
    moved = rows_of(
        chain, slice(None), bid_vol_annual=chain.bid_vol_annual * shift, ask_vol_annual=chain.ask_vol_annual * shift
    )
    assert_free_everywhere(calibrate_surface(moved).surface)


def test_calibrate_surface__quotes_with_butterfly_arbitrage__surface_has_none():
    k = np.linspace(-0.5, 0.5, 21)
    vols = 0.6 + np.where(np.abs(k) < 0.01, 0.3, 0.0)
    fit = calibrate_surface(chain_quotes(1.0, np.exp(k), 0.25, vols - 0.001, vols + 0.001))
    assert_free_everywhere(fit.surface)
    assert fit.inside_share < 1.0
