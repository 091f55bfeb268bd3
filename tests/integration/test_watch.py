"""``evenkeel watch``, ``evenkeel alert`` and the keeper's own alerts: real processes, a real chain, a real receiver."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from agent.chain.config import RPC_URLS_VARIABLE
from agent.execution.config import KEEPER_KEY_VARIABLE, KEEPER_KEYSTORE_VARIABLE, KEEPER_PASSWORD_VARIABLE
from agent.execution.keystore import write_keystore
from agent.localnet.anvil import free_port
from agent.observability.observation import EXIT_HUNG
from agent.observability.pager import ALERT_URLS_VARIABLE
from agent.observability.watcher import HEARTBEAT_URL_VARIABLE, WATCH_RPC_URLS_VARIABLE
from tests.support.alert_receiver import alert_receiver
from tests.support.altered_endpoint import altered_endpoint
from tests.support.keeper_world import REPOSITORY, START_PRICE_USD, KeeperWorld
from tests.support.processes import TIMEOUT_SECONDS, Processes, end, environment_of, line_with, processes

pytestmark = pytest.mark.chain

QUICK = "\n[observability]\nmax_outside_seconds = 600\nmax_failing_seconds = 1\nmax_cycle_seconds = 21\n"
ALLOWED_SECONDS = 600
SECRET = "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"
"""Of Anvil's keeper account: worthless anywhere but on a local chain."""
PASSWORD = "correct horse battery"
NOWHERE = {RPC_URLS_VARIABLE: "http://127.0.0.1:9"}


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The local chain's configuration with limits that a test need not wait for."""
    text = (REPOSITORY / "config" / "localnet.toml").read_text(encoding="utf-8")
    text = text.replace("retry_max_seconds = 60", "retry_max_seconds = 1")
    path = tmp_path / "quick.toml"
    path.write_text(text + QUICK, encoding="utf-8")
    return path


@pytest.fixture
def commands(world) -> Iterator[Processes]:
    with processes(environment_of(world)) as started:
        yield started


def test_watch__w_stays_outside__pages_whatever_the_keeper_says_and_resolves(world, commands, config):
    """The keeper runs, is ready and says that all is well; it is a shadow, and nothing is hedged."""
    book = str(world.book_path)
    keeper = commands.start("run", "--shadow", "--book", book, "--interval-seconds", "0.2", "--metrics-port", "0")
    line_with(keeper, ": shadow; ")
    with alert_receiver() as receiver:
        more = {ALERT_URLS_VARIABLE: receiver.url}
        watcher = commands.start("watch", "--network", str(config), "--interval-seconds", "0.1", **more)
        line_with(watcher, "outside for 0 s")
        world.step(START_PRICE_USD, ALLOWED_SECONDS - 1)
        line_with(watcher, f"outside for {ALLOWED_SECONDS - 1} s")
        world.step(START_PRICE_USD, 1)
        assert "ALERTS: outside_band" in line_with(watcher, f"outside for {ALLOWED_SECONDS} s")
        assert receiver.next_title() == "[critical] watch quick: outside_band"
        assert keeper.poll() is None
        assert end(keeper)[0] == 0
        with world.keeper() as hedger:
            hedger.cycle()
        line_with(watcher, "inside")
        assert receiver.next_title() == "[resolved] watch quick: outside_band"
        status, logged = end(watcher)
    assert status == 0
    assert "worst-case delta 53.8818 over the band 5.0000 for 600 s, allowed 600" in logged
    assert world.events("Rebalanced") != []


def test_watch__chain_does_not_answer__pages_and_comes_back(world, commands, config):
    is_down = threading.Event()

    def alter(request, forward):
        return [] if is_down.is_set() else forward(request)

    with alert_receiver() as receiver, altered_endpoint(world.localnet.rpc_url, alter) as url:
        more = {ALERT_URLS_VARIABLE: receiver.url, WATCH_RPC_URLS_VARIABLE: url}
        more[RPC_URLS_VARIABLE] = "http://127.0.0.1:9"  # the keeper's endpoints are none of the watcher's
        watcher = commands.start("watch", "--network", str(config), "--interval-seconds", "0.1", "--json", **more)
        assert json.loads(line_with(watcher, "worst_net_delta"))["is_outside"] is True
        is_down.set()
        assert json.loads(line_with(watcher, "chain_unreachable"))["failure"]
        assert receiver.next_title() == "[critical] watch quick: chain_unreachable"
        is_down.clear()
        line_with(watcher, "worst_net_delta")
        assert receiver.next_title() == "[resolved] watch quick: chain_unreachable"
        assert end(watcher)[0] == 0


def test_watch__keeper_is_down__pages(commands, config):
    with alert_receiver() as receiver:
        arguments = [
            "watch",
            "--network",
            str(config),
            "--interval-seconds",
            "0.1",
            "--keeper-url",
            "http://127.0.0.1:9",
        ]
        watcher = commands.start(*arguments, **{ALERT_URLS_VARIABLE: receiver.url})
        assert receiver.next_title() == "[critical] watch quick: keeper_unhealthy"
        end(watcher)


def test_watch__good_look__is_told_to_the_dead_man_s_switch(commands, config):
    arguments = ["watch", "--network", str(config), "--looks", "1"]
    with alert_receiver() as switch:
        watcher = commands.start(*arguments, **{HEARTBEAT_URL_VARIABLE: f"{switch.http_url}/ping"})
        _, trouble = watcher.communicate(timeout=TIMEOUT_SECONDS)
        blind = commands.start(*arguments, **{HEARTBEAT_URL_VARIABLE: f"{switch.http_url}/blind", **NOWHERE})
        blind.communicate(timeout=TIMEOUT_SECONDS)
    assert watcher.returncode == 0
    assert "nobody is told" in trouble
    assert switch.pinged == ["/ping"]
    assert blind.returncode == 0


def test_watch__chain_is_down_from_the_start__pages_all_the_same(commands, config):
    with alert_receiver() as receiver:
        more = {ALERT_URLS_VARIABLE: receiver.url, **NOWHERE}
        watcher = commands.start("watch", "--network", str(config), "--interval-seconds", "0.1", **more)
        assert receiver.next_title() == "[critical] watch quick: chain_unreachable"
        assert end(watcher)[0] == 0


def test_run__metrics_and_health__are_served_while_it_runs(world, commands):
    port = free_port()
    arguments = ["run", "--book", str(world.book_path), "--interval-seconds", "600", "--metrics-port", str(port)]
    keeper = commands.start(*arguments)
    line_with(keeper, ": executed; ")
    base = f"http://127.0.0.1:{port}"
    ready = _get_until_ready(f"{base}/readyz")
    assert ready.text == "the last cycle ended well\n"
    assert requests.get(f"{base}/healthz", timeout=10).status_code == 200
    assert requests.get(f"{base}/secrets", timeout=10).status_code == 404
    text = requests.get(f"{base}/metrics", timeout=10).text
    values = dict(re.findall(r"^(evenkeel_\S+) (\S+)$", text, re.MULTILINE))
    assert float(values['evenkeel_cycles_total{outcome="executed"}']) == 1.0
    assert float(values["evenkeel_worst_net_delta_underlying"]) == pytest.approx(53.88, abs=0.1)
    assert float(values["evenkeel_band_underlying"]) == 5.0
    assert float(values["evenkeel_nav_error_bps"]) < 1.0
    assert float(values["evenkeel_next_expiry_seconds"]) > 0.0
    assert float(values["evenkeel_gas_runway_rebalances"]) > 1_000
    assert float(values['evenkeel_venue_max_leverage_ratio{venue="curie"}']) == 4.0
    assert math.isnan(float(values['evenkeel_venue_liquidation_distance_ratio{venue="curie"}'])), "no position yet"
    assert float(values['evenkeel_intent_state{state="none"}']) == 1.0
    named = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    page = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert named <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert end(keeper) == (0, "")


def test_run__port_in_use__is_one_line_and_status_two(world, commands):
    with alert_receiver() as taken:
        port = re.findall(r":(\d+)/", taken.url)[0]
        keeper = commands.start("run", "--book", str(world.book_path), "--cycles", "1", "--metrics-port", port)
        printed, trouble = keeper.communicate(timeout=TIMEOUT_SECONDS)
    assert (keeper.returncode, printed) == (2, "")
    assert "choose another port" in trouble
    assert trouble.count("\n") == 1


def test_run__key_dismissed__halts_and_somebody_is_told(world, commands):
    keeper_address = world.localnet.manifest.accounts["keeper"]
    with alert_receiver() as receiver:
        arguments = ["run", "--book", str(world.book_path), "--interval-seconds", "0.2"]
        keeper = commands.start(*arguments, **{ALERT_URLS_VARIABLE: receiver.url})
        line_with(keeper, ": executed; ")
        world.send("guardian", world.deployment.contract("VaultAccess"), "dismissKeeper(address)", keeper_address)
        assert receiver.next_title() == "[critical] keeper localnet: process_halted"
        _, trouble = keeper.communicate(timeout=TIMEOUT_SECONDS)
    assert keeper.returncode == 1
    assert "was dismissed" in trouble


def test_run__endpoint_hangs_in_a_cycle__ends_itself_and_somebody_is_told(world, commands, config):
    hangs, release = threading.Event(), threading.Event()

    def alter(request, forward):
        if hangs.is_set():
            release.wait(TIMEOUT_SECONDS)
        return forward(request)

    with alert_receiver() as receiver, altered_endpoint(world.localnet.rpc_url, alter) as url:
        more = {RPC_URLS_VARIABLE: url, ALERT_URLS_VARIABLE: receiver.url}
        arguments = ["run", "--book", str(world.book_path), "--network", str(config), "--interval-seconds", "0.2"]
        keeper = commands.start(*arguments, **more)
        line_with(keeper, ": executed; ")
        hangs.set()
        receiver.wait_for("[critical] keeper quick: cycle_hung")
        keeper.communicate(timeout=TIMEOUT_SECONDS)
        release.set()
    assert keeper.returncode == EXIT_HUNG
    with world.keeper() as next_keeper:
        assert next_keeper.cycle().view is not None


def test_alert_test__channels__are_tried_and_a_deaf_one_is_a_failure(commands):
    with alert_receiver() as receiver, alert_receiver(status=500) as deaf:
        heard = commands.start("alert", "test", "--text", "no fire", **{ALERT_URLS_VARIABLE: receiver.url})
        assert heard.communicate(timeout=TIMEOUT_SECONDS)[0] == "1 of 1 channels have taken the message.\n"
        assert receiver.next_title() == "[test] evenkeel: alert_test"
        both = commands.start("alert", "test", **{ALERT_URLS_VARIABLE: f"{receiver.url} {deaf.url}"})
        assert both.communicate(timeout=TIMEOUT_SECONDS)[1].startswith("evenkeel: 1 of 2 channels")
    assert (heard.returncode, both.returncode) == (0, 1)
    assert b"no fire" in receiver.raw[0]


def by_environment(directory: Path) -> dict[str, str]:
    return {KEEPER_KEY_VARIABLE: f"0x{SECRET}"}


def by_keystore(directory: Path) -> dict[str, str]:
    write_keystore(directory / "keeper.json", bytes.fromhex(SECRET), PASSWORD)
    return {KEEPER_KEYSTORE_VARIABLE: str(directory / "keeper.json"), KEEPER_PASSWORD_VARIABLE: PASSWORD}


@pytest.mark.parametrize("named", [by_environment, by_keystore], ids=lambda function: function.__name__)
def test_run__whole_run__shows_its_key_nowhere(world, commands, tmp_path, named):
    """Everything that comes out is searched for the key, and for the keystore's password."""
    port, secret = free_port(), SECRET
    with alert_receiver() as receiver:
        more = {**named(tmp_path), ALERT_URLS_VARIABLE: receiver.url}
        arguments = ["run", "--book", str(world.book_path), "--interval-seconds", "0.2", "--log", "json"]
        keeper = commands.start(*arguments, "--metrics-port", str(port), "--json", **more)
        printed = line_with(keeper, '"executed"')
        scraped = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).content
        keeper_address = world.localnet.manifest.accounts["keeper"]
        world.send("guardian", world.deployment.contract("VaultAccess"), "dismissKeeper(address)", keeper_address)
        rest, logged = keeper.communicate(timeout=TIMEOUT_SECONDS)
        told = b"".join(receiver.raw)
    ledger = b"".join(path.read_bytes() for path in world.directory.glob("ledger.sqlite*"))
    found = [printed.encode(), rest.encode(), logged.encode(), scraped, told, ledger]
    assert all([printed, logged, scraped, told, ledger])
    assert "cycle_done" in logged
    assert b"process_halted" in told
    everything = b"\n".join(found)
    assert secret.encode() not in everything.lower()
    assert bytes.fromhex(secret) not in everything
    assert str(int(secret, 16)).encode() not in everything
    assert PASSWORD.encode() not in everything
    lines = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    ids = [line["cycle"] for line in lines if line["event"] == "cycle_done"]
    assert len(set(ids)) == len(ids) >= 1


def _get_until_ready(url: str) -> requests.Response:
    """The cycle's line is printed a moment before the cycle is taken in."""
    for _ in range(100):
        answer = requests.get(url, timeout=10)
        if answer.ok:
            return answer
        threading.Event().wait(0.1)
    raise AssertionError(answer.text)
