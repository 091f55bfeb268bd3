"""A protocol is one folder or file a side and one registry line: no other file names it, and the sides agree."""

from __future__ import annotations

import ast
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from agent.chain.abi import Function, load_abi
from agent.chain.artifacts import load_artifact
from agent.localnet.registry import MARKET_PROTOCOLS
from agent.units import Address
from agent.venues.protocol import UntoldFunding
from agent.venues.registry import OPTION_PROTOCOLS, VENUE_PROTOCOLS

GOVERNED = "agent/governance/consequences.py"
"""Says what each function of each contract allows at worst, whose names it has to know."""
REGISTRIES = {"agent/venues/registry.py", "agent/localnet/registry.py"}


def strings_and_names(tree: ast.AST) -> set[str]:
    """Return what code says: names, attributes, imports and strings, without docstrings."""
    documented = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    words: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            words.add(node.value)
        elif isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.keyword | ast.arg):
            words.add(node.arg or "")
        elif isinstance(node, ast.ImportFrom | ast.alias):
            words.add(node.module or "" if isinstance(node, ast.ImportFrom) else node.name)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            words.add(node.name)
    return words


def is_own_place(path: str, kind: str) -> bool:
    return path == f"agent/venues/{kind}.py" or path.startswith(f"agent/localnet/{kind}/") or path in REGISTRIES


def files_that_name(kind: str, repository: Path) -> list[str]:
    protocol = VENUE_PROTOCOLS[kind] if kind in VENUE_PROTOCOLS else OPTION_PROTOCOLS[kind]
    titles = (kind, protocol.title.lower(), protocol.adapter.lower())
    found = []
    for path in sorted([*repository.glob("agent/**/*.py"), *repository.glob("scripts/**/*.py")]):
        name = path.relative_to(repository).as_posix()
        words = " ".join(strings_and_names(ast.parse(path.read_text(encoding="utf-8")))).lower()
        if not is_own_place(name, kind) and any(title in words for title in titles):
            found.append(name)
    return found


@pytest.mark.parametrize("kind", VENUE_PROTOCOLS)
def test_protocol__outside_its_own_places__is_not_named(repository, kind):
    assert files_that_name(kind, repository) == []


@pytest.mark.parametrize("kind", OPTION_PROTOCOLS)
def test_option_protocol__outside_its_own_places__is_not_named(repository, kind):
    assert files_that_name(kind, repository) == [GOVERNED, "scripts/mutation_targets.py"]
    assert (repository / "contracts" / "venues" / kind / f"{OPTION_PROTOCOLS[kind].adapter}.sol").is_file()


@pytest.mark.parametrize("kind", VENUE_PROTOCOLS)
def test_contracts__outside_the_folder_of_the_protocol__do_not_name_it(repository, kind):
    named = [
        path.relative_to(repository).as_posix()
        for path in repository.glob("contracts/**/*.sol")
        if kind in path.read_text(encoding="utf-8").lower() and f"/venues/{kind}/" not in path.as_posix()
    ]
    assert named == []


def test_files_that_name__a_folder_that_does__are_found(tmp_path):
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "bad.py").write_text('"""Curie in a docstring is prose."""\nKIND = "curie"\n')
    (tmp_path / "agent" / "good.py").write_text('"""Curie in a docstring is prose."""\nKIND = "venue"\n')
    assert files_that_name("curie", tmp_path) == ["agent/bad.py"]


def test_registries__local_chain__brings_up_what_the_agent_knows():
    assert set(MARKET_PROTOCOLS) <= set(VENUE_PROTOCOLS)


@pytest.mark.parametrize("kind", VENUE_PROTOCOLS)
def test_protocol__its_folder_of_contracts__holds_the_adapter(repository, kind):
    assert (repository / "contracts" / "venues" / kind / f"{VENUE_PROTOCOLS[kind].adapter}.sol").is_file()


@pytest.mark.chain
@pytest.mark.parametrize("kind", [kind for kind, protocol in VENUE_PROTOCOLS.items() if protocol.market])
def test_market_of_ours__example_on_its_page__is_what_a_deployment_takes(repository, kind):
    page = (repository / "docs" / f"{kind}.md").read_text(encoding="utf-8")
    example = tomllib.loads(page.partition("```toml\n")[2].partition("```")[0], parse_float=Decimal)
    [venue] = example["venue"]["live"]
    own = VENUE_PROTOCOLS[kind].market
    assert (venue["kind"], set(venue["addresses"])) == (kind, set(own.addresses))
    addresses = {name: Address(f"0x{1:040x}") for name in own.addresses}
    arguments = own.terms.model_validate(venue["terms"]).arguments(Address(f"0x{2:040x}"), addresses)
    constructor = next(entry for entry in load_artifact(own.contract)["abi"] if entry["type"] == "constructor")
    assert len(arguments) == len(constructor["inputs"])


@pytest.mark.parametrize("kind", MARKET_PROTOCOLS)
def test_protocol__addresses_of_the_adapter__are_among_those_deployed(kind):
    assert set(VENUE_PROTOCOLS[kind].adapter_addresses) <= MARKET_PROTOCOLS[kind].address_names


@pytest.mark.parametrize("kind", VENUE_PROTOCOLS)
def test_protocol__adapter__joins_the_conformance_suite(repository, kind):
    """By a stand of its own, or on the protocol's real contracts, which Python puts up."""
    adapter, tests = VENUE_PROTOCOLS[kind].adapter, repository / "tests"
    stands = [path.read_text(encoding="utf-8") for path in tests.glob(f"contracts/{kind}/*Conformance.t.sol")]
    real = tests / "integration" / f"test_{kind}_venue_conformance.py"
    joined = [text for text in stands if "OrderConformance" in text or "VenueConformance" in text]
    if real.is_file():
        joined.append(real.read_text(encoding="utf-8"))
    assert any(re.search(r"function _venue\(\)|def test_quote__", text) for text in joined), adapter


def require_functions(contract: str, functions: list[Function]) -> None:
    abi = load_abi(contract)
    for function in functions:
        found = abi.function(function.name)
        assert (found.selector, found.outputs[: len(function.outputs)]) == (function.selector, function.outputs)


@pytest.mark.chain
@pytest.mark.parametrize("kind", VENUE_PROTOCOLS)
def test_protocol__adapter__has_the_functions_that_its_record_names(kind):
    protocol = VENUE_PROTOCOLS[kind]
    functions = [*protocol.errands] if isinstance(protocol.funding, UntoldFunding) else [protocol.funding.emitter]
    if protocol.delayed_collateral is not None:
        functions += [protocol.delayed_collateral.note, protocol.delayed_collateral.claim]
    require_functions(protocol.adapter, functions)


@pytest.mark.chain
@pytest.mark.parametrize("kind", [kind for kind, protocol in VENUE_PROTOCOLS.items() if protocol.market])
def test_market_of_ours__has_the_functions_that_its_record_names(kind):
    protocol, functions = VENUE_PROTOCOLS[kind], []
    if protocol.ether is not None:
        functions += [protocol.ether.worth, protocol.ether.fee]
    if (delayed := protocol.delayed_collateral) is not None:
        functions += [delayed.hour, delayed.owed, delayed.worth, *delayed.tokens]
    require_functions(protocol.market.contract, functions)
