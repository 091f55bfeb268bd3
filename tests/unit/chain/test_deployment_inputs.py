"""The inputs of a deployment are read whole, and no account gets two powers that shall check each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_utils.address import to_checksum_address

from agent.chain.deployment_inputs import load_deployment_inputs
from agent.errors import DataError

NAMES = (
    "asset",
    "price_feed",
    "underlying_token",
    "underlying_holder",
    "deployer",
    "governor",
    "guardian",
    "keeper",
)
ADDRESSES = {name: to_checksum_address(f"0x{index:040x}") for index, name in enumerate(NAMES, start=1)}
VENUE = {"name": "curie", "kind": "curie", "addresses": {"base_token": ADDRESSES["asset"]}}


def written(tmp_path: Path, **changes: object) -> Path:
    path = tmp_path / "inputs.json"
    path.write_text(
        json.dumps(ADDRESSES | {"members": [ADDRESSES["governor"]], "venues": [VENUE]} | changes), encoding="utf-8"
    )
    return path


def test_load_deployment_inputs__whole_file__is_read(tmp_path):
    inputs = load_deployment_inputs(written(tmp_path))
    assert inputs.governor == ADDRESSES["governor"]
    assert inputs.venues[0].name == "curie"


@pytest.mark.parametrize("role", ["governor", "guardian", "keeper"])
def test_load_deployment_inputs__deployer_keeps_a_role__is_refused(tmp_path, role):
    with pytest.raises(DataError, match=f"{role} is the deployer, who may hold no role; name another account"):
        load_deployment_inputs(written(tmp_path, **{role: ADDRESSES["deployer"]}))


def test_load_deployment_inputs__governor_guards_itself__is_refused(tmp_path):
    with pytest.raises(DataError, match="guardian is the governor, whom it shall guard; name another account"):
        load_deployment_inputs(written(tmp_path, guardian=ADDRESSES["governor"]))


def test_load_deployment_inputs__fee_recipient__is_nobody_unless_named(tmp_path):
    assert load_deployment_inputs(written(tmp_path)).fee_recipient is None
    named = written(tmp_path, fee_recipient=ADDRESSES["guardian"])
    assert load_deployment_inputs(named).fee_recipient == ADDRESSES["guardian"]
    with pytest.raises(DataError, match=r"fee_recipient: .* is not a checksummed address"):
        load_deployment_inputs(written(tmp_path, fee_recipient="0x" + "ab" * 20))


@pytest.mark.parametrize("name", ["venues", "members"])
def test_load_deployment_inputs__nobody_to_serve__is_refused(tmp_path, name):
    with pytest.raises(DataError, match=name):
        load_deployment_inputs(written(tmp_path, **{name: []}))


def keepers(*numbers: int) -> list[str]:
    return [to_checksum_address(f"0x{number:040x}") for number in numbers]


def test_load_deployment_inputs__further_keepers__are_two_at_most_and_nobody_twice(tmp_path):
    assert load_deployment_inputs(written(tmp_path)).further_keepers == ()
    assert len(load_deployment_inputs(written(tmp_path, further_keepers=keepers(90, 91))).further_keepers) == 2
    with pytest.raises(DataError, match="further_keepers"):
        load_deployment_inputs(written(tmp_path, further_keepers=keepers(90, 91, 92)))
    for twice in (keepers(90, 90), [ADDRESSES["keeper"]]):
        with pytest.raises(DataError, match="a keeper is named twice; name each once"):
            load_deployment_inputs(written(tmp_path, further_keepers=twice))


@pytest.mark.parametrize("role", ["further_keepers", "members"])
def test_load_deployment_inputs__deployer_among_many__is_refused(tmp_path, role):
    with pytest.raises(DataError, match=f"one of {role} is the deployer, who may hold no role"):
        load_deployment_inputs(written(tmp_path, **{role: [*keepers(90), ADDRESSES["deployer"]]}))


def test_load_deployment_inputs__no_deployer__names_the_key(tmp_path):
    path = written(tmp_path)
    content = json.loads(path.read_text())
    del content["deployer"]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="deployer: Field required; mend that entry"):
        load_deployment_inputs(path)
