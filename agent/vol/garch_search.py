"""Maxima of a GARCH likelihood that are proven to be maxima: Newton steps with exact derivatives, then a check of each.

Given the mean the likelihood is smooth in the other coefficients, so a Newton search inside linear limits finds where
each start leads. In the mean it is not: abs(z) has a kink wherever the mean meets a return. Its profile score (what is
left of the score once the rest is at its best) must turn from plus to minus, and bisection closes in on where it does.

An end point is a *verified* maximum when, within its limits,

- the Hessian of the coefficients that no limit holds is negative definite,
- what is left to gain (the Newton decrement 1/2 g' (-H)^-1 g; in the mean score x bracket) is below `LARGEST_GAIN`,
- limits hold it that the score presses against, and none but those,
- the filter is invertible: its Lyapunov exponent is below 0, so that rounding fades instead of growing.

Source: S. Boyd, L. Vandenberghe (2004), "Convex Optimization", sections 9.5 (Newton decrement) and 10.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space

from agent.numerics.arrays import FloatArray
from agent.vol.garch_kernel import COEFFICIENTS, garch_likelihood

LARGEST_GAIN = 1e-4
"""Log units a verified maximum may leave: a twenty-thousandth of what tells two models apart."""
_POLISHED = 1e-10
"""Newton decrement from which one whole step leaves only rounding."""
_DEFINITE = 1e-10
"""Least eigenvalue of a Hessian of unit diagonal that its rounding (n eps) cannot have made."""
_ON_LIMIT = 1e-10
_LONGEST_STEP = 0.3
_MAX_STEPS = 100
_MAX_HALVINGS = 12
"""Of a Newton step; where fewer of a thousandth of it gain nothing the edge of invertibility is near."""
_MAX_BISECTIONS = 60
_MAX_WIDENINGS = 30
_BRACKET_GAIN = 1e-12
"""Log units between the ends of the bracket of the mean at which bisection ends."""
_FOLLOWED = 20.0
"""Log units below the best at the sample mean within which a maximum is followed as the mean moves."""
_SAME_PLACE = 0.1
"""Distance of two maxima, in standard errors, below which they are one."""


@dataclass(frozen=True, slots=True)
class Recursion:
    """What is searched: c = ``spread`` @ x for coefficients x without the mean, where ``limits`` @ x >= ``least``."""

    is_of_logarithms: bool
    spread: FloatArray
    limits: FloatArray
    least: FloatArray
    starts: tuple[tuple[float, ...], ...]
    reactions: tuple[int, ...]
    """Of x: what makes variance react to a return. Where limits hold all at 0 the rest is not identified."""


@dataclass(frozen=True, slots=True)
class Point:
    """The likelihood at a mean and coefficients; score, Hessian and outer products are of (mean, *x)."""

    mean: float
    x: FloatArray
    log_likelihood: float
    score: FloatArray
    hessian: FloatArray
    outer: FloatArray
    log_variance: FloatArray


@dataclass(frozen=True, slots=True)
class Maximum:
    """A verified maximum; ``free`` spans the directions of (mean, *x) that no limit holds, shape (k, free)."""

    point: Point
    free: FloatArray


class Likelihood:
    """ln L of returns of mean 0 and standard deviation 1 under a recursion."""

    def __init__(self, returns: FloatArray, recursion: Recursion, backcast: float) -> None:
        self.returns = np.ascontiguousarray(returns)
        self.recursion = recursion
        self.backcast = backcast
        size = recursion.spread.shape[1]
        self._spread = np.zeros((COEFFICIENTS, size + 1))
        self._spread[0, 0], self._spread[1:, 1:] = 1.0, recursion.spread

    def at(self, mean: float, x: FloatArray) -> Point | None:
        """Return the likelihood there; None where it has no number or the filter is not invertible."""
        score, lyapunov = np.empty(COEFFICIENTS), np.empty(1)
        hessian, outer = np.empty((2, COEFFICIENTS, COEFFICIENTS))
        log_variance = np.empty(self.returns.size + 1)
        spread = self._spread
        total = garch_likelihood()(
            self.returns,
            np.ascontiguousarray(spread @ np.append(mean, x)),
            self.backcast,
            self.recursion.is_of_logarithms,
            score,
            hessian,
            outer,
            log_variance,
            lyapunov,
        )
        if not (math.isfinite(total) and lyapunov[0] < 0.0 and np.isfinite(hessian).all()):
            return None
        hessian, outer = (np.tril(table) + np.tril(table, -1).T for table in (hessian, outer))
        return Point(
            mean, x, total, score @ spread, spread.T @ hessian @ spread, spread.T @ outer @ spread, log_variance
        )


def _inverse_step(hessian: FloatArray, score: FloatArray) -> tuple[FloatArray, bool]:
    """Return (-H)^-1 g with the sign of every eigenvalue made right, and whether all were: H is negative definite."""
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diagonal(hessian)), np.finfo(np.float64).tiny))
    values, vectors = np.linalg.eigh(-hessian * np.outer(scale, scale))
    curved = np.maximum(np.abs(values), 1e-8)
    step = scale * (vectors @ ((vectors.T @ (scale * score)) / curved))
    return step, bool(values.size == 0 or values[0] > _DEFINITE)


@dataclass(frozen=True, slots=True)
class _Model:
    """Newton's model of the likelihood at a point, along the limits that hold it."""

    held: tuple[int, ...]
    free: FloatArray
    step: FloatArray
    gain: float
    is_maximum: bool


End = tuple[Point, _Model]


def _model(point: Point, recursion: Recursion, held: tuple[int, ...]) -> _Model:
    size = point.x.size
    free = null_space(recursion.limits[list(held)]) if held else np.eye(size)
    score, hessian = point.score[1:], point.hessian[1:, 1:]
    step, is_definite = _inverse_step(free.T @ hessian @ free, free.T @ score)
    return _Model(held, free, free @ step, 0.5 * float(score @ free @ step), is_definite)


def _release(point: Point, recursion: Recursion, held: tuple[int, ...]) -> tuple[int, ...]:
    """Return the limits without the one that the score pulls away from most, if it pulls away from any."""
    if not held:
        return held
    pressure = -np.linalg.lstsq(recursion.limits[list(held)].T, point.score[1:], rcond=None)[0]
    worst = int(np.argmin(pressure))
    return held if pressure[worst] >= 0.0 else held[:worst] + held[worst + 1 :]


def _reach(x: FloatArray, step: FloatArray, recursion: Recursion, held: tuple[int, ...]) -> tuple[float, int | None]:
    """Return the share of ``step`` that keeps every limit, at most 1, and the limit that it ends at."""
    room, towards = recursion.limits @ x - recursion.least, recursion.limits @ step
    share, limit = min(1.0, _LONGEST_STEP / max(float(np.max(np.abs(step), initial=0.0)), 1e-300)), None
    for row in range(room.size):
        if row not in held and towards[row] < 0.0 and room[row] < -share * towards[row]:
            share, limit = max(float(room[row] / -towards[row]), 0.0), row
    return share, limit


def climb(likelihood: Likelihood, mean: float, x: FloatArray) -> End | None:
    """Search from x for the maximum at a given mean; None where it ends elsewhere."""
    recursion, point = likelihood.recursion, likelihood.at(mean, x)
    if point is None:
        return None
    held = tuple(int(row) for row in np.flatnonzero(recursion.limits @ x - recursion.least <= _ON_LIMIT))
    held = _independent(recursion, held)
    for _ in range(_MAX_STEPS):
        model = _model(point, recursion, held)
        if model.gain < _POLISHED and model.is_maximum:
            freed = _release(point, recursion, held)
            if freed == held:
                return _polished(likelihood, point, model)
            held = freed
            continue
        if model.gain < _POLISHED:  # a saddle
            break
        share, limit = _reach(point.x, model.step, recursion, held)
        later = _line_search(likelihood, point, model, share)
        if later is None:
            break
        is_whole, point = later
        if limit is not None and is_whole:
            held = (*held, limit)
    model = _model(point, recursion, held)
    is_end = model.is_maximum and model.gain < LARGEST_GAIN and _release(point, recursion, held) == held
    return (point, model) if is_end else None


def _independent(recursion: Recursion, held: tuple[int, ...]) -> tuple[int, ...]:
    kept: tuple[int, ...] = ()
    for row in held:
        if np.linalg.matrix_rank(recursion.limits[[*kept, row]]) > len(kept):
            kept = (*kept, row)
    return kept


def _line_search(likelihood: Likelihood, point: Point, model: _Model, share: float) -> tuple[bool, Point] | None:
    """Return the first of share, share / 2, ... of the step that gains enough, and whether it was the first."""
    for halving in range(_MAX_HALVINGS):
        part = share * 0.5**halving
        later = likelihood.at(point.mean, point.x + part * model.step)
        if later is not None and later.log_likelihood >= point.log_likelihood + 1e-4 * part * model.gain:
            return halving == 0, later
    return None


def _polished(likelihood: Likelihood, point: Point, model: _Model) -> End:
    share, _ = _reach(point.x, model.step, likelihood.recursion, model.held)
    later = likelihood.at(point.mean, point.x + share * model.step)
    if later is None:
        return point, model
    closer = _model(later, likelihood.recursion, model.held)
    return (later, closer) if closer.is_maximum and closer.gain <= model.gain else (point, model)


def _at_best_mean(likelihood: Likelihood, end: End) -> End | None:
    """Follow a maximum as the mean moves, to where the profile score turns from plus to minus."""
    towards, stride = (1.0 if end[0].score[0] > 0.0 else -1.0), 0.25 / math.sqrt(likelihood.returns.size)
    for _ in range(_MAX_WIDENINGS):
        ahead = climb(likelihood, end[0].mean + towards * stride, end[0].x)
        if ahead is None:
            return None
        if towards * ahead[0].score[0] <= 0.0:
            return _bisected(likelihood, *((end, ahead) if towards > 0.0 else (ahead, end)))
        end, stride = ahead, 2.0 * stride
    return None


def _bisected(likelihood: Likelihood, low: End, high: End) -> End | None:
    gain = math.inf
    for _ in range(_MAX_BISECTIONS):
        width = high[0].mean - low[0].mean
        gain = width * max(low[0].score[0], -high[0].score[0])
        if gain < _BRACKET_GAIN:
            break
        mean = 0.5 * (low[0].mean + high[0].mean)
        if not low[0].mean < mean < high[0].mean:
            break
        middle = climb(likelihood, mean, low[0].x)
        if middle is None:
            return None
        low, high = (middle, high) if middle[0].score[0] > 0.0 else (low, middle)
    return max(low, high, key=lambda end: end[0].log_likelihood) if gain < LARGEST_GAIN else None


def _maximum(end: End, recursion: Recursion) -> Maximum | None:
    """Return the end point as a verified maximum of mean and coefficients together; None where it is none."""
    point, model = end
    free = np.zeros((point.x.size + 1, model.free.shape[1] + 1))
    free[0, 0], free[1:, 1:] = 1.0, model.free
    _, is_definite = _inverse_step(free.T @ point.hessian @ free, free.T @ point.score)
    reacts = any(abs(point.x[row]) > _ON_LIMIT for row in recursion.reactions)
    return Maximum(point, free) if is_definite and reacts else None


def _apart(points: list[End]) -> list[End]:
    """Return the end points without those that are another one found again, the highest first."""
    kept: list[End] = []
    for point, model in sorted(points, key=lambda end: -end[0].log_likelihood):
        scale = np.sqrt(np.maximum(-np.diagonal(point.hessian), 0.0))
        gaps = [scale * (np.append(other.mean, other.x) - np.append(point.mean, point.x)) for other, _ in kept]
        if all(float(np.max(np.abs(gap))) > _SAME_PLACE for gap in gaps):
            kept.append((point, model))
    return kept


def verified_maxima(likelihood: Likelihood) -> list[Maximum]:
    """Return every verified maximum that the recursion's starts lead to, the highest first."""
    starts = likelihood.recursion.starts
    ends = [end for start in starts if (end := climb(likelihood, 0.0, np.array(start))) is not None]
    apart = _apart(ends)
    followed = [end for end in apart if end[0].log_likelihood > apart[0][0].log_likelihood - _FOLLOWED]
    moved = [end for start in followed if (end := _at_best_mean(likelihood, start)) is not None]
    found = [_maximum(end, likelihood.recursion) for end in _apart(moved)]
    return [maximum for maximum in found if maximum is not None]
