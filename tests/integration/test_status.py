"""``evenkeel status`` on a local chain: at ease, and with a silent venue, a dead feed and a change on its way."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.localnet.codec import encode_call
from tests.support.keeper_world import REPOSITORY, KeeperWorld

pytestmark = pytest.mark.chain

MAIN = [sys.executable, "-c", "from agent.cli.main import main; main()"]
NO_CODE_THAT_ANSWERS = "0x60006000fd"


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


def status(world: KeeperWorld, *arguments: str) -> str:
    variables = {
        RPC_URLS_VARIABLE: world.localnet.rpc_url,
        MANIFEST_PATH_VARIABLE: str(world.directory / "deployment.json"),
    }
    ran = subprocess.run(
        [*MAIN, "status", *arguments], cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=True
    )
    return ran.stdout


def test_status__hedged_vault__is_told_at_one_block(world: KeeperWorld):
    with world.keeper() as keeper:
        fill = keeper.cycle().fills[0]
    told = json.loads(status(world, "--json"))
    assert told["block"]["number"] == int(world.rpc("eth_blockNumber"), 16)
    assert told["delta"]["worst"] < told["delta"]["band"] == 5.0
    assert told["venues"][0]["size_low"] == pytest.approx(fill.size_delta / 10**18)
    assert told["keepers"][0]["last_intent_block"] is not None
    assert told["shares"]["deposits_closed_by"] is None
    assert told["oracle"]["faults"] == told["scheduled"] == []


def test_status__much_is_broken__says_what(world: KeeperWorld):
    registry, vault = world.deployment.contract("VenueRegistry"), world.deployment.contract("HedgeVault")
    access = world.deployment.contract("VaultAccess")
    world.send("governor", access, "schedule(address,bytes,uint48)", vault, _data("resume()"), 0)
    world.send("guardian", registry, "closeVenue(address)", world.venue)
    world.rpc("anvil_setCode", world.venue, NO_CODE_THAT_ANSWERS)
    world.rpc("anvil_setCode", world.localnet.manifest.chainlink_aggregator, NO_CODE_THAT_ANSWERS)
    shown = status(world)
    for words in ("curie, closing: DOES NOT ANSWER", "no price", "faults: no answer", "HedgeVault.resume()"):
        assert words in shown
    assert "deposits closed: a" in shown


def _data(signature: str) -> bytes:
    return bytes.fromhex(encode_call(signature).removeprefix("0x"))
