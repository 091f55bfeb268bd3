"""An implied-vol surface free of static arbitrage: SVI slices at the expiries, and what lies between and beyond.

At an expiry w(k) is SVI plus a correction that ends inside the wings. Elsewhere, at fixed k = ln(strike/forward of that
time):

- between two expiries, w is straight in time: a flat surface stays flat. It rises where the slices do. Convexity does
  not follow from theirs, so Durrleman's g is looked at on the way; where it falls below 0 between two expiries, their
  prices over the forward are mixed instead: C = a C_1 + (1 - a) C_2 with
  a = (sqrt(theta_2) - sqrt(theta)) / (sqrt(theta_2) - sqrt(theta_1)), theta at the money straight in time. A mixture of
  convex prices is convex, and rises in time as a falls: no arbitrage, whatever the slices, but a smile of its own.
- before the first, w = w_1 tau/tau_1. Durrleman's g is concave in the factor and >= 0 at 0 and 1, so it is between.
- after the last, w = w_n + theta_n (tau/tau_n - 1): the money keeps its forward volatility. Where g falls below 0 on
  the way, the last prices are spread by a lognormal factor of that variance instead (`agent.vol.beyond_last`).

Source: J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014) 59-71,
lemma 5.1 and the extrapolation after it; the shorter end is argued above.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_floats, common_shape, require_domain
from agent.numerics.series import FINITE, POSITIVE
from agent.vol.beyond_last import spread_variance_and_slope
from agent.vol.bumps import Bumps
from agent.vol.log_black import log_density_d1, log_otm_price, mills_ratio, stdev_between
from agent.vol.svi import RawSvi, durrleman_g

_LOOKS = 129
"""Strikes at which a pair of expiries is looked at, up to so many standard deviations of the later from the money."""
_LOOKS_A_PIECE = 4
"""Of a correction, between two of its knots."""
_REACH_STDEVS = 10.0
_LEAST_REACH = 1e-3
_WEIGHTS = np.linspace(0.0, 1.0, 33)
_CLOSER = 8
"""The last expiry alone decides what comes after it: it is looked at so much more closely."""
_GROWTHS = (0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0)
"""Of variance at the money since the last expiry, at which g is looked at."""
_LEAST_WEIGHT = 1e-15
"""Of an expiry in a mixture; below, its price would be lost to rounding."""


@dataclass(frozen=True, slots=True)
class VolSurface:
    """Slices of n expiries and the rules between them; made by `agent.vol.surface_fit.calibrate_surface`."""

    tau_years: FloatArray
    """Shape (n,), increasing."""
    raw: FloatArray
    """Raw SVI parameters a, b, rho, m, sigma: shape (n, 5)."""
    bumps: Bumps
    mixes_prices: NDArray[np.bool_] = field(init=False)
    """Pairs of neighbours between which a straight w would have a butterfly to sell, shape (n - 1,)."""
    spreads_prices: bool = field(init=False)
    """Whether w after the last expiry would have one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "mixes_prices", self._least_density_between() < 0.0)
        object.__setattr__(self, "spreads_prices", self._least_density_after() < 0.0)

    @property
    def at_money_variance(self) -> FloatArray:
        """Total variance at k = 0 of each expiry, shape (n,)."""
        return self.slice_derivatives(np.arange(self.tau_years.size), np.zeros(self.tau_years.size))[0]

    def svi(self, expiry: int) -> RawSvi:
        """Return the SVI part of one expiry, by its index."""
        return RawSvi(*(float(number) for number in self.raw[expiry]))

    def slice_derivatives(
        self, expiries: NDArray[np.intp], log_moneyness: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return w, w' and w'' of the expiries named by index, at k of the same shape."""
        a, b, rho, m, sigma = np.moveaxis(self.raw[expiries], -1, 0)
        x = log_moneyness - m
        root = np.hypot(x, sigma)
        value, slope, curvature = self.bumps.at(expiries, log_moneyness)
        return (
            np.asarray(a + b * (rho * x + root) + value),
            np.asarray(b * (rho + x / root) + slope),
            np.asarray(b * sigma**2 / root**3 + curvature),
        )

    def total_variance(self, log_moneyness: ArrayLike, tau_years: ArrayLike) -> FloatArray:
        """Return w = iv^2 tau at any strike and time; arguments broadcast.

        Raises
        ------
        DataError
            Naming row, field and value of a log-moneyness that is not finite, or a time that is not positive.
        """
        return self._variance_and_slope(log_moneyness, tau_years)[0]

    def vol_annual(self, log_moneyness: ArrayLike, tau_years: ArrayLike) -> FloatArray:
        """Return the annual implied vol at any strike and time; arguments broadcast."""
        variance = self.total_variance(log_moneyness, tau_years)
        return np.asarray(np.sqrt(variance / np.asarray(tau_years, dtype=np.float64)))

    def vol_slope(self, log_moneyness: ArrayLike, tau_years: ArrayLike) -> FloatArray:
        """Return d(iv)/dk at fixed time, annual vol per unit of log-moneyness; arguments broadcast."""
        variance, slope = self._variance_and_slope(log_moneyness, tau_years)
        tau = np.asarray(tau_years, dtype=np.float64)
        return np.asarray(0.5 * slope / np.sqrt(variance * tau))

    def _variance_and_slope(self, log_moneyness: ArrayLike, tau_years: ArrayLike) -> tuple[FloatArray, FloatArray]:
        k, tau = as_floats("log_moneyness", log_moneyness), as_floats("tau_years", tau_years)
        shape = common_shape({"log_moneyness": k, "tau_years": tau})
        require_domain("log_moneyness", k, FINITE, shape)
        require_domain("tau_years", tau, POSITIVE, shape)
        k, tau = (np.broadcast_to(part, shape).reshape(-1) for part in (k, tau))
        later = np.searchsorted(self.tau_years, tau)
        count = self.tau_years.size
        variance, slope, _ = self.slice_derivatives(np.minimum(later, count - 1), k)
        first, last = later == 0, later == count
        ratio = tau / np.where(last, self.tau_years[-1], self.tau_years[0])
        variance, slope = np.where(first, variance * ratio, variance), np.where(first, slope * ratio, slope)
        if last.any():
            added = self.at_money_variance[-1] * (ratio - 1.0)
            if self.spreads_prices:
                variance[last], slope[last] = spread_variance_and_slope(self._last_variance, k[last], added[last])
            else:
                variance = np.where(last, variance + added, variance)
        inside = np.flatnonzero(~first & ~last & (tau < self.tau_years[np.minimum(later, count - 1)]))
        if inside.size:
            variance[inside], slope[inside] = self._between(k[inside], tau[inside], later[inside])
        return variance.reshape(shape), slope.reshape(shape)

    def _least_density_between(self) -> FloatArray:
        """Return the least of Durrleman's g between each pair of neighbours, w straight in time: shape (n - 1,)."""
        count = self.tau_years.size - 1
        reach = _REACH_STDEVS * np.sqrt(np.maximum(self.at_money_variance[1:], 0.0))
        k = np.linspace(-1.0, 1.0, _LOOKS)[None, :] * np.maximum(reach, _LEAST_REACH)[:, None]
        if self.bumps.coefficients.any():
            # Curvature breaks at the knots of either, where g falls into dips much narrower than the looks.
            at = self.bumps.along(_LOOKS_A_PIECE)
            k = np.concatenate([k, at[:-1], at[1:]], axis=1)
        pairs = np.broadcast_to(np.arange(count)[:, None], k.shape)
        near, far = self.slice_derivatives(pairs, k), self.slice_derivatives(pairs + 1, k)
        least = np.full(count, np.inf)
        for weight in _WEIGHTS:
            parts = [weight * one + (1.0 - weight) * other for one, other in zip(near, far, strict=True)]
            least = np.minimum(least, durrleman_g(k, *parts).min(axis=1)) if count else least
        return least

    def _least_density_after(self) -> float:
        """Return the least of Durrleman's g after the last expiry, w_n moved up in parallel."""
        theta = max(float(self.at_money_variance[-1]), 0.0)
        reach = max(_REACH_STDEVS * np.sqrt(theta), _LEAST_REACH)
        k = np.linspace(-reach, reach, _LOOKS * _CLOSER)
        if self.bumps.coefficients.any():
            k = np.concatenate([k, self.bumps.along(_LOOKS_A_PIECE)[-1]])
        last = np.full(k.size, self.tau_years.size - 1)
        variance, slope, curvature = self.slice_derivatives(last, k)
        return min(float(durrleman_g(k, variance + theta * growth, slope, curvature).min()) for growth in _GROWTHS)

    def _last_variance(self, log_moneyness: FloatArray) -> FloatArray:
        last = np.full(log_moneyness.shape, self.tau_years.size - 1)
        return self.slice_derivatives(last, log_moneyness)[0]

    def _between(self, k: FloatArray, tau: FloatArray, later: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Return w and w' between the expiries around ``tau``."""
        start, end = self.tau_years[later - 1], self.tau_years[later]
        weight = (end - tau) / (end - start)
        near, far = self.slice_derivatives(later - 1, k), self.slice_derivatives(later, k)
        variance, slope = (weight * near[part] + (1.0 - weight) * far[part] for part in (0, 1))
        mixed = np.flatnonzero(self.mixes_prices[later - 1])
        if mixed.size:
            variance[mixed], slope[mixed] = self._mixed(k[mixed], tau[mixed], later[mixed])
        return variance, slope

    def _mixed(self, k: FloatArray, tau: FloatArray, later: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Return w and w' of the mixture of the prices of the expiries around ``tau``."""
        weight = self._earlier_weight(tau, later)
        sides = [(weight, *self.slice_derivatives(later - 1, k)), (1.0 - weight, *self.slice_derivatives(later, k))]
        stdevs = [np.sqrt(side[1]) for side in sides]
        log_price = np.logaddexp(
            np.log(weight) + log_otm_price(k, stdevs[0]), np.log1p(-weight) + log_otm_price(k, stdevs[1])
        )
        stdev = stdev_between(k, log_price, np.minimum(*stdevs), np.maximum(*stdevs))
        # dP/dk + dP/ds ds/dk is the same of the mixture and of its parts; every term is over n(d1), so none underflows.
        slope = -_price_slope(k, stdev)
        for (share, _, side_slope, _), side_stdev in zip(sides, stdevs, strict=True):
            ratio = share * np.exp(log_density_d1(k, side_stdev) - log_density_d1(k, stdev))
            slope = slope + ratio * (_price_slope(k, side_stdev) + 0.5 * side_slope / side_stdev)
        return stdev * stdev, 2.0 * stdev * slope

    def _earlier_weight(self, tau: FloatArray, later: NDArray[np.intp]) -> FloatArray:
        start, end = self.tau_years[later - 1], self.tau_years[later]
        theta = self.at_money_variance
        low, high = theta[later - 1], theta[later]
        along = (tau - start) / (end - start)
        now = low + along * (high - low)
        rise = np.sqrt(high) - np.sqrt(low)
        # Where the money stands still between two expiries any weight falling in time will do.
        by_root = (np.sqrt(high) - np.sqrt(now)) / np.where(rise > 0.0, rise, 1.0)
        return np.asarray(np.clip(np.where(rise > 0.0, by_root, 1.0 - along), _LEAST_WEIGHT, 1.0 - _LEAST_WEIGHT))


def _price_slope(k: FloatArray, stdev: FloatArray) -> FloatArray:
    """Return d(out-of-the-money price)/dk at fixed s, over n(d1): -M(-d2) of a call, M(d2) of a put."""
    sign = np.where(k >= 0.0, 1.0, -1.0)
    d2 = -k / stdev - 0.5 * stdev
    return np.asarray(-sign * mills_ratio(-sign * d2))
