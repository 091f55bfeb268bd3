"""``evenkeel decide`` and ``evenkeel run`` as an operator starts them: lines out, status out, signals in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.execution.config import KEEPER_KEY_VARIABLE
from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.units import WAD
from tests.support.keeper_world import REPOSITORY, KeeperWorld

pytestmark = pytest.mark.chain

TIMEOUT_SECONDS = 120
MAIN = [sys.executable, "-c", "from agent.cli.main import main; main()"]


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


def environment(world: KeeperWorld, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        RPC_URLS_VARIABLE: world.localnet.rpc_url,
        LEDGER_URL_VARIABLE: world.ledger_url(),
        MANIFEST_PATH_VARIABLE: str(world.directory / "deployment.json"),
        **more,
    }


def evenkeel(world: KeeperWorld, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAIN, *arguments],
        cwd=REPOSITORY,
        env=environment(world, **more),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def assert_refused(finished: subprocess.CompletedProcess[str], *words: str) -> None:
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.count("\n") == 1
    for word in words:
        assert word in finished.stderr


def test_decide__json__says_what_it_would_do_and_does_nothing(world):
    block = world.now()
    finished = evenkeel(world, "decide", "--book", str(world.book_path), "--json", EVENKEEL_KEEPER_KEY="not a key")
    assert finished.returncode == 0, finished.stderr
    told = json.loads(finished.stdout)
    assert told["action"] == "rebalance"
    assert told["chain_refuses"] is None
    assert told["price_usd"] == 3_200.0
    [leg] = told["legs"]
    assert leg["venue"] == "curie"
    assert int(leg["size_delta_wad"]) == pytest.approx(leg["size_delta"] * WAD, rel=1e-12)
    assert leg["size_delta"] > 50
    assert world.now() == block
    assert world.size() == 0
    assert not list(world.directory.glob("*.sqlite"))


def test_decide__people__read_the_verdict_and_its_legs(world):
    finished = evenkeel(world, "decide", "--book", str(world.book_path))
    assert finished.returncode == 0, finished.stderr
    assert "Rebalance at once: " in finished.stdout
    assert "the chain would accept it" in finished.stdout
    assert f"Left for keeper {world.localnet.manifest.accounts['keeper']}: " in finished.stdout  # not of the key named
    assert "curie: deposit $" in finished.stdout
    assert " margin, buy " in finished.stdout


def test_run__two_cycles__hedges_then_holds_one_object_a_line(world):
    finished = evenkeel(
        world, "run", "--book", str(world.book_path), "--cycles", "2", "--interval-seconds", "0", "--json"
    )
    assert finished.returncode == 0, finished.stderr
    first, second = (json.loads(line) for line in finished.stdout.splitlines())
    assert [first["outcome"], second["outcome"]] == ["executed", "held"]
    assert sum(fill["size_delta"] for fill in first["fills"]) == pytest.approx(world.size() / WAD)
    assert first["guard_mirror_mismatch"] is False
    assert second["ledger_nav_error_bps"] <= 1.0
    assert first["gas_units"] > 0


def test_run__asked_to_stop__ends_in_order_after_its_cycle(world):
    command = [*MAIN, "run", "--book", str(world.book_path), "--interval-seconds", "600"]
    keeper = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment(world), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = keeper.stdout.readline()
    keeper.send_signal(signal.SIGTERM)
    rest, trouble = keeper.communicate(timeout=TIMEOUT_SECONDS)
    assert ": executed; price $3,200; " in line
    assert (keeper.returncode, rest, trouble) == (0, "", "")
    with world.keeper() as next_keeper:
        assert next_keeper.cycle().view is not None


def test_run__bad_input__is_one_line_and_status_two_and_no_transaction(world):
    book = str(world.book_path)
    assert_refused(evenkeel(world, "run", "--book", book, "--network", "nowhere"), "config/nowhere.toml", "localnet")
    assert_refused(evenkeel(world, "run", "--book", "nowhere.toml"), "nowhere.toml", "no such file")
    key = {KEEPER_KEY_VARIABLE: "0x1234"}
    assert_refused(evenkeel(world, "run", "--book", book, **key), "EVENKEEL_KEEPER_KEY is not a private key")
    world.rpc("anvil_setBalance", world.localnet.manifest.accounts["keeper"], "0x0")
    assert_refused(evenkeel(world, "run", "--book", book), "send it gas money")
    assert world.events("Rebalanced") == []


def test_run__chain_that_differs_from_the_configuration__is_refused(world, tmp_path):
    text = (REPOSITORY / "config" / "localnet.toml").read_text(encoding="utf-8")
    (tmp_path / "config").mkdir()
    for local, public in (("31337", "1"), ("3_000_000_000", "60"), ("seconds = 0.01", "seconds = 1")):
        text = text.replace(local, public, 1)
    (tmp_path / "config" / "mainnet.toml").write_text(text, encoding="utf-8")
    finished = subprocess.run(
        [*MAIN, "run", "--book", str(world.book_path), "--network", "mainnet"],
        cwd=tmp_path,
        env=environment(world, PYTHONPATH=str(REPOSITORY)),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert_refused(finished, "chain_id is 1", "answers for chain 31337", "correct chain_id or rpc_urls")
