"""NAV by double entry, checked by hand: 10 ETH bought at $3,000 for a fee of $30 on a margin of $20,000."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.block_id import BlockId
from agent.chain.state import ChainState, VenueState
from agent.domain import BlockRef, Measurement, VenueMeasurement
from agent.ledger.accounting import Accounts, Correction, VenueAccount, check_nav, corrections
from agent.ledger.records import (
    AccountEventRecord,
    CashFlowKind,
    CashFlowRecord,
    FillRecord,
    FundingRecord,
    LogId,
    Scan,
)
from agent.units import WAD, Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei
from agent.venues.protocol import AccountEventKind
from tests.support.decision_builders import BOUNDS, USAGE, measured_venue
from tests.support.decision_builders import VenueState as Worth

VENUE = Address("0x00000000000000000000000000000000000000B2")
OTHER = Address("0x00000000000000000000000000000000000000C3")
USDC = 10**6
AT = LogId(BlockId(1, BlockHash("0x01")), "0x02", 0)


def usd(amount: float) -> Wad:
    return Wad(round(amount * 10**6) * 10**12)


def flow(kind: CashFlowKind, dollars: int, venue: Address | None = None) -> CashFlowRecord:
    return CashFlowRecord(AT, kind, venue, AssetUnits(dollars * USDC))


def fill(size: float, price: float, fee: float, venue: Address = VENUE) -> FillRecord:
    return FillRecord(AT, IntentId("0x03"), venue, usd(size), usd(size), usd(price), usd(fee))


EVENTS = {
    "cash_flows": (
        flow(CashFlowKind.DEPOSIT, 100_000),
        flow(CashFlowKind.WITHDRAWAL, -5_000),
        flow(CashFlowKind.MARGIN, 25_000, VENUE),
        flow(CashFlowKind.MARGIN, -5_000, VENUE),
    ),
    "fills": (fill(10.0, 3_000.0, 30.0),),
    "funding": (FundingRecord(AT, VENUE, usd(12.0)),),
}
BOOKED = Accounts().after(Scan(1, AT.block, **EVENTS))


def venue_state(mark: float, index: float, accrued: float = 0.0) -> VenueState:
    return VenueState(
        address=VENUE,
        name="curie",
        size=usd(10.0),
        mark_price=usd(mark),
        index_price=usd(index),
        funding_accrued=usd(accrued),
        funding_rate_per_day=Wad(0),
        free_collateral=AssetUnits(0),
        max_funding_rate_per_day=Wad(0),
    )


def measured(low: float, high: float, price: float = 3_000.0, deviation_bps: int = 0) -> VenueMeasurement:
    """What the chain says of a venue that is worth ``low`` to ``high``."""
    plain = measured_venue(Worth(equity_usd=low, mark_usd=price, index_usd=price), usd(price), deviation_bps)
    return replace(plain, equity_low=usd(low), equity_high=usd(high))


def chain_state(
    *venues: tuple[VenueState, VenueMeasurement], idle: int = 75_000, flows: int = 95_000, deviation_bps: int = 0
) -> ChainState:
    price, zero = usd(3_000.0), Wad(0)
    return ChainState(
        block=BlockRef(1, BlockHash("0x01"), Seconds(1), Wei(1)),
        measurement=Measurement(price, False, *(zero,) * 6, tuple(one for _, one in venues)),
        usage=USAGE,
        bounds=BOUNDS,
        idle_assets=AssetUnits(idle * USDC),
        net_flows=AssetUnits(flows * USDC),
        deviation_bps=deviation_bps,
        oracle_updated_at=Seconds(1),
        is_paused=False,
        is_keeper=True,
        venues=tuple(state for state, _ in venues),
    )


ABOVE = venue_state(mark=3_010.0, index=3_000.0)
"""Worth 19,958 at the index and 20,058 at the mark."""


def test_accounts__events_booked__add_up():
    assert BOOKED.idle_assets == 75_000 * USDC
    account = BOOKED.venues[VENUE]
    assert (account.size, account.margin_assets) == (10 * WAD, 20_000 * USDC)
    assert (account.fees, account.funding_paid) == (30 * WAD, 12 * WAD)


def test_accounts__events_in_parts__add_up_to_the_same():
    parts = Accounts()
    for part in ({"cash_flows": EVENTS["cash_flows"]}, {"fills": EVENTS["fills"]}, {"funding": EVENTS["funding"]}):
        parts = parts.after(Scan(1, AT.block, **part))
    assert parts == BOOKED


def test_worth__price_moved__is_margin_profit_less_fee_and_funding():
    # 20,000 + 10 x (3,100 - 3,000) - 30 - 12 + 5 accrued
    assert BOOKED.venues[VENUE].worth(usd(3_100.0), usd(5.0), 6) == usd(20_963.0)


def test_worth__short_position__gains_from_a_fall():
    short = Accounts().booked([fill(-10.0, 3_000.0, 30.0)], [], []).venues[VENUE]
    assert short.worth(usd(2_900.0), Wad(0), 6) == usd(970.0)


def test_worth__fraction_of_a_wei__rounds_down():
    account = VenueAccount(size=1, traded=0)
    assert account.worth(Wad(WAD - 1), Wad(0), 6) == 0
    assert replace(account, size=-1).worth(Wad(1), Wad(0), 6) == -1


def test_check_nav__mark_above_index__low_is_at_index_and_high_at_mark():
    check = check_nav(BOOKED, chain_state((ABOVE, measured(19_958.0, 20_058.0))), 6)
    assert (check.ledger_low, check.ledger_high) == (usd(94_958.0), usd(95_058.0))
    assert (check.chain_low, check.chain_high) == (check.ledger_low, check.ledger_high)
    assert check.error_bps == 0.0


def test_check_nav__feed_that_may_lag__widens_both_ends():
    # 1 % of 3,000 on either side of index and oracle: 10 x 30 below 19,958, and above it
    venue = measured(19_658.0, 20_258.0, deviation_bps=100)
    assert check_nav(BOOKED, chain_state((ABOVE, venue), deviation_bps=100), 6).error_bps == 0.0


@pytest.mark.parametrize(("low_error", "high_error"), [(9.4958, 0.0), (0.0, 9.4958), (-9.4958, 0.0)])
def test_check_nav__one_basis_point_apart_on_either_side__is_one(low_error, high_error):
    state = chain_state((ABOVE, measured(19_958.0 + low_error, 20_058.0 + high_error)))
    assert check_nav(BOOKED, state, 6).error_bps == pytest.approx(1.0, rel=1e-3)


def test_check_nav__venue_under_water__counts_nothing():
    state = chain_state((venue_state(mark=900.0, index=950.0), measured(-1_042.0, -542.0, price=900.0)))
    assert check_nav(BOOKED, state, 6).error_bps == 0.0


@pytest.mark.parametrize(("error", "error_bps"), [(0.0, 0.0), (9.4958, 1.0), (-9.4958, 1.0)])
def test_check_nav__order_waits__both_sides_are_at_the_price_judged(error, error_bps):
    """What the order may come to is in neither: the account at 3,000 beside what the venue says it is worth."""
    waits = replace(measured(1.0, 99_999.0), equity=usd(19_958.0 + error), size_low=usd(10.0), size_high=usd(14.0))
    check = check_nav(BOOKED, chain_state((ABOVE, waits)), 6)
    assert check.ledger_low == check.ledger_high == usd(94_958.0)
    assert check.chain_low == check.chain_high == usd(94_958.0 + error)
    assert check.error_bps == pytest.approx(error_bps, rel=1e-3)


def test_check_nav__order_waits_on_an_account_under_water__counts_nothing():
    under = replace(measured(1.0, 2.0, price=900.0), equity=usd(-50.0), size_low=usd(10.0), size_high=usd(14.0))
    check = check_nav(BOOKED, chain_state((venue_state(900.0, 900.0), under)), 6)
    assert (check.ledger_low, check.ledger_high) == (usd(75_000.0), usd(75_000.0))
    assert (check.chain_low, check.chain_high) == (usd(75_000.0), usd(75_000.0))


def test_check_nav__order_waits_on_one_venue__the_others_count_as_ever():
    waits = replace(measured(1.0, 2.0), equity=usd(19_958.0), size_low=usd(10.0), size_high=usd(14.0))
    other = replace(venue_state(3_000.0, 3_000.0, accrued=50.0), address=OTHER, size=Wad(0))
    check = check_nav(BOOKED, chain_state((ABOVE, waits), (other, measured(50.0, 50.0))), 6)
    assert (check.ledger_low, check.chain_low) == (usd(95_008.0), usd(95_008.0))


def test_excess__ledger_and_chain__is_what_the_ledger_has_more():
    check = check_nav(BOOKED, chain_state((ABOVE, measured(19_958.0 - 7.0, 20_058.0))), 6)
    assert check.excess == usd(7.0)


def test_check_nav__silent_venue__counts_nothing():
    silent = replace(measured(0.0, 0.0), is_silent=True)
    check = check_nav(BOOKED, chain_state((replace(ABOVE, mark_price=Wad(0)), silent)), 6)
    assert (check.ledger_low, check.chain_low, check.error_bps) == (usd(75_000.0), usd(75_000.0), 0.0)


def test_check_nav__sent_to_the_vault_unasked__counts_in_neither():
    state = chain_state((ABOVE, measured(19_958.0, 20_058.0)), idle=75_407)
    assert check_nav(BOOKED, state, 6).error_bps == 0.0


def test_check_nav__deposit_the_ledger_has_not__is_an_error():
    state = chain_state((ABOVE, measured(19_958.0, 20_058.0)), idle=76_000, flows=96_000)
    assert check_nav(BOOKED, state, 6).error_bps == pytest.approx(1_000 / 95_958 * 10_000)


def test_check_nav__empty_vault__has_no_error_and_anything_else_has_all():
    empty = chain_state(idle=0, flows=0)
    assert check_nav(Accounts(), empty, 6).error_bps == 0.0
    funded = Accounts().booked([], [flow(CashFlowKind.DEPOSIT, 100)], [])
    assert check_nav(funded, empty, 6).error_bps == 10_000.0


def test_check_nav__venue_never_touched__is_worth_its_accrual_alone():
    other = replace(venue_state(3_000.0, 3_000.0), address=OTHER, size=Wad(0))
    state = chain_state((ABOVE, measured(19_958.0, 20_058.0)), (other, measured(0.0, 0.0)))
    assert check_nav(BOOKED, state, 6).error_bps == 0.0


def test_corrections__what_the_ledger_missed__make_it_the_chains_at_every_price():
    missed = replace(ABOVE, size=usd(4.0))  # six units were taken over at 2,900, and 50 of penalty paid
    equity = 19_958.0 - 6.0 * 3_000.0 + 6.0 * 2_900.0 - 50.0
    venue = replace(measured(0.0, 0.0), equity=usd(equity), price=usd(3_000.0))
    found = corrections(BOOKED, chain_state((missed, venue)), 6)
    assert found == {VENUE: Correction(usd(-6.0), usd(6.0 * 2_900.0 - 50.0))}
    event = AccountEventRecord(AT, VENUE, AccountEventKind.CORRECTION, *found[VENUE])
    account = BOOKED.booked([], [], [], [event]).venues[VENUE]
    for price in (1_000.0, 3_000.0, 9_000.0):
        assert account.worth(usd(price), Wad(0), 6) == usd(equity + 4.0 * (price - 3_000.0))


def test_corrections__nothing_differs_or_venue_is_silent__are_none():
    agreed = replace(measured(0.0, 0.0), equity=usd(19_958.0), price=usd(3_000.0))
    assert corrections(BOOKED, chain_state((ABOVE, agreed)), 6) == {}
    assert corrections(BOOKED, chain_state((ABOVE, replace(agreed, equity=Wad(0), is_silent=True))), 6) == {}
