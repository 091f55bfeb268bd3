"""The wheel is all that a keeper's host needs: installed from the keeper's lock, it reads a vault and decides.

The commands run in a directory, a home and a PATH that hold nothing of the checkout: no Node, no compiler, no build.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from scripts import wheel as building

TIMEOUT_SECONDS = 300


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return building.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def host(wheel, tmp_path_factory, repository):
    """A keeper's host: run a command on it."""
    root = tmp_path_factory.mktemp("host")
    environment, home = root / "venv", root / "home"
    home.mkdir()
    uv = [sys.executable, "-m", "uv"]
    target = ["--quiet", "--python", str(environment / "bin" / "python")]
    lock = str(repository / "requirements-keeper.lock")
    for command in (
        [*uv, "venv", "--quiet", "--python", sys.executable, str(environment)],
        [*uv, "pip", "sync", *target, "--require-hashes", lock],
        [*uv, "pip", "install", *target, "--no-deps", str(wheel)],
    ):
        subprocess.run(command, check=True, timeout=TIMEOUT_SECONDS)

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [environment / "bin" / "evenkeel", *arguments],
            cwd=home,
            env={"HOME": str(home), "PATH": str(environment / "bin"), "LANG": "C.UTF-8", **variables},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )

    return run


def test_wheel__contents__are_code_and_abi_without_sources(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        vault = json.loads(archive.read("agent/_artifacts/HedgeVault.json"))
        interface = json.loads(archive.read("agent/_artifacts/IPerpVenue.json"))
        double = json.loads(archive.read("agent/_artifacts/UsdcDouble.json"))
    assert {"agent/_config/localnet.toml", "agent/report/report.html", "agent/py.typed"} <= names
    assert not any(name.startswith(("contracts", "tests", "scripts")) or name.endswith(".sol") for name in names)
    assert set(vault) == {"abi", "bytecode", "runtime_code_hash"}
    assert len(vault["runtime_code_hash"]) == 66
    assert set(interface) == {"abi"}
    assert set(double) == {"abi"}


def test_slimmed__unlinked_library__is_refused():
    artifact = {"abi": [], "contractName": "Vault", "sourcePath": "contracts/Vault.sol", "type": "contract"}
    with pytest.raises(building.DataError, match="Vault has a library to be linked"):
        building.slimmed(artifact | {"bytecode": "60__Rules____73", "deployedBytecode": "60"})


@pytest.mark.parametrize("command", [[], ["decide"], ["run"]])
def test_host__help__is_printed(host, command):
    ran = host(*command, "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"Usage: evenkeel {' '.join(command)}".rstrip() in ran.stdout


def test_host__version__is_the_packages(host):
    ran = host("--version")
    assert (ran.stdout, ran.stderr) == (f"evenkeel {version('evenkeel')}\n", "")


def test_host__unknown_network__lists_those_of_the_wheel(host, repository):
    ran = host("decide", "--book", "book.toml", "--network", "nowhere")
    networks = sorted(path.stem for path in (repository / "config").glob("*.toml"))
    assert ran.returncode == 2
    assert ran.stderr.rstrip().endswith(f"networks configured here: {', '.join(networks)}")


@pytest.mark.chain
def test_host__vault_on_a_local_chain__is_read_and_decided_on(host, keeper_chain):
    variables = {
        RPC_URLS_VARIABLE: keeper_chain.localnet.rpc_url,
        MANIFEST_PATH_VARIABLE: str(keeper_chain.directory / "deployment.json"),
    }
    ran = host("decide", "--book", str(keeper_chain.book_path), "--json", **variables)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["action"] == "rebalance"
    assert told["chain_refuses"] is None
