"""The day that is replayed where no price file is given: a jump diffusion drawn from a seed."""

from __future__ import annotations

import numpy as np

from agent.backtest.jump_diffusion import JumpDiffusion, jump_diffusion_path
from agent.backtest.price_series import PriceSeries
from agent.units import Seconds

DEFAULT_SEED = 4
SEEDED_STEPS = 288
"""A day of five-minute steps: well under a minute, and enough hours for their variance to mean something."""
SEEDED_INTERVAL_SECONDS = Seconds(300)
SEEDED_MODEL = JumpDiffusion(
    drift_annual=0.0,
    diffusion_vol_annual=0.60,
    jumps_per_year=900.0,
    jump_mean_log=-0.002,
    jump_std_log=0.012,
)
"""Diffusion as ETH realised in July 2024 (58 % a year), and two or three jumps of about 1.2 % a day, to be seen."""


def seeded_day(seed: int, start_price_usd: float, start_unix: Seconds) -> PriceSeries:
    """Draw the day; `DataError` where the price is not positive."""
    generator = np.random.default_rng(seed)
    return jump_diffusion_path(
        SEEDED_MODEL, start_price_usd, generator, start_unix, SEEDED_INTERVAL_SECONDS, SEEDED_STEPS
    )
