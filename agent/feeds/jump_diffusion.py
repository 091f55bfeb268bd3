"""Price paths of a jump diffusion, for a replay that needs no data file."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agent.errors import DataError
from agent.feeds.price_series import PriceSeries
from agent.units import SECONDS_PER_YEAR, Seconds


@dataclass(frozen=True, slots=True)
class JumpDiffusion:
    """Merton's model: ``dS/S = (mu - lambda k) dt + sigma dW + (J - 1) dN``, ``ln J ~ N(m, s^2)``, ``k = E[J] - 1``."""

    start_price_usd: float
    drift_annual: float
    diffusion_vol_annual: float
    jumps_per_year: float
    jump_mean_log: float
    jump_std_log: float

    def __post_init__(self) -> None:
        for name, least in (("diffusion_vol_annual", 0.0), ("jumps_per_year", 0.0), ("jump_std_log", 0.0)):
            if not getattr(self, name) >= least:
                raise DataError(f"jump diffusion: {name} is {getattr(self, name)}; it must be at least {least:g}")
        if not self.start_price_usd > 0:
            raise DataError(f"jump diffusion: start_price_usd is {self.start_price_usd}; it must be above 0")

    @property
    def vol_annual(self) -> float:
        """Volatility of the log return with its jumps: ``sqrt(sigma^2 + lambda (m^2 + s^2))``."""
        jump_variance = self.jumps_per_year * (self.jump_mean_log**2 + self.jump_std_log**2)
        return math.sqrt(self.diffusion_vol_annual**2 + jump_variance)


def jump_diffusion_path(
    model: JumpDiffusion, generator: np.random.Generator, start_unix: Seconds, interval_seconds: Seconds, count: int
) -> PriceSeries:
    """Draw ``count`` prices, the first being the start price; exact at the instants drawn, whatever the interval.

    Log increments: ``(mu - lambda k - sigma^2/2) dt + sigma sqrt(dt) Z1 + N m + s sqrt(N) Z2``,
    ``N ~ Poisson(lambda dt)``.

    Source: Merton (1976), "Option pricing when underlying stock returns are discontinuous" (J. Financial Economics 3).
    """
    if count < 2:
        raise DataError(f"jump diffusion: {count} prices asked for; a replay needs at least two")
    dt_years = interval_seconds / SECONDS_PER_YEAR
    mean_jump = math.exp(model.jump_mean_log + model.jump_std_log**2 / 2) - 1
    drift = model.drift_annual - model.jumps_per_year * mean_jump - model.diffusion_vol_annual**2 / 2
    diffusion = model.diffusion_vol_annual * math.sqrt(dt_years) * generator.standard_normal(count - 1)
    jumps = generator.poisson(model.jumps_per_year * dt_years, count - 1)
    jump_sizes = jumps * model.jump_mean_log + model.jump_std_log * np.sqrt(jumps) * generator.standard_normal(
        count - 1
    )
    log_prices = np.concatenate(([0.0], np.cumsum(drift * dt_years + diffusion + jump_sizes)))
    times_unix = np.int64(start_unix) + np.int64(interval_seconds) * np.arange(count, dtype=np.int64)
    return PriceSeries(
        symbol="ETHUSD",
        times_unix=times_unix,
        prices_usd=model.start_price_usd * np.exp(log_prices),
        interval_seconds=interval_seconds,
        source="seeded jump diffusion",
        sha256=None,
    )
