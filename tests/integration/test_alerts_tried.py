"""Alerts that the runbook calls tried: brought about by real parts, paged by a real keeper, mended as it says."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.demo.scenario import seeded_scenario
from agent.demo.world import DEMO_DIRECTORY, World, open_world
from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.localnet.codec import encode_call
from agent.localnet.evm import Transaction
from agent.localnet.synthetix.contracts import MARKET_KEY, key
from agent.observability.pager import ALERT_URLS_VARIABLE
from agent.report.formatting import utc_minute
from agent.units import Seconds
from tests.support.adversary import Adversary
from tests.support.alert_receiver import AlertReceiver, alert_receiver
from tests.support.fault_proxy import FaultProxy, accept_and_drop
from tests.support.keeper_world import REPOSITORY, START_PRICE_USD, KeeperWorld
from tests.support.processes import Processes, environment_of, line_with, processes

pytestmark = pytest.mark.chain

GAP = (0.93, 0.87, 0.82, 0.78, 0.70)
"""The market follows in steps: Curie refuses trades that move it farther at once."""
PRICE_USD = 3_200.0
WINDOW_SECONDS = 31
"""In which Synthetix executes an order; from then on it may be cancelled."""
BPS, BPS_TWICE = "612710", "614e20"
"""PUSH2 of 10,000 and of 20,000: a guard of another version, to which a basis point is half as much."""
HASH = r"0x[0-9a-f]{64}"


@pytest.fixture
def pages() -> Iterator[AlertReceiver]:
    with alert_receiver() as receiver:
        yield receiver


@pytest.fixture
def commands(pages: AlertReceiver) -> Iterator[Processes]:
    """Commands that page the receiver."""
    with processes({ALERT_URLS_VARIABLE: pages.url}) as started:
        yield started


# --- on Curie -----------------------------------------------------------------------------------------------------


@pytest.fixture
def world(keeper_chain: KeeperWorld) -> Iterator[KeeperWorld]:
    with keeper_chain.fresh() as fresh:
        yield fresh


def hedging(world: KeeperWorld, commands: Processes):
    """Start a keeper on the world's book."""
    arguments = ["run", "--book", str(world.book_path), "--interval-seconds", "0.2"]
    return commands.start(*arguments, **environment_of(world))


def test_account_bad_debt__liquidated_below_zero__pages_what_was_written_off(world, commands, pages):
    adversary = Adversary(world)
    adversary.hedge()
    assert adversary.lever_up()
    for ratio in GAP:
        world.step(START_PRICE_USD * ratio)
    debt_usd = -adversary.account_value_usd(world.venue)
    keeper = hedging(world, commands)
    line_with(keeper, " block ")
    adversary.liquidate()
    told = pages.wait_for("[critical] keeper localnet: account_bad_debt")
    found = re.fullmatch(
        rf"account at curie: bad debt in block \d+, position by \+0, cash by \+([\d,.]+) USD; transaction {HASH}; "
        r"the venue wrote off what the account owed, and it starts anew: ask what its insurance paid",
        told,
    )
    assert found, told
    assert float(found[1].replace(",", "")) > debt_usd > 0, "and the liquidator's fee with it"
    assert pages.wait_for("[critical] keeper localnet: account_liquidated").startswith("account at curie: trade and ")
    pages.wait_for("[resolved] keeper localnet: leverage_high")  # the account starts anew, and the keeper goes on
    assert keeper.poll() is None


def test_guard_mirror_disagrees__guard_of_another_version__pages_both_answers(world, commands, pages):
    guard = world.deployment.contract("RebalanceGuard")
    code = world.rpc("eth_getCode", guard, "latest")
    world.rpc("anvil_setCode", guard, code.replace(BPS, BPS_TWICE))
    assert world.rpc("eth_getCode", guard, "latest") != code
    keeper = hedging(world, commands)
    told = pages.wait_for("[warning] keeper localnet: guard_mirror_disagrees")
    assert re.match(
        rf"of intent {HASH}, decided at block \d+, the guard's mirror foresaw that the chain takes it, and the chain "
        r"answers FeeExceeded\(fee=\d+, maxFee=\d+\): keeper \S+ and contracts may be of different versions; keep the "
        r"ledger and report it; Whalley-Wilmott: net delta ",
        told,
    ), told
    assert world.events("Rebalanced") == []
    world.rpc("anvil_setCode", guard, code)
    world.localnet.chain.mine([], world.now() + 12)
    line_with(keeper, ": executed; ")
    pages.wait_for("[resolved] keeper localnet: guard_mirror_disagrees")


# --- on Synthetix, whose orders fill later ------------------------------------------------------------------------


@dataclass(frozen=True)
class Ordering:
    """A stage on Synthetix where no bot executes orders, and what starts a keeper on it."""

    stage: World
    directory: Path
    commands: Processes
    environment: dict[str, str]

    def keeper(self, **environment: str):
        arguments = ["run", "--book", str(self.directory / DEMO_DIRECTORY / "book.toml"), "--interval-seconds", "0.2"]
        quick = ["--network", str(self.directory / "localnet.toml")]
        return self.commands.start(*arguments, *quick, **{**self.environment, **environment})

    def acknowledge(self) -> str:
        reason = ["--reason", "nobody executed at Synthetix, which works again"]
        quick = ["--network", str(self.directory / "localnet.toml")]
        return self.commands.run("ledger", "acknowledge", "orders", *reason, *quick, **self.environment)

    def now(self) -> Seconds:
        return self.stage.localnet.chain.head().timestamp

    def pass_time(self, seconds: int) -> None:
        self.stage.localnet.chain.mine([], Seconds(self.now() + seconds))

    def as_owner(self, signature: str, *arguments: object) -> None:
        """Use a right of Synthetix's owner over its markets' status."""
        localnet = self.stage.localnet
        owner, status = localnet.manifest.accounts["deployer"], localnet.manifest.venues["synthetix"]["system_status"]
        call = encode_call(signature, *arguments)
        localnet.chain.mine([Transaction(signature, owner, status, call, 1_000_000)])


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Iterator[tuple[World, Path]]:
    """A vault with collateral on Synthetix, whose own keeper is closed; receipts are waited for two seconds."""
    directory, scenario = tmp_path_factory.mktemp("stage"), seeded_scenario(20_240_805, None)
    text = (REPOSITORY / "config" / "localnet.toml").read_text(encoding="utf-8")
    assert "receipt_timeout_seconds = 20" in text
    config = directory / "localnet.toml"
    config.write_text(text.replace("receipt_timeout_seconds = 20", "receipt_timeout_seconds = 2"), encoding="utf-8")
    with (
        contextlib.chdir(directory),
        open_world(scenario, config, lambda _: contextlib.nullcontext(), ("synthetix",)) as world,
    ):
        world.keeper.close()
        world.localnet.step(float(scenario.prices.prices_usd[0]), int(scenario.prices.times_unix[0]))
        yield world, directory


@pytest.fixture
def ordering(stage, tmp_path, commands) -> Iterator[Ordering]:
    world, directory = stage
    rpc = world.localnet.chain.rpc
    snapshot = rpc.request("evm_snapshot")
    environment = {
        RPC_URLS_VARIABLE: world.localnet.rpc_url,
        MANIFEST_PATH_VARIABLE: str(directory / DEMO_DIRECTORY / "deployment.json"),
        LEDGER_URL_VARIABLE: f"sqlite:///{tmp_path}/ledger.sqlite",
    }
    yield Ordering(world, directory, commands, environment)
    commands.kill()
    rpc.request("evm_revert", snapshot)


def test_order_stuck__market_suspended__pages_why_and_what_to_type(ordering, pages):
    keeper = ordering.keeper()
    line_with(keeper, ": executed; ")
    owner = ordering.stage.localnet.manifest.accounts["deployer"]
    ordering.as_owner("updateAccessControl(bytes32,address,bool,bool)", key("Futures"), owner, True, True)
    ordering.as_owner("suspendFuturesMarket(bytes32,uint256)", key(MARKET_KEY), 1)
    ordering.pass_time(601)
    told = pages.wait_for("[critical] keeper localnet: order_stuck")
    found = re.fullmatch(
        rf"order ({HASH}) on venue synthetix is requested, \+0 of \+[\d.]+ filled, for \d+ s by now, allowed 600; the "
        r"keeper cannot cancel it \(it expired \d+ s ago\): Error\(message=Market suspended\); the venue gets no other "
        rf"order meanwhile: evenkeel gov call 'synthetix\.cancel \[\"({HASH})\"\]', or evenkeel gov close synthetix",
        told,
    )
    assert found, told
    assert found[1] == found[2]
    ordering.as_owner("resumeFuturesMarket(bytes32)", key(MARKET_KEY))
    assert "it expired" in line_with(keeper, f"; cancel order {found[1][:10]}: ")
    pages.wait_for("[resolved] keeper localnet: order_stuck")


def test_orders_failing__nobody_executes_three_in_a_row__is_paged_until_acknowledged(ordering, pages):
    keeper = ordering.keeper()
    line_with(keeper, ": executed; ")
    for _ in range(4):  # orders lapse, and what the second held of the loss budget comes back for the third
        ordering.pass_time(600)
        line_with(keeper, utc_minute(ordering.now()))
    told = pages.wait_for("[critical] keeper localnet: orders_failing")
    assert re.fullmatch(
        rf"the last 3 orders on venue synthetix were cancelled without a fill, limit 3, the newest {HASH}: it gets "
        r"none until somebody has found out why \(evenkeel ledger acknowledge orders --reason \.\.\.\)",
        told,
    ), told
    assert "3 on venue" in ordering.acknowledge()
    pages.wait_for("[resolved] keeper localnet: orders_failing")
    ordering.stage.localnet.step(PRICE_USD, ordering.now() + 3_600)
    line_with(keeper, ": executed; ")  # a fourth is asked for


def test_intent_stuck__endpoint_passes_nothing_on__pages_bid_and_base_fee(ordering, pages):
    with FaultProxy(ordering.stage.localnet.rpc_url) as endpoint:
        keeper = ordering.keeper(**{RPC_URLS_VARIABLE: endpoint.url})
        line_with(keeper, ": executed; ")
        endpoint.on("eth_sendRawTransaction", accept_and_drop())
        ordering.pass_time(WINDOW_SECONDS)
        line_with(keeper, ": pending; ")
        ordering.pass_time(481)
        told = pages.wait_for("[critical] keeper localnet: intent_stuck")
        found = re.fullmatch(
            rf"intent {HASH} has been sent for \d+ s, and should have ended after 240: cancel order {HASH} on venue "
            rf"synthetix: it expired \d+ s ago; nothing else is sent meanwhile; transaction {HASH}, nonce \d+ of key "
            r"0x[0-9a-fA-F]{40}, pays up to ([\d.]+) gwei where the base fee is ([\d.]+) gwei: evenkeel doctor, and "
            r"where it pays too little raise \[execution\] urgent_max_fee_gwei and restart",
            told,
        )
        assert found, told
        assert float(found[1]) > float(found[2]), "so it is not the bid"
        endpoint.heal()
        pages.wait_for("[resolved] keeper localnet: intent_stuck")
        assert "an open intent was executed" in line_with(keeper, ": executed; ")
