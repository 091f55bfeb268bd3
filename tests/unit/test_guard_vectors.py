"""The mirror runs every vector that ``GuardRules.sol`` runs (tests/vectors/guard/README.md)."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from agent.domain import Bounds, Budget, Fill, Measurement, VenueMeasurement
from agent.errors import RejectedError
from agent.guard import evaluate

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "guard"


def load():
    cases = []
    for path in sorted(VECTORS.glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        cases += [
            pytest.param(document["base"], vector, id=f"{path.stem}-{vector['name']}") for vector in document["vectors"]
        ]
    return cases


def record(kind, entries):
    assert set(entries) == {field.name for field in fields(kind)}
    return kind(**{name: int(number) for name, number in entries.items()})


def measurement(entries):
    venues = tuple(record(VenueMeasurement, venue) for venue in entries["venues"])
    numbers = {name: int(number) for name, number in entries.items() if name != "venues"}
    return Measurement(**numbers, venues=venues)


def overlay(base, vector):
    """The README's merge: records field by field, lists and the timestamp as a whole."""
    merged = {}
    for name, given in base.items():
        change = vector.get(name)
        merged[name] = given if change is None else {**given, **change} if isinstance(given, dict) else change
    return merged


@pytest.mark.parametrize(("base", "vector"), load())
def test_evaluate__vector__agrees_with_the_chain(base, vector):
    scenario = overlay(base, vector)
    arguments = (
        record(Bounds, scenario["bounds"]),
        record(Budget, scenario["budget"]),
        measurement(scenario["before"]),
        [record(Fill, fill) for fill in scenario["fills"]],
        measurement(scenario["after"]),
        int(scenario["timestamp"]),
    )
    expected = vector["expected"]
    if expected["error"] is None:
        assert asdict(evaluate(*arguments)) == {name: int(number) for name, number in expected["budget"].items()}
        return
    with pytest.raises(RejectedError) as caught:
        evaluate(*arguments)
    assert caught.value.name == expected["error"]
    assert caught.value.arguments == {name: int(number) for name, number in expected["arguments"].items()}
    assert list(caught.value.arguments) == list(expected["arguments"])


def test_vectors__directory__holds_accepted_and_every_refusal():
    errors = {vector["expected"]["error"] for _, vector in (case.values for case in load())}
    assert errors == {
        None,
        "CooldownActive",
        "SizeDeltaExceeded",
        "SlippageExceeded",
        "FeeExceeded",
        "NotionalExceeded",
        "TurnoverExceeded",
        "NetDeltaExceeded",
        "VenueLeverageExceeded",
        "LeverageExceeded",
        "NavLossExceeded",
    }
