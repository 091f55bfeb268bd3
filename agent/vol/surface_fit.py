"""Calibration of a whole chain to bid and ask, without arbitrage, in four steps.

1. SSVI: theta of every expiry and three shapes. Free of arbitrage by construction; decides where quotes are few.
2. SVI: five parameters an expiry, all expiries at once, pulled to the quotes and lightly to step 1; negative densities
   and calendar spreads are punished on a grid.
3. Bumps: the least local correction that brings the remaining quotes inside bid and ask, under the same punishments.
4. Judgement on a finer grid, after step 2 and again after step 3. Where it finds arbitrage the step is repeated with
   heavier punishment and with the strikes where it was found; what is guilty still gives way: bumps shrink to 0, SVI
   moves back to SSVI.

Where too few quotes end inside, steps 2 and 3 are done once more from quotes alone, and the better fit is kept.
Steps 2 and 3 are damped Gauss-Newton fits with exact derivatives, linear in the number of expiries.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.vol.arbitrage import check_arbitrage
from agent.vol.bump_fit import fit_bumps, flat_bumps
from agent.vol.bumps import Bumps, no_bumps
from agent.vol.penalties import Weights
from agent.vol.quotes import ChainQuotes, SliceTargets, slice_targets
from agent.vol.ssvi import SsviSurface, calibrate_ssvi
from agent.vol.surface import VolSurface
from agent.vol.svi_fit import fit_chain_slices
from agent.vol.svi_kernel import coordinates_of_raw, raw_of_coordinates

_PUNISHMENT, _HARD_PUNISHMENT = 100.0, 1000.0
"""Weight of arbitrage, and what it is raised to where that does not suffice."""
_SVI_CENTRE, _SVI_EXCESS = 1.0, 2.0
_BUMP_CENTRE, _BUMP_EXCESS = 0.3, 10.0
"""Weights of a tolerance from the centre and of a half spread outside: SVI seeks the centres, bumps the spreads."""
_JUDGE_POINTS, _JUDGE_DENSITY, _JUDGE_RISE = 160, 2e-3, 2e-5
"""Strikes near the money of each expiry that judgement looks at, and the margins of g and of the relative rise of total
variance it asks for there, for the strikes between."""
_GOOD_INSIDE_SHARE = 0.97
"""Below, the fit starts once more from quotes alone: extreme smiles are reached from there, ordinary ones from SSVI."""
_CLOSER_LOOKS = 3
"""Times a guilty step is repeated: a kink between the strikes of the grid shows only once one of them lies on it."""
_FIRST_RETURN = 0.01
"""Share of its correction that a guilty expiry gives back at first, then twice as much each time it is found again."""

Correction = TypeVar("Correction", FloatArray, Bumps)


@dataclass(frozen=True, slots=True)
class SurfaceFit:
    """A calibrated surface and how it was reached; shares have shape (expiries,)."""

    surface: VolSurface
    ssvi: SsviSurface
    """Step 1: the fully parametric surface of the same quotes."""
    inside_share: float
    """Share of the quotes with bid and ask whose vol lies inside them; NaN where no quote has both."""
    svi_shares: FloatArray
    """Share of step 2's move away from SSVI that judgement left of each expiry; 1 is all of it."""
    bump_shares: FloatArray
    """Share of step 3's correction that judgement left of each expiry."""


def calibrate_surface(quotes: ChainQuotes) -> SurfaceFit:
    """Fit an arbitrage-free surface to ``quotes``.

    Any number of expiries and quotes will do, down to one quote; expiries without any are left out. Stale quotes lose
    their pull beyond a few tolerances.

    Notes
    -----
    Deterministic: the same quotes give the same surface to the last bit on one machine.
    """
    targets = slice_targets(quotes)
    ssvi = calibrate_ssvi(targets)
    fit = _fit(targets, ssvi, first_punishment=_PUNISHMENT)
    if fit.inside_share < _GOOD_INSIDE_SHARE:
        other = _fit(targets, ssvi, first_punishment=0.0)
        fit = max(fit, other, key=lambda each: each.inside_share)
    return fit


def _fit(targets: SliceTargets, ssvi: SsviSurface, first_punishment: float) -> SurfaceFit:
    raw, svi_shares = _svi_step(targets, ssvi, first_punishment)
    bumps, bump_shares = _bump_step(targets, raw, np.sqrt(ssvi.theta), first_punishment)
    surface = VolSurface(targets.tau_years, raw, bumps)
    return SurfaceFit(surface, ssvi, _inside_share(surface, targets), svi_shares, bump_shares)


def _svi_step(targets: SliceTargets, ssvi: SsviSurface, first_punishment: float) -> tuple[FloatArray, FloatArray]:
    """Return raw slices free of arbitrage and the share of each one's move away from SSVI that they keep."""
    prior, stdev = coordinates_of_raw(ssvi.raw_slices()), np.sqrt(ssvi.theta)
    bumps = no_bumps(stdev.size)

    def fit(start: FloatArray, punishment: float, strikes: FloatArray) -> FloatArray:
        weights = Weights(_SVI_CENTRE, _SVI_EXCESS, punishment)
        return fit_chain_slices(targets, prior, prior + start, stdev, weights, strikes) - prior

    def surface(move: FloatArray) -> VolSurface:
        return VolSurface(targets.tau_years, raw_of_coordinates(prior + move), bumps)

    move = _fitted(fit, surface, np.zeros_like(prior), first_punishment)
    shares = _free_shares(lambda kept: surface(kept[:, None] * move), stdev.size)
    return raw_of_coordinates(prior + shares[:, None] * move), shares


def _bump_step(
    targets: SliceTargets, raw: FloatArray, stdev: FloatArray, first_punishment: float
) -> tuple[Bumps, FloatArray]:
    """Return corrections of ``raw`` free of arbitrage and the share of each one that they keep."""

    def fit(start: Bumps, punishment: float, strikes: FloatArray) -> Bumps:
        return fit_bumps(targets, raw, stdev, Weights(_BUMP_CENTRE, _BUMP_EXCESS, punishment), start, strikes)

    def surface(bumps: Bumps) -> VolSurface:
        return VolSurface(targets.tau_years, raw, bumps)

    def kept(shares: FloatArray) -> Bumps:
        return Bumps(bumps.start, bumps.step, shares[:, None] * bumps.coefficients)

    bumps = _fitted(fit, surface, flat_bumps(targets, stdev), first_punishment)
    shares = _free_shares(lambda trial: surface(kept(trial)), stdev.size)
    return kept(shares), shares


def _fitted(
    fit: Callable[[Correction, float, FloatArray], Correction],
    surface: Callable[[Correction], VolSurface],
    start: Correction,
    first_punishment: float,
) -> Correction:
    """Return the correction fitted from ``start``; while guilty, fitted again harder and at the strikes found so."""
    strikes = np.empty((surface(start).tau_years.size, 0))
    if first_punishment < _PUNISHMENT:
        start = fit(start, first_punishment, strikes)
    found = fit(start, _PUNISHMENT, strikes)
    for _ in range(_CLOSER_LOOKS):
        report = check_arbitrage(surface(found), _JUDGE_POINTS)
        if not report.guilty(_JUDGE_DENSITY, _JUDGE_RISE).any():
            break
        strikes = np.concatenate([strikes, report.worst_log_moneyness], axis=1)
        found = fit(found, _HARD_PUNISHMENT, strikes)
    return found


def _free_shares(make: Callable[[FloatArray], VolSurface], count: int) -> FloatArray:
    """Return the share of each expiry's correction that may stay; none staying is free of arbitrage by construction."""
    returned = np.zeros(count)
    while (returned < 1.0).any():
        guilty = check_arbitrage(make(1.0 - returned), _JUDGE_POINTS).guilty(_JUDGE_DENSITY, _JUDGE_RISE)
        if not guilty.any():
            break
        if (returned[guilty] >= 1.0).all():
            guilty[:] = True  # by rounding alone: what is found guilty has nothing left to give
        more = np.clip(2.0 * returned, _FIRST_RETURN, 1.0)
        returned = np.where(guilty, more, returned)
    return 1.0 - returned


def _inside_share(surface: VolSurface, targets: SliceTargets) -> float:
    judged = (targets.weight > 0.0) & (targets.low > 0.0) & np.isfinite(targets.high)
    rows = np.broadcast_to(np.arange(surface.tau_years.size)[:, None], judged.shape)
    variance = surface.slice_derivatives(rows, targets.log_moneyness)[0]
    inside = (variance >= targets.low) & (variance <= targets.high)
    return float(np.mean(inside[judged])) if judged.any() else float("nan")
