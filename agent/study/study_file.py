"""A study as a TOML file: periods, books, policies and bounds, of which every combination is replayed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from agent.config import Real, Section, Whole
from agent.errors import DataError
from agent.files.entry import read_toml
from agent.policy.registry import build_policy


class PeriodEntry(Section):
    """A span of a price file or a generated day, with its gas and its funding."""

    name: str
    seed: Whole | None = Field(default=None, ge=0)
    """Of a generated day, as ``evenkeel demo --seed`` replays it."""
    prices: Path | None = None
    symbol: str = "ETHUSDT"
    start: str | None = Field(default=None, alias="from")
    end: str | None = Field(default=None, alias="to")
    base_fee_gwei: Real | None = Field(default=None, ge=0)
    """Throughout; without it and without ``gas`` the local chain's."""
    gas: Path | None = None
    funding: Path | None = None
    funding_coin: str = "ETH"
    funding_venue: str = "binance"

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        span = (self.prices, self.start, self.end)
        if any(part is None for part in span) if self.seed is None else any(part is not None for part in span):
            raise ValueError("give either a seed, or prices with from and to")
        if self.gas is not None and self.base_fee_gwei is not None:
            raise ValueError("give either gas or base_fee_gwei")
        return self


class OptionEntry(Section):
    """An option that begins anew with each period."""

    type: Literal["call", "put"]
    strike_ratio: Real = Field(gt=0)
    """Of the period's first price."""
    tenor_days: Real = Field(gt=0)
    quantity: Real
    iv_annual: Real | None = Field(default=None, gt=0)
    """Without it the volatility of the 30 days before the period."""


class BookEntry(Section):
    """A book: a file of positions, or options that begin anew with each period."""

    name: str
    path: Path | None = None
    option: tuple[OptionEntry, ...] = ()
    holding: Real = 0.0
    deposit_usd: Real | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        is_template = bool(self.option or self.holding)
        if is_template is (self.path is not None):
            raise ValueError("give either a path or positions ([[book.option]], holding)")
        return self


class PolicyEntry(Section):
    """A policy; each number may be a list, and every combination is tried."""

    name: str
    parameters: dict[str, tuple[Real, ...]]

    @model_validator(mode="before")
    @classmethod
    def _split(cls, written: object) -> object:
        if not isinstance(written, Mapping):
            return written
        numbers = {key: number if isinstance(number, list) else [number] for key, number in written.items()}
        name = written.get("name")
        numbers.pop("name", None)
        return {"name": name, "parameters": numbers}

    @model_validator(mode="after")
    def _buildable(self) -> Self:
        try:
            for _, numbers in self.settings():
                build_policy(self.name, numbers)
        except DataError as error:
            raise ValueError(str(error)) from None
        return self

    def settings(self) -> Iterator[tuple[str, dict[str, float]]]:
        """Return every setting with its name; the numbers that are tried at several values tell them apart."""
        keys = list(self.parameters)
        for numbers in itertools.product(*self.parameters.values()):
            chosen = dict(zip(keys, numbers, strict=True))
            tried = [f"{key}={chosen[key]:g}" for key in keys if len(self.parameters[key]) > 1]
            yield " ".join([self.name, *tried]), chosen


class BoundsEntry(Section):
    """Bounds that differ from the configuration's."""

    name: str
    changes: dict[str, object]

    @model_validator(mode="before")
    @classmethod
    def _split(cls, written: object) -> object:
        if not isinstance(written, Mapping):
            return written
        return {"name": written.get("name"), "changes": {key: own for key, own in written.items() if key != "name"}}


class WalkForwardEntry(Section):
    """How settings are chosen: by the periods before, and judged by the last ones, which choose nothing."""

    train_periods: Whole = Field(ge=1)
    held_back: Whole = Field(ge=1)
    least_effectiveness: Real = Field(default=0.95, gt=0, lt=1)


class StudyFile(Section):
    """What a study compares."""

    config: str = "localnet"
    seed: Whole = 1
    period: tuple[PeriodEntry, ...] = Field(min_length=1)
    book: tuple[BookEntry, ...] = Field(min_length=1)
    policy: tuple[PolicyEntry, ...] = ()
    """None: the configuration's own."""
    bounds: tuple[BoundsEntry, ...] = ()
    """None: the configuration's own."""
    walk_forward: WalkForwardEntry | None = None

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for kind in ("period", "book", "bounds"):
            names = [entry.name for entry in getattr(self, kind)]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"two [[{kind}]] are named {twice[0]!r}; give each a name of its own")
        if self.walk_forward is not None:
            needed = self.walk_forward.train_periods + self.walk_forward.held_back
            if len(self.period) < needed:
                raise ValueError(f"walk_forward needs {needed} periods, and there are {len(self.period)}; add some")
        return self


def read_study(path: Path) -> StudyFile:
    """Read a study; raises `DataError` with file, place, what is wrong and how to mend it."""
    try:
        return StudyFile.model_validate(read_toml(path))
    except ValidationError as error:
        raise DataError(f"{path}: {_complaint(error)}") from None


def _complaint(error: ValidationError) -> str:
    first = error.errors()[0]
    location = [f"{part + 1}" if isinstance(part, int) else f"{part:.80}" for part in first["loc"]]
    where = " ".join(location) or "the study"
    message = {"missing": "missing; add it", "extra_forbidden": "unknown key; check its spelling"}.get(
        first["type"], first["msg"].removeprefix("Value error, ")
    )
    return f"{where}: {message}"
