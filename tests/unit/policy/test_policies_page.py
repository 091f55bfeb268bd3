"""The page on policies names every policy and every number of each."""

from __future__ import annotations

import tomllib
from dataclasses import fields

import pytest

from agent.policy.registry import POLICIES, build_policy


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "policies.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", POLICIES)
def test_page__every_policy__is_named_with_its_numbers(page, name):
    (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    above = page[: page.index(row) + len(row)]
    scope = above if "| the same" in row else row
    for field in fields(POLICIES[name]):
        assert f"`{field.name}`" in scope, field.name


def test_page__example__is_a_policy(page):
    shown = page.split("```toml\n")[1].split("```")[0]
    parameters = tomllib.loads(shown)["policy"]
    name = parameters.pop("name")
    assert type(build_policy(name, parameters)) is POLICIES[name]
