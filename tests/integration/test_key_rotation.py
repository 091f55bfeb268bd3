"""A key is rotated as the command says: granted after the governor's delay, used, and the old one dismissed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from eth_account import Account

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.errors import DataError
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.localnet.codec import encode_call
from tests.support.keeper_world import REPOSITORY, START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

MAIN = [sys.executable, "-c", "from agent.cli.main import main; main()"]
PASSWORD = "correct horse battery"


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


def key(world: KeeperWorld, *arguments: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    variables = {
        **os.environ,
        RPC_URLS_VARIABLE: world.localnet.rpc_url,
        MANIFEST_PATH_VARIABLE: str(world.directory / "deployment.json"),
        "EVENKEEL_KEEPER_PASSWORD": password,
    }
    command = [*MAIN, "key", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False)


def transact(world: KeeperWorld, role: str, to: str, data: str) -> None:
    sender = world.localnet.manifest.accounts[role]
    transaction = {"from": sender, "to": to, "data": data, "gas": hex(2_000_000)}
    hash_ = world.rpc("eth_sendTransaction", transaction)
    world.rpc("evm_mine")
    assert world.rpc("eth_getTransactionReceipt", hash_)["status"] == "0x1"


def test_rotate__steps_followed__new_key_hedges_and_the_old_one_is_refused(world, tmp_path):
    out = tmp_path / "next.json"
    ran = key(world, "rotate", "--out", str(out), "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    secret = bytes(Account.decrypt(out.read_text(), PASSWORD))
    assert Account.from_key(secret).address == told["address"]
    assert secret.hex() not in ran.stdout + ran.stderr + out.read_text()
    gas, granting, _, switching, _, dismissal = told["steps"]
    assert told["address"] in gas["what"]
    world.rpc("anvil_setBalance", told["address"], hex(10**18))
    data = granting["data"]
    schedule = encode_call("schedule(address,bytes,uint48)", granting["target"], bytes.fromhex(data[2:]), 0)
    transact(world, "governor", granting["target"], schedule)
    world.step(START_PRICE_USD, world.deployment.governor_delay_seconds + 1)
    transact(
        world,
        "governor",
        granting["target"],
        encode_call("execute(address,bytes)", granting["target"], bytes.fromhex(data[2:])),
    )
    world.step(START_PRICE_USD)
    assert f"EVENKEEL_KEEPER_KEYSTORE={out}" in switching["what"]
    environment = {"EVENKEEL_KEEPER_KEYSTORE": str(out), "EVENKEEL_KEEPER_PASSWORD": PASSWORD}
    with Keeper.build(world.settings(), world.book(), environment) as keeper:
        assert keeper.address == told["address"]
        assert keeper.cycle().outcome is Outcome.EXECUTED
    transact(world, "guardian", dismissal["target"], dismissal["data"])
    with pytest.raises(DataError, match="is no keeper of the vault"):
        world.keeper()
    assert_second_rotation_dismisses_the_first_key(world, told, tmp_path)


def assert_second_rotation_dismisses_the_first_key(world, told, tmp_path) -> None:
    """The manifest named the keeper of the day of deployment: the second rotation dismissed nobody."""
    out, manifest, before = tmp_path / "third.json", world.directory / "deployment.json", told["old"]
    refused = key(world, "rotate", "--out", str(out), "--json")
    assert (refused.returncode, refused.stdout, out.exists()) == (2, "", False)
    assert f"{before}, the keeper in the roles of {manifest}, is none on the chain: give --old" in refused.stderr
    assert f"write {told['address']} in place of {before} into the roles of {manifest}" in told["steps"][3]["what"]
    written = manifest.read_text()
    manifest.write_text(written.replace(before, told["address"]))
    try:
        again = json.loads(key(world, "rotate", "--out", str(out), "--json").stdout)
    finally:
        manifest.write_text(written)
    assert again["old"] == told["address"]


def test_new__keystore_is_there__is_left_as_it_is(world, tmp_path):
    out = tmp_path / "keeper.json"
    first = key(world, "new", "--out", str(out))
    assert first.stdout.startswith("0x")
    content = out.read_text()
    again = key(world, "new", "--out", str(out))
    assert (again.returncode, again.stdout) == (2, "")
    assert "is there already" in again.stderr
    assert out.read_text() == content


def test_grant__no_address__is_refused(world):
    refused = key(world, "grant", "0x1234")
    assert refused.returncode == 2
    assert "no checksummed address" in refused.stderr
