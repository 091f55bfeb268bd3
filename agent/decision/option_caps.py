"""What part of planned purchases of options the governed caps and the guard leave, and which of them binds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from agent.optimiser.factors import Factors
from agent.optimiser.instruments import Instrument
from agent.optimiser.limits import GuardLimits
from agent.option_venue import OptionOffer, OptionVenueState
from agent.products.european import black76_greeks
from agent.units import SECONDS_PER_YEAR, from_wad

_LEAST_IV = 0.01
"""``LyraOptions.MIN_IV`` and alike: no source takes a lower volatility."""


class PartLeft(NamedTuple):
    """The part of the purchases that may be made, and what keeps it from being all; None where nothing does."""

    ratio: float
    binding: str | None


class DeltaEnds(NamedTuple):
    """Delta of one unit of an option as the chain's source bounds it."""

    low: float
    high: float


def part_of_caps(
    factors: Factors,
    sizes: Mapping[str, float],
    instruments: Mapping[str, Instrument],
    state: OptionVenueState,
    spot_usd: float,
    used_ratio: float,
) -> PartLeft:
    """Return the part of the purchases that keeps every cap, and brings neither gamma nor vega past 0.

    ``used_ratio`` is the part of each cap that may be taken.
    """
    made = [(size, instruments[name]) for name, size in sizes.items() if size > 0.0]
    gamma = math.fsum(size * one.factors.gamma_per_usd for size, one in made)
    vega = math.fsum(size * one.factors.vega_usd_per_vol for size, one in made)
    loss = math.fsum(size * one.buys[-1].impact_usd_per_unit for size, one in made)
    rooms = (
        ("the cap on gamma", gamma * spot_usd / 100.0, from_wad(state.gamma_left)),
        ("the cap on vega", vega, from_wad(state.vega_left)),
        ("the loss budget", loss, from_wad(state.loss_left)),
        ("the book's gamma", gamma, max(-factors.gamma_per_usd, 0.0)),
        ("the book's vega", vega, max(-factors.vega_usd_per_vol, 0.0)),
    )
    parts = [PartLeft(room * used_ratio / taken, name) for name, taken, room in rooms if taken > 0.0]
    return min((PartLeft(1.0, None), *parts), key=lambda part: part.ratio)


def part_of_delta_rule(
    sizes: Mapping[str, float],
    offers: Mapping[str, OptionOffer],
    state: OptionVenueState,
    spot_usd: float,
    guard: GuardLimits,
    used_ratio: float,
) -> PartLeft:
    """Return the part of the purchases after which the guard's rule for the delta holds before any perp is traded.

    What is held widens the chain's interval: each end moves by size x that end of the option's delta, for a sale as for
    a purchase. 0 where the rule cannot be kept, whatever part is bought.
    """
    least, most = guard.reach
    ends = {name: delta_ends(offers[name], state, spot_usd) for name in sizes}
    low_sold = math.fsum(size * ends[name].low for name, size in sizes.items() if size < 0.0)
    high_sold = math.fsum(size * ends[name].high for name, size in sizes.items() if size < 0.0)
    low = math.fsum(size * ends[name].low for name, size in sizes.items() if size > 0.0)
    high = math.fsum(size * ends[name].high for name, size in sizes.items() if size > 0.0)
    if low_sold + low >= least * used_ratio and high_sold + high <= most * used_ratio:
        return PartLeft(1.0, None)
    from_part, to_part = 0.0, 1.0
    for slope, room in ((high, most * used_ratio - high_sold), (-low, low_sold - least * used_ratio)):
        if slope > 0.0:
            to_part = min(to_part, room / slope)
        elif slope < 0.0:
            from_part = max(from_part, room / slope)
        elif room < 0.0:
            to_part = 0.0
    ratio = to_part if 0.0 < from_part <= to_part or (from_part == 0.0 < to_part) else 0.0
    return PartLeft(ratio, "the guard's rule for the net delta")


def delta_ends(offer: OptionOffer, state: OptionVenueState, spot_usd: float) -> DeltaEnds:
    """Return the least and largest delta of one unit over the volatilities and forwards that the chain reckons with.

    A call's delta rises with the forward; over the volatility it is largest or least at an end, or where
    d(d1)/d(vol) = 0, at vol sqrt(tau) = sqrt(2 ln(F/K)) for F > K.
    """
    tau = (offer.expiry - state.block.timestamp) / SECONDS_PER_YEAR
    if tau <= 0.0:
        return DeltaEnds(min(0.0, 1.0 if offer.is_call else -1.0), max(0.0, 1.0 if offer.is_call else -1.0))
    strike_usd, iv = from_wad(offer.strike), from_wad(offer.iv)
    tolerance, carry = from_wad(state.iv_tolerance), from_wad(state.carry_tolerance) * tau
    vols = [max(iv - tolerance, _LEAST_IV), iv + tolerance]
    deltas = []
    for forward_usd in (spot_usd * math.exp(-carry), spot_usd * math.exp(carry)):
        turning = math.sqrt(2.0 * max(math.log(forward_usd / strike_usd), 0.0) / tau)
        inside = [turning] if vols[0] < turning < vols[1] else []
        deltas += [
            float(black76_greeks(offer.is_call, forward_usd, strike_usd, tau, vol).delta) for vol in (*vols, *inside)
        ]
    return DeltaEnds(min(deltas), max(deltas))
