"""HEDGE-635: the part of planned purchases that caps and guard leave, and what binds it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agent.decision.option_caps import delta_ends, part_of_delta_rule
from agent.decision.option_hedge import OptionTerms, PerpsBeside, plan_options
from agent.optimiser.factors import ONE_UNDERLYING, Factors
from agent.optimiser.instruments import CostStep, Instrument
from agent.optimiser.limits import GuardLimits, VenueLimits
from agent.products.european import black76_greeks
from agent.units import SECONDS_PER_YEAR, Wad
from tests.unit.decision.test_option_hedge import EXPIRY, IV, NOW, OFFERS, POLICY, SPOT_USD, STATE, short_book, sizes_of

GUARD = GuardLimits(
    net_delta_low=-1.0,
    net_delta_high=1.0,
    band=4.0,
    min_improvement=0.5,
    max_size=100.0,
    max_notional_usd=1e6,
    turnover_usd=1e6,
    max_leverage=10.0,
    nav_usd=1e6,
    max_nav_loss_usd=1e5,
)
BY_NAME = {offer.name: offer for offer in OFFERS}
CALL, PUT = "2000-C-2", "2000-P-2"


def delta(is_call: bool, forward_usd: float, strike_usd: float, vol: float) -> float:
    return float(black76_greeks(is_call, forward_usd, strike_usd, (EXPIRY - NOW) / SECONDS_PER_YEAR, vol).delta)


# HEDGE-635
@pytest.mark.parametrize("name", BY_NAME)
def test_delta_ends__every_volatility_and_forward_within_the_tolerances__lies_inside(name: str) -> None:
    offer, years = BY_NAME[name], (EXPIRY - NOW) / SECONDS_PER_YEAR
    low, high = delta_ends(offer, STATE, SPOT_USD)
    found = [
        delta(offer.is_call, SPOT_USD * math.exp(0.1 * years * part), offer.strike / 1e18, IV + 0.05 * move)
        for part in (-1.0, 0.0, 1.0)
        for move in (-1.0, -0.5, 0.0, 0.5, 1.0)
    ]
    assert low - 1e-12 <= min(found) < max(found) <= high + 1e-12
    assert high - low < 0.1


# HEDGE-635
def test_delta_ends__turning_point_inside__is_reached() -> None:
    offer = replace(BY_NAME[CALL], strike=Wad(1_600 * 10**18))
    wide = replace(STATE, iv_tolerance=Wad(2 * 10**18), carry_tolerance=Wad(0))
    turning = math.sqrt(2.0 * math.log(SPOT_USD / 1_600.0) / ((EXPIRY - NOW) / SECONDS_PER_YEAR))
    assert delta_ends(offer, wide, SPOT_USD).low == pytest.approx(delta(True, SPOT_USD, 1_600.0, turning))


# HEDGE-635
@pytest.mark.parametrize(("name", "size"), [(CALL, 20.0), (PUT, 20.0)])
def test_part_of_delta_rule__purchase_beyond_the_band__lands_on_it(name: str, size: float) -> None:
    part = part_of_delta_rule({name: size}, BY_NAME, STATE, SPOT_USD, GUARD, 1.0)
    low, high = delta_ends(BY_NAME[name], STATE, SPOT_USD)
    after = GUARD.net_delta_low + part.ratio * size * low, GUARD.net_delta_high + part.ratio * size * high
    assert 0.0 < part.ratio < 1.0
    assert max(-after[0], after[1]) == pytest.approx(GUARD.band)
    assert part.binding == "the guard's rule for the net delta"


# HEDGE-635
def test_part_of_delta_rule__straddle__costs_the_width_of_its_interval_alone() -> None:
    assert part_of_delta_rule({CALL: 20.0, PUT: 20.0}, BY_NAME, STATE, SPOT_USD, GUARD, 1.0) == (1.0, None)


# HEDGE-635
def test_part_of_delta_rule__already_outside__buys_what_mends_it_and_nothing_else() -> None:
    outside = replace(GUARD, net_delta_low=7.0, net_delta_high=8.0)
    assert part_of_delta_rule({CALL: 5.0}, BY_NAME, STATE, SPOT_USD, outside, 1.0).ratio == 0.0
    assert part_of_delta_rule({PUT: 5.0}, BY_NAME, STATE, SPOT_USD, outside, 1.0).ratio == 1.0


# HEDGE-635
def test_plan_options__cap_of_zero__says_which_leaves_nothing() -> None:
    hedge = plan_options(short_book(), replace(STATE, vega_left=Wad(0)), SPOT_USD, POLICY)
    assert (hedge.orders, hedge.reason) == ((), "the cap on vega leaves nothing of what is planned")


# HEDGE-635
def test_plan_options__perps_beside__hedge_the_delta_and_are_no_orders() -> None:
    perp = Instrument(
        name="perp",
        venue="perps",
        factors=ONE_UNDERLYING,
        fair_usd=SPOT_USD,
        notional_usd=SPOT_USD,
        buys=(CostStep(100.0, 1.0, 1.0),),
        sells=(CostStep(100.0, 1.0, 1.0),),
        counted_delta=1.0,
        is_on_chain=True,
    )
    beside = PerpsBeside((perp,), (VenueLimits("perps", 1e6),))
    unhedged = Factors(-20.0, *short_book()[1:])
    alone = plan_options(unhedged, STATE, SPOT_USD, POLICY)
    hedge = plan_options(unhedged, STATE, SPOT_USD, POLICY, perps=beside)
    bought = {trade.instrument: trade.size for trade in hedge.plan.trades}
    assert bought["perp"] > 0.0
    assert sizes_of(hedge)
    calls, puts = (
        sum(size for (_, kind), size in sizes_of(one).items() if kind is is_call)
        for one, is_call in ((hedge, True), (hedge, False))
    )
    calls_alone = sum(size for (_, is_call), size in sizes_of(alone).items() if is_call)
    assert calls < calls_alone or puts > 0.0


# HEDGE-639
def test_plan_options__book_without_gamma__perp_alone_is_as_good_and_gas_is_saved() -> None:
    perp = Instrument(
        name="perp",
        venue="perps",
        factors=ONE_UNDERLYING,
        fair_usd=SPOT_USD,
        notional_usd=SPOT_USD,
        buys=(CostStep(100.0, 1.0, 1.0),),
        sells=(CostStep(100.0, 1.0, 1.0),),
        counted_delta=1.0,
        is_on_chain=True,
    )
    beside = PerpsBeside((perp,), (VenueLimits("perps", 1e6),))
    short = short_book(0.05)
    unhedged = Factors(-20.0, *short[1:])
    terms = OptionTerms(gas_usd=10.0)
    assert plan_options(unhedged, STATE, SPOT_USD, POLICY, terms=terms, perps=beside).orders == ()
    assert plan_options(unhedged, STATE, SPOT_USD, POLICY, terms=terms).orders != ()
