"""Cost of hedging now."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agent.costs.trade_costs import gas_cost_usd, trade_costs
from agent.domain import OrderGas
from agent.errors import DataError
from agent.units import Wei
from tests.support.decision_builders import COSTS, VenueState, short_calls, snapshot_of, wad


def costs_of(size, *venues, inputs=COSTS):
    snapshot = snapshot_of(short_calls(), *venues)
    return trade_costs(snapshot.venues, snapshot.block, snapshot.measurement.price, wad(size), inputs)


def test_gas_cost_usd__base_priority_and_data_fee__add_up():
    inputs = replace(COSTS, eth_price_usd=2_000.0, priority_fee_wei=Wei(10**9), gas_units=1_000_000)
    assert gas_cost_usd(Wei(9 * 10**9), inputs) == pytest.approx(20.0, rel=1e-15)
    assert gas_cost_usd(Wei(9 * 10**9), replace(inputs, data_fee_wei=Wei(10**15))) == pytest.approx(22.0, rel=1e-15)


def test_trade_costs__larger_trade__pays_more_impact():
    small, large = costs_of("1", VenueState()), costs_of("25", VenueState())
    assert small.fee_ratio == pytest.approx(0.001, rel=1e-3)
    assert small.impact_ratio == pytest.approx(3_000.0 / 20e6, rel=1e-9)
    assert large.impact_ratio == pytest.approx(25 * 3_000.0 / 20e6, rel=1e-9)


@pytest.mark.parametrize(("size", "sign"), [("1", 1), ("-1", -1)])
@pytest.mark.parametrize("rate", [0.002, -0.002])
def test_trade_costs__funding__is_paid_by_the_side_that_pays(size, sign, rate):
    costs = costs_of(size, VenueState(funding_per_day=rate), inputs=replace(COSTS, funding_horizon_days=0.5))
    assert costs.funding_ratio == pytest.approx(sign * rate * 0.5, rel=1e-12)


def test_trade_costs__funding_income__never_makes_the_cost_negative():
    costs = costs_of("-1", VenueState(funding_per_day=0.5))
    assert costs.funding_ratio < 0.0
    assert costs.proportional_ratio == 0.0


def test_trade_costs__two_venues__takes_the_cheaper():
    costs = costs_of("1", VenueState(fee_ratio=0.002), VenueState(fee_ratio=0.0005))
    assert costs.fee_ratio == pytest.approx(0.0005, rel=1e-3)


@pytest.mark.parametrize(("held", "size", "gas"), [(0, "1", 5), (2, "1", 5), (-2, "1", 6), (-2, "2", 6), (-2, "3", 12)])
def test_trade_costs__executing_an_order__is_part_of_the_gas(held, size, gas):
    """Of an order that opens, of one that closes, and of one past 0."""
    inputs = replace(COSTS, eth_price_usd=2_000.0, priority_fee_wei=Wei(10**9))
    plain = costs_of(size, VenueState(size=held), inputs=inputs)
    costs = costs_of(size, VenueState(size=held, order_gas=OrderGas(5 * 10**6, 6 * 10**6, 12 * 10**6)), inputs=inputs)
    gwei = snapshot_of(short_calls()).block.base_fee_wei / 1e9 + 1
    assert costs.gas_usd - plain.gas_usd == pytest.approx(gas * 1e-3 * gwei * 2_000.0, rel=1e-12)
    assert replace(costs, gas_usd=plain.gas_usd) == plain


@pytest.mark.parametrize(("size", "fee_ratio"), [("1", 0.002), ("40", 0.0005)])
def test_trade_costs__venue_dear_to_execute_on__is_taken_where_it_saves_that(size, fee_ratio):
    """15 bps of 3,000 USD are 4.5 USD; executing costs 10."""
    price = snapshot_of(short_calls()).block.base_fee_wei + COSTS.priority_fee_wei
    units = round(10.0 / 3_000.0 * 1e18 / price)
    cheap = VenueState(fee_ratio=0.0005, order_gas=OrderGas(units, units, units))
    assert costs_of(size, VenueState(fee_ratio=0.002), cheap).fee_ratio == pytest.approx(fee_ratio, rel=0.02)


def test_trade_costs__cheap_venue_too_small__takes_the_one_with_capacity():
    costs = costs_of("50", VenueState(fee_ratio=0.0, max_quote=5.0), VenueState(fee_ratio=0.002))
    assert costs.fee_ratio == pytest.approx(0.002, rel=0.05)


def test_trade_costs__nobody_quotes_it_whole__largest_quote_stands_for_it():
    assert costs_of("500", VenueState()) == costs_of("200", VenueState())


def test_trade_costs__no_quotes__names_side_and_size():
    with pytest.raises(DataError, match="no venue quotes sells of -1"):
        costs_of("-1", VenueState(max_quote=0.0))


@pytest.mark.parametrize("name", ["eth_price_usd", "priority_fee_wei", "gas_units", "data_fee_wei"])
def test_cost_inputs__negative__are_refused_by_name(name):
    with pytest.raises(DataError, match=name):
        replace(COSTS, **{name: -1})


@pytest.mark.parametrize("name", ["eth_price_usd", "funding_horizon_days"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_cost_inputs__not_finite__are_refused_by_name(name, bad):
    with pytest.raises(DataError, match=name):
        replace(COSTS, **{name: bad})
