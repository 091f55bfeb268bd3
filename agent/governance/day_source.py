"""Which day is replayed: a seeded one, or one of a price file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agent.backtest.price_series import PriceSeries
from agent.backtest.seeded_day import DEFAULT_SEED, seeded_day
from agent.errors import DataError
from agent.files.timestamps import parse_utc
from agent.units import Seconds

_DEFAULT_SYMBOL = "ETHUSDT"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DaySource:
    """The day that is replayed: a file's, of ``symbol`` from ``start`` on, or the seeded one where there is no file."""

    path: Path | None = None
    symbol: str | None = None
    start: str | None = None

    def __post_init__(self) -> None:
        for option, given in (("--day", self.start), ("--symbol", self.symbol)):
            if self.path is None and given is not None:
                raise DataError(f"{option} chooses from a price file; add --prices FILE.parquet, or leave it out")

    def prices(self, spot_usd: float, now: Seconds) -> PriceSeries:
        """Return its prices; `DataError` where the file does not hold them."""
        if self.path is None:
            return seeded_day(DEFAULT_SEED, spot_usd, now)
        from agent.files.price_file import load_prices  # noqa: PLC0415 - a seeded day needs no Parquet

        if self.start is None:
            raise DataError(f"--prices {self.path} needs a day; add --day, such as --day 2024-08-05")
        first = parse_utc(self.start, "--day")
        return load_prices(self.path, self.symbol or _DEFAULT_SYMBOL, first, first + _DAY)
