"""HEDGE-638: the ledger alone knows what options cost, brought and paid, and its NAV is the chain's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.chain.client import ChainClient
from agent.chain.config import ChainSettings
from agent.chain.deployment import Deployment, load_deployment
from agent.chain.state import ChainState, StateCalls, read_state
from agent.domain import BlockRef
from agent.ledger.accounting import NavCheck, check_nav
from agent.ledger.database import Database
from agent.ledger.records import OptionEventKind, VaultIdentity
from agent.ledger.scan import EventScanner
from agent.ledger.store import VaultLedger
from agent.settings import load_settings
from agent.status.document import as_document
from agent.status.reading import StatusReader
from agent.status.screen import as_lines
from agent.units import WAD
from tests.support.lyra_keeper import CHAIN_ID, write_manifest, write_settings
from tests.support.lyra_vault import CASH_USD, LyraVault, Order, afresh, open_lyra_vault

pytestmark = pytest.mark.chain

MAX_ERROR_BPS = 1.0


@dataclass(frozen=True)
class World:
    """The vault, and a ledger that follows it from its first block."""

    vault: LyraVault
    client: ChainClient
    deployment: Deployment
    ledger: VaultLedger
    scanner: EventScanner

    def head(self) -> BlockRef:
        """Newest block."""
        return self.client.head(self.vault.now())

    def state(self) -> ChainState:
        """As the keeper reads it."""
        return read_state(self.client, StateCalls(self.deployment), self.head())

    def nav(self) -> NavCheck:
        """Both NAVs, the ledger brought up to the head."""
        self.scanner.scan(self.head())
        return check_nav(self.ledger.accounts, self.state(), 18)


@pytest.fixture(scope="module")
def opened() -> Iterator[LyraVault]:
    with open_lyra_vault() as vault:
        yield vault


@pytest.fixture
def world(opened: LyraVault, tmp_path: Path) -> Iterator[World]:
    settings = ChainSettings(
        chain_id=CHAIN_ID,
        rpc_urls=(opened.chain.rpc.url,),
        rpc_quorum=1,
        rpc_timeout_seconds=10.0,
        max_head_age_seconds=10**9,
    )
    write_manifest(opened, tmp_path / "deployment.json")
    deployment = load_deployment(tmp_path / "deployment.json", CHAIN_ID)
    with afresh(opened), contextlib.closing(ChainClient(settings)) as client:
        head = client.head(opened.now())
        with Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key") as database:
            ledger = database.vault(VaultIdentity(CHAIN_ID, opened.vault, 0, head.hash))
            yield World(opened, client, deployment, ledger, EventScanner(client, ledger, deployment, head))


def assert_agrees(world: World) -> None:
    nav = world.nav()
    assert nav.error_bps < MAX_ERROR_BPS
    low, high = world.vault.nav()
    assert (nav.chain_low, nav.chain_high) == pytest.approx((low, high), abs=10**6)


# HEDGE-638
def test_nav__nothing_bought_yet__ledger_and_chain_agree_to_the_wei(world: World) -> None:
    nav = world.nav()
    assert (nav.ledger_low, nav.ledger_high) == (nav.chain_low, nav.chain_high)
    assert world.ledger.option_events() == []


# HEDGE-638
def test_nav__bought_part_sold_and_sold_out__ledger_and_chain_agree_each_time(world: World) -> None:
    vault, strike = world.vault, world.vault.near_the_money(0)
    vault.trade(Order(strike, True, 5 * WAD), Order(strike, False, 5 * WAD))
    assert_agrees(world)
    low, high = world.nav().ledger_low, world.nav().ledger_high
    assert high - low > 10**18, "bid and ask are apart"
    vault.act(vault.guardian, vault.vault, "setReduceOnly()")  # else a sale may not raise the book's gamma
    for size in (-2 * WAD, -3 * WAD):
        vault.trade(Order(strike, True, size), Order(strike, False, size))
        assert_agrees(world)
    events = world.ledger.option_events()
    assert [event.size_delta // WAD for event in events] == [5, 5, -2, -2, -3, -3]
    assert [event.cash < 0 for event in events] == [True, True, False, False, False, False]
    assert all(event.fee > 0 and event.kind is OptionEventKind.TRADED for event in events)
    assert CASH_USD * WAD + sum(event.cash for event in events) == vault.cash()
    assert world.ledger.accounts.venues[vault.venue].options.sizes == {}
    assert world.nav().ledger_low == world.nav().ledger_high


# HEDGE-638
@pytest.mark.parametrize("is_settled_by_another", [False, True])
@pytest.mark.parametrize("spot_usd", [2_100.0, 1_500.0])
def test_nav__expiry__payoff_is_booked_and_comes_home(
    world: World, spot_usd: float, is_settled_by_another: bool
) -> None:
    vault, strike = world.vault, world.vault.near_the_money(0)
    vault.trade(Order(strike, True, 5 * WAD))
    [held] = vault.holdings()
    vault.pass_time_to(vault.expiry() + 1)
    vault.publish(spot_usd)
    assert_agrees(world)
    if is_settled_by_another:
        vault.settle()
        vault.settle_positions([held.position])
        assert_agrees(world)
    vault.act(vault.stranger, vault.venue, "settleExpired(uint256)", held.position)
    assert_agrees(world)
    traded, settled, home = world.ledger.option_events()
    payoff = max(round(spot_usd) - held.strike // WAD, 0) * 5 * WAD
    kinds = [event.kind for event in (traded, settled, home)]
    assert kinds == [OptionEventKind.TRADED, OptionEventKind.SETTLED, OptionEventKind.BROUGHT_HOME]
    assert (settled.cash, settled.size_delta) == (payoff, -5 * WAD)
    nav = world.nav()
    assert (nav.ledger_low, nav.ledger_high) == (nav.chain_low, nav.chain_high)


# HEDGE-638
def test_nav__block_of_a_trade_replaced__what_it_cost_counts_no_more(world: World) -> None:
    vault = world.vault
    before = world.nav()
    snapshot = vault.chain.rpc.request("evm_snapshot")
    vault.trade(Order(vault.near_the_money(0), True, 5 * WAD))
    assert_agrees(world)
    vault.chain.rpc.request("evm_revert", snapshot)
    for _ in range(6):
        vault.mine_one()
    assert_agrees(world)
    assert world.ledger.option_events() == []
    assert world.nav().ledger_low == before.ledger_low


# HEDGE-638
def test_status__options_held__are_shown_between_bid_and_ask(world: World, tmp_path: Path) -> None:
    vault = world.vault
    vault.trade(Order(vault.near_the_money(0), True, 5 * WAD))
    settings = load_settings(write_settings(vault, tmp_path))
    status = StatusReader(settings, world.client, world.deployment).read(world.head())
    [told] = as_document(status)["options"]
    [held] = vault.holdings()
    assert (told["size"], told["position_id"]) == (5.0, str(held.position))
    assert told["worth_low_usd"] < told["worth_high_usd"]
    assert told["worth_high_usd"] == pytest.approx(held.worth_high / WAD)
    assert status.venue_names == ("options",)
    assert any(line.startswith("Options ") and told["name"] in line for line in as_lines(status))
