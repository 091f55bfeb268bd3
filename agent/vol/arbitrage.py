"""Whether a surface can be arbitraged: butterflies at each expiry, calendar spreads between them, and the far wings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.checks import require_whole
from agent.numerics.arrays import FloatArray
from agent.vol.surface import VolSurface
from agent.vol.svi import MAX_WING_SLOPE, durrleman_g

_NEAR_STDEVS = 10.0
"""Strikes are dense up to so many standard deviations of the expiry from the money."""
_LATER = (1.1, 1.5, 3.0)
"""Times over that of the last expiry."""
_LATER_STDEVS, _LATER_POINTS, _LATER_STEP = 6.0, 241, 0.01
_DIFFERENCE_ERROR = 1e-3
"""Of g by differences."""
_LEAST_VARIANCE = 1e-12
"""Stands for what is not positive."""
_FARTHEST_LOG_MONEYNESS = 40.0
"""Then sparser up to here, a strike of 1e17 forwards; beyond, SVI is its asymptote, which the slopes judge."""
_FAR_POINTS = 64
_CLOSER_POINTS = 33
"""Between the two strikes around the worst one."""
_POINTS_A_PIECE = 12
"""Between two knots of a correction."""


@dataclass(frozen=True, slots=True)
class ArbitrageReport:
    """Least margins over the strikes looked at, by expiry (n,) or pair of neighbours (n - 1,); below 0 is arbitrage."""

    density: FloatArray
    """Durrleman's g: below 0 a butterfly pays to be bought."""
    density_log_moneyness: FloatArray
    """Where it is least."""
    calendar_rise: FloatArray
    """Rise of total variance to the next expiry, relative to the later one."""
    calendar_log_moneyness: FloatArray
    """Where it is least."""
    wing_margin: FloatArray
    """2 minus the steeper wing's slope, which must be positive."""
    wing_rise: FloatArray
    """Lesser rise of the two wings' slopes to the next expiry."""
    later_density: float
    """Least of Durrleman's g at some times after the last expiry, by differences of what the surface answers."""

    @property
    def worst_log_moneyness(self) -> FloatArray:
        """Where each expiry's density and its rise from the one before are least, shape (n, 2)."""
        before = np.concatenate([self.density_log_moneyness[:1], self.calendar_log_moneyness])
        return np.stack([self.density_log_moneyness, before], axis=1)

    @property
    def is_free(self) -> bool:
        """Whether nothing looked at can be arbitraged."""
        return not self.guilty().any() and self.later_density > -_DIFFERENCE_ERROR

    def guilty(self, least_density: float = 0.0, least_rise: float = 0.0) -> NDArray[np.bool_]:
        """Return which expiries have a share in some arbitrage, or less of a margin than asked for: shape (n,)."""
        alone = (self.density < least_density) | (self.wing_margin <= 0.0)
        pair = (self.calendar_rise < least_rise) | (self.wing_rise < 0.0)
        alone[:-1] |= pair
        alone[1:] |= pair
        return alone


def check_arbitrage(surface: VolSurface, points: int = 2000) -> ArbitrageReport:
    """Look for arbitrage at ``points`` strikes around the money of each expiry and at strikes far out in both wings.

    Between expiries and before the first there is none when there is none at the expiries (see `agent.vol.surface`);
    after the last the surface is asked at some times.

    Raises
    ------
    DataError
        ``points`` is not a whole number >= 10.
    """
    require_whole(points, "points", 10)
    k = _strikes(surface, points)
    density, density_at = _least(lambda at: _density(surface, at), k)
    # Each pair of neighbours is compared at the strikes of both.
    pairs = np.sort(np.concatenate([k[:-1], k[1:]], axis=1), axis=1)
    rise, rise_at = _least(lambda at: _calendar_rise(surface, at), pairs)
    wings = surface.raw[:, 1:2] * (1.0 + surface.raw[:, 2:3] * np.array([-1.0, 1.0]))
    return ArbitrageReport(
        density,
        density_at,
        rise,
        rise_at,
        MAX_WING_SLOPE - np.max(wings, axis=1),
        np.min(np.diff(wings, axis=0), axis=1),
        _later_density(surface),
    )


def _later_density(surface: VolSurface) -> float:
    """Return the least of g after the last expiry, w' and w'' by differences."""
    least = np.inf
    for growth in _LATER:
        tau = growth * float(surface.tau_years[-1])
        stdev = float(np.sqrt(max(float(surface.total_variance(0.0, tau)), _LEAST_VARIANCE)))
        k, step = np.linspace(-_LATER_STDEVS, _LATER_STDEVS, _LATER_POINTS) * stdev, _LATER_STEP * stdev
        below, here, above = (surface.total_variance(at, tau) for at in (k - step, k, k + step))
        g = durrleman_g(k, here, (above - below) / (2.0 * step), (above - 2.0 * here + below) / step**2)
        least = min(least, float(g.min()))
    return least


def _least(margin: Callable[[FloatArray], FloatArray], k: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the least margin of each row and its strike, once more looked for between the strikes around it."""
    worst = np.argmin(margin(k), axis=1)[:, None]
    last = k.shape[1] - 1
    start, end = (np.take_along_axis(k, np.clip(worst + side, 0, last), axis=1) for side in (-1, 1))
    closer_k = start + (end - start) * np.linspace(0.0, 1.0, _CLOSER_POINTS)
    near = np.concatenate([np.take_along_axis(k, worst, axis=1), closer_k], axis=1)
    closer = margin(near)
    least = np.argmin(closer, axis=1)[:, None]
    return np.take_along_axis(closer, least, axis=1)[:, 0], np.take_along_axis(near, least, axis=1)[:, 0]


def _density(surface: VolSurface, k: FloatArray) -> FloatArray:
    """Return Durrleman's g of each expiry at its own strikes, minus infinity where total variance is not positive."""
    rows = np.broadcast_to(np.arange(k.shape[0])[:, None], k.shape)
    variance, slope, curvature = surface.slice_derivatives(rows, k)
    positive = np.where(variance > 0.0, variance, np.inf)
    return np.where(variance > 0.0, durrleman_g(k, positive, slope, curvature), -np.inf)


def _calendar_rise(surface: VolSurface, k: FloatArray) -> FloatArray:
    """Return the rise of total variance from each expiry to the next, relative to the later one."""
    rows = np.broadcast_to(np.arange(k.shape[0])[:, None], k.shape)
    earlier, later = surface.slice_derivatives(rows, k)[0], surface.slice_derivatives(rows + 1, k)[0]
    return np.asarray(1.0 - earlier / later)


def _strikes(surface: VolSurface, points: int) -> FloatArray:
    """Return the log-moneyness looked at: even near the money and over the corrections, geometric beyond."""
    # A candidate may be negative at the money; its density says so wherever it is looked at.
    reach = np.sqrt(np.maximum(surface.at_money_variance, _LEAST_VARIANCE))[:, None] * _NEAR_STDEVS
    near = np.linspace(-1.0, 1.0, points) * reach
    growth = np.linspace(0.0, 1.0, _FAR_POINTS + 1)[1:]
    far = reach * (_FARTHEST_LOG_MONEYNESS / reach) ** growth
    if not surface.bumps.coefficients.any():
        return np.concatenate([-far[:, ::-1], near, far], axis=1)
    bumpy = surface.bumps.along(_POINTS_A_PIECE)
    return np.sort(np.concatenate([-far[:, ::-1], near, bumpy, far], axis=1), axis=1)
