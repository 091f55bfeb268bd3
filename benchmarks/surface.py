"""Speed and fit of the implied-vol surface: ``python -m benchmarks surface``.

On the real ETH chain of 2024-01-08 (11 expiries, 684 rows) where the data is beside the repository, else on a made-up
chain of the same size. The peer is what most desks write first: SciPy's ``least_squares`` on each expiry's SVI,
weighted by the spread, in bounds, with no word about arbitrage.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import least_squares

from agent.units import SECONDS_PER_YEAR
from agent.vol.arbitrage import ArbitrageReport, check_arbitrage
from agent.vol.bumps import no_bumps
from agent.vol.price_quotes import chain_quotes_of_prices
from agent.vol.quotes import ChainQuotes, SliceTargets, chain_quotes, slice_targets
from agent.vol.ssvi import SsviSurface, calibrate_ssvi
from agent.vol.surface import VolSurface
from agent.vol.surface_fit import calibrate_surface
from benchmarks.figure import Figure, shown
from benchmarks.first_call import first_call_figures
from benchmarks.option_rows import best_seconds

CHAIN = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "deribit_eth_chain_20240108.parquet"
REPEATS, PEER_REPEATS = 25, 2
PEER = "scipy least_squares, SVI by expiry"
STRIKES = 62
GROWTH_EXPIRIES = (1, 2, 4, 8, 16, 32)
EVALUATIONS = 100_000
FINE_POINTS = 20_000
MILLISECONDS = 1e3
FIRST_CALL = """
from agent.vol.quotes import chain_quotes
from agent.vol.surface_fit import calibrate_surface as call
arguments = (chain_quotes(1.0, [0.9, 1.0, 1.1], [0.1, 0.1, 0.2], 0.5, 0.6),)
"""


def price_columns() -> tuple[np.ndarray, ...] | None:
    """Return is_call, forward, strike, tau, bid, ask and mark of the real chain, USD, or None where it is not there."""
    if not CHAIN.is_file():
        return None
    frame = pl.read_parquet(CHAIN)
    forward = frame["underlying_usd"].to_numpy()
    seconds = (frame["expiry"] - frame["snapshot_ts"]).dt.total_milliseconds().to_numpy() / 1e3
    sides = (frame[f"{side}_coin"].fill_null(np.nan).to_numpy() * forward for side in ("bid", "ask", "mark"))
    is_call = (frame["option_type"] == "C").to_numpy()
    return (is_call, forward, frame["strike_usd"].to_numpy(), seconds / SECONDS_PER_YEAR, *sides)


def made_up_chain(expiries: int) -> ChainQuotes:
    """Return quotes around an SSVI surface with a wave on it that SVI alone cannot follow."""
    tau = np.geomspace(0.003, 1.0, expiries + 1)[1:]
    surface = SsviSurface(tau, 0.45 * tau, -0.2, 1.0, 0.4)
    k = (np.sqrt(surface.theta)[:, None] * np.linspace(-3.0, 3.0, STRIKES)).reshape(-1)
    tau = np.repeat(tau, STRIKES)
    vols = np.sqrt(surface.total_variance(k, tau) / tau) * (1.0 + 0.004 * np.sin(4.0 * k / np.sqrt(tau)))
    return chain_quotes(1.0, np.exp(k), tau, vols - 0.006, vols + 0.006, vols)


def peer_surface(targets: SliceTargets) -> VolSurface:
    """Fit every expiry on its own with SciPy, from one plain start."""
    raw = []
    for index, count in enumerate(targets.counts):
        two_sided = (targets.low[index] > 0.0) & np.isfinite(targets.high[index]) & (targets.weight[index] > 0.0)
        k, low, high = (part[index][two_sided] for part in (targets.log_moneyness, targets.low, targets.high))
        middle, half = 0.5 * (low + high), np.maximum(0.5 * (high - low), 1e-4 * high)
        level, width = float(np.median(middle)), float(np.ptp(k)) / 6.0

        def residuals(p, k=k, middle=middle, half=half):
            a, b, rho, m, sigma = p
            return (a + b * (rho * (k - m) + np.hypot(k - m, sigma)) - middle) / half

        start = (0.5 * level, 0.5 * level / width, 0.0, 0.0, width)
        bounds = ((-1.0, 0.0, -0.999, -2.0, 1e-4), (4.0, 2.0, 0.999, 2.0, 4.0))
        scale = (level, level / width, 1.0, width, width)
        assert count >= len(start)
        raw.append(least_squares(residuals, start, bounds=bounds, x_scale=scale, max_nfev=2000).x)
    return VolSurface(targets.tau_years, np.array(raw), no_bumps(len(raw)))


def inside_share(surface: VolSurface, quotes: ChainQuotes) -> float:
    """Return the share of quotes with bid and ask whose vol is inside."""
    judged = quotes.is_two_sided
    vols = surface.vol_annual(quotes.log_moneyness[judged], quotes.tau_years[judged])
    return float(np.mean((vols >= quotes.bid_vol_annual[judged]) & (vols <= quotes.ask_vol_annual[judged])))


def _least(report: ArbitrageReport) -> tuple[float, float]:
    return float(report.density.min()), float(report.calendar_rise.min())


def _fit_figures(quotes: ChainQuotes) -> list[Figure]:
    targets = slice_targets(quotes)
    fit = calibrate_surface(quotes)
    ours = best_seconds(partial(calibrate_surface, quotes), REPEATS) * MILLISECONDS
    theirs = best_seconds(partial(peer_surface, targets), PEER_REPEATS) * MILLISECONDS
    peer = peer_surface(targets)
    share, peer_share = inside_share(fit.surface, quotes), inside_share(peer, quotes)
    density, rise = _least(check_arbitrage(fit.surface, FINE_POINTS))
    peer_density, peer_rise = _least(check_arbitrage(peer, FINE_POINTS))
    chain = f"{targets.tau_years.size} expiries, {int(targets.counts.sum())} quotes"
    ssvi = best_seconds(partial(calibrate_ssvi, targets), REPEATS) * MILLISECONDS
    return [
        Figure.against(f"Surface, {chain}, calibration", ours, "ms", PEER, theirs),
        Figure("Surface, of which SSVI", ssvi, "ms"),
        *first_call_figures("Surface", FIRST_CALL),
        Figure.against("Surface, quotes inside bid and ask", share, "share", PEER, peer_share),
        Figure("Surface, quotes with bid and ask", int(quotes.is_two_sided.sum()), "quotes"),
        Figure("Surface, least Durrleman g (below 0: arbitrage)", density, "", f"{PEER}: {shown(peer_density)}"),
        Figure("Surface, least calendar rise (below 0: arbitrage)", rise, "share", f"{PEER}: {shown(peer_rise)}"),
    ]


def _use_figures(quotes: ChainQuotes) -> list[Figure]:
    surface = calibrate_surface(quotes).surface
    rng = np.random.default_rng(1)
    k = rng.normal(0.0, 0.3, EVALUATIONS)
    on, off = rng.choice(surface.tau_years, EVALUATIONS), rng.uniform(0.004, 0.9, EVALUATIONS)
    at_expiry = best_seconds(lambda: surface.vol_annual(k, on), REPEATS) / EVALUATIONS * 1e9
    between = best_seconds(lambda: surface.vol_annual(k, off), PEER_REPEATS) / EVALUATIONS * 1e9
    return [
        Figure("Surface, a vol at an expiry", at_expiry, "ns"),
        Figure("Surface, a vol between expiries", between, "ns"),
    ]


def run() -> list[Figure]:
    """Measure everything this page claims."""
    columns = price_columns()
    figures = []
    if columns is None:
        quotes = made_up_chain(11)
    else:
        quotes = chain_quotes_of_prices(*columns).quotes
        invert = best_seconds(lambda: chain_quotes_of_prices(*columns), REPEATS) * MILLISECONDS
        figures.append(Figure("Surface, prices of the chain to vols", invert, "ms"))
    figures += _fit_figures(quotes)
    figures += _use_figures(quotes)
    for expiries in GROWTH_EXPIRIES:
        chain = made_up_chain(expiries)
        taken = best_seconds(partial(calibrate_surface, chain), 5) * MILLISECONDS
        figures.append(Figure(f"Surface, made-up chain of {expiries} x {STRIKES}", taken / expiries, "ms/expiry"))
    return figures
