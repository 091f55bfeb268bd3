"""docs/parameters.md is what the code says, and a setting that says nothing about itself does not get by."""

from __future__ import annotations

import tomllib
from dataclasses import fields

import pytest
from pydantic import Field

from agent.config import Section, Whole
from agent.policy.registry import MEANINGS, POLICIES
from agent.settings.settings import Settings
from scripts.parameters_page import NETWORK_FILE, PAGE, UndocumentedError, keeper_sections, limits_of, page, rows_of


class Silent(Section):
    """A section with a number that says nothing."""

    told: Whole = Field(ge=1, lt=9, description="what it does")
    untold_seconds: Whole = Field(gt=0)


def test_page__is_up_to_date(repository):
    written = page(tomllib.loads((repository / NETWORK_FILE).read_text(encoding="utf-8")))
    assert PAGE.read_text(encoding="utf-8") == written, "write it anew: python -m scripts.parameters_page"


def test_page__every_section_of_the_configuration__is_there(repository):
    configured = tomllib.loads((repository / NETWORK_FILE).read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    for name in {*configured, *Settings.model_fields} - {"network", "policy"}:
        assert f"### [{name}]\n" in text
    for name, section in configured.items():
        for key in section:
            assert f"| `{key}`<br>" in text, f"[{name}] {key}"


def test_rows__field_without_a_description__is_refused():
    rows = rows_of(Silent, {})
    assert next(rows).consequence == "what it does"
    with pytest.raises(UndocumentedError, match=r"Silent\.untold_seconds has no description"):
        next(rows)


def test_limits__of_a_field__are_its_constraints():
    assert limits_of(Silent.model_fields["told"]) == "at least 1, below 9"


def test_keeper_sections__are_all_but_the_contracts():
    assert set(keeper_sections()) >= {
        "chain",
        "decision",
        "margin",
        "costs",
        "execution",
        "keeper",
        "ledger",
        "slicing",
    }


def test_policies__every_number__has_a_meaning_and_every_meaning_a_policy():
    assert {field.name for policy in POLICIES.values() for field in fields(policy)} == set(MEANINGS)
