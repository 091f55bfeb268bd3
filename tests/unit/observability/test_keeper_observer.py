"""What the observer tells of a keeper's cycles: failures that last, an intent that sticks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from agent.chain.breaker import BreakerState, EndpointHealth
from agent.domain import BlockRef, Book
from agent.errors import DataError, RejectedError, TransientError, VenuesSilentError
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.accounting import NavCheck
from agent.ledger.records import ClosedIntent, IntentState
from agent.observability.heartbeat import Heartbeat
from agent.observability.keeper_observer import KeeperObserver, mirror_words
from agent.settings import load_settings
from agent.units import Address, BlockHash, IntentId, Seconds, Wad, Wei

WAD = 10**18
BLOCK = BlockRef(7, BlockHash("0x" + "ab" * 32), Seconds(10_000), Wei(1))
HELD = CycleResult(BLOCK, Outcome.HELD, "inside the band", 0.1)
REVERTED = replace(HELD, outcome=Outcome.PENDING, resumed=IntentState.REVERTED, reason="SlippageExceeded()")
SENT = SimpleNamespace(transaction_hash="0x0a", nonce=7, sender="0x2", max_fee_wei=3_500_000_000)
BLIND = replace(HELD, outcome=Outcome.REJECTED, reason="cannot be read: PriceUnhealthy()")


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class PagerDouble:
    """Writes down what it is told."""

    undelivered_count = 0

    def __init__(self) -> None:
        self.told: list[str] = []
        self.texts: dict[str, str] = {}

    def tell(self, alert) -> bool:
        self.texts[alert.name] = alert.text
        if alert.name not in self.told:
            self.told.append(alert.name)
        return True

    def resolve(self, name: str, text: str) -> None:
        self.told.append(f"resolved {name}")


def health_of(name: str, state: BreakerState) -> EndpointHealth:
    return EndpointHealth(name, state, 9, 5, 2, 0.25, 5_000, 100, 3, f"{name} did not answer")


class ClientDouble:
    """Tells of two endpoints, one of them out of use."""

    def health(self):
        return (health_of("http://a", BreakerState.CLOSED), health_of("http://b", BreakerState.OPEN))


class QuietClientDouble:
    """Has no endpoint to tell of."""

    def health(self):
        return ()


@dataclass
class Observed:
    """An observer over a keeper that is told what it did."""

    observer: KeeperObserver
    pager: PagerDouble
    clock: Clock
    registry: CollectorRegistry
    open_intents: list
    alerts: AlertLog
    closed_intents: list

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"evenkeel_{name}", labels)


@pytest.fixture
def make(repository):
    settings = load_settings(repository / "config" / "localnet.toml", {})

    def build(client=None) -> Observed:
        opened: list = []
        closed: list = []
        identity = SimpleNamespace(address=Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"))
        ledger = SimpleNamespace(
            identity=identity,
            open_intents=lambda: opened,
            closed_intents=lambda limit: closed[:limit],
            states_of=lambda intent_id: [IntentState.SENT],
            transactions_of=lambda intent_id: [SENT],
        )
        planner = SimpleNamespace(settings=settings, client=client or QuietClientDouble(), book=Book("ETH", ()))
        lease, alerts = SimpleNamespace(epoch=4), AlertLog()
        keeper = SimpleNamespace(
            planner=planner, address=ledger.identity.address, ledger=ledger, lease=lease, alerts=alerts
        )
        pager, clock, registry = PagerDouble(), Clock(), CollectorRegistry()
        observer = KeeperObserver(keeper, registry, pager, Heartbeat(60.0, clock), "run", clock)
        return Observed(observer, pager, clock, registry, opened, alerts, closed)

    return build


def test_on_trouble__failures_that_last__are_told_and_resolved(make):
    seen = make()
    assert seen.observer.readiness().is_good is False
    seen.observer.on_result(HELD)
    assert seen.observer.readiness().is_good is True
    seen.observer.on_trouble(TransientError("the node does not\nanswer"))
    assert seen.observer.readiness() == (False, "the node does not answer")
    seen.clock.seconds = 299.0
    seen.observer.on_trouble(DataError("book and chain disagree"))
    assert seen.pager.told == []
    seen.clock.seconds = 300.0
    seen.observer.on_trouble(DataError("book and chain disagree"))
    assert seen.pager.told == ["cycles_failing"]
    assert seen.value("alert_active", alert="cycles_failing") == 1.0
    seen.observer.on_result(HELD)
    assert seen.pager.told == ["cycles_failing", "resolved cycles_failing"]
    assert seen.value("cycle_failures_total", kind="DataError") == 2.0
    assert seen.value("alert_active", alert="cycles_failing") == 0.0


def test_on_result__vault_cannot_be_read__counts_as_failing(make):
    seen = make()
    seen.observer.on_result(BLIND)
    seen.clock.seconds = 300.0
    seen.observer.on_result(BLIND)
    assert seen.pager.told == ["cycles_failing"]
    assert seen.observer.readiness().words == BLIND.reason


def test_on_result__price_is_not_believed__is_told_at_once_and_by_name(make):
    seen = make()
    seen.observer.on_result(replace(BLIND, rejection=RejectedError("PriceStale", {"ageSeconds": 3_742})))
    assert seen.pager.told == ["oracle_unhealthy"]
    seen.observer.on_result(replace(BLIND, rejection=RejectedError("SourceFailed", {"source": "0xabc"})))
    assert seen.pager.told == ["oracle_unhealthy", "resolved oracle_unhealthy", "delta_unknown"]


def test_on_trouble__no_venue_answers__is_told_at_once(make):
    seen = make()
    seen.observer.on_trouble(VenuesSilentError("curie does not answer"))
    assert seen.pager.told == ["venue_silent"]
    seen.observer.on_trouble(DataError("no venue quotes buys of 7"))
    assert seen.pager.told == ["venue_silent"]


def test_on_result__reverts__are_counted(make):
    seen = make()
    for _ in range(3):
        seen.observer.on_result(REVERTED)
    assert seen.value("reverts_total") == 3.0


def test_on_result__nonce_taken_by_a_stranger__is_told_until_the_next_intent_ends(make):
    seen = make()
    taken = ClosedIntent(
        IntentId("0x1"), IntentState.SUPERSEDED, Seconds(1), "its nonce was taken by an unknown transaction"
    )
    seen.closed_intents.insert(0, taken)
    seen.observer.on_result(HELD)
    assert seen.pager.told == ["key_used_elsewhere"]
    seen.closed_intents.insert(0, ClosedIntent(IntentId("0x1"), IntentState.EXECUTED, Seconds(2), ""))
    seen.observer.on_result(HELD)
    assert seen.pager.told == ["key_used_elsewhere", "resolved key_used_elsewhere"]


def test_on_result__nonce_taken_and_hedged_anew_in_one_cycle__is_told(make):
    seen = make()
    seen.closed_intents.insert(0, ClosedIntent(IntentId("0x1"), IntentState.EXECUTED, Seconds(2), ""))
    seen.observer.on_result(replace(HELD, resumed=IntentState.SUPERSEDED))
    assert seen.pager.told == ["key_used_elsewhere"]


@pytest.mark.parametrize(("age", "told"), [(480, []), (481, ["intent_stuck"])])
def test_on_result__open_intent__sticks_after_twice_its_deadline(make, age, told):
    seen = make()
    block = replace(BLOCK, timestamp=Seconds(BLOCK.timestamp - age))
    intent = SimpleNamespace(intent_id="0x1", decided_at_block=block)
    seen.open_intents.append(SimpleNamespace(intent=intent, reason="because"))
    seen.observer.on_result(HELD)
    assert seen.pager.told == told
    if told:
        words = seen.pager.texts["intent_stuck"]
        assert words.startswith("intent 0x1 has been sent for 481 s, and should have ended after 240: because; ")
        assert "transaction 0x0a, nonce 7 of key 0x2, pays up to 3.5 gwei where the base fee is 1e-09 gwei" in words
    assert seen.value("intent_age_seconds") == age
    assert seen.value("intent_state", state="sent") == 1.0
    seen.open_intents.clear()
    seen.observer.on_result(HELD)
    assert seen.value("intent_state", state="sent") == 0.0
    assert seen.value("intent_state", state="none") == 1.0


@pytest.mark.parametrize(
    ("outcome", "rejection", "differ"),
    [
        (
            Outcome.REJECTED,
            RejectedError("CooldownActive"),
            "foresaw that the chain takes it, and the chain answers C",
        ),
        (Outcome.REJECTED, None, "foresaw that the chain takes it, and the chain answers that it takes it"),
        (Outcome.EXECUTED, None, "fed with what was measured, would have refused what the chain took, or left other"),
    ],
)
def test_mirror_words__mirror_and_chain_differ__say_both_and_of_what(outcome, rejection, differ):
    result = replace(HELD, outcome=outcome, rejection=rejection, intent_id=IntentId("0x5"), guard_mirror_mismatch=True)
    assert mirror_words(result).startswith(f"of intent 0x5, decided at block 7, the guard's mirror {differ}")


def test_on_result__ledger_and_chain_differ__is_shown(make):
    seen = make()
    ledger, chain = Wad(100_050 * WAD), Wad(100_000 * WAD)
    seen.observer.on_result(replace(HELD, nav=NavCheck(ledger, ledger, chain, chain)))
    assert seen.value("nav_error_bps") == 5.0


def test_on_result__keeper_has_an_alert_up__is_shown_by_name(make):
    seen = make()
    seen.observer.on_result(HELD)
    assert seen.value("alert_active", alert="nav_break") == 0.0
    seen.alerts.raise_alert(AlertEvent.NAV_BREAK, "apart", Seconds(1))
    seen.observer.on_result(HELD)
    assert seen.value("alert_active", alert="nav_break") == 1.0


def test_on_result__client_that_counts__shows_its_endpoints(make):
    seen = make(ClientDouble())
    seen.observer.on_result(HELD)
    assert seen.pager.told == ["endpoint_failing"]
    assert seen.pager.texts["endpoint_failing"] == "out of use: http://b (did not answer)"
    assert seen.value("endpoint_lag_blocks", endpoint="http://a") == 3.0
    assert seen.value("endpoint_breaker_open", endpoint="http://b") == 1.0
    assert seen.value("endpoint_disagreements", endpoint="http://b") == 2.0
    assert seen.value("lease_epoch") == 4.0


def test_health__cycle_is_late__says_so(make):
    seen = make()
    seen.observer.on_result(HELD)
    seen.clock.seconds += 61.0
    assert seen.observer.health() == (False, "the cycle is 1 s late")
