"""HEDGE-634: what the multi-instrument programme plans from the venue's own quotes, executed on the real Lyra."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from agent.chain.client import ChainClient
from agent.chain.config import ChainSettings
from agent.chain.deployment import AssetEntry, Deployment
from agent.chain.rollup import Rollup, RollupKind
from agent.decision.option_hedge import OptionHedge, OptionTerms, plan_options
from agent.domain import BlockRef
from agent.errors import RejectedError
from agent.execution.settlement import Timer
from agent.execution.signer import load_signer
from agent.execution.submit import Executor
from agent.keeper.option_keeper import OptionKeeper
from agent.ledger.database import Database
from agent.ledger.records import IntentState, Purpose, VaultIdentity
from agent.ledger.scan import EventScanner
from agent.ledger.store import VaultLedger
from agent.optimiser.factors import Factors
from agent.option_venue import OptionVenueState
from agent.policy.multi_instrument import MultiInstrument
from agent.products.european import black76_greeks
from agent.units import SECONDS_PER_YEAR, WAD, IntentId, Seconds, Wad
from agent.venues.lyra import read_option_venue
from agent.venues.option_calls import trade_call
from tests.support.lyra_vault import CAPS, SHORT_STRADDLES, SPOT_USD, LyraVault, open_lyra_vault
from tests.support.scripted_execution import SETTINGS

pytestmark = pytest.mark.chain

CHAIN_ID = 31_337
MAX_GAS_UNITS = 8_000_000
SIZES = (Wad(WAD // 2), Wad(2 * WAD), Wad(6 * WAD), Wad(12 * WAD))
POLICY = MultiInstrument(2e-3, horizon_days=7.0, vol_annual=1.0, vol_of_vol_annual=1.5, spot_vol_correlation=-0.3)


@dataclass(frozen=True)
class World:
    """The vault and a client of the agent's own."""

    vault: LyraVault
    client: ChainClient

    def head(self) -> BlockRef:
        """Newest block."""
        return self.client.head(self.vault.now())

    def state(self) -> OptionVenueState:
        """The venue as the agent reads it."""
        return read_option_venue(self.client, self.vault.venue, self.head(), SIZES)

    def factors(self) -> Factors:
        """Short straddles of the book, hedged in delta, and what is held."""
        state = self.state()
        sums = [0.0] * 5
        for offer in state.offers:
            own = -SHORT_STRADDLES if offer.strike == 1_750 * WAD else 0
            years = (offer.expiry - state.block.timestamp) / SECONDS_PER_YEAR
            greeks = black76_greeks(offer.is_call, SPOT_USD, offer.strike / WAD, years, offer.iv / WAD)
            for index, one in enumerate((greeks.delta, greeks.gamma, greeks.vega, greeks.vanna, greeks.volga)):
                sums[index] += (own + offer.held / WAD) * float(one)
        return Factors(*sums)

    def plan(self, terms: OptionTerms | None = None) -> OptionHedge:
        """Plan on the head."""
        return plan_options(self.factors(), self.state(), SPOT_USD, POLICY, None, terms)

    def execute(self, hedge: OptionHedge) -> None:
        """Send what was planned, as the keeper."""
        decided = self.head()
        self.vault.mine_one()
        identity = IntentId(f"0x{decided.number:064x}")
        deadline = Seconds(decided.timestamp + 300)
        call = trade_call(self.vault.venue, identity, decided, deadline, hedge.orders)
        self.vault.send_data(self.vault.keeper, call.to, call.data)


@pytest.fixture(scope="module")
def opened() -> Iterator[LyraVault]:
    with open_lyra_vault() as vault:
        yield vault


@pytest.fixture
def world(opened: LyraVault) -> Iterator[World]:
    """The vault as it was opened, and a client that has seen nothing else."""
    snapshot = opened.chain.rpc.request("evm_snapshot")
    settings = ChainSettings(
        chain_id=CHAIN_ID,
        rpc_urls=(opened.chain.rpc.url,),
        rpc_quorum=1,
        rpc_timeout_seconds=10.0,
        max_head_age_seconds=10**9,
    )
    with contextlib.closing(ChainClient(settings)) as client:
        yield World(opened, client)
    opened.chain.rpc.request("evm_revert", snapshot)


# HEDGE-634
def test_state__read_at_a_block__is_what_the_venue_says(world: World) -> None:
    state = world.state()
    assert len(state.offers) == 6
    assert state.cash == world.vault.cash()
    assert (state.premium_left, state.loss_left) == world.vault.budgets()
    assert (state.gamma_left, state.vega_left, state.room) == (CAPS[0], CAPS[1], 3)
    for offer in state.offers:
        costs = [quote.cost for quote in offer.asks]
        assert None not in costs
        assert all(later > earlier for earlier, later in itertools.pairwise(costs))


# HEDGE-634
def test_plan__short_gamma_book__one_cycle_lowers_gamma_and_vega_within_the_caps(world: World) -> None:
    vault = world.vault
    before, hedge = vault.risk(), world.plan()
    assert hedge.orders
    assert hedge.after.gamma_per_usd > hedge.plan.before.gamma_per_usd
    nav = vault.nav()
    world.execute(hedge)
    after = vault.risk()
    assert after.gamma < before.gamma * 0.9
    assert before.vega * 0.9 < after.vega < 0 or abs(after.vega) < abs(before.vega) * 0.9
    assert after.held_gamma <= CAPS[0]
    assert after.held_vega <= CAPS[1]
    assert {held.size for held in vault.holdings()} == {order.size_delta for order in hedge.orders}
    assert vault.nav()[0] > nav[0] * 98 // 100


# HEDGE-634
def test_plan__cycle_after_cycle__stays_within_the_caps_and_stops(world: World) -> None:
    vault = world.vault
    for _ in range(4):
        hedge = world.plan()
        if not hedge.orders:
            break
        world.execute(hedge)
        assert vault.risk().vega <= 0
        assert vault.risk().held_vega <= CAPS[1]
    premium_left, loss_left = vault.budgets()
    assert premium_left >= 0 < loss_left


@dataclass(frozen=True)
class Desk:
    """The keeper's own machinery, on a ledger of its own; time passes where it waits."""

    world: World
    ledger: VaultLedger
    executor: Executor
    keeper: OptionKeeper


def deployment_of(vault: LyraVault) -> Deployment:
    """The manifest of the vault; the agent's ledger follows no venue of it."""
    return Deployment(
        chain_id=CHAIN_ID,
        network="local",
        block=0,
        asset=AssetEntry(address=vault.quote_token, decimals=18, symbol="sUSD"),
        contracts={"HedgeVault": vault.vault, "VenueRegistry": vault.registry},
        venues=(),
        roles={"keeper": vault.keeper},
        governor_delay_seconds=0,
    )


@pytest.fixture
def desk(world: World, tmp_path: Path) -> Iterator[Desk]:
    vault = world.vault
    signer = load_signer({}, CHAIN_ID)
    assert signer.address == vault.keeper
    timer = Timer(lambda: float(vault.now()), lambda: float(vault.now()), lambda _: vault.mine_waiting())
    with Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key") as database:
        ledger = database.vault(VaultIdentity(CHAIN_ID, vault.vault, 0, world.head().hash))
        rollup = Rollup(world.client, RollupKind.NONE)
        scanner = EventScanner(world.client, ledger, deployment_of(vault), world.head())
        executor = Executor(world.client, ledger, scanner, signer, SETTINGS, timer, rollup)
        keeper = OptionKeeper(world.client, ledger, executor, signer.address, vault.venue, SETTINGS, MAX_GAS_UNITS)
        yield Desk(world, ledger, executor, keeper)


# HEDGE-634
def test_option_keeper__plan_executed__is_in_the_ledger_and_on_the_chain(desk: Desk) -> None:
    world, before = desk.world, desk.world.vault.risk()
    decided, hedge = world.head(), world.plan()
    world.vault.mine_one()
    settled = desk.keeper.trade(hedge, decided, world.head())
    assert settled is not None
    assert settled.state is IntentState.EXECUTED
    after = world.vault.risk()
    assert after.gamma < before.gamma
    assert abs(after.vega) < abs(before.vega)
    (ended,) = desk.ledger.closed_errands(5, Purpose.OPTION)
    assert ended.state is IntentState.EXECUTED
    assert desk.ledger.open_intents() == []


# HEDGE-634
def test_option_keeper__same_plan_sent_twice__trades_once(desk: Desk) -> None:
    world = desk.world
    decided, hedge = world.head(), world.plan()
    world.vault.mine_one()
    desk.keeper.trade(hedge, decided, world.head())
    held = world.vault.holdings()
    with pytest.raises(RejectedError, match="IntentOutdated"):
        desk.keeper.trade(hedge, decided, world.head())
    assert [one.size for one in world.vault.holdings()] == [one.size for one in held]


# HEDGE-634
def test_option_keeper__killed_after_sending__goes_on_with_what_it_sent(desk: Desk) -> None:
    world = desk.world
    decided, hedge = world.head(), world.plan()
    world.vault.mine_one()

    class Killed(BaseException):
        """The process ends here."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Executor, "_wait", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            desk.keeper.trade(hedge, decided, world.head())
    (record,) = desk.ledger.open_intents()
    settled = desk.executor.resume(record, lambda: desk.keeper.is_wanted(record, world.head()))
    assert settled.state is IntentState.EXECUTED
    assert len(world.vault.holdings()) == len(hedge.orders)
    assert not desk.keeper.is_wanted(record, world.head())


# HEDGE-634
def test_option_keeper__nothing_planned__sends_nothing(desk: Desk) -> None:
    hedge = replace(desk.world.plan(), orders=())
    assert desk.keeper.trade(hedge, desk.world.head(), desk.world.head()) is None
    assert desk.ledger.closed_errands(5, Purpose.OPTION) == []
