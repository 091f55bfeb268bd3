"""The page of contract interfaces says what the compiled contracts say."""

from __future__ import annotations

import json
import re

from scripts.contract_pages import INTERFACES, canonical, contract_lines, declared, entry_lines, page, told

INTENT = {
    "type": "tuple[]",
    "internalType": "struct Intent[]",
    "name": "intents",
    "components": [{"type": "bytes32", "name": "id"}, {"type": "uint256", "name": "deadline"}],
}
FEE = {"type": "uint16", "internalType": "enum Bound.Fee", "name": ""}


def test_canonical_and_declared__of_a_struct__as_signatures_and_sources_have_it():
    assert canonical(INTENT) == "(bytes32,uint256)[]"
    assert declared(INTENT) == "Intent[] intents"
    assert declared(FEE) == "Bound.Fee"


def test_told__error_notes__come_in_a_list():
    entry = {"type": "error", "name": "TooLate", "inputs": [FEE]}
    assert told({"errors": {"TooLate(uint16)": [{"details": "why"}]}}, entry) == {"details": "why"}
    assert told({}, entry) == {}


def test_entry_lines__function__signature_then_notes():
    entry = {
        "type": "function",
        "name": "f",
        "stateMutability": "view",
        "inputs": [INTENT],
        "outputs": [{"type": "bool", "internalType": "bool", "name": ""}],
    }
    lines = "\n".join(entry_lines(entry, {"notice": "Does\n      it.", "params": {"intents": "all"}}))
    assert "f(Intent[] intents) view returns (bool)" in lines
    assert "Does it." in lines
    assert "- `intents`: all" in lines


def test_page__every_function_of_every_interface__is_there(repository):
    artifacts = repository / "build" / "contracts"
    text = page(artifacts)
    for name in INTERFACES:
        section = "\n".join(contract_lines(artifacts, name))
        assert section in text
        for entry in json.loads((artifacts / f"{name}.json").read_text())["abi"]:
            if entry["type"] in ("function", "event", "error"):
                assert re.search(rf"^{entry['name']}\(", section, re.MULTILINE), f"{name}.{entry['name']}"


def test_interfaces__are_those_of_the_project_but_foreign_ones(repository):
    foreign = {"IAggregatorV3", "IArbSys", "IPyth", "IUniswapV3Pool", "IPriceUpdater"}
    there = {path.stem for path in (repository / "contracts" / "interfaces").glob("*.sol")}
    assert there - foreign == {name for name in INTERFACES if name.startswith("I") and name != "IntentRelay"}
