"""The table of faults and actions in docs/spec.md, the vectors that tests walk, and the bits of the contract agree."""

from __future__ import annotations

import json
import re
from itertools import product
from pathlib import Path

import pytest

CELLS = {"yes": ("fine", "depegged", "unknown"), "peg": ("fine",), "no": ()}
"""What a cell of the table allows, by state of the collateral."""


@pytest.fixture(scope="module")
def vectors(repository: Path) -> dict[str, list]:
    return json.loads((repository / "tests" / "vectors" / "oracle" / "actions.json").read_text(encoding="utf-8"))


def as_key(words: str) -> str:
    return words.strip().replace(" ", "_").replace("-", "_")


def table(spec: str) -> dict[tuple[str, str], set[str]]:
    """Actions allowed in each pair of states, as the table says."""
    lines = spec.split("### Faults and actions")[1].split("| Price |")[1].splitlines()
    actions = [as_key(cell) for cell in lines[0].strip(" |").split("|")]
    allowed: dict[tuple[str, str], set[str]] = {}
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        state, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        for action, cell in zip(actions, cells, strict=True):
            for collateral in ("fine", "depegged", "unknown"):
                allowed.setdefault((as_key(state), collateral), set())
                if collateral in CELLS[cell]:
                    allowed[as_key(state), collateral].add(action)
    return allowed


# HEDGE-456
def test_vectors__every_pair_of_states__allow_what_the_table_says(repository, vectors):
    rows = {(row["price"], row["collateral"]): set(row["allowed"]) for row in vectors["rows"]}
    assert len(rows) == len(vectors["rows"])
    assert rows == table((repository / "docs" / "spec.md").read_text(encoding="utf-8"))
    states = [[state["name"] for state in vectors[kind]] for kind in ("price_states", "collateral_states")]
    assert set(rows) == set(product(*states))
    assert all(allowed <= set(vectors["actions"]) for allowed in rows.values())


# HEDGE-456
def test_vectors__every_fault_of_the_contract__is_in_one_state(repository, vectors):
    declared = (repository / "contracts" / "types" / "Prices.sol").read_text(encoding="utf-8")
    bits = re.findall(r"uint256 internal constant (\w+) = 1 << \d+;", declared)
    assert len(bits) == 19
    listed = [
        fault for kind in ("price_states", "collateral_states") for state in vectors[kind] for fault in state["faults"]
    ]
    assert sorted(listed) == sorted(bits)


def test_vectors__whatever_the_fault__the_ways_out_need_no_price(vectors):
    for row in vectors["rows"]:
        allowed = set(row["allowed"])
        assert {"exit_from_idle", "redemption_queue", "margin_top_up", "margin_home_of_flat_venue"} <= allowed
        assert ("deposit" in allowed) == (row["price"] == "healthy" and row["collateral"] == "fine")
        assert ("trade_that_reduces" in allowed) == (row["price"] == "healthy")


def test_table__canary__a_changed_cell_is_seen():
    spec = "### Faults and actions\n| Price | deposit |\n|---|---|\n| no answer | {} |\n\n"
    assert table(spec.format("peg"))["no_answer", "fine"] == {"deposit"}
    assert table(spec.format("peg"))["no_answer", "unknown"] == set()
    assert table(spec.format("no"))["no_answer", "fine"] == set()
