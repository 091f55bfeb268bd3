"""Weeks to size by where no history is given: calm, with jumps, a crash, a rally, a wick, and a slow bleed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from agent.backtest.jump_diffusion import JumpDiffusion, jump_diffusion_path
from agent.backtest.price_series import PriceSeries
from agent.backtest.seeded_day import SEEDED_MODEL
from agent.numerics.arrays import FloatArray
from agent.units import Seconds

INTERVAL_SECONDS = Seconds(900)
STEPS = 7 * 96
SEED = 20_240_805
CALM = JumpDiffusion(0.0, 0.45, 0.0, 0.0, 0.0)
CRASH_LOG = -0.5
"""Over a day, 39 %: about what ETH fell on 12 March 2020 and on 19 May 2021; budgets are to last there."""
_DAY = 96
_AT = 3 * _DAY
"""Where crash, rally and wick begin, or after this part of a shorter life:"""
_PART_OF_LIFE = 3
_WICK_STEPS = 6.0


def generated_weeks(
    start_price_usd: float, start_unix: Seconds, underlying: str = "ETH", life_seconds: Seconds | None = None
) -> list[PriceSeries]:
    """Return the weeks, named by what they are; always the same for the same price and life.

    ``life_seconds``: how long the book to be hedged has an option; what moves the price much comes before that.
    """
    at = _AT if life_seconds is None else min(_AT, life_seconds // INTERVAL_SECONDS // _PART_OF_LIFE)
    calm, stormy = (
        replace(
            jump_diffusion_path(
                model, start_price_usd, np.random.default_rng(SEED), start_unix, INTERVAL_SECONDS, STEPS
            ),
            symbol=f"{underlying}USD",
        )
        for model in (CALM, SEEDED_MODEL)
    )
    step = np.arange(STEPS)
    ramp = np.clip((step - at) / _DAY, 0.0, 1.0)
    wick = np.exp(-np.abs(step - at) / _WICK_STEPS) * -np.expm1(-step / _WICK_STEPS)  # none of it at the first price
    return [
        replace(calm, source="a calm week"),
        replace(stormy, source="a week with jumps"),
        _bent(calm, CRASH_LOG * ramp, "a crash in a day"),
        _bent(calm, -CRASH_LOG * ramp, "a rally in a day"),
        _bent(calm, CRASH_LOG / 2.0 * wick, "a wick"),
        _bent(calm, -0.15 * step / STEPS, "a slow bleed"),
    ]


def _bent(path: PriceSeries, log_change: FloatArray, name: str) -> PriceSeries:
    return replace(path, prices_usd=path.prices_usd * np.exp(log_change), source=name)
