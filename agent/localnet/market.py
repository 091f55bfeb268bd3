"""Price paths for a local chain that is moved by hand: one seeded draw per published price."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from agent.units import seconds_to_years


@dataclass(frozen=True, slots=True)
class JumpDiffusion:
    """Merton's jump-diffusion without drift.

    Over a time dt the log price moves by -(sigma^2 / 2 + k lambda) dt + sigma sqrt(dt) Z + the sum of N normal jumps, N
    Poisson with mean lambda dt and k the mean relative jump, which makes the price a martingale.
    Source: Merton, R. (1976), Option pricing when underlying stock returns are discontinuous, eq. 16.
    """

    vol_annual: float = 0.65
    jumps_per_year: float = 60.0
    jump_mean_log: float = -0.005
    jump_vol_log: float = 0.02

    def next_price(self, price_usd: float, interval_seconds: int, seed: int, draw: int) -> float:
        """Return the price an interval later, in USD; ``seed`` and the number of the ``draw`` decide it alone."""
        random = np.random.default_rng([seed, draw])
        years = seconds_to_years(interval_seconds)
        mean_jump = math.exp(self.jump_mean_log + self.jump_vol_log**2 / 2.0) - 1.0
        drift = -(self.vol_annual**2 / 2.0 + self.jumps_per_year * mean_jump) * years
        diffusion = self.vol_annual * math.sqrt(years) * random.standard_normal()
        count = int(random.poisson(self.jumps_per_year * years))
        jumps = float(random.normal(self.jump_mean_log, self.jump_vol_log, count).sum())
        return price_usd * math.exp(drift + diffusion + jumps)
