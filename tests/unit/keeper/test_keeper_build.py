"""How a keeper is put together: what is checked before it may send, and what is given back when that fails."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.chain.block_id import BlockId
from agent.domain import BlockRef
from agent.errors import DataError, RejectedError
from agent.execution.settlement import Timer
from agent.execution.signer import load_signer
from agent.keeper import keeper as keeper_module
from agent.keeper.alerts import AlertEvent
from agent.keeper.keeper import Keeper
from agent.ledger.database import Database
from agent.ledger.records import AccountEventRecord, LogId, VaultIdentity
from agent.settings import Settings, load_settings
from agent.units import Address, BlockHash, Seconds, Wad, Wei
from agent.venues.protocol import AccountEventKind
from tests.support.decision_builders import held, wad
from tests.unit.chain.test_state import ACCESS, FIRST, KEEPER, VAULT, deployment

BOOK = held(1.0)
KEY = "0x" + "11" * 32
ENVIRONMENT = {"EVENKEEL_KEEPER_KEY": KEY}
HEAD = BlockRef(90, BlockHash("0x" + "90" * 32), Seconds(1_000), Wei(7 * 10**9))
FIRST_BLOCK = BlockRef(1, BlockHash("0x" + "01" * 32), Seconds(10), Wei(1))
CLOCK = Timer(unix_seconds=lambda: 1_234.0)


class World:
    """A chain with a vault, and the planner that has connected to it."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.deployment, self.book = settings, deployment(), BOOK
        self.deployment = self.deployment.model_copy(update={"venues": []})
        self.client = self.reader = self
        self.rollup = SimpleNamespace(is_silent=True)
        self.refusal: RejectedError | None = None
        self.balance, self.fee = Wei(10**18), Wei(5_000)
        self.closed = 0
        self.seen: list[Any] = []

    # --- planner ---

    def open(self, settings: Settings, book: Any, own: Address | None) -> World:
        self.seen.append(("open", settings is self.settings, book, own))
        return self

    def head(self, unix_seconds: Any) -> BlockRef:
        assert unix_seconds() == 1_234.0
        return HEAD

    def data_fee(self, gas_units: int, block: BlockRef) -> Wei:
        assert (gas_units, block) == (self.settings.costs.rebalance_gas_units, HEAD)
        return self.fee

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- client ---

    def block(self, number: int) -> BlockRef:
        assert number == self.deployment.block
        return FIRST_BLOCK

    def read(self, calls: Any, block: BlockRef) -> list[Any]:
        self.seen += [(call.function.name, call.to, call.data[-40:], block) for call in calls]
        if calls and self.refusal is not None:
            raise self.refusal
        return [()] * len(calls)

    def account(self, address: Address, block: BlockRef) -> tuple[int, int, Wei]:
        assert (address, block) == (OWN, HEAD)
        return 3, 4, self.balance


OWN = load_signer(ENVIRONMENT, 31_337).address


@pytest.fixture(scope="module")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of today's schema, copied for each test: to build one takes longer than the test."""
    file = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    Database.open(f"sqlite:///{file}", "vault", "key").close()
    return file


@pytest.fixture
def settings(repository: Path, tmp_path: Path, empty_ledger: Path) -> Settings:
    plain = load_settings(repository / "config" / "localnet.toml", {})
    shutil.copy(empty_ledger, tmp_path / "ledger.sqlite")
    return plain.with_ledger_url(f"sqlite:///{tmp_path}/ledger.sqlite")


@pytest.fixture
def world(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(settings)
    monkeypatch.setattr(keeper_module, "Planner", made)
    return made


def build(world: World, **how: Any) -> Keeper:
    return Keeper.build(world.settings, BOOK, ENVIRONMENT, CLOCK, **how)


def test_build__able_key__is_checked_at_the_head_and_serves_its_vault(world):
    with build(world) as keeper:
        assert world.seen[:2] == [
            ("open", True, BOOK, OWN),
            ("requireKeeper", ACCESS, OWN.removeprefix("0x").lower(), HEAD),
        ]
        assert (keeper.address, keeper.is_shadow) == (OWN, False)
        assert keeper.ledger.identity == VaultIdentity(31_337, VAULT, 1, FIRST_BLOCK.hash)
        assert keeper.lease.epoch == 2
        assert world.closed == 0
    assert world.closed == 1
    assert keeper.lease.epoch == 0


def test_build__shadow__needs_neither_key_nor_role_and_is_the_manifests_keeper(world):
    world.refusal, world.balance = RejectedError("NotKeeper"), Wei(0)
    with Keeper.build(world.settings, BOOK, {}, CLOCK, is_shadow=True) as keeper:
        assert world.seen[0] == ("open", True, BOOK, None)
        assert (keeper.address, keeper.is_shadow, keeper._executor) == (KEEPER, True, None)
        assert [name for name, *_ in world.seen] == ["open"]


def test_build__key_without_role__is_refused_with_the_delay_of_a_grant(world):
    world.refusal = RejectedError("NotKeeper")
    with pytest.raises(DataError, match=rf"key {OWN} is no keeper of the vault \(NotKeeper\(\)\).*waits 86400 s"):
        build(world)
    assert world.closed == 1


@pytest.mark.parametrize(("short", "fee"), [(0, 5_000), (1, 5_000), (0, 0), (1, 0)])
def test_build__gas_money__is_that_of_one_rebalance_with_tip_and_data(world, short, fee):
    """Gas at the head's base fee of 7 gwei and the configured tip, and the rollup's charge; one wei less is refused."""
    tip = int(world.settings.execution.priority_fee_gwei * 10**9)
    needed = world.settings.costs.rebalance_gas_units * (7 * 10**9 + tip) + fee
    world.fee, world.balance = Wei(fee), Wei(needed - short)
    if not short:
        build(world).close()
        return
    with pytest.raises(DataError, match="send it gas money"):
        build(world)
    assert world.closed == 1


@pytest.mark.parametrize("other", [{"is_shadow": False}, {"is_shadow": True}])
def test_build__vault_is_served_already__is_refused_and_its_connections_closed(world, other):
    with build(world):
        with pytest.raises(DataError, match=f"(vault 31337 {VAULT}|key 31337 {OWN}) is in use by another"):
            build(world, **other)
        assert world.closed == 1
    build(world).close()


def test_build__key_of_another_vaults_keeper__is_refused(world):
    """One key signs for one vault at a time: two would take the same nonce."""
    names = "31337 another vault", f"31337 {OWN}"
    with (
        Database.open(world.settings.ledger.url, *names, world.settings.ledger),
        pytest.raises(DataError, match=f"key 31337 {OWN} is in use by another keeper"),
    ):
        build(world)


def test_build__shadow_beside_a_keeper_of_another_vault__is_let_in(world):
    names = "31337 another vault", f"31337 {OWN}"
    with Database.open(world.settings.ledger.url, *names, world.settings.ledger):
        build(world, is_shadow=True).close()


def test_build__stands_by__waits_for_the_lease(world, monkeypatch):
    asked: list[Any] = []

    def opens(*arguments: Any) -> Any:
        asked.append(arguments)
        raise DataError("seen")

    monkeypatch.setattr(keeper_module.Database, "open", opens)
    standby = object()
    for given in (standby, None):
        with pytest.raises(DataError, match="seen"):
            build(world, standby=given)
    waits, refuses = (arguments[-1] for arguments in asked)
    assert waits is standby
    assert refuses is None
    assert asked[0][:4] == (
        world.settings.ledger.url, f"31337 {VAULT}", f"31337 {OWN}", world.settings.ledger
    )  # fmt: skip


@pytest.mark.parametrize("starts_on_mismatch", [True, False])
def test_build__book_and_chain_may_disagree__only_where_that_was_asked_for(world, starts_on_mismatch):
    watch = SimpleNamespace()
    with build(world, watch=watch, starts_on_mismatch=starts_on_mismatch) as keeper:
        assert keeper._decider._goes_by_chain is starts_on_mismatch
        assert keeper._decider._watch is watch


def test_build__nothing_said__starts_by_the_book_alone(world):
    with build(world) as keeper:
        assert keeper._decider._goes_by_chain is False
        assert keeper._decider._watch is None


def test_keeper__put_together_by_hand__starts_by_the_book_too(world):
    names = f"31337 {VAULT}", "31337 shadow"
    with Database.open(world.settings.ledger.url, *names, world.settings.ledger) as database:
        keeper = Keeper(world, database, None, FIRST_BLOCK, CLOCK)
        assert (keeper.is_shadow, keeper._decider._goes_by_chain) == (True, False)


# --- what happens to a venue's account --------------------------------------------------------------------------------


def test_account_event__read_by_the_scanner__is_told_by_the_venues_name(world, monkeypatch):
    with build(world) as keeper:
        told: list[tuple[AlertEvent, str]] = []
        monkeypatch.setattr(keeper.alerts, "tell", lambda *alerted: told.append(alerted))
        at = LogId(BlockId.of(HEAD), "0x01", 0)
        deposit = AccountEventRecord(at, FIRST, AccountEventKind.DEPOSIT, size_delta=Wad(0), cash=wad(5))
        monkeypatch.setattr(keeper.planner, "deployment", deployment())
        keeper._scanner.on_account_events([deposit])
    [name] = [entry.name for entry in deployment().venues if entry.address == FIRST]
    words = f"account at {name}: deposit in block 90, position by +0, cash by +5.00 USD; transaction 0x01"
    assert told == [(AlertEvent.ACCOUNT_CHANGED, words)]


# --- what orders have come to -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("intent_id", [None, "0x" + "22" * 32])
def test_caught_up__result_of_a_cycle__has_the_fills_and_the_state_of_now(world, monkeypatch, intent_id):
    with build(world) as keeper:
        scanned: list[BlockRef] = []
        monkeypatch.setattr(keeper._scanner, "scan", scanned.append)
        monkeypatch.setattr(keeper.ledger, "fills_of", lambda asked: [f"fill of {asked}"])
        world.state = lambda block: f"state at {block.number}"
        result = keeper_module.CycleResult(FIRST_BLOCK, keeper_module.Outcome.EXECUTED, "", 0.0, intent_id=intent_id)
        caught_up = keeper.caught_up(result)
    assert scanned == [HEAD]
    assert caught_up.fills == (() if intent_id is None else (f"fill of {intent_id}",))
    assert caught_up.after == "state at 90"
    assert caught_up.block == FIRST_BLOCK
