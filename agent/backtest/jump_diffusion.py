"""Price paths of a jump diffusion, for a replay that needs no data file and a local chain that is moved by hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agent.backtest.price_series import PriceSeries
from agent.checks import require_at_least, require_positive
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.units import Seconds, seconds_to_years


@dataclass(frozen=True, slots=True)
class JumpDiffusion:
    """Merton's model: ``dS/S = (mu - lambda k) dt + sigma dW + (J - 1) dN``, ``ln J ~ N(m, s^2)``, ``k = E[J] - 1``.

    Source: Merton (1976), "Option pricing when underlying stock returns are discontinuous" (J. Financial Economics 3).
    """

    drift_annual: float
    diffusion_vol_annual: float
    jumps_per_year: float
    jump_mean_log: float
    jump_std_log: float

    def __post_init__(self) -> None:
        for name in ("diffusion_vol_annual", "jumps_per_year", "jump_std_log"):
            require_at_least(getattr(self, name), f"jump diffusion: {name}", 0.0)

    @property
    def vol_annual(self) -> float:
        """Volatility of the log return with its jumps: ``sqrt(sigma^2 + lambda (m^2 + s^2))``."""
        jump_variance = self.jumps_per_year * (self.jump_mean_log**2 + self.jump_std_log**2)
        return math.sqrt(self.diffusion_vol_annual**2 + jump_variance)

    def log_increments(self, generator: np.random.Generator, interval_seconds: Seconds, count: int) -> FloatArray:
        """Draw ``count`` changes of the log price, exact whatever the interval.

        ``(mu - lambda k - sigma^2/2) dt + sigma sqrt(dt) Z1 + N m + s sqrt(N) Z2``, ``N ~ Poisson(lambda dt)``.
        """
        years = seconds_to_years(interval_seconds)
        mean_jump = math.exp(self.jump_mean_log + self.jump_std_log**2 / 2) - 1
        drift = self.drift_annual - self.jumps_per_year * mean_jump - self.diffusion_vol_annual**2 / 2
        diffusion = self.diffusion_vol_annual * math.sqrt(years) * generator.standard_normal(count)
        jumps = generator.poisson(self.jumps_per_year * years, count)
        sizes = jumps * self.jump_mean_log + self.jump_std_log * np.sqrt(jumps) * generator.standard_normal(count)
        return np.asarray(drift * years + diffusion + sizes)


def jump_diffusion_path(
    model: JumpDiffusion,
    start_price_usd: float,
    generator: np.random.Generator,
    start_unix: Seconds,
    interval_seconds: Seconds,
    count: int,
) -> PriceSeries:
    """Draw ``count`` prices, USD, the first being the start price.

    Raises
    ------
    DataError
        The start price is not positive, or fewer than two prices are asked for.

    """
    require_positive(start_price_usd, "jump diffusion: start_price_usd")
    if count < 2:
        raise DataError(f"jump diffusion: {count} prices asked for; a replay needs at least two")
    increments = model.log_increments(generator, interval_seconds, count - 1)
    log_prices = np.concatenate(([0.0], np.cumsum(increments)))
    times_unix = np.int64(start_unix) + np.int64(interval_seconds) * np.arange(count, dtype=np.int64)
    return PriceSeries(
        symbol="ETHUSD",
        times_unix=times_unix,
        prices_usd=start_price_usd * np.exp(log_prices),
        interval_seconds=interval_seconds,
        source="seeded jump diffusion",
        sha256=None,
    )


def next_price(model: JumpDiffusion, price_usd: float, interval_seconds: Seconds, seed: int, draw: int) -> float:
    """Return the price an interval later, USD; ``seed`` and the number of the ``draw`` decide it alone."""
    generator = np.random.default_rng([seed, draw])
    return price_usd * math.exp(float(model.log_increments(generator, interval_seconds, 1)[0]))
