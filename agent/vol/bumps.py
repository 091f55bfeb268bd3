"""What a smile has and a hyperbola has not: a small correction made of cubic B-splines that ends before the wings do.

A correction is sum_j c_j B_j(k), with B_j the uniform cubic B-splines whose support lies inside [start, end]. It is
twice continuously differentiable, and 0 with both derivatives at and beyond the ends, so the wings stay those of SVI.

Source: C. de Boor, "A practical guide to splines" (1978), chapter IX (uniform cubic case).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray

PIECES = 4
"""Polynomial pieces of one cubic B-spline."""
# Row p: piece p of the spline in the local u of [0, 1), ascending powers.
_POWERS = np.array([[0.0, 0.0, 0.0, 1.0], [1.0, 3.0, 3.0, -3.0], [4.0, 0.0, -6.0, 3.0], [1.0, -3.0, 3.0, -1.0]]) / 6.0


@dataclass(frozen=True, slots=True)
class Bumps:
    """Corrections of several slices: coefficients in total variance on knots of their own."""

    start: FloatArray
    """Log-moneyness where each correction begins, shape (n,)."""
    step: FloatArray
    """Distance of the knots, shape (n,)."""
    coefficients: FloatArray
    """Shape (n, splines)."""

    @property
    def end(self) -> FloatArray:
        """Log-moneyness where each correction ends, shape (n,)."""
        return np.asarray(self.start + self.step * (self.coefficients.shape[1] + PIECES - 1))

    def along(self, looks: int) -> FloatArray:
        """Return so many strikes a piece of each correction, its knots among them: shape (n, looks * pieces + 1)."""
        parts = np.linspace(0.0, 1.0, looks * (self.coefficients.shape[1] + PIECES - 1) + 1)
        return np.asarray(self.start[:, None] + (self.end - self.start)[:, None] * parts)

    def at(self, slices: NDArray[np.intp], log_moneyness: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the correction of the named slices at k, and its first two derivatives; arguments of one shape."""
        value, slope, curvature = (np.zeros(log_moneyness.shape) for _ in range(3))
        splines = self.coefficients.shape[1]
        position = (log_moneyness - self.start[slices]) / self.step[slices]
        met = (position > 0.0) & (position < splines + PIECES - 1.0)
        if self.coefficients.any() and met.any():
            rows, position = slices[met], position[met]
            value[met], first, second = self._inside(rows, position)
            slope[met], curvature[met] = first / self.step[rows], second / self.step[rows] ** 2
        return value, slope, curvature

    def _inside(self, slices: NDArray[np.intp], position: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the correction and its derivatives in ``position``, the steps from the start, between both ends."""
        count, splines = self.coefficients.shape
        padded = np.zeros((count, splines + 2 * PIECES))
        padded[:, PIECES : PIECES + splines] = self.coefficients
        piece = position.astype(np.intp)
        u, column = position - piece, piece + PIECES
        value, slope, curvature = np.zeros_like(u), np.zeros_like(u), np.zeros_like(u)
        for index, (c0, c1, c2, c3) in enumerate(_POWERS):
            weight = padded[slices, column - index]
            value += weight * (c0 + u * (c1 + u * (c2 + u * c3)))
            slope += weight * (c1 + u * (2.0 * c2 + 3.0 * c3 * u))
            curvature += weight * (2.0 * c2 + 6.0 * c3 * u)
        return value, slope, curvature


def no_bumps(count: int) -> Bumps:
    """Return corrections of ``count`` slices that are 0 everywhere."""
    return Bumps(np.zeros(count), np.ones(count), np.zeros((count, 1)))


def splines_around(
    start: FloatArray, step: FloatArray, splines: int, log_moneyness: FloatArray
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return the four splines that may differ from 0 at each slice's own k (n, q), and the index of the first of them.

    Values, slopes and curvatures in k are stacked: (n, q, 3, 4).
    """
    position = (log_moneyness - start[:, None]) / step[:, None]
    first = np.clip(np.floor(position) - PIECES + 1.0, 0.0, splines - PIECES)
    u = (position - first)[..., None] - np.arange(PIECES) - 0.5 * PIECES
    far, side = np.abs(u), np.sign(u)
    inner, outer = far < 1.0, np.maximum(2.0 - far, 0.0)
    values = np.where(inner, 2.0 / 3.0 - far**2 + 0.5 * far**3, outer**3 / 6.0)
    slopes = side * np.where(inner, -2.0 * far + 1.5 * far**2, -0.5 * outer**2)
    curvatures = np.where(inner, 3.0 * far - 2.0, outer)
    per_step = 1.0 / step[:, None, None]
    return np.stack([values, slopes * per_step, curvatures * per_step**2], axis=2), first.astype(np.int64)
