"""Each trade keeps the venue's price when it was decided and after the market has recovered, and impact follows."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import select

from agent.chain.block_id import BlockId
from agent.costs.impact import ImpactCoefficients, estimate_impact, quoted_prior
from agent.domain import BlockRef, Intent
from agent.ledger import schema
from agent.ledger.config import USUAL_TERMS
from agent.ledger.database import Database
from agent.ledger.records import (
    CycleRecord,
    FillRecord,
    IntentRecord,
    IntentState,
    LogId,
    Scan,
    Transition,
    VaultIdentity,
)
from agent.report.own_impact import own_fills
from agent.units import WAD, Address, BlockHash, IntentId, Rounding, Seconds, Wad, Wei, to_wad

VAULT = Address("0x00000000000000000000000000000000000000A1")
VENUE = Address("0x00000000000000000000000000000000000000B2")
OTHER = Address("0x00000000000000000000000000000000000000C3")
START = 1_700_000_000
TERMS = USUAL_TERMS.model_copy(update={"settling_seconds": 600})


def block_id(number: int) -> BlockId:
    return BlockId(number, BlockHash(f"0x{number:064x}"))


IDENTITY = VaultIdentity(31_337, VAULT, 1, block_id(1).hash)


def unix(number: int) -> Seconds:
    return Seconds(START + 12 * number)


def intent(number: int, arrival_price: int = 3_000 * WAD) -> IntentRecord:
    block = BlockRef(number, block_id(number).hash, unix(number), Wei(1))
    prices = ((VENUE, Wad(arrival_price)), (OTHER, Wad(1)))
    return IntentRecord(Intent(intent_id(number), VAULT, (), unix(number + 20), block), False, "0x", "", prices)


def intent_id(number: int) -> IntentId:
    return IntentId(f"0x{number:064x}")


def trade(ledger, number: int, size: int = WAD, arrival: int = 3_000 * WAD, execution: int = 3_010 * WAD) -> None:
    """Decide at a block and execute in the next one."""
    ledger.add_intent(intent(number, arrival))
    mined = block_id(number + 1)
    fill = FillRecord(LogId(mined, "0x01", 0), intent_id(number), VENUE, Wad(size), Wad(size), Wad(execution), Wad(0))
    ledger.add_scan(Scan(number + 1, mined, fills=(fill,)))
    executed = Transition(intent_id(number), IntentState.EXECUTED, mined, block_unix=unix(number + 1))
    ledger.add_transition(executed)


def cycle(number: int, price: int) -> CycleRecord:
    prices = ((VENUE, Wad(price)), (OTHER, Wad(2)))
    return CycleRecord(block_id(number), unix(number), *[Wad(0)] * 8, "held", None, 0.0, "because", mark_prices=prices)


@pytest.fixture
def database(ledger_url):
    with Database.open(ledger_url, "vault", "key", TERMS) as opened:
        yield opened


@pytest.fixture
def ledger(database):
    return database.vault(IDENTITY)


def test_trades__cycles_after_a_trade__take_the_first_price_once_it_is_settled(database, ledger):
    trade(ledger, 10)
    for number, price in ((60, 1), (61, 2_990 * WAD), (62, 3)):  # 600 s after block 11 is block 61
        ledger.add_cycle(cycle(number, price))
    for seen in (ledger, database.vault(IDENTITY)):
        [one] = seen.trades()
        assert (one.arrival_price, one.settled_price) == (3_000 * WAD, 2_990 * WAD)
        assert (one.decided_unix, one.executed_unix, one.settled_unix) == (unix(10), unix(11), unix(61))


def test_settled_prices__many_cycles_later__are_one_a_venue_that_was_traded(database, ledger):
    trade(ledger, 10)
    for number in range(61, 70):
        ledger.add_cycle(cycle(number, number))
        database.vault(IDENTITY).add_cycle(cycle(number, number))
    with database.engine.connect() as connection:
        found = connection.execute(select(schema.settled_prices.c.venue, schema.settled_prices.c.mark_price)).all()
    assert [tuple(row) for row in found] == [(VENUE, 61)]


def test_add_cycle__trade_after_the_first_cycle__is_settled_by_the_same_process(ledger):
    ledger.add_cycle(cycle(5, 1))
    trade(ledger, 10)
    ledger.add_cycle(cycle(61, 2_990 * WAD))
    assert [one.settled_price for one in ledger.trades()] == [2_990 * WAD]


def test_trades__restarted_before_it_is_settled__takes_the_price_all_the_same(database, ledger):
    trade(ledger, 10)
    ledger.add_cycle(cycle(20, 1))
    again = database.vault(IDENTITY)
    again.add_cycle(cycle(61, 2_990 * WAD))
    assert [one.settled_price for one in again.trades()] == [2_990 * WAD]


def test_trades__block_of_the_settled_price_replaced__takes_another(ledger):
    trade(ledger, 10)
    ledger.add_cycle(cycle(61, 5))
    ledger.void([block_id(61)])
    assert [one.settled_price for one in ledger.trades()] == [None]
    ledger.add_cycle(cycle(62, 6))
    assert [one.settled_price for one in ledger.trades()] == [6]


def test_trades__ledger_rebuilt_from_the_chain__knows_no_decision(ledger):
    fill = FillRecord(LogId(block_id(5), "0x01", 0), intent_id(4), VENUE, Wad(1), Wad(1), Wad(2), Wad(0))
    ledger.add_scan(Scan(1, block_id(5), fills=(fill,)))
    assert ledger.trades() == []


def test_own_fills__price_or_time_not_noted__is_left_out(ledger):
    trade(ledger, 10)
    assert own_fills(ledger.trades()) == []
    ledger.add_cycle(cycle(61, 2_990 * WAD))
    [fill] = own_fills(ledger.trades())
    assert (fill.waiting_seconds, fill.settling_seconds) == (12.0, 600.0)
    assert (fill.arrival_price_usd, fill.execution_price_usd, fill.settled_price_usd) == (3_000.0, 3_010.0, 2_990.0)


def test_estimate_impact__from_the_ledgers_trades__finds_what_moved_the_price(ledger):
    spread, temporary, permanent, draw = 2.0, 0.10, 0.03, random.Random(7)
    for number in range(10, 10 + 70 * 60, 70):
        size = draw.choice([-1, 1]) * draw.uniform(1.0, 40.0)
        sign = 1 if size > 0 else -1
        execution = 3_000.0 + sign * spread + temporary * size
        trade(ledger, number, *(to_wad(part, Rounding.DOWN) for part in (size, 3_000.0, execution)))
        ledger.add_cycle(cycle(number + 60, to_wad(3_000.0 + permanent * size, Rounding.DOWN)))
    fills = own_fills(ledger.trades())
    assert len(fills) == 60
    prior = quoted_prior(ImpactCoefficients(1.0, 0.2, 0.0), 10.0)
    found = estimate_impact(fills, prior, vol_annual=0.01, price_noise_usd=0.01).coefficients
    assert found.spread_usd == pytest.approx(spread, rel=0.02)
    assert found.temporary_usd_per_unit == pytest.approx(temporary, rel=0.02)
    assert found.permanent_usd_per_unit == pytest.approx(permanent, rel=0.05)
