"""What a step paid, how its hedge was backed and what the venue quoted, against sums by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from agent.demo.pnl import Execution
from agent.demo.step_record import depth_quotes, margin_use, trade_of
from agent.venues.maintenance import Maintenance
from tests.support.decision_builders import VENUE_ADDRESSES, VenueState, held, snapshot_of

MAINTENANCE = dict.fromkeys(VENUE_ADDRESSES, Maintenance(0.0625))


def receipt(gas_used, gwei):
    return SimpleNamespace(gas_used=gas_used, gas_price_wei=gwei * 10**9)


def state_of(*venues):
    snapshot = snapshot_of(held(-10.0), *venues)
    return SimpleNamespace(venues=snapshot.venues, measurement=snapshot.measurement)


def test_trade_of__two_fills_and_two_receipts__added_up():
    fills = [Execution(3.0, 3_010.0, 9.0), Execution(1.0, 3_030.0, 3.0)]
    trade = trade_of(fills, [receipt(1_000_000, 20), receipt(500_000, 2)], 3_000.0, 2_500.0)
    assert (trade.size_delta, trade.fee_usd, trade.gas_units) == (4.0, 12.0, 1_500_000)
    assert trade.price_usd == pytest.approx((3 * 3_010 + 3_030) / 4)
    assert trade.slippage_usd == pytest.approx(3 * 10 + 30)
    assert trade.gas_usd == pytest.approx((0.02 + 0.001) * 2_500)
    assert trade.cost_usd == pytest.approx(72.0)


def test_trade_of__sale_below_the_oracle__costs():
    assert trade_of([Execution(-2.0, 2_990.0, 1.0)], [], 3_000.0, 2_500.0).slippage_usd == pytest.approx(20.0)


def test_trade_of__receipt_alone__has_no_price():
    trade = trade_of([], [receipt(10**6, 1)], 3_000.0, 3_000.0)
    assert (trade.size_delta, trade.price_usd, trade.slippage_usd) == (0.0, None, 0.0)
    assert trade.gas_usd == pytest.approx(3.0)
    assert trade_of([], [], 3_000.0, 3_000.0) is None


def test_margin_use__long_of_ten_on_ten_thousand__as_by_hand():
    use = margin_use(state_of(VenueState(size=10.0, equity_usd=10_000.0)), MAINTENANCE)
    assert (use.notional_usd, use.equity_usd) == (30_000.0, 10_000.0)
    assert use.venue_leverage == pytest.approx(3.0)
    assert use.leverage == pytest.approx(30_000.0 / use.nav_usd)
    # liquidated at P with 10,000 + 10 (P - 3,000) = 0.0625 x 10 P
    liquidated_at = 20_000.0 / (10.0 - 0.625)
    assert use.liquidation_distance == pytest.approx(1.0 - liquidated_at / 3_000.0)


def test_margin_use__two_venues__the_worse_of_each():
    calm, tense = VenueState(size=2.0, equity_usd=6_000.0), VenueState(size=-10.0, equity_usd=10_000.0)
    use = margin_use(state_of(calm, tense), MAINTENANCE)
    alone = margin_use(state_of(tense), MAINTENANCE)
    assert use.venue_leverage == alone.venue_leverage == pytest.approx(3.0)
    assert use.liquidation_distance == alone.liquidation_distance
    assert use.notional_usd == pytest.approx(36_000.0)


def test_margin_use__no_position__no_leverage_and_no_distance():
    use = margin_use(state_of(VenueState()), MAINTENANCE)
    assert (use.leverage, use.venue_leverage, use.liquidation_distance) == (0.0, None, None)
    unknown = margin_use(state_of(VenueState(size=10.0, equity_usd=10_000.0)), {})
    assert unknown.liquidation_distance is None


def test_depth_quotes__both_sides__cost_is_positive():
    venue = VenueState(depth_usd=3_000_000.0, fee_ratio=0.001)
    quotes = depth_quotes(snapshot_of(held(-10.0), venue))
    fives = [quote for quote in quotes if abs(quote.size_delta) == 5.0]
    assert [quote.size_delta for quote in fives] == [-5.0, 5.0]
    # price (1 +- 5 x 3,000 / 3,000,000): 50 bps either way
    assert [quote.impact_bps for quote in fives] == pytest.approx([50.0, 50.0])
    assert [quote.fee_bps for quote in fives] == pytest.approx([10.0, 10.0])
    sizes = [abs(quote.size_delta) for quote in quotes]
    assert sizes == sorted(sizes)


def test_depth_quotes__mark_away_from_the_oracle__is_part_of_the_cost():
    snapshot = snapshot_of(held(-10.0), VenueState(mark_usd=3_030.0, depth_usd=1e12))
    buys = [quote.impact_bps for quote in depth_quotes(snapshot) if quote.size_delta > 0]
    assert buys == pytest.approx([100.0] * len(buys), abs=0.01)
    assert depth_quotes(replace(snapshot, venues=())) == ()
