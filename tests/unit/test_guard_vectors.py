"""The mirror runs every vector that ``GuardRules.sol`` runs (tests/vectors/guard/README.md)."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from agent.errors import RejectedError
from agent.guard import GuardError, evaluate
from tests.support.guard_vectors import documents, overlay, scenario_of


def load():
    return [
        pytest.param(document["base"], vector, id=f"{name}-{vector['name']}")
        for name, document in documents()
        for vector in document["vectors"]
    ]


def plain(record):
    """A record as the vectors write it: numbers as text, tuples as lists."""
    if isinstance(record, dict):
        return {name: plain(given) for name, given in record.items()}
    return [str(entry) for entry in record] if isinstance(record, tuple) else str(record)


@pytest.mark.parametrize(("base", "vector"), load())
def test_evaluate__vector__agrees_with_the_chain(base, vector):
    arguments, expected = scenario_of(base, vector), vector["expected"]
    if expected["error"] is None:
        usage = plain(asdict(evaluate(*arguments)))
        assert usage == overlay(usage, expected["usage"])
        return
    with pytest.raises(RejectedError) as caught:
        evaluate(*arguments)
    assert caught.value.name == expected["error"]
    assert caught.value.arguments == {name: int(number) for name, number in expected["arguments"].items()}
    assert list(caught.value.arguments) == list(expected["arguments"])


def test_vectors__directory__holds_accepted_and_every_refusal():
    errors = [vector["expected"]["error"] for _, vector in (case.values for case in load())]
    assert set(errors) == {None, *(error.value for error in GuardError)}


def test_vectors__accepted__say_what_they_leave_behind():
    accepted = [vector for _, vector in (case.values for case in load()) if vector["expected"]["error"] is None]
    assert all(vector["expected"]["usage"] for vector in accepted)
