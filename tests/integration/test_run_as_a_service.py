"""The keeper as systemd runs it: its unit is true, a shadow sends nothing, each end has its own status."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.cli.main import app
from agent.cli.run import EXIT_TRY_AGAIN
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.observability.observation import DRAIN_SECONDS, EXIT_HUNG
from agent.settings.observability import ObservabilitySettings
from tests.support.keeper_world import REPOSITORY, KeeperWorld

TIMEOUT_SECONDS = 120
MAIN = [sys.executable, "-c", "from agent.cli.main import main; main()"]
UNITS = sorted((REPOSITORY / "examples" / "systemd").glob("*.service"))


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


def service_of(unit) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(unit.read_text(encoding="utf-8"))
    return parser["Service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_unit__command_and_times__are_those_of_the_program(unit):
    service = service_of(unit)
    words = shlex.split(service["ExecStart"])
    assert words[0].endswith("/bin/evenkeel")
    shown = CliRunner().invoke(app, [words[1], "--help"], env={"COLUMNS": "200"}).stdout
    assert all(word in shown for word in words if word.startswith("--"))
    assert service["Type"] == "notify"
    longest = ObservabilitySettings().max_cycle_seconds + DRAIN_SECONDS
    assert float(service["TimeoutStopSec"]) > longest
    prevented = set(service.get("RestartPreventExitStatus", "").split())
    assert not prevented & {str(EXIT_HUNG), str(EXIT_TRY_AGAIN)}


def test_keeper_unit__halted_or_bad_input__is_not_started_again():
    service = service_of(next(unit for unit in UNITS if "keeper" in unit.name))
    assert set(service["RestartPreventExitStatus"].split()) == {"1", "2"}
    assert "--standby" in service["ExecStart"], "or a lease that lasts a little more would be bad input"
    assert service["Restart"] == "on-failure"
    assert service["SuccessExitStatus"].split() == ["130", "143"]


def test_containerfile__command_shown__is_the_program_s():
    text = (REPOSITORY / "Containerfile").read_text(encoding="utf-8")
    [shown] = re.findall(r"^#     evenkeel (run .*)$", text, re.MULTILINE)
    options = [word for word in shown.split() if word.startswith("--")]
    offered = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"}).stdout
    assert "--metrics-port" in options
    assert all(option in offered for option in options)
    [stop_timeout] = re.findall(r"--stop-timeout (\d+)", text)
    assert float(stop_timeout) > ObservabilitySettings().max_cycle_seconds + DRAIN_SECONDS


@pytest.mark.chain
def test_run__under_systemd__says_ready_alive_and_stopping(world, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(path))
        systemd.settimeout(TIMEOUT_SECONDS)
        command = [*MAIN, "run", "--book", str(world.book_path), "--interval-seconds", "0.2"]
        keeper = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment(world, NOTIFY_SOCKET=str(path)), stdout=subprocess.DEVNULL
        )
        assert systemd.recv(64) == b"READY=1"
        assert systemd.recv(64) == b"WATCHDOG=1"
        keeper.send_signal(signal.SIGTERM)
        said = systemd.recv(64)
        while said == b"WATCHDOG=1":
            said = systemd.recv(64)
        assert said == b"STOPPING=1"
    assert keeper.wait(TIMEOUT_SECONDS) == 0


@pytest.mark.chain
def test_run__shadow__decides_and_records_without_key_and_sends_nothing(world):
    command = [*MAIN, "run", "--shadow", "--book", str(world.book_path), "--cycles", "2", "--interval-seconds", "0"]
    keeper = world.localnet.manifest.accounts["keeper"]
    before = world.rpc("eth_getTransactionCount", keeper, "pending")
    world.rpc("anvil_setBalance", keeper, "0x0")  # nor does it need gas money
    ran = subprocess.run(
        [*command, "--json"],
        cwd=REPOSITORY,
        env=environment(world, EVENKEEL_KEEPER_KEY="no key at all"),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [one["outcome"] for one in told] == ["shadow", "shadow"]
    assert all(one["rejection"] is None and one["intent_id"] for one in told)
    assert world.rpc("eth_getTransactionCount", keeper, "pending") == before
    assert world.events("Rebalanced") == []
    with Keeper.build(world.settings(), world.book(), {}, is_shadow=True) as shadow:
        assert [cycle.outcome for cycle in shadow.ledger.cycles()] == ["shadow", "shadow"]
        assert shadow.ledger.open_intents() == []
        assert shadow.cycle().outcome is Outcome.SHADOW


@pytest.mark.chain
def test_run__no_endpoint_at_the_start__ends_with_a_status_to_try_again(world):
    more = {RPC_URLS_VARIABLE: "http://127.0.0.1:9"}
    command = [*MAIN, "run", "--book", str(world.book_path)]
    ran = subprocess.run(
        command, cwd=REPOSITORY, env=environment(world, **more), capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (EXIT_TRY_AGAIN, "")
    assert ran.stderr.startswith("evenkeel: 0 of 1 servers answer: http://127.0.0.1:9 does not answer")
    assert ran.stderr.count("\n") == 1
