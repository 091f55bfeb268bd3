"""What moves a venue's affairs on: sent where a simulation finds it of use, one a cycle, and not where it fails."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from agent.chain.abi import Call
from agent.domain import BlockRef
from agent.errors import RejectedError
from agent.execution.errand import Errand
from agent.execution.settlement import Settlement
from agent.keeper import venue_errands
from agent.keeper.alerts import AlertLog
from agent.keeper.venue_errands import VenueErrands
from agent.ledger.orders import Order
from agent.ledger.records import ClosedIntent, IntentRecord, IntentState, OrderState, Purpose, VaultIdentity
from agent.units import WAD, Address, BlockHash, IntentId, Seconds, Wad, Wei
from agent.venues import claims as claims_module
from agent.venues import delayed_collateral
from agent.venues.registry import venue_protocol

VENUE, PLAIN = "0x00000000000000000000000000000000000000B2", "0x00000000000000000000000000000000000000B3"
SENDER = Address("0x00000000000000000000000000000000000000A1")
HEAD = BlockRef(9, BlockHash("0x" + "09" * 32), Seconds(1_000), Wei(1))
DONE = Settlement(IntentState.EXECUTED, HEAD, None)


class World:
    """Client, executor and ledger: which functions a simulation finds of use, and what was sent."""

    def __init__(self, *of_use: str) -> None:
        self.of_use = set(of_use)
        self.sent: list[tuple[IntentRecord, str]] = []
        self.rests = False
        self.refusal: RejectedError | None = None
        self.found: list[Order] = []
        self.identity = VaultIdentity(31_337, SENDER, 1, BlockHash("0x01"))
        self.client = self
        entries = [SimpleNamespace(name="hyper", kind="hyperevm", address=VENUE)]
        entries.append(SimpleNamespace(name="pool", kind="curie", address=PLAIN))
        self.deployment = SimpleNamespace(venues=entries)
        execution = SimpleNamespace(
            max_gas_units=7, deadline_seconds=240, max_reverts_in_row=3, revert_rest_seconds=900
        )
        self.settings = SimpleNamespace(
            execution=execution,
            keeper=SimpleNamespace(max_failed_orders_in_row=2),
            margin=SimpleNamespace(min_margin_move_usd=Decimal(100)),
        )

    def simulate(self, sender: Address, call: Call, gas: int, head: BlockRef) -> RejectedError | None:
        assert (sender, gas, head) == (SENDER, 7, HEAD)
        assert call.to == VENUE
        return None if call.function.name in self.of_use else RejectedError("NothingToMove")

    def execute(self, record: IntentRecord, head: BlockRef, errand: Errand) -> Settlement:
        if self.refusal is not None:
            raise self.refusal
        self.sent.append((record, errand.call.function.name))
        return DONE

    def closed_errands(self, limit: int, purpose: Purpose) -> list[ClosedIntent]:
        assert purpose is Purpose.ORDER
        reverted = ClosedIntent(IntentId("0x"), IntentState.REVERTED, HEAD.timestamp, "why")
        return [reverted] * limit if self.rests else []

    def orders(self) -> list[Order]:
        return self.found

    def acknowledgements(self, subject: object) -> list[Any]:
        return []

    def transactions_of(self, intent_id: IntentId) -> list[Any]:
        return []


def errands(world: World, *, is_shadow: bool = False) -> VenueErrands:
    return VenueErrands(world, world, None if is_shadow else world, SENDER, AlertLog())


def test_run__something_is_of_use__sends_the_first_as_an_intent_without_legs():
    world = World("canary", "advance")
    errand = errands(world).run(HEAD)
    assert str(errand) == "advance of venue hyper: executed"
    [(record, name)] = world.sent
    assert (name, record.is_errand, record.is_urgent) == ("advance", True, False)
    assert (record.intent.deadline, record.reason) == (1_240, "advance of venue hyper")


def test_run__only_the_second_is_of_use__sends_that():
    world = World("canary")
    assert errands(world).run(HEAD) is not None
    assert [name for _, name in world.sent] == ["canary"]


@pytest.mark.parametrize("case", ["nothing", "shadow", "rests", "dear", "failing"])
def test_run__nothing_to_do_or_none_may__sends_nothing(case):
    world = World(*([] if case == "nothing" else ["advance", "canary"]))
    world.rests = case == "rests"
    world.refusal = RejectedError("GasTooDear") if case == "dear" else None
    if case == "failing":
        world.found = [
            Order(IntentId("0x"), Address(VENUE), str(n), OrderState.EXPIRED, Wad(1), Wad(0)) for n in (1, 2)
        ]
    assert errands(world, is_shadow=case == "shadow").run(HEAD) is None
    assert world.sent == []


def test_is_wanted__open_errand_of_a_venue__while_it_is_of_use(monkeypatch):
    world = World("advance")
    made = errands(world)
    advance, canary = made._calls
    record = SimpleNamespace(intent=SimpleNamespace(intent_id="0x"))
    for call, is_wanted in ((advance, True), (canary, False), (None, False)):
        monkeypatch.setattr(venue_errands, "errand_of", lambda _, call=call: None if call is None else Errand(call))
        assert made.is_wanted(record, HEAD) is is_wanted
    foreign = Call(Address(VENUE), "0x12345678", advance.function)
    monkeypatch.setattr(venue_errands, "errand_of", lambda _: Errand(foreign))
    assert not made.is_wanted(record, HEAD)


@pytest.mark.parametrize(("worth_usd", "is_wanted"), [(99, False), (100, True)])
def test_claim__worth_a_move_of_margin__is_sent_and_taken_up_again(monkeypatch, worth_usd, is_wanted):
    world = World("claimFunding")
    world.deployment.venues = [SimpleNamespace(name="gmx", kind="gmx", address=VENUE)]
    worth = {"claimFunding": worth_usd * WAD, "unwrap": 0}
    claims = [
        replace(claim, holder=(), worth=lambda *_, name=claim.call.name: worth[name])
        for claim in venue_protocol("gmx", "here").claims
    ]
    protocol = replace(venue_protocol("gmx", "here"), claims=tuple(claims), delayed_collateral=None)
    for module in (venue_errands, claims_module, delayed_collateral):
        monkeypatch.setattr(module, "venue_protocol", lambda *_: protocol)
    made = errands(world)
    call, _ = made._claims.calls
    monkeypatch.setattr(venue_errands, "errand_of", lambda _: Errand(call))
    assert made.is_wanted(SimpleNamespace(intent=SimpleNamespace(intent_id="0x")), HEAD) is is_wanted
    act = made.run(HEAD)
    assert ("" if act is None else str(act)) == ("claimFunding of venue gmx: executed" if is_wanted else "")
    worth["claimFunding"] = 0 if is_wanted else 1_000 * WAD
    assert made.run(HEAD) is None, "paid out, or looked at now and then"
