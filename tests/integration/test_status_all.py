"""``evenkeel status --all``: several networks on one page, each by its own endpoints; one that fails hides no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from tests.support.keeper_world import REPOSITORY, KeeperWorld

pytestmark = pytest.mark.chain

MAIN = [sys.executable, "-c", "from agent.cli.main import main; main()"]


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


@pytest.fixture
def desk(world, tmp_path: Path):
    """A working directory with three configurations: two of one local vault, one where nothing is deployed."""
    (tmp_path / "config").mkdir()
    for name in ("first", "second-vault"):
        shutil.copy(REPOSITORY / "config" / "localnet.toml", tmp_path / "config" / f"{name}.toml")
    shutil.copy(REPOSITORY / "config" / "sepolia.toml", tmp_path / "config" / "sepolia.toml")

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("EVENKEEL")}
        for suffix in ("FIRST", "SECOND_VAULT"):
            variables[f"{RPC_URLS_VARIABLE}_{suffix}"] = world.localnet.rpc_url
            variables[f"{MANIFEST_PATH_VARIABLE}_{suffix}"] = str(world.directory / "deployment.json")
        variables |= {"PYTHONPATH": str(REPOSITORY), **more}
        command = [*MAIN, "status", "--all", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)

    return run


def test_status_all__two_vaults__are_a_line_each(world, desk):
    ran = desk()
    assert ran.returncode == 0, ran.stderr
    lines = [line for line in ran.stdout.splitlines() if line.startswith(("first", "second-vault"))]
    assert len(lines) == 2
    assert all("OUTSIDE" in line and line.endswith("nothing") for line in lines)
    assert ran.stdout.endswith("Nothing is deployed on sepolia.\n")


def test_status_all__one_does_not_answer__is_said_and_the_other_is_shown(world, desk):
    ran = desk("--json", **{f"{RPC_URLS_VARIABLE}_FIRST": "http://127.0.0.1:9"})
    assert ran.returncode == 1
    told = {one["network"]: one for one in json.loads(ran.stdout)["networks"]}
    assert "does not answer" in told["first"]["failure"]
    assert told["second-vault"]["status"]["delta"]["worst"] > 50
    assert (told["sepolia"]["is_deployed"], told["sepolia"]["failure"]) == (False, None)


def test_status_all__variable_of_one_network__is_refused(desk):
    ran = desk(**{RPC_URLS_VARIABLE: "http://127.0.0.1:9"})
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "is of one network" in ran.stderr
