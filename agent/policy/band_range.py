"""Where the optimal bands have been compared with the solver, and what to do beyond.

All bounds are on the dimensionless places of `band_table.BandPlace`; ``python -m benchmarks bands`` and ``band_table``
measure what is given up within them. The cost weight is the one that a book outgrows: risk aversion x cost ratio x
notional, what trading the whole book once costs in units of risk tolerance.

The gas weight a f, risk aversion x gas of a trade, bounds the criterion of variance most, whose hedger counts on
hedging later as he would then: the gas of each trade is part of what he expects. For a short option, a narrow band and
gas alone the net delta's risk is multiplied by the square of phi = 1 / (1 - (a f / 3)^(1/2)), see `small_band`: at
a f = 3 there is no band. Measured over cost weights of 0 to 6, standard deviations of 0.02 to 1.5, looks of 1e-9 to
1e-2 of the variance and band sizes of 1e-6 to 1e-4, both signs, the iteration ends at its root up to 2.5, and never
from 3.1 on. Against the solver the loss is 1 to 2 % at 0.1 to 0.2, 3 to 6 % at 0.3, 5 to 11 % at 0.6, 15 to 40 % at 1
and up to 190 % from 2 on, in table and solved band alike; Whalley and Wilmott's band gives up 23 to 38 % at each.
"""

from __future__ import annotations

import math

from agent.errors import PolicyRefusedError
from agent.policy.band_solver import Criterion
from agent.policy.band_table import BAND_SIZES, FIXED_WEIGHTS, BandPlace

MOST_COST_WEIGHT, MOST_COST_WEIGHT_CHEAP = 6.0, 10.0
"""Above it the table's nodes lie too far apart. The criterion of variance stands 10 where trading is cheap: then bands
are narrow until shortly before expiry, and up to band sizes of 1e-2 what is given up at 10 is at most half as much
again as at 6. For a band as wide as the option's delta (0.1, long) it is twice as much, of what is left to lose."""
DEAREST_CHEAP = 0.02
"""Cost ratio."""
MOST_GAS_WEIGHT, MOST_GAS_WEIGHT_OF_UTILITY = 0.5, 1.0
"""Of the criterion of variance, see the module, and of utility: up to 1 a short option gives up 2 % at the money, from
1.2 on 3 to 17 %."""
MOST_FITTED_WEIGHT, MOST_FITTED_WITH_GAS = 6.0, 2.0
"""Of Zakamouline's formula, without gas as he has it and with; beyond, its band may cost many times the best."""
MOST_BEYOND = {Criterion.VARIANCE: (0.35, -0.25), Criterion.EXPONENTIAL: (1.0, 0.25)}
"""How far p^(1/2) q^(-1/6), with which the middle of a band goes in half-widths, may lie beyond the table's where the
band is narrower, and the power of 1 + g that gas multiplies it with. Gas moves the middle more than it widens the band:
by (1 + g)^(1/4) half-widths, and utility's follows (`band_table.narrowed`): up to 1 at most 2 % is given up 1.5
standard deviations from the strike, 4 by long options that gas costs most; up to 2 twice as much, and soon any. The
bound of variance is where the table's end is as good as the band solved live, with gas later than without."""
MOST_STDEV = 1.5
"""Of the log price until expiry; the table ends at 1, and changes slowly there."""
_STEP, _ROUNDING = 0.9, 1.0 + 1e-9


def require_calibrated(criterion: Criterion, place: BandPlace, risk_aversion_per_usd: float) -> None:
    """Refuse a place at which nobody knows what the band gives up.

    Raises
    ------
    PolicyRefusedError
        What lies outside, its bound, and the risk aversion or the policy that is sound instead.

    """
    name = "optimal_variance_band" if criterion is Criterion.VARIANCE else "optimal_band"
    most, weight = _most_cost_weight(criterion, place), place.cost_weight
    if weight > most * _ROUNDING:
        sound = _sound_part(criterion, place) * risk_aversion_per_usd
        better = _most_cost_weight(Criterion.VARIANCE, place)
        knows_better = criterion is Criterion.EXPONENTIAL and weight <= better and place.gas_weight <= MOST_GAS_WEIGHT
        raise _refusal(name, weight, most, sound, knows_better=knows_better)
    most_gas = _most_gas_weight(criterion)
    if place.gas_weight > most_gas * _ROUNDING:
        raise _gas_refusal(name, place.gas_weight, most_gas, risk_aversion_per_usd)
    is_solved = criterion is Criterion.VARIANCE and not is_tabulated(criterion, place)
    if place.stdev > MOST_STDEV and not is_solved:
        raise PolicyRefusedError(
            f"{name}: standard deviation of the log price until expiry is {place.stdev:.3g}; the band is known up to "
            f"{MOST_STDEV:g}. Check the volatilities, or use whalley_wilmott"
        )


def require_fitted(cost_weight: float, gas_weight: float, risk_aversion_per_usd: float) -> None:
    """Refuse a cost weight far beyond those that Zakamouline's formula was fitted to; raises as the above."""
    most = MOST_FITTED_WITH_GAS if gas_weight > 0.0 else MOST_FITTED_WEIGHT
    if cost_weight > most * _ROUNDING:
        sound = risk_aversion_per_usd * most / cost_weight
        knows_better = cost_weight <= MOST_COST_WEIGHT and gas_weight <= MOST_GAS_WEIGHT
        raise _refusal("zakamouline", cost_weight, most, sound, knows_better=knows_better)


def _gas_refusal(name: str, gas_weight: float, most: float, risk_aversion_per_usd: float) -> PolicyRefusedError:
    """Return the error of a gas weight above ``most``, with the risk aversion that would be sound."""
    sound = _rounded_down(risk_aversion_per_usd * most / gas_weight)
    return PolicyRefusedError(
        f"{name}: risk aversion x gas of a trade is {gas_weight:.3g}; the band is known up to {most:g}. Set "
        f"risk_aversion_per_usd to {sound:.2g} or less, wait for cheaper gas, or use whalley_wilmott, which weighs "
        "each move by itself"
    )


def _refusal(name: str, weight: float, most: float, sound: float, *, knows_better: bool) -> PolicyRefusedError:
    """Return the error; ``knows_better`` where the band of least variance is known all the same."""
    sound = _rounded_down(sound)
    other = "optimal_variance_band" if knows_better else "whalley_wilmott, which weighs each move by itself"
    return PolicyRefusedError(
        f"{name}: risk aversion x cost x notional of the book is {weight:.3g}; the band is known up to {most:.3g}. "
        f"Set risk_aversion_per_usd to {sound:.2g} or less (evenkeel decide --explain suggests one), or use {other}"
    )


def is_tabulated(criterion: Criterion, place: BandPlace) -> bool:
    """Return whether the table has a place that is known, from its end where the band is narrower than its nodes."""
    return place.cost_weight <= _most_tabulated(criterion, place) * _ROUNDING


def _most_cost_weight(criterion: Criterion, place: BandPlace) -> float:
    """Return the largest cost weight at which the band is known."""
    if criterion is Criterion.EXPONENTIAL:
        return min(MOST_COST_WEIGHT, _most_tabulated(criterion, place))
    return MOST_COST_WEIGHT_CHEAP if place.cost_ratio <= DEAREST_CHEAP else MOST_COST_WEIGHT


def _most_gas_weight(criterion: Criterion) -> float:
    return MOST_GAS_WEIGHT if criterion is Criterion.VARIANCE else MOST_GAS_WEIGHT_OF_UTILITY


def _most_tabulated(criterion: Criterion, place: BandPlace) -> float:
    """Return the largest cost weight at which the table's end is near enough."""
    if place.band_size * _ROUNDING >= BAND_SIZES[0]:
        return math.inf
    most, power = MOST_BEYOND[criterion]
    beyond = (place.band_size ** (-1.0 / 6.0) - BAND_SIZES[0] ** (-1.0 / 6.0)) * (1.0 + place.fixed_weight) ** power
    return float((most / beyond) ** 2)


def _sound_part(criterion: Criterion, place: BandPlace) -> float:
    """Return by what factor to lower the risk aversion."""
    most_gas = _most_gas_weight(criterion)
    part = min(_STEP, most_gas / max(place.gas_weight, most_gas))
    while not _is_cheap_enough(criterion, place, part):
        part *= _STEP
    return part


def _is_cheap_enough(criterion: Criterion, place: BandPlace, part: float) -> bool:
    lowered = _with_aversion(place, part)
    return lowered.cost_weight <= _most_cost_weight(criterion, lowered)


def _with_aversion(place: BandPlace, part: float) -> BandPlace:
    """Return the place of the problem at a part of its risk aversion; one of gas alone is one at any."""
    cost = place.cost_ratio
    aversion = place.cost_weight / cost
    fixed = place.gas_weight / aversion
    is_gas_alone = place.fixed_weight * _ROUNDING >= FIXED_WEIGHTS[-1]
    return BandPlace.of(0.0 if is_gas_alone else cost, fixed, part * aversion, place.stdev**2, place.moneyness)


def _rounded_down(number: float) -> float:
    """Return a positive number with two digits, not above it."""
    unit = 10.0 ** (math.floor(math.log10(number)) - 1)
    return math.floor(number / unit) * unit
