"""``evenkeel flatten`` as an operator starts it: it shows, and with --yes it closes, as far as the chain allows."""

from __future__ import annotations

import json

import pytest

from agent.units import WAD
from tests.integration.test_keeper_commands import evenkeel
from tests.support.fault_proxy import FaultProxy, http_status
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    """A hedge of about 53, a day old: the budgets have refilled."""
    with keeper_chain.fresh() as fresh:
        with fresh.keeper() as keeper:
            keeper.cycle()
        fresh.step(START_PRICE_USD, 86_400)
        yield fresh


def close_venue(world: KeeperWorld) -> None:
    world.send("guardian", world.deployment.contract("VenueRegistry"), "closeVenue(address)", world.venue)
    world.localnet.chain.mine([], world.now() + 12)


def test_flatten__without_yes__shows_the_first_step_and_sends_nothing(world):
    close_venue(world)
    size, sent = world.size(), len(world.events("Rebalanced"))
    shown = evenkeel(world, "flatten", EVENKEEL_KEEPER_KEY="not a key")
    assert shown.returncode == 0, shown.stderr
    assert "First step: close 5" in shown.stdout
    assert "0.0000 stays open after it" in shown.stdout
    keeper = world.localnet.manifest.accounts["keeper"]
    assert f"The chain would accept it from {keeper}. --yes acts" in shown.stdout
    told = json.loads(evenkeel(world, "flatten", "--json", EVENKEEL_KEEPER_KEY="not a key").stdout)
    assert told["size_delta"] == pytest.approx(-size / WAD)
    assert told["chain_refuses"] is None
    assert (world.size(), len(world.events("Rebalanced"))) == (size, sent)


def test_flatten__yes__closes_to_the_last_wei(world):
    close_venue(world)
    finished = evenkeel(world, "flatten", "--yes", "--json")
    assert finished.returncode == 0, finished.stderr
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [line["remaining"] for line in lines] == [0.0, 0.0]
    assert lines[0]["outcome"] == "executed"
    assert world.size() == 0


def test_flatten__endpoint_fails_for_a_moment__goes_on_and_closes_all_the_same(world):
    """Ended at the first fault, the hedge half closed."""
    close_venue(world)
    with FaultProxy(world.localnet.rpc_url) as server:
        fault = server.on("eth_getLogs", http_status(502), times=1)
        finished = evenkeel(world, "flatten", "--yes", EVENKEEL_RPC_URLS=server.url)
    assert finished.returncode == 0, finished.stderr
    assert (fault.struck, finished.stderr.count("tried again\n")) == (1, 1)
    assert world.size() == 0


def test_flatten__endpoint_fails_for_longer_than_there_is_time__ends_and_says_so(world):
    with FaultProxy(world.localnet.rpc_url) as server:
        server.on("eth_getLogs", http_status(502))
        finished = evenkeel(world, "flatten", "--yes", "--wait-seconds", "0", EVENKEEL_RPC_URLS=server.url)
    assert finished.returncode == 1
    assert "HTTP 502" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_flatten__book_still_needs_the_hedge__goes_to_the_band_and_says_so(world):
    finished = evenkeel(world, "flatten", "--yes", "--wait-seconds", "0")
    assert finished.returncode == 1, finished.stderr
    executed, refused = finished.stdout.splitlines()
    assert executed.startswith("executed: close ")
    assert "CooldownActive" in refused
    assert 45 * WAD < world.size() < 53 * WAD
    world.localnet.chain.mine([], world.now() + 600)
    stopped = evenkeel(world, "flatten", "--yes", "--wait-seconds", "0")
    assert "the book still needs this hedge" in stopped.stdout


def test_flatten__keeper_at_work__is_refused(world):
    with world.keeper():
        finished = evenkeel(world, "flatten", "--yes")
    assert finished.returncode == 2
    assert "in use by another keeper" in finished.stderr
