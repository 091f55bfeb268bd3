"""A planner connects, reads what there is to see, and hands each part of it to whoever decides on it."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.chain.rollup import GAS_PRICE_ORACLE
from agent.decision.decide import decide, decide_by_chain
from agent.decision.margin_first import margin_first
from agent.domain import Book, OptionLeg, OptionType
from agent.errors import DataError, FatalError, RejectedError, TransientError
from agent.execution.intents import build_intent
from agent.keeper import planner as planner_module
from agent.keeper.planner import CycleView, Planner, Sight
from agent.risk.settlement import Settlement
from agent.settings import Settings, load_settings
from agent.units import Rounding, Seconds, Wei, gwei_to_wei
from tests.support.decision_builders import NOW, VenueState, held, snapshot_of
from tests.unit.chain.test_state import KEEPER, OTHER, deployment

BOOK = held(20.0)
SNAPSHOT = snapshot_of(BOOK, VenueState(equity_usd=50_000.0))
STATE = SimpleNamespace(settlement_window_seconds=Seconds(0), is_paused=False)
FEE = Wei(7_000)


class Silent:
    """A reader or a rollup that answers as a test has it, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.trouble: Exception | None = None
        self.fee: Wei | None = FEE
        self.is_silent = False

    def snapshot(self, block: Any) -> tuple[Any, Any]:
        self.asked.append(("snapshot", block))
        return SNAPSHOT, STATE

    def hedge(self, block: Any) -> tuple[Any, Any]:
        self.asked.append(("hedge", block))
        return SNAPSHOT, STATE

    def usual_fee(self, *asked: Any) -> Wei | None:
        self.asked.append(("fee", *asked))
        if self.trouble is not None:
            raise self.trouble
        return self.fee


@pytest.fixture
def settings(repository: Path) -> Settings:
    return load_settings(repository / "config" / "localnet.toml", {})


@pytest.fixture
def chain() -> Silent:
    return Silent()


@pytest.fixture
def planner(settings: Settings, chain: Silent) -> Planner:
    made = Planner(settings, BOOK, chain, deployment())
    made.reader = made.rollup = chain
    return made


# --- connecting -------------------------------------------------------------------------------------------------------


class Client:
    """A client that notes what was done with it, and refuses where it is told to."""

    def __init__(self, settings: Any, refusal: BaseException | None = None) -> None:
        self.settings, self.refusal, self.done = settings, refusal, []

    def require_chain(self) -> None:
        self.done.append("checked")
        if self.refusal is not None:
            raise self.refusal

    def close(self) -> None:
        self.done.append("closed")


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> SimpleNamespace:
    """How the planner's client is made, and what manifest it finds."""
    seen = SimpleNamespace(refusal=None, client=None, manifest=deployment())

    def make(chain_settings: Any) -> Client:
        seen.client = Client(chain_settings, seen.refusal)
        return seen.client

    def load(*asked: Any) -> Any:
        assert asked == (settings.chain.manifest_file, settings.chain.chain_id)
        assert seen.client.done == ["checked"]
        if isinstance(seen.manifest, Exception):
            raise seen.manifest
        return seen.manifest

    monkeypatch.setattr(planner_module, "ChainClient", make)
    monkeypatch.setattr(planner_module, "load_deployment", load)
    return seen


@pytest.mark.parametrize(("own", "asked"), [(None, KEEPER), (OTHER, OTHER)])
def test_open__right_chain__reads_with_the_keepers_own_budget(connected, settings, own, asked):
    with Planner.open(settings, BOOK, own) as planner:
        [budget] = [call for call in planner.reader.state_calls.calls if call.function.name == "keeperBudget"]
        assert budget.data.endswith(asked.removeprefix("0x").lower())
        assert connected.client.settings is settings.chain
        assert (planner.book, planner.client, planner.deployment) == (BOOK, connected.client, connected.manifest)
        assert connected.client.done == ["checked"]
    assert connected.client.done == ["checked", "closed"]


@pytest.mark.parametrize("refusal", [DataError("wrong chain"), TransientError("silent"), KeyboardInterrupt()])
def test_open__servers_refuse__leaves_no_connection(connected, settings, refusal):
    connected.refusal = refusal
    with pytest.raises(type(refusal)):
        Planner.open(settings, BOOK)
    assert connected.client.done == ["checked", "closed"]


@pytest.mark.parametrize(
    ("kind", "quorum", "is_refused"), [("hyperevm", 2, True), ("hyperevm", 1, False), ("gmx", 2, False)]
)
def test_open__accounts_that_servers_tell_differently__are_not_compared(connected, settings, kind, quorum, is_refused):
    venue = connected.manifest.venues[0].model_copy(update={"kind": kind})
    connected.manifest = connected.manifest.model_copy(update={"venues": (venue,)})
    chain = settings.chain.model_copy(update={"rpc_quorum": 2, "rpc_state_quorum": quorum})
    changed = settings.model_copy(update={"chain": chain})
    if not is_refused:
        Planner.open(changed, BOOK).close()
        return
    with pytest.raises(DataError, match=f"rpc_state_quorum is 2.*{venue.name} differently"):
        Planner.open(changed, BOOK)
    assert connected.client.done == ["checked", "closed"]


def test_open__manifest_missing__leaves_no_connection(connected, settings):
    connected.manifest = DataError("no manifest")
    with pytest.raises(DataError, match="no manifest"):
        Planner.open(settings, BOOK)
    assert connected.client.done == ["checked", "closed"]


@pytest.mark.parametrize(("kind", "is_silent"), [("none", True), ("op-stack", False), ("arbitrum", False)])
def test_planner__configured_rollup__is_asked_what_data_costs(settings, kind, is_silent):
    chosen = settings.model_copy(update={"chain": settings.chain.model_copy(update={"rollup": kind})})
    asked: list[Any] = []

    class Answers:
        def read_or_none(self, calls: Any, block: Any) -> list[Any]:
            asked.extend(call.to for call in calls)
            return [(5,)] * len(calls)

    planner = Planner(chosen, BOOK, Answers(), deployment())
    assert planner.rollup.is_silent is is_silent
    planner.data_fee(10**6, SNAPSHOT.block)
    assert (GAS_PRICE_ORACLE in asked) is (kind == "op-stack")


def test_head__by_the_clock_that_it_is_given__is_the_clients(planner):
    planner.client = SimpleNamespace(head=lambda now: ("head", now))
    assert planner.head(lambda: 12.5) == ("head", 12.5)


# --- what there is to see ---------------------------------------------------------------------------------------------


def test_see__rollup__is_asked_for_a_usual_rebalance_beside_the_snapshot(planner, chain, settings):
    seen = planner.see(SNAPSHOT.block)
    assert seen == Sight(SNAPSHOT, STATE, data_fee_wei=FEE)
    assert seen.is_whole
    vault = deployment().contract("HedgeVault")
    assert set(chain.asked) == {
        ("snapshot", SNAPSHOT.block),
        ("fee", vault, settings.costs.rebalance_gas_units, SNAPSHOT.block),
    }


def test_see__rollup_tells_nothing__is_as_configured(planner, chain, settings):
    chain.fee = None
    costs = settings.costs.model_copy(update={"data_fee_gwei": 3})
    planner.settings = settings.model_copy(update={"costs": costs})
    assert planner.see(SNAPSHOT.block).data_fee_wei == gwei_to_wei(3, Rounding.UP)


def test_see__no_rollup__is_as_configured_and_not_asked_for(planner, chain, settings):
    chain.is_silent = True
    costs = settings.costs.model_copy(update={"data_fee_gwei": 3})
    planner.settings = settings.model_copy(update={"costs": costs})
    assert planner.see(SNAPSHOT.block).data_fee_wei == gwei_to_wei(3, Rounding.UP)
    assert chain.asked == [("snapshot", SNAPSHOT.block)]


@pytest.mark.parametrize("trouble", [TransientError("late"), DataError("odd"), RejectedError("Odd"), FatalError("no")])
def test_see__data_fee_cannot_be_read__is_seen_without_and_asked_for_anew(planner, chain, trouble):
    """Margin, which comes first, needs none; whoever reckons costs meets the trouble then."""
    chain.trouble = trouble
    seen = planner.see(SNAPSHOT.block)
    assert seen.data_fee_wei is None
    with pytest.raises(type(trouble)):
        planner.decide(seen)
    chain.trouble = None
    assert planner.decide(seen).costs.data_fee_wei == FEE


def test_see__a_defect_of_ours__is_not_hidden(planner, chain):
    chain.trouble = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        planner.see(SNAPSHOT.block)


def test_see_accounts__is_what_can_be_read_without_the_book_and_not_whole(planner, chain):
    seen = planner.see_accounts(SNAPSHOT.block)
    assert (seen.snapshot, seen.state, seen.is_whole, seen.block) == (SNAPSHOT, STATE, False, SNAPSHOT.block)
    assert chain.asked == [("hedge", SNAPSHOT.block)]


# --- deciding ---------------------------------------------------------------------------------------------------------


def expected_costs(settings: Settings, fee: int) -> Any:
    priority = settings.execution.priority_fee_gwei
    return replace(settings.costs.to_cost_inputs(SNAPSHOT.measurement.price, priority), data_fee_wei=fee)


@pytest.mark.parametrize("known", [None, Wei(0), Wei(9)])
def test_decide__data_fee_known_or_not__is_reckoned_with(planner, settings, known):
    view = planner.decide(Sight(SNAPSHOT, STATE, data_fee_wei=known))
    costs = expected_costs(settings, FEE if known is None else known)
    parameters = settings.to_decision_parameters(6)
    assert view.costs == costs
    assert view.decision == decide(SNAPSHOT, BOOK, settings.policy.build(), costs, parameters, Settlement(Seconds(0)))
    assert (view.snapshot, view.state) == (SNAPSHOT, STATE)
    assert isinstance(view, CycleView)


def test_look__block__is_seen_and_decided(planner):
    assert planner.look(SNAPSHOT.block).decision == planner.decide(planner.see(SNAPSHOT.block)).decision


def test_decide_by_chain__mismatch__leaves_the_book_out(planner, settings):
    view = planner.decide_by_chain(Sight(SNAPSHOT, STATE, data_fee_wei=FEE), "they differ")
    costs, parameters = expected_costs(settings, FEE), settings.to_decision_parameters(6)
    assert view.decision == decide_by_chain(SNAPSHOT, costs, parameters, "they differ")
    assert "they differ" in view.decision.reason
    assert (view.costs, view.state) == (costs, STATE)


@pytest.mark.parametrize("way", ["decide", "decide_by_chain"])
def test_decide__takes_a_quarter_of_a_second__says_so(planner, monkeypatch, way):
    """By a clock that moves a quarter at each look: the decision alone is between two looks."""
    ticks = itertools.count(100.0, 0.25)
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    sight = Sight(SNAPSHOT, STATE, data_fee_wei=FEE)
    view = planner.decide(sight) if way == "decide" else planner.decide_by_chain(sight, "they differ")
    assert view.decision_seconds == 0.25


def option(expiry_unix: int) -> OptionLeg:
    return OptionLeg(OptionType.CALL, 3_000.0, Seconds(expiry_unix), -10.0, 0.7, 0.68, 0.72, "calls")


def test_settling_expiries__window_of_half_an_hour__those_that_expire_within(planner):
    """Neither at this very moment nor at the window's first: of 1,800 s, 1 to 1,799 are left."""
    after = (-1, 0, 1, 1_799, 1_799, 1_800, 86_400)
    planner.book = Book("ETH", tuple(option(NOW + seconds) for seconds in after))
    sight = Sight(SNAPSHOT, SimpleNamespace(settlement_window_seconds=Seconds(1_800)))
    assert planner.settling_expiries(sight) == (NOW + 1, NOW + 1_799)
    assert planner.settling_expiries(Sight(SNAPSHOT, STATE)) == ()


def test_disagreement__book_that_the_chain_does_not_see__is_said(planner):
    sight = Sight(SNAPSHOT, STATE)
    assert planner.disagreement(BOOK, sight) is None
    assert planner.disagreement(held(21.0), sight) is not None
    assert planner.disagreement(held(20.0009), sight) is None  # the tolerance is 0.001 ETH
    assert planner.disagreement(held(20.002), sight) is not None


STRAINED = snapshot_of(BOOK, VenueState(size=-20.0, equity_usd=12_000.0))


@pytest.mark.parametrize("is_whole", [True, False])
def test_margin_first__strained_account__trades_only_where_all_is_seen(planner, settings, is_whole):
    routing = settings.to_decision_parameters(6).routing
    wanted = planner.margin_first(Sight(STRAINED, STATE, is_whole=is_whole))
    assert wanted == margin_first(STRAINED, routing, may_trade=is_whole)
    assert wanted is not None
    assert planner.margin_first(Sight(SNAPSHOT, STATE)) is None


def test_flatten__position__is_closed_on_its_venue(planner):
    sight = Sight(snapshot_of(held(0.0), VenueState(size=-20.0, equity_usd=60_000.0)), STATE)
    [leg] = planner.flatten(sight).legs
    assert leg.size_delta == 20 * 10**18


def test_intent_of__proposal__is_of_the_blocks_vault_and_the_configured_deadline(planner, settings):
    view = planner.decide(Sight(SNAPSHOT, STATE, data_fee_wei=FEE))
    assert planner.intent_of(view, view.decision) == build_intent(
        SNAPSHOT, view.decision, settings.execution.deadline_seconds
    )
