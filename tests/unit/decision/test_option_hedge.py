"""HEDGE-634: orders out of the programme: the caps, the room for positions, limits, and what is sold."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agent.decision.option_hedge import OptionTerms, plan_options
from agent.domain import BlockRef
from agent.errors import DataError
from agent.optimiser.factors import Factors
from agent.option_venue import OptionOffer, OptionQuote, OptionVenueState
from agent.policy.multi_instrument import MultiInstrument
from agent.products.european import black76_greeks
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR, WAD, Address, BlockHash, Seconds, Wad, Wei

SPOT_USD, IV = 2_000.0, 0.8
NOW = Seconds(1_722_470_400)
EXPIRY = Seconds(NOW + 30 * int(SECONDS_PER_DAY))
POLICY = MultiInstrument(2e-3, horizon_days=7.0, vol_annual=0.8, vol_of_vol_annual=1.0, spot_vol_correlation=0.0)
SIZES = (1.0, 4.0, 12.0)
SPREAD_USD = 8.0
STRADDLES = 20.0


def greeks(strike_usd: float, is_call: bool):
    years = (EXPIRY - NOW) / SECONDS_PER_YEAR
    return black76_greeks(is_call, SPOT_USD, strike_usd, years, IV)


def offer(
    strike_id: int, is_call: bool, strike_usd: float, held: float = 0.0, spread: float = SPREAD_USD
) -> OptionOffer:
    value = float(greeks(strike_usd, is_call).value)
    asks = tuple(OptionQuote(wad(size), wad(size * (value + spread + 0.2 * size))) for size in SIZES)
    bid = wad(held * (value - spread)) if held else None
    return OptionOffer(strike_id, is_call, wad(strike_usd), EXPIRY, wad(IV), asks, wad(held), bid)


def wad(number: float) -> Wad:
    return Wad(round(number * 10**6) * 10**12)


OFFERS = tuple(
    offer(index, is_call, strike)
    for index, strike in enumerate((1_800.0, 2_000.0, 2_200.0), start=1)
    for is_call in (True, False)
)
STATE = OptionVenueState(
    address=Address("0x" + "11" * 20),
    block=BlockRef(1, BlockHash("0x" + "22" * 32), NOW, Wei(1)),
    cash=wad(50_000.0),
    premium_left=wad(50_000.0),
    loss_left=wad(5_000.0),
    gamma_left=wad(100.0),
    vega_left=wad(1e6),
    max_expiry=EXPIRY,
    room=6,
    iv_tolerance=wad(0.05),
    carry_tolerance=wad(0.1),
    offers=OFFERS,
)


def short_book(straddles: float = STRADDLES) -> Factors:
    """Short straddles at the money, without their delta."""
    sums = [0.0] * 5
    for is_call in (True, False):
        found = greeks(2_000.0, is_call)
        for place, one in enumerate((found.delta, found.gamma, found.vega, found.vanna, found.volga)):
            sums[place] -= straddles * float(one)
    return Factors(0.0, *sums[1:])


def sizes_of(hedge) -> dict[tuple[int, bool], float]:
    return {(order.strike_id, order.is_call): order.size_delta / WAD for order in hedge.orders}


def cost_of(one: OptionOffer, size: float) -> float:
    value = float(greeks(one.strike / WAD, one.is_call).value)
    return size * (value + SPREAD_USD + 0.2 * size)


# HEDGE-634
def test_plan_options__short_gamma_book__gamma_and_vega_fall_and_do_not_change_sign() -> None:
    before = short_book()
    hedge = plan_options(before, STATE, SPOT_USD, POLICY)
    assert hedge.orders
    assert hedge.scale == 1.0 or 0.0 < hedge.scale < 1.0
    assert before.gamma_per_usd < hedge.after.gamma_per_usd <= 0.0
    assert before.vega_usd_per_vol < hedge.after.vega_usd_per_vol <= 0.0


# HEDGE-634
def test_plan_options__long_gamma_book__buys_nothing() -> None:
    hedge = plan_options(Factors(*(-one for one in short_book())), STATE, SPOT_USD, POLICY)
    assert hedge.orders == ()


# HEDGE-634
def test_plan_options__spread_wider_than_the_risk_is_worth__holds() -> None:
    dear = replace(
        STATE, offers=tuple(offer(one.strike_id, one.is_call, one.strike / WAD, spread=900.0) for one in OFFERS)
    )
    hedge = plan_options(short_book(0.1), dear, SPOT_USD, POLICY)
    assert hedge.orders == ()
    assert hedge.reason.startswith("no option is worth")


# HEDGE-634
@pytest.mark.parametrize("cap", ["gamma_left", "vega_left", "loss_left", "premium_left", "cash"])
def test_plan_options__a_cap_that_binds__is_kept(cap: str) -> None:
    free = plan_options(short_book(), STATE, SPOT_USD, POLICY)
    used = used_of(free)
    tight = replace(STATE, **{cap: wad(used[cap] / 3.0)})
    bound = plan_options(short_book(), tight, SPOT_USD, POLICY)
    assert 0.0 < used_of(bound)[cap] <= used[cap] / 3.0


def used_of(hedge) -> dict[str, float]:
    bought = {(one.strike_id, one.is_call): one for one in OFFERS}
    made = [(size, greeks(bought[key].strike / WAD, key[1]), bought[key]) for key, size in sizes_of(hedge).items()]
    cost = math.fsum(cost_of(one, size) for size, _, one in made)
    return {
        "gamma_left": math.fsum(size * float(found.gamma) for size, found, _ in made) * SPOT_USD / 100.0,
        "vega_left": math.fsum(size * float(found.vega) for size, found, _ in made),
        "loss_left": cost - math.fsum(size * float(found.value) for size, found, _ in made),
        "premium_left": cost,
        "cash": cost,
    }


# HEDGE-634
@pytest.mark.parametrize("room", [1, 3])
def test_plan_options__room_for_fewer_positions__opens_no_more(room: int) -> None:
    hedge = plan_options(short_book(), replace(STATE, room=room), SPOT_USD, POLICY)
    assert 1 <= len(hedge.orders) <= room


# HEDGE-634
def test_plan_options__room_for_none__enlarges_what_is_held_alone() -> None:
    full = replace(STATE, room=0)
    hedge = plan_options(short_book(), full, SPOT_USD, POLICY)
    assert (hedge.orders, hedge.after) == ((), short_book())
    assert "no room" in hedge.reason
    held = tuple(offer(2, True, 2_000.0, held=3.0) if one.name == "2000-C-2" else one for one in OFFERS)
    assert set(sizes_of(plan_options(short_book(), replace(full, offers=held), SPOT_USD, POLICY))) == {(2, True)}


# HEDGE-634
def test_plan_options__limits__are_quotes_of_their_size_and_what_the_terms_add() -> None:
    offers = {(one.strike_id, one.is_call): one for one in OFFERS}
    for order in plan_options(short_book(), STATE, SPOT_USD, POLICY, terms=OptionTerms(max_worse_bps=100)).orders:
        one, size = offers[order.strike_id, order.is_call], order.size_delta / WAD
        rung = next(quote for quote in one.asks if quote.size >= order.size_delta)
        assert rung.cost is not None
        assert cost_of(one, size) <= order.limit_cost / WAD <= rung.cost / rung.size * size * 1.01 + 1e-9


# HEDGE-634
def test_plan_options__held_for_a_book_that_is_gone__sold_as_far_as_held() -> None:
    held = offer(2, True, 2_000.0, held=5.0)
    found = greeks(2_000.0, True)
    factors = Factors(*(5.0 * float(one) for one in (found.delta, found.gamma, found.vega, found.vanna, found.volga)))
    hedge = plan_options(factors, replace(STATE, offers=(held,)), SPOT_USD, POLICY)
    (order,) = hedge.orders
    assert -5 * WAD <= order.size_delta < 0
    assert held.bid is not None
    assert order.limit_cost == held.bid * -order.size_delta // held.held * 9_500 // 10_000


# HEDGE-639
@pytest.mark.parametrize(("gas_usd", "is_traded"), [(1.0, True), (1e6, False)])
def test_plan_options__gas__has_to_be_worth_it(gas_usd: float, is_traded: bool) -> None:
    hedge = plan_options(short_book(), STATE, SPOT_USD, POLICY, terms=OptionTerms(gas_usd=gas_usd))
    assert bool(hedge.orders) is is_traded
    assert ("less than 1000000.00 USD of gas" in hedge.reason) is not is_traded


# HEDGE-634
def test_plan_options__nothing_offered__says_so() -> None:
    for offers in ((), tuple(replace(one, asks=()) for one in OFFERS)):
        with pytest.raises(DataError, match="offers nothing"):
            plan_options(short_book(), replace(STATE, offers=offers), SPOT_USD, POLICY)


# HEDGE-634
@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"max_worse_bps": -1}, "max_worse_bps is -1"),
        ({"max_worse_bps": 10_000}, "max_worse_bps is 10000"),
        ({"caps_used_ratio": 0.0}, "caps_used_ratio is 0.0"),
        ({"caps_used_ratio": 1.5}, "caps_used_ratio is 1.5"),
        ({"gas_usd": -1.0}, "gas_usd is -1.0"),
        ({"gas_usd": math.inf}, "gas_usd is inf"),
    ],
)
def test_option_terms__out_of_their_domain__are_refused(terms: dict[str, float], said: str) -> None:
    with pytest.raises(DataError, match=said):
        OptionTerms(**terms)
