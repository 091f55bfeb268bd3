"""The cases of a study: every combination of its periods, books, bounds and policies, ready to be replayed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from agent.backtest.gas_model import LOCAL_CHAIN_GAS, GasModel
from agent.backtest.pool_market import History
from agent.backtest.price_series import PriceSeries
from agent.backtest.seeded_day import SEEDED_MODEL, seeded_day
from agent.config import Section
from agent.demo.scenario import (
    DEFAULT_IV_ANNUAL,
    SEEDED_START_PRICE_USD,
    SEEDED_START_UNIX,
    deposit_usd,
    month_before,
)
from agent.domain import Book, OptionType
from agent.errors import DataError, PreflightError
from agent.files.book_file import load_book
from agent.files.history_file import load_funding_per_day, load_gas_gwei
from agent.files.price_file import load_prices
from agent.files.timestamps import parse_utc
from agent.formatting import iso_utc
from agent.keeper.preflight import gas_token_faults
from agent.settings import Settings, config_path, load_settings
from agent.settings.consistency import contradictions
from agent.settings.decision import PolicySettings
from agent.study.book_template import BookTemplate, OptionTemplate
from agent.study.case import Case, Names
from agent.study.study_file import BookEntry, BoundsEntry, PeriodEntry, PolicyEntry, StudyFile

LOCAL_BASE_FEE_GWEI = 20.0
AS_CONFIGURED = "as configured"


@dataclass(frozen=True, slots=True, eq=False)
class Period:
    """A period as it is replayed."""

    name: str
    prices: PriceSeries
    vol_annual: float
    """Of the month before it, where the file has one."""
    history: History
    gas: GasModel


def cases_of(study: StudyFile, directory: Path) -> list[Case]:
    """Return every case, period by period; paths in the study start from ``directory``.

    Raises: `DataError` and `PreflightError` for whatever cannot be read, or contradicts itself, before anything runs.
    """
    path = config_path(study.config)
    base = load_settings(path, {})
    variants = list(_variants(study, base, path))
    periods = [_period(entry, directory) for entry in study.period]
    if study.walk_forward is not None:
        _require_order_of_time(study.period, periods)
    cases = [
        Case(
            Names(period.name, entry.name, policy, bounds),
            period.prices,
            book,
            settings,
            money,
            period.history,
            gas=period.gas,
        )
        for period in periods
        for entry, book, money in (_book(entry, period, directory) for entry in study.book)
        for bounds, policy, settings in variants
    ]
    underlyings = sorted({case.book.underlying for case in cases})
    if faults := [fault for own in underlyings for fault in gas_token_faults(base, path, own)]:
        raise PreflightError(faults)
    return cases


def _period(entry: PeriodEntry, directory: Path) -> Period:
    prices, vol_annual = _prices(entry, directory)
    history, gas = _history(entry, prices, directory)
    return Period(entry.name, prices, vol_annual, history, gas)


def _require_order_of_time(entries: Sequence[PeriodEntry], periods: Sequence[Period]) -> None:
    """Refuse periods of which one is chosen by what comes after it, or by itself."""
    mend = "put periods in the order of time, none of them twice: walk_forward chooses by what was before"
    real = [period for entry, period in zip(entries, periods, strict=True) if entry.prices is not None]
    for before, period in pairwise(real):
        ended, begins = int(before.prices.times_unix[-1]), period.prices.start_unix
        if begins <= ended:
            raise DataError(
                f"period {period.name!r} begins at {iso_utc(begins)}, and {before.name!r} before it goes on to "
                f"{iso_utc(ended)}; {mend}"
            )
    named: dict[int, str] = {}
    for entry in entries:
        if entry.seed is not None and named.setdefault(entry.seed, entry.name) != entry.name:
            raise DataError(f"periods {named[entry.seed]!r} and {entry.name!r} are both of seed {entry.seed}; {mend}")


def _prices(entry: PeriodEntry, directory: Path) -> tuple[PriceSeries, float]:
    """Return a period's prices and the volatility that its books are written at."""
    if entry.prices is None or entry.start is None or entry.end is None:
        seed = entry.seed or 0
        return seeded_day(seed, SEEDED_START_PRICE_USD, SEEDED_START_UNIX), SEEDED_MODEL.vol_annual
    start, end = (
        parse_utc(written, f"period {entry.name!r}: {key}")
        for written, key in ((entry.start, "from"), (entry.end, "to"))
    )
    path = directory / entry.prices
    vol_annual = month_before(path, entry.symbol, start)
    return load_prices(path, entry.symbol, start, end), DEFAULT_IV_ANNUAL if vol_annual is None else vol_annual


def _history(entry: PeriodEntry, prices: PriceSeries, directory: Path) -> tuple[History, GasModel]:
    funding = None
    if entry.funding is not None:
        where = directory / entry.funding
        funding = load_funding_per_day(where, entry.funding_coin, entry.funding_venue, prices.times_unix)
    if entry.gas is not None:
        return History(load_gas_gwei(directory / entry.gas, prices.times_unix), funding), GasModel()
    if entry.base_fee_gwei is not None:
        return History(np.full(len(prices), entry.base_fee_gwei), funding), GasModel()
    return History(np.full(len(prices), LOCAL_BASE_FEE_GWEI), funding), LOCAL_CHAIN_GAS


def _book(entry: BookEntry, period: Period, directory: Path) -> tuple[BookEntry, Book, float]:
    if entry.path is not None:
        book = load_book(directory / entry.path, period.prices.start_unix)
    else:
        options = tuple(
            OptionTemplate(OptionType[own.type.upper()], own.strike_ratio, own.tenor_days, own.quantity, own.iv_annual)
            for own in entry.option
        )
        book = BookTemplate(options, entry.holding).book(period.prices, period.vol_annual)
    return entry, book, entry.deposit_usd or deposit_usd(book, float(period.prices.prices_usd[0]))


def _variants(study: StudyFile, base: Settings, path: Path) -> Iterator[tuple[str, str, Settings]]:
    for bounds in study.bounds or (BoundsEntry.model_validate({"name": AS_CONFIGURED}),):
        try:
            bounded = with_changes(base, {"bounds": bounds.changes})
        except DataError as error:
            raise DataError(f"[[bounds]] {bounds.name!r}: {error}") from None
        for name, settings in _with_policies(study.policy, bounded):
            if found := contradictions(settings):
                raise PreflightError([f"{path} with [[bounds]] {bounds.name!r}: {finding}" for finding in found])
            yield bounds.name, name, settings


def with_changes(settings: Settings, changes: Mapping[str, Mapping[str, object]]) -> Settings:
    """Return a configuration with some numbers of its sections changed; `DataError` names what cannot be."""
    sections = {}
    for name, numbers in changes.items():
        section: Section = getattr(settings, name)
        try:
            sections[name] = type(section).model_validate({**section.model_dump(), **numbers})
        except ValidationError as error:
            first = error.errors()[0]
            raise DataError(f"[{name}] {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return settings.model_copy(update=sections)


def _with_policies(entries: tuple[PolicyEntry, ...], settings: Settings) -> Iterator[tuple[str, Settings]]:
    if not entries:
        yield settings.policy.name, settings
    for entry in entries:
        for name, numbers in entry.settings():
            policy = PolicySettings(name=entry.name, parameters=numbers)
            yield name, settings.model_copy(update={"policy": policy})
