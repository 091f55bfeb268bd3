"""Reads the files that tests/vectors/guard/README.md describes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from agent.domain import Bounds, Budget, Fill, Measurement, Track, Usage, VenueMeasurement

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "guard"
UNCAPPED = str(10**36)


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and content of each file."""
    for path in sorted(VECTORS.glob("*.json")):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))


def overlay(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The README's merge: records field by field and however deep, lists and numbers as a whole."""
    merged = dict(base)
    for name, given in change.items():
        is_record = isinstance(given, dict) and isinstance(base.get(name), dict)
        merged[name] = overlay(base[name], given) if is_record else given
    return merged


def scenario_of(base: Mapping[str, Any], vector: Mapping[str, Any]) -> tuple[Any, ...]:
    """Arguments of `agent.guard.evaluate`."""
    merged = overlay(base, {name: given for name, given in vector.items() if name in base})
    assert set(merged) == set(base)
    return (
        _record(Bounds, merged["bounds"]),
        _usage(merged["usage"]),
        _measurement(merged["before"]),
        [_record(Fill, {"is_pending": False} | fill) for fill in merged["fills"]],
        _measurement(merged["after"]),
        int(merged["timestamp"]),
    )


def _number(given: Any) -> Any:
    if isinstance(given, list):
        return tuple(int(entry) for entry in given)
    return given if isinstance(given, bool) else int(given)


def _record(kind: Any, entries: Mapping[str, Any]) -> Any:
    assert set(entries) == {field.name for field in fields(kind)}
    return kind(**{name: _number(given) for name, given in entries.items()})


def _usage(entries: Mapping[str, Any]) -> Usage:
    track = _record(Track, {"flows": "0"} | entries["track"])
    return Usage(_record(Budget, entries["all"]), _record(Budget, entries["own"]), track)


def _measurement(entries: Mapping[str, Any]) -> Measurement:
    venues = tuple(_venue(entries["price"], venue) for venue in entries["venues"])
    numbers = {name: _number(given) for name, given in entries.items() if name != "venues"}
    return Measurement(**numbers, venues=venues)


def _venue(price: str, entries: Mapping[str, Any]) -> VenueMeasurement:
    usual = {"is_silent": False, "is_closing": False, "price": price, "cap": UNCAPPED}
    own_price = entries.get("price", price)
    usual |= {"price_low": own_price, "price_high": own_price, "equity": entries["equity_low"]}
    found: VenueMeasurement = _record(VenueMeasurement, usual | dict(entries))
    return found
