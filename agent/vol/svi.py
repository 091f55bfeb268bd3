r"""SVI: one expiry's total implied variance as a hyperbola of log-moneyness, in three parametrisations.

With k = ln(strike/forward) and w(k) = iv^2 tau:

    raw         w = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2))
    natural     w = delta + omega/2 (1 + zeta rho (k - mu) + sqrt((zeta (k - mu) + rho)^2 + 1 - rho^2))
    jump wings  v = w(0)/tau, psi = w'(0) / (2 sqrt(w(0))), v_min = min w / tau; p and c: how fast the
                left and the right wing rise, over sqrt(w(0))

A slice is free of butterfly arbitrage when Durrleman's g >= 0 everywhere and its wings rise by less than 2 a unit of k:

    g = (1 - k w'/(2 w))^2 - w'^2/4 (1/w + 1/4) + w''/2.

Sources: J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014) 59-71,
eqs. 3.1-3.6, 2.1 and section 5.1; V. Durrleman, "From implied to spot volatilities", thesis, Princeton (2004);
R. Lee, "The moment formula for implied volatility at extreme strikes", Mathematical Finance 14 (2004) 469-480.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from agent.checks import require_positive
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import as_floats

MAX_WING_SLOPE = 2.0
"""Lee: total variance cannot rise faster than 2 |k|."""
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class RawSvi:
    """Raw parameters of one slice; b >= 0, abs(rho) < 1, sigma > 0 and a least variance >= 0."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float

    def __post_init__(self) -> None:
        _require_finite(self)
        _require_that(self.b >= 0.0, "b", self.b, ">= 0")
        _require_that(abs(self.rho) < 1.0, "rho", self.rho, "between -1 and 1")
        _require_that(self.sigma > 0.0, "sigma", self.sigma, "> 0")
        least, rounding = self.least_variance, 8.0 * _EPSILON * (abs(self.a) + self.b * self.sigma)
        _require_that(least >= -rounding, "a + b sigma sqrt(1 - rho^2)", least, ">= 0, the least total variance")

    @property
    def least_variance(self) -> float:
        """Minimum of w over all k."""
        return self.a + self.b * self.sigma * math.sqrt(1.0 - self.rho * self.rho)

    def total_variance(self, log_moneyness: ArrayLike) -> FloatArray:
        """Return w(k), same shape as ``log_moneyness``."""
        return self.derivatives(log_moneyness)[0]

    def derivatives(self, log_moneyness: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return w, w' and w'' at k, each of the shape of ``log_moneyness``."""
        x = as_floats("log_moneyness", log_moneyness) - self.m
        root = np.hypot(x, self.sigma)
        total_variance = self.a + self.b * (self.rho * x + root)
        slope = self.b * (self.rho + x / root)
        curvature = self.b * self.sigma**2 / root**3
        return total_variance, slope, curvature


@dataclass(frozen=True, slots=True)
class NaturalSvi:
    """Natural parameters of one slice; with delta = mu = 0 it is an SSVI slice of theta = omega and phi = zeta."""

    delta: float
    mu: float
    rho: float
    omega: float
    zeta: float

    def __post_init__(self) -> None:
        _require_finite(self)
        _require_that(self.omega >= 0.0, "omega", self.omega, ">= 0")
        _require_that(abs(self.rho) < 1.0, "rho", self.rho, "between -1 and 1")
        _require_that(self.zeta > 0.0, "zeta", self.zeta, "> 0")


@dataclass(frozen=True, slots=True)
class JumpWingsSvi:
    """Jump-wings parameters of one slice, in annual variance: numbers a desk can read and compare over expiries."""

    v: float
    psi: float
    p: float
    c: float
    v_min: float
    tau_years: float

    def __post_init__(self) -> None:
        _require_finite(self)
        require_positive(self.tau_years, "tau_years")
        _require_that(self.v > 0.0, "v", self.v, "> 0")
        _require_that(self.p >= 0.0, "p", self.p, ">= 0")
        _require_that(self.c >= 0.0, "c", self.c, ">= 0")
        _require_that(self.p + self.c > 0.0, "p + c", self.p + self.c, "> 0: one wing must rise")
        _require_that(0.0 <= self.v_min <= self.v, "v_min", self.v_min, f"between 0 and v = {self.v}")
        low, high = -0.5 * self.p, 0.5 * self.c
        _require_that(low <= self.psi <= high, "psi", self.psi, f"between -p/2 = {low} and c/2 = {high}")


def durrleman_g(
    log_moneyness: FloatArray, total_variance: FloatArray, slope: FloatArray, curvature: FloatArray
) -> FloatArray:
    """Return Durrleman's g, the risk-neutral density over a positive factor; below 0 a butterfly pays to be bought.

    Source: Gatheral and Jacquier (2014), eq. 2.1.
    """
    lean = 1.0 - 0.5 * log_moneyness * slope / total_variance
    return np.asarray(lean * lean - 0.25 * slope * slope * (1.0 / total_variance + 0.25) + 0.5 * curvature)


def natural_of_raw(raw: RawSvi) -> NaturalSvi:
    """Return the natural parameters of ``raw`` (Gatheral and Jacquier, eq. 3.3)."""
    root = math.sqrt(1.0 - raw.rho**2)
    return NaturalSvi(
        delta=raw.a - raw.b * raw.sigma * root,
        mu=raw.m + raw.rho * raw.sigma / root,
        rho=raw.rho,
        omega=2.0 * raw.b * raw.sigma / root,
        zeta=root / raw.sigma,
    )


def raw_of_natural(natural: NaturalSvi) -> RawSvi:
    """Return the raw parameters of ``natural`` (Gatheral and Jacquier, eq. 3.4)."""
    return RawSvi(
        a=natural.delta + 0.5 * natural.omega * (1.0 - natural.rho**2),
        b=0.5 * natural.omega * natural.zeta,
        rho=natural.rho,
        m=natural.mu - natural.rho / natural.zeta,
        sigma=math.sqrt(1.0 - natural.rho**2) / natural.zeta,
    )


def jump_wings_of_raw(raw: RawSvi, tau_years: float) -> JumpWingsSvi:
    """Return the jump-wings parameters of ``raw`` (Gatheral and Jacquier, eq. 3.5)."""
    require_positive(tau_years, "tau_years")
    at_money, slope, _ = (float(number) for number in raw.derivatives(0.0))
    _require_that(at_money > 0.0, "total variance at the money", at_money, "> 0")
    root = math.sqrt(at_money)
    return JumpWingsSvi(
        v=at_money / tau_years,
        psi=0.5 * slope / root,
        p=raw.b * (1.0 - raw.rho) / root,
        c=raw.b * (1.0 + raw.rho) / root,
        v_min=min(raw.least_variance, at_money) / tau_years,
        tau_years=tau_years,
    )


def raw_of_jump_wings(wings: JumpWingsSvi) -> RawSvi:
    """Return the raw parameters of ``wings`` (Gatheral and Jacquier, lemma 3.2, freed of its divisions by zero).

    With x = -m, sin t = x / sqrt(x^2 + sigma^2) obeys b (rho + sin t) = w'(0), and w(0) - min w fixes the scale:
    sqrt(x^2 + sigma^2) = (w(0) - min w) / (b (1 + rho sin t - sqrt(1 - rho^2) cos t)). Where w(0) is the minimum jump
    wings do not hold the curvature, so the scale is free; it is then w(0) / b, an arbitrary but sane choice.
    """
    root = math.sqrt(wings.v * wings.tau_years)
    b = 0.5 * root * (wings.c + wings.p)
    rho = (wings.c - wings.p) / (wings.c + wings.p)
    _require_that(abs(rho) < 1.0, "p and c", rho, "both > 0 for a raw slice")
    sine = 2.0 * wings.psi * root / b - rho
    _require_that(abs(sine) < 1.0, "psi", wings.psi, f"strictly between {-0.5 * wings.p} and {0.5 * wings.c}")
    cosine = math.sqrt(1.0 - sine * sine)
    width = 1.0 + rho * sine - math.sqrt(1.0 - rho * rho) * cosine
    rise = (wings.v - wings.v_min) * wings.tau_years
    if rise <= 0.0 or width <= 0.0:
        radius = wings.v * wings.tau_years / b
        return RawSvi(wings.v * wings.tau_years * rho**2, b, rho, radius * rho, radius * math.sqrt(1.0 - rho**2))
    radius = rise / (b * width)
    sigma = radius * cosine
    least = wings.v_min * wings.tau_years
    return RawSvi(least - b * sigma * math.sqrt(1.0 - rho * rho), b, rho, -radius * sine, sigma)


def repair_butterfly(wings: JumpWingsSvi) -> JumpWingsSvi:
    """Return the slice of the same v, psi and p whose c and v_min make it an SSVI slice.

    Formula: c = p + 2 psi, v_min = v 4 p c / (p + c)^2. It is free of butterfly arbitrage when
    max(p, c) sqrt(v tau) < 2 and (p + c) max(p, c) <= 2, which the caller can ask `durrleman_g`.

    Source: Gatheral and Jacquier (2014), section 5.1.
    """
    c = wings.p + 2.0 * wings.psi
    return JumpWingsSvi(
        wings.v, wings.psi, wings.p, c, wings.v * 4.0 * wings.p * c / (wings.p + c) ** 2, wings.tau_years
    )


def _require_finite(parameters: RawSvi | NaturalSvi | JumpWingsSvi) -> None:
    for field in fields(parameters):
        number = getattr(parameters, field.name)
        _require_that(math.isfinite(number), field.name, number, "finite")


def _require_that(holds: bool, name: str, number: float, expected: str) -> None:
    if not holds:
        raise DataError(f"SVI parameter {name} is {number}; expected {expected}")
