"""NAV by double entry, checked by hand: 10 ETH bought at $3,000 for a fee of $30 on a margin of $20,000."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.block_id import BlockId
from agent.chain.state import ChainState, VenueState
from agent.domain import BlockRef, Bounds, Budget, Measurement
from agent.ledger.accounting import Accounts, VenueAccount, check_nav
from agent.ledger.records import (
    CashFlowKind,
    CashFlowRecord,
    FillRecord,
    FundingRecord,
    LogId,
    Scan,
)
from agent.units import WAD, Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei

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
        flow(CashFlowKind.DONATION, 100),
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
    )


def chain_state(nav_low: float, nav_high: float, *venues: VenueState, donation: int = 0) -> ChainState:
    return ChainState(
        block=BlockRef(1, BlockHash("0x01"), Seconds(1), Wei(1)),
        measurement=Measurement(usd(3_000.0), Wad(0), Wad(0), usd(nav_low), usd(nav_high), ()),
        budget=Budget(Wad(0), Seconds(0), Seconds(0)),
        bounds=Bounds(*([0] * 13)),
        idle_assets=AssetUnits(0),
        pending_donation=AssetUnits(donation),
        is_paused=False,
        venues=venues,
    )


def test_accounts__events_booked__add_up():
    assert BOOKED.idle_assets == 75_100 * USDC
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
    # venue at index 3,000: 19,958; at mark 3,010: 20,058
    state = chain_state(95_058.0, 95_158.0, venue_state(mark=3_010.0, index=3_000.0))
    check = check_nav(BOOKED, state, 6)
    assert (check.ledger_low, check.ledger_high) == (usd(95_058.0), usd(95_158.0))
    assert check.error_bps == 0.0


@pytest.mark.parametrize(("low_error", "high_error"), [(9.5058, 0.0), (0.0, 9.5058), (-9.5058, 0.0)])
def test_check_nav__one_basis_point_apart_on_either_side__is_one(low_error, high_error):
    state = chain_state(95_058.0 + low_error, 95_158.0 + high_error, venue_state(mark=3_010.0, index=3_000.0))
    assert check_nav(BOOKED, state, 6).error_bps == pytest.approx(1.0, rel=1e-3)


def test_check_nav__venue_under_water__counts_nothing():
    state = chain_state(75_100.0, 75_100.0, venue_state(mark=900.0, index=950.0))
    assert check_nav(BOOKED, state, 6).error_bps == 0.0


def test_check_nav__donation_not_absorbed__counts_in_neither():
    state = chain_state(95_058.0, 95_565.0, venue_state(mark=3_010.0, index=3_000.0), donation=407 * USDC)
    assert check_nav(BOOKED, state, 6).error_bps == 0.0


def test_check_nav__empty_vault__has_no_error_and_anything_else_has_all():
    assert check_nav(Accounts(), chain_state(0.0, 0.0), 6).error_bps == 0.0
    assert check_nav(BOOKED, chain_state(0.0, 0.0), 6).error_bps == 10_000.0


def test_check_nav__venue_never_touched__is_worth_its_accrual_alone():
    other = replace(venue_state(3_000.0, 3_000.0), address=OTHER, size=Wad(0))
    state = chain_state(95_058.0, 95_158.0, venue_state(mark=3_010.0, index=3_000.0), other)
    assert check_nav(BOOKED, state, 6).error_bps == 0.0
