"""Which settings of the execution contradict each other, at the edge of each rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from agent.execution.config import ExecutionSettings
from tests.support.scripted_execution import SETTINGS


def settings(**changes: Any) -> ExecutionSettings:
    return ExecutionSettings.model_validate(SETTINGS.model_dump() | changes)


@pytest.mark.parametrize(
    ("edge", "beyond", "words"),
    [
        ({"max_fee_gwei": 500}, {"max_fee_gwei": 501}, "urgent_max_fee_gwei 500 must not be below max_fee_gwei 501"),
        (
            {"usual_gas_units": 2_000_000},
            {"usual_gas_units": 2_000_001},
            "usual_gas_units 2000001 must not exceed max_gas_units 2000000",
        ),
        ({"priority_fee_gwei": 100}, {"priority_fee_gwei": 101}, "priority_fee_gwei 101 must not exceed max_fee_gwei"),
        (
            {"urgent_priority_fee_gwei": 500},
            {"urgent_priority_fee_gwei": 501},
            "urgent_priority_fee_gwei 501 must not exceed urgent_max_fee_gwei",
        ),
        (
            {"cancel_max_fee_gwei": 500},
            {"cancel_max_fee_gwei": 499},
            "cancel_max_fee_gwei 499 must not be below urgent_max_fee_gwei 500",
        ),
    ],
)
def test_settings__at_the_edge_of_a_rule__are_taken_and_beyond_it_refused(edge, beyond, words):
    changed = settings(**edge)
    assert {name: getattr(changed, name) for name in edge} == edge
    with pytest.raises(ValidationError, match=words):
        settings(**beyond)


@pytest.mark.parametrize(("written", "cap"), [(None, 1_000), (Decimal(600), 600)])
def test_cancel_cap__unless_written__is_twice_the_urgent_cap(written, cap):
    assert settings(cancel_max_fee_gwei=written).cancel_cap_gwei == cap
