"""The process of the local chain: whose it is, when it ends, and what is said about it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from agent.cli.localnet import app
from agent.errors import DataError
from agent.localnet.anvil import free_port, process_fingerprint, require_free_port
from agent.localnet.manifest import LocalnetManifest
from agent.localnet.session import Localnet, LocalnetSettings, running_manifest

pytestmark = pytest.mark.chain

PATIENCE_SECONDS = 20.0

HOLD_A_CHAIN = """
import sys, time
from pathlib import Path
from agent.localnet.session import Localnet, LocalnetSettings
with Localnet.up(LocalnetSettings(port=int(sys.argv[1]), state_directory=Path(sys.argv[2]))) as localnet:
    print(localnet.manifest.pid, flush=True)
    {then}
"""
RUN_EVENKEEL = "import sys; from agent.cli.localnet import app; sys.argv[0] = 'localnet'; app()"


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def is_gone(pid):
    return process_fingerprint(pid) is None


def holder(directory, then):
    """A process that holds a chain, and the chain's process id."""
    code = HOLD_A_CHAIN.format(then=then)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(free_port()), str(directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, int(process.stdout.readline())


def up(directory):
    """Run ``evenkeel localnet up`` in a process of its own, which ends while the chain goes on."""
    arguments = ["up", "--port", str(free_port()), "--without-vault", "--state-directory", str(directory)]
    command = [sys.executable, "-c", RUN_EVENKEEL, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def localnet_command(*arguments):
    """Run another command of ``evenkeel localnet`` in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


# --- held by a process --------------------------------------------------------------------------------------------


def test_context__left_normally__chain_and_manifest_gone(tmp_path):
    port = free_port()
    with Localnet.up(LocalnetSettings(port=port, state_directory=tmp_path)) as localnet:
        assert running_manifest(tmp_path) == localnet.manifest
    assert is_gone(localnet.manifest.pid)
    assert LocalnetManifest.read(tmp_path) is None
    require_free_port(port)


def test_context__left_by_an_exception__chain_gone(tmp_path):
    with (
        pytest.raises(RuntimeError, match="in the middle"),
        Localnet.up(LocalnetSettings(port=free_port(), state_directory=tmp_path)) as localnet,
    ):
        raise RuntimeError("in the middle")
    assert is_gone(localnet.manifest.pid)


@pytest.mark.parametrize(
    ("then", "sent"),
    [
        ("time.sleep(60)", signal.SIGINT),
        ("time.sleep(60)", signal.SIGTERM),
        ("time.sleep(60)", signal.SIGKILL),
        ("import os; os._exit(3)", None),
    ],
)
def test_context__its_process_ends_in_any_way__chain_gone(tmp_path, then, sent):
    process, pid = holder(tmp_path, then)
    if sent is not None:
        process.send_signal(sent)
    process.communicate(timeout=PATIENCE_SECONDS)
    wait_until(lambda: is_gone(pid), f"Anvil {pid} outlived the process that held it")
    assert running_manifest(tmp_path) is None


def test_up__deployment_fails__chain_stopped_and_no_manifest(tmp_path, monkeypatch):
    pids = []

    def fail(settings, pid):
        pids.append(pid)
        raise DataError("no package")

    monkeypatch.setattr("agent.localnet.session.open_world", fail)
    with pytest.raises(DataError, match="no package"):
        Localnet.up(LocalnetSettings(port=free_port(), state_directory=tmp_path))
    assert is_gone(pids[0])
    assert LocalnetManifest.read(tmp_path) is None


def test_up__port_taken__one_line_that_names_it_and_no_manifest(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(DataError) as caught:
            Localnet.up(LocalnetSettings(port=port, state_directory=tmp_path))
    assert f"port {port}" in str(caught.value)
    assert "--port" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert LocalnetManifest.read(tmp_path) is None


# --- left running -------------------------------------------------------------------------------------------------


@pytest.fixture
def background(tmp_path):
    """State directory of a chain that `up` left running."""
    directory = tmp_path / "state"
    result = up(directory)
    assert result.returncode == 0, result.stderr
    yield directory
    localnet_command("down", "--if-running", "--state-directory", directory)


def status(directory):
    result = localnet_command("status", "--json", "--state-directory", directory)
    return result.exit_code, json.loads(result.stdout)


def test_background__up_then_down__runs_after_its_command_and_is_gone_after_down(background):
    pid = LocalnetManifest.read(background).pid
    returncode, found = status(background)
    assert (returncode, found["state"], found["pid"]) == (0, "running", pid)
    assert os.getsid(pid) == pid, "in a session of its own: Ctrl-C in the terminal does not reach it"
    result = localnet_command("down", "--state-directory", background)
    assert result.exit_code == 0
    assert str(pid) in result.stdout
    assert is_gone(pid)
    assert status(background) == (1, {"state": "stopped"})


def test_background__step__moves_as_many_times_and_to_the_price(background):
    result = localnet_command("step", "--count", 3, "--interval-seconds", 60, "--json", "--state-directory", background)
    steps = [json.loads(line) for line in result.stdout.splitlines()]
    start = LocalnetSettings().start_unix
    assert [step["timestamp_unix"] for step in steps] == [start + 60, start + 120, start + 180]
    assert len({step["price_usd"] for step in steps}) == 3
    result = localnet_command("step", "--price", 3111.5, "--json", "--state-directory", background)
    assert json.loads(result.stdout)["price_usd"] == 3111.5
    assert status(background)[1]["price_usd"] == 3111.5


def test_background__killed__status_says_died_and_up_starts_anew(background):
    pid = LocalnetManifest.read(background).pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_gone(pid), "killed, but still there")
    returncode, found = status(background)
    assert (returncode, found["state"], found["pid"]) == (1, "died", pid)
    result = up(background)
    assert result.returncode == 0, result.stderr
    assert status(background)[1]["state"] == "running"


def test_background__hangs__status_says_silent(background, monkeypatch):
    pid = LocalnetManifest.read(background).pid
    monkeypatch.setattr("agent.cli.localnet.STATUS_TIMEOUT_SECONDS", 0.5)
    os.kill(pid, signal.SIGSTOP)
    try:
        result = CliRunner().invoke(app, ["status", "--state-directory", str(background)])
    finally:
        os.kill(pid, signal.SIGCONT)
    assert result.exit_code == 1
    assert "does not answer" in result.stdout


def test_background__same_seed__step_draws_the_same_prices(background, tmp_path):
    arguments = ("step", "--count", 2, "--json", "--state-directory")
    first = localnet_command(*arguments, background).stdout
    localnet_command("down", "--state-directory", background)
    up(background)
    assert first
    assert localnet_command(*arguments, background).stdout == first


def test_background__up_again__refused_with_the_way_out(background):
    result = up(background)
    assert result.returncode != 0
    assert "evenkeel localnet down" in result.stderr
    assert status(background)[1]["state"] == "running"
