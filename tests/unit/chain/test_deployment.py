"""The manifest of a deployment is believed only when it is whole and of the right chain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.chain.abi import load_abi
from agent.chain.deployment import load_deployment
from agent.errors import DataError

ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
MANIFEST = {
    "chain_id": 31_337,
    "network": "localnet",
    "block": 5,
    "asset": {"address": ADDRESS, "decimals": 6, "symbol": "USDC"},
    "contracts": {"HedgeVault": ADDRESS},
    "venues": [{"name": "curie", "kind": "curie", "address": ADDRESS}],
    "roles": {"keeper": ADDRESS},
    "governor_delay_seconds": 86_400,
    "creations": {"HedgeVault": {"address": ADDRESS}},
}


def written(tmp_path: Path, **changes: object) -> Path:
    path = tmp_path / "31337.json"
    path.write_text(json.dumps(MANIFEST | changes), encoding="utf-8")
    return path


def test_load_deployment__manifest_of_the_script__is_read(tmp_path):
    deployment = load_deployment(written(tmp_path), 31_337)
    assert deployment.contract("HedgeVault") == ADDRESS
    assert deployment.asset.decimals == 6
    assert deployment.governor_delay_seconds == 86_400
    with pytest.raises(DataError, match=r"no contract Nowhere; deploy anew"):
        deployment.contract("Nowhere")


def test_load_deployment__least_numbers_that_there_are__are_read(tmp_path):
    asset = {"address": ADDRESS, "decimals": 0, "symbol": "USDC"}
    deployment = load_deployment(written(tmp_path, block=0, governor_delay_seconds=0, asset=asset), 31_337)
    assert (deployment.block, deployment.governor_delay_seconds, deployment.asset.decimals) == (0, 0, 0)


def test_load_deployment__missing_file__says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="no such file; deploy the vault first"):
        load_deployment(tmp_path / "1.json", 1)


def test_load_deployment__another_chain__is_refused(tmp_path):
    with pytest.raises(DataError, match="chain_id is 31337, not 1; name the right manifest_path"):
        load_deployment(written(tmp_path), 1)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"contracts": {"HedgeVault": ADDRESS.lower()}}, "contracts.HedgeVault: .* is not a checksummed address"),
        ({"asset": {"address": ADDRESS, "decimals": -1, "symbol": "USDC"}}, "asset.decimals: "),
        ({"venues": [{"name": "curie", "address": ADDRESS}]}, "venues.0.kind: "),
        ({"governor_delay_seconds": -1}, "governor_delay_seconds: "),
        ({"block": -1}, "block: "),
    ],
)
def test_load_deployment__damaged__names_the_place(tmp_path, changes, where):
    with pytest.raises(DataError, match=where):
        load_deployment(written(tmp_path, **changes), 31_337)


def test_load_deployment__not_json__is_refused(tmp_path):
    path = tmp_path / "31337.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="the JSON: "):
        load_deployment(path, 31_337)


def test_load_abi__not_compiled__says_what_to_do(tmp_path):
    with pytest.raises(DataError, match="run `make setup`"):
        load_abi("HedgeVault", tmp_path)


def test_abi__unknown_function_or_event__says_what_to_do():
    with pytest.raises(DataError, match=r"HedgeVault, as compiled, has no function nowhere: .* `make setup`"):
        load_abi("HedgeVault").function("nowhere")
    with pytest.raises(DataError, match=r"has no event Nowhere: .* `make setup`"):
        load_abi("HedgeVault").event("Nowhere")
