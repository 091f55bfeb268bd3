"""The programme from book and quotes to trades, with what they cost and what risk is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agent.errors import DataError, RejectedError
from agent.numerics.arrays import FloatArray
from agent.optimiser.covariance import FactorCovariance
from agent.optimiser.factors import Factors
from agent.optimiser.instruments import Instrument
from agent.optimiser.leg_selection import NO_LEG, NOTHING, Gas, LegSolution, best_support, legs_traded
from agent.optimiser.limits import GuardLimits, VenueLimits
from agent.optimiser.lots import around, rounded_parts
from agent.optimiser.problem import Problem, assemble
from agent.optimiser.quadratic import certified
from agent.optimiser.result import Plan, PlanCosts, PlanTrade
from agent.optimiser.summary import reason_of

_BINDS = 1e-7
"""Room left, relative to the bound's largest coefficient, up to which a bound with a price counts as binding."""


def make_plan(
    factors: Factors,
    instruments: Sequence[Instrument],
    venues: Sequence[VenueLimits],
    covariance: FactorCovariance,
    risk_aversion_per_usd: float,
    guard: GuardLimits | None = None,
    gas: Gas | None = None,
    counts_expected_gain: bool = False,
) -> Plan:
    """Choose the trades.

    Parameters
    ----------
    factors
        Of book and hedge as they are.
    instruments, venues
        What may be traded and where; every instrument's venue is among them.
    covariance
        Of the factors until the next rebalance.
    risk_aversion_per_usd
        a: what one USD^2 of variance is worth avoiding is a/2.
    guard
        The chain's bounds on on-chain instruments, None without. Outside the guard's band holding is no choice.
    gas
        Of on-chain legs.
    counts_expected_gain
        Whether `Instrument.expected_gain_usd_per_unit` counts. Off by default: the programme takes no view.

    Raises
    ------
    DataError
        Naming row, field and value of bad input; or the numbers were too far out of scale to solve.
    RejectedError
        No trade respects the bounds; it names the one most in the way.

    """
    problem = assemble(factors, instruments, venues, guard, covariance, risk_aversion_per_usd, counts_expected_gain)
    costs = gas or Gas()
    legs = _legs(problem)
    answer = best_support(problem.quadratic, legs, costs)
    if answer is None or not answer.solution.is_certified:
        answer = _second_opinion(problem, legs, costs, answer)
    answer, lot_usd = _in_lots(problem, legs, costs, answer)
    return _record(problem, answer, legs, costs, lot_usd)


def _legs(problem: Problem) -> NDArray[np.int64]:
    """Return each slice's instrument where it is traded on chain, else `NO_LEG`."""
    on_chain = np.array([instrument.is_on_chain for instrument in problem.instruments])
    return np.where(on_chain[problem.table.instrument], problem.table.instrument, NO_LEG)


def _second_opinion(problem: Problem, legs: NDArray[np.int64], gas: Gas, answer: LegSolution | None) -> LegSolution:
    """Say which bound forbids every trade; or, where none does, ask Clarabel with all legs and with those found.

    Loaded here alone: cvxpy takes a second that no other decision should wait for.
    """
    from agent.optimiser.feasibility import require_feasible  # noqa: PLC0415

    require_feasible(problem)
    from agent.optimiser.convex import solve_with_cvxpy  # noqa: PLC0415

    sets = [np.ones(legs.size, dtype=np.bool_)]
    if answer is not None:
        sets.append(np.isin(legs, [NO_LEG, *legs_traded(legs, answer.t)]))
    found = []
    for chosen in sets:
        solution = solve_with_cvxpy(problem.quadratic.keeping(chosen)) if chosen.any() else None
        if solution is not None and solution.is_certified:
            t = np.zeros(legs.size)
            t[chosen] = solution.t
            found.append(LegSolution.of(t, solution, legs, gas))
    if not found:
        raise DataError(
            "the programme has numbers too far out of scale to solve; look for a quoted size, a factor or a covariance "
            "that is too large"
        )
    return min(found, key=lambda one: one.total_usd)


def _in_lots(problem: Problem, legs: NDArray[np.int64], gas: Gas, answer: LegSolution) -> tuple[LegSolution, float]:
    """Return the answer in whole lots where an instrument has one, and what rounding costs at most."""
    if not any(instrument.lot > 0.0 for instrument in problem.instruments):
        return answer, 0.0
    best: LegSolution | None = None
    for toward_zero in (False, True):
        fixed, parts = rounded_parts(problem, answer.t, toward_zero)
        rest = around(problem.quadratic, fixed, parts)
        found = best_support(rest, legs[~fixed], gas)
        if found is None:
            continue
        t = parts.copy()
        t[~fixed] = found.t
        whole = LegSolution.of(t, certified(problem.quadratic, t, found.y), legs, gas)
        if best is None or whole.total_usd < best.total_usd:
            best = whole
    if best is None:
        raise RejectedError("NoWholeLots", {"bound": "no trade in whole lots respects all bounds"})
    return best, max(best.total_usd - answer.total_usd, 0.0) + answer.solution.gap


# --- the record ---------------------------------------------------------------------------------------------------


def _record(problem: Problem, answer: LegSolution, legs: NDArray[np.int64], gas: Gas, lot_usd: float) -> Plan:
    t = np.where(answer.t > NOTHING, answer.t, 0.0)
    units = problem.table.width * t
    curved = np.array([instrument.impact_usd_per_unit2 for instrument in problem.instruments])[problem.table.instrument]
    impact = problem.linear["impact"] * units + curved * (problem.table.start + 0.5 * units) * units
    parts = {name: float(cost @ units) for name, cost in problem.linear.items()}
    costs = PlanCosts(
        parts["fee"], float(impact.sum()), parts["funding"], parts["premium"], gas.of(len(legs_traded(legs, t)))
    )
    after = problem.residual(t)
    plan = Plan(
        trades=_trades(problem, t, problem.linear["fee"] * units, impact),
        costs=costs,
        expected_gain_usd=0.0 - parts.get("gain", 0.0),
        before=problem.factors,
        after=after,
        stdev_before_usd=problem.stdev_usd(problem.factors),
        stdev_after_usd=problem.stdev_usd(after),
        horizon_days=problem.covariance.horizon_days,
        objective_before_usd=problem.quadratic.objective(np.zeros(t.size)),
        objective_usd=answer.total_usd,
        binding=_binding(problem, answer),
        gap_usd=lot_usd or answer.solution.gap,
        reason="",
    )
    return replace(plan, reason=reason_of(plan, problem.instruments, problem.covariance))


def _trades(problem: Problem, t: FloatArray, fee_usd: FloatArray, impact_usd: FloatArray) -> tuple[PlanTrade, ...]:
    table, count = problem.table, len(problem.instruments)
    sizes = problem.trades(t)
    fees, impacts = (np.bincount(table.instrument, part, count) for part in (fee_usd, impact_usd))
    return tuple(
        PlanTrade(
            problem.instruments[index].name,
            problem.instruments[index].venue,
            float(sizes[index]),
            problem.instruments[index].fair_usd + float(impacts[index] / sizes[index]),
            float(fees[index]),
            float(impacts[index]),
        )
        for index in np.flatnonzero(sizes)
    )


def _binding(problem: Problem, answer: LegSolution) -> tuple[str, ...]:
    """Return the bounds that have a price, and the quotes whose whole size is taken though more was worth its cost."""
    quadratic, table = problem.quadratic, problem.table
    largest = np.abs(quadratic.bounds).max(axis=0, initial=0.0)
    slack = quadratic.room - answer.t @ quadratic.bounds
    texts = [
        bound.text
        for bound, left, price, unit in zip(problem.bounds, slack, answer.y, largest, strict=True)
        if price > 0.0 and left <= _BINDS * unit
    ]
    gradient = quadratic.gradient(answer.t, answer.y)
    ends = (table.instrument[1:] != table.instrument[:-1]) | (table.sign[1:] != table.sign[:-1])
    is_last = np.append(ends, True)[: table.width.size]
    for row in np.flatnonzero(is_last & (answer.t >= 1.0 - NOTHING) & (gradient < 0.0)):
        side = "ask" if table.sign[row] > 0.0 else "bid"
        texts.append(f"the size at the {side} of {problem.instruments[table.instrument[row]].name}")
    return tuple(dict.fromkeys(texts))
