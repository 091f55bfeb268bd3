"""A study small enough for tests: two days of generated prices, two policies, two bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from agent.study.case import Names, Outcome

START = datetime(2024, 8, 1, tzinfo=UTC)
STUDY = """
config = "{config}"
seed = 3
[[period]]
name = "first"
prices = "prices.parquet"
from = "2024-08-01"
to = "2024-08-02"
[[period]]
name = "second"
prices = "prices.parquet"
from = "2024-08-02"
to = "2024-08-03"
base_fee_gwei = 2
[[book]]
name = "calls"
[[book.option]]
type = "call"
strike_ratio = 1.0
tenor_days = 30
quantity = -100
iv_annual = 0.6
[[policy]]
name = "fixed_threshold"
threshold_underlying = [2.0, 4.0]
[[bounds]]
name = "shipped"
[[bounds]]
name = "wide"
band_underlying = 8
[walk_forward]
train_periods = 1
held_back = 1
"""


def write_prices(directory: Path, days: int = 2, seconds: int = 900) -> None:
    """Write a lognormal path of so many days."""
    count = days * 86_400 // seconds
    steps = np.random.default_rng(5).standard_normal(count)
    prices = 3_200.0 * np.exp(np.cumsum(0.6 * np.sqrt(seconds / 31_536_000) * steps))
    stamps = [START + timedelta(seconds=seconds * row) for row in range(count)]
    table = pl.DataFrame({"open_ts": stamps, "symbol": ["ETHUSDT"] * count, "open": prices})
    table.write_parquet(directory / "prices.parquet")


def write_study(directory: Path, config: Path, text: str = STUDY) -> Path:
    """Write prices and study; return the study's path."""
    write_prices(directory)
    path = directory / "study.toml"
    path.write_text(text.format(config=config), encoding="utf-8")
    return path


def outcome(
    period: str, policy: str, cost_usd: float, hedged: float, unhedged: float = 100.0, **others: object
) -> Outcome:
    """Return an outcome of one book and set of bounds whose cost is all gas."""
    names = Names(period, "book", policy, "bounds")
    return Outcome(
        key=f"{period}-{policy}",
        names=names,
        steps=10,
        gas_usd=cost_usd,
        variance_hedged=hedged,
        variance_unhedged=unhedged,
        **others,  # type: ignore[arg-type]
    )
