"""The dynamic programme: refinement, limits, asymptotics, and an independent solution of a small problem."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from agent.errors import DataError
from agent.policy.band_solver import BandProblem, Criterion, judge_band, solve_band
from agent.policy.band_table import OVERSHOOT
from agent.policy.whalley_wilmott import dynamic_band, whalley_wilmott_half_width

REFERENCE = BandProblem(
    cost_ratio=0.01,
    fixed_cost_ratio=0.0,
    risk_aversion=100.0,
    total_variance=0.0625,
    is_short=True,
    steps=250,
)
CRITERIA = list(Criterion)
criteria = pytest.mark.parametrize("criterion", CRITERIA)
sides = pytest.mark.parametrize("is_short", [True, False])


def net_edges(solution, log_moneyness=0.0):
    """Edges as net deltas at one price."""
    rows = solution.log_moneyness
    hedges = [np.interp(log_moneyness, rows, solution.edges[0, :, edge]) for edge in range(4)]
    return np.array(hedges) - float(solution.problem.delta_hedge(log_moneyness))


def call_gamma(variance, log_moneyness=0.0):
    stdev = math.sqrt(variance)
    d1 = log_moneyness / stdev + 0.5 * stdev
    return math.exp(-0.5 * d1 * d1) / (math.sqrt(2.0 * math.pi) * stdev * math.exp(log_moneyness))


# --- an independent solution --------------------------------------------------------------------------------------


def brute_force(problem, hedges, criterion):
    """Solve the same discrete problem by plain enumeration of every trade at every node of a recombining tree."""
    variance = problem.total_variance / problem.steps
    jump = math.sqrt(3.0 * variance)
    down = math.expm1(variance) / (math.exp(jump) - math.exp(-jump) + math.expm1(-2.0 * jump))
    up = down * math.exp(-jump)
    chances = (down, 1.0 - down - up, up)
    q, a, k, f = problem.quantity, problem.risk_aversion, problem.cost_ratio, problem.fixed_cost_ratio
    nodes = range(-problem.steps, problem.steps + 1)
    value = {j: max(math.exp(j * jump) - 1.0, 0.0) for j in nodes}
    best = {(j, y): 0.0 for j in nodes for y in hedges}
    cost = dict(best)
    for step in reversed(range(problem.steps)):
        nodes = range(-step, step + 1)
        now = {j: sum(p * value[j + s] for p, s in zip(chances, (-1, 0, 1), strict=True)) for j in nodes}
        held, held_cost = {}, {}
        for j, y in itertools.product(nodes, hedges):
            price = math.exp(j * jump)
            after = [(j + s, p) for p, s in zip(chances, (-1, 0, 1), strict=True)]
            losses = [-q * (value[i] - now[j]) - y * (math.exp(i * jump) - price) for i, _ in after]
            odds = [p for _, p in after]
            held_cost[j, y] = sum(p * cost[i, y] for i, p in after)
            if criterion is Criterion.EXPONENTIAL:
                terms = [loss + best[i, y] for loss, (i, _) in zip(losses, after, strict=True)]
                held[j, y] = math.log(sum(p * math.exp(a * t) for p, t in zip(odds, terms, strict=True))) / a
            else:
                terms = [loss + cost[i, y] for loss, (i, _) in zip(losses, after, strict=True)]
                mean = sum(p * t for p, t in zip(odds, terms, strict=True))
                spread = sum(p * (t - mean) ** 2 for p, t in zip(odds, terms, strict=True))
                held[j, y] = sum(p * best[i, y] for i, p in after) + 0.5 * a * spread
        best, new_cost = {}, {}
        for j, y in itertools.product(nodes, hedges):
            price = math.exp(j * jump)
            paid = {z: k * price * abs(z - y) + (f if z != y else 0.0) for z in hedges}
            target = min(hedges, key=lambda z: held[j, z] + paid[z])
            best[j, y] = held[j, target] + paid[target]
            new_cost[j, y] = held_cost[j, target] + paid[target]
        cost, value = new_cost, now
    return best[0, 0.0], cost[0, 0.0]


@criteria
@sides
@pytest.mark.parametrize("fixed", [0.0, 2e-3])
def test_solve_band__small_problem__agrees_with_plain_enumeration(criterion, is_short, fixed):
    problem = replace(
        REFERENCE, steps=4, cost_ratio=0.02, fixed_cost_ratio=fixed, is_short=is_short, criterion=criterion
    )
    solution = solve_band(problem, resolution=8)
    count = round(1.2 / solution.spacing)
    sign = 1.0 if is_short else -1.0
    hedges = [sign * solution.spacing * i for i in range(-count // 5, count + 1)]
    objective, cost = brute_force(problem, [0.0 if abs(y) < 1e-12 else y for y in hedges], criterion)
    row = solution.log_moneyness.size // 2
    assert solution.log_moneyness[row] == 0.0
    assert solution._in_row(solution.objective[row], row, 0.0) == pytest.approx(objective, rel=1e-9)
    assert solution._in_row(solution.expected_cost[row], row, 0.0) == pytest.approx(cost, rel=1e-9)


# --- refinement ---------------------------------------------------------------------------------------------------


@criteria
def test_solve_band__time_refined__converges_at_first_order(criterion):
    objectives = [
        solve_band(replace(REFERENCE, steps=steps, criterion=criterion), 12).objective_at(0.0)
        for steps in (125, 250, 500)
    ]
    first, second = objectives[0] - objectives[1], objectives[1] - objectives[2]
    assert 0.0 < second < first
    assert first / second == pytest.approx(2.0, rel=0.15)
    assert second / objectives[2] < 0.025


@criteria
def test_solve_band__hedge_grid_refined__converges(criterion):
    problem = replace(REFERENCE, criterion=criterion)
    coarse, fine = solve_band(problem, 10), solve_band(problem, 20)
    assert coarse.objective_at(0.0) == pytest.approx(fine.objective_at(0.0), rel=2e-3)
    np.testing.assert_allclose(net_edges(coarse), net_edges(fine), atol=0.05 * abs(net_edges(fine)).max())


@criteria
@pytest.mark.parametrize(("fixed", "steps"), [(0.0, 250), (2e-4, 500)])
def test_solve_band__coarse_band_on_a_grid_twice_as_fine__is_within_one_percent(criterion, fixed, steps):
    fine = replace(REFERENCE, steps=2 * steps, fixed_cost_ratio=fixed, criterion=criterion)
    coarse = solve_band(replace(fine, steps=steps), 10, np.arange(steps))

    def band(step, log_moneyness):
        stdev, stdev_then = (
            math.sqrt(fine.total_variance * (1.0 - at)) for at in (step / fine.steps, step // 2 / steps)
        )
        distance = coarse.edges[step // 2] - coarse.problem.delta_hedge(coarse.log_moneyness, step // 2)[:, None]
        moneyness = coarse.log_moneyness / stdev_then
        net = [np.interp(log_moneyness / stdev, moneyness, np.clip(distance[:, edge], -9, 9)) for edge in range(4)]
        return np.stack(net, axis=1) + fine.delta_hedge(log_moneyness, step)[:, None]

    best = solve_band(fine, 20).objective_at(0.0)
    assert best * (1.0 - 1e-3) <= judge_band(fine, band, 20).objective_at(0.0) <= 1.01 * best


@criteria
def test_judge_band__the_solution_itself__gives_its_objective(criterion):
    problem = replace(REFERENCE, criterion=criterion)
    solution = solve_band(problem, 20, np.arange(problem.steps))
    told = judge_band(problem, lambda step, _: solution.edges[step], 20)
    assert told.objective_at(0.0) == pytest.approx(solution.objective_at(0.0), rel=1e-3)
    assert told.expected_cost_at(0.0) == pytest.approx(solution.expected_cost_at(0.0), rel=5e-3)


@criteria
@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_judge_band__wider_or_narrower_than_the_solution__is_worse(criterion, factor):
    problem = replace(REFERENCE, criterion=criterion)
    solution = solve_band(problem, 20, np.arange(problem.steps))

    def band(step, log_moneyness):
        middle = 0.5 * (solution.edges[step, :, 1] + solution.edges[step, :, 2])[:, None]
        return middle + factor * (np.clip(solution.edges[step], -9.0, 9.0) - middle)

    assert judge_band(problem, band, 20).objective_at(0.0) > 1.005 * solution.objective_at(0.0)


# --- limits and asymptotics ---------------------------------------------------------------------------------------


@criteria
@sides
def test_solve_band__no_cost__closes_on_the_delta(criterion, is_short):
    widths = []
    for cost in (1e-3, 1e-5, 1e-7):
        problem = replace(REFERENCE, cost_ratio=cost, is_short=is_short, criterion=criterion, steps=100)
        low, _, _, high = net_edges(solve_band(problem, 12))
        widths.append(max(abs(low), abs(high)))
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] < 0.01


@criteria
@sides
@pytest.mark.parametrize("log_moneyness", [-0.2, 0.0, 0.2])
def test_solve_band__moderate_cost__band_contains_the_delta(criterion, is_short, log_moneyness):
    problem = replace(REFERENCE, cost_ratio=0.001, risk_aversion=20.0, is_short=is_short, criterion=criterion)
    low, _, _, high = net_edges(solve_band(problem), log_moneyness)
    assert low < 0.0 < high


@criteria
@pytest.mark.parametrize("log_moneyness", [-0.15, 0.15])
def test_solve_band__short_call__middle_lies_toward_the_delta_of_a_larger_volatility(criterion, log_moneyness):
    edges = net_edges(solve_band(replace(REFERENCE, criterion=criterion)), log_moneyness)
    stdev = math.sqrt(REFERENCE.total_variance)
    adjusted = 1.3 * stdev
    toward = ndtr(log_moneyness / adjusted + 0.5 * adjusted) - ndtr(log_moneyness / stdev + 0.5 * stdev)
    assert math.copysign(1.0, edges.mean()) == math.copysign(1.0, toward)


@criteria
@sides
def test_solve_band__small_costs__whalley_wilmott_half_width_and_cube_root(criterion, is_short):
    variance, aversion, halves = 0.04, 5.0, []
    for cost in (1e-3, 1e-4):
        expected = whalley_wilmott_half_width(call_gamma(variance), 1.0, cost, aversion)
        # As many moves of the delta cross each band, so that both are watched alike.
        steps = round((5.0 * call_gamma(variance) * math.sqrt(variance) / expected) ** 2)
        low, _, _, high = net_edges(
            solve_band(BandProblem(cost, 0.0, aversion, variance, is_short, steps, criterion), 16)
        )
        half = 0.5 * (high - low) + OVERSHOOT * call_gamma(variance) * math.sqrt(variance / steps)
        assert half == pytest.approx(expected, rel=0.045)
        halves.append(half)
    assert math.log10(halves[0] / halves[1]) == pytest.approx(1.0 / 3.0, abs=0.012)


@criteria
def test_solve_band__small_fixed_cost_alone__trades_to_the_delta_from_fourth_root(criterion):
    problem = BandProblem(0.0, 3e-5, 5.0, 0.04, True, 400, criterion)
    edges = net_edges(solve_band(problem, 16))
    overshoot = OVERSHOOT * call_gamma(0.04) * math.sqrt(0.04 / 400)
    outer = dynamic_band(call_gamma(0.04), 1.0, 0.0, 3e-5, 5.0).outer
    assert 0.5 * (edges[3] - edges[0]) + overshoot == pytest.approx(outer, rel=0.08)
    assert abs(edges[1]) < 0.1 * outer
    assert abs(edges[2]) < 0.1 * outer


def test_solve_band__small_risk__criteria_agree():
    problem = replace(REFERENCE, cost_ratio=5e-4, risk_aversion=2.0, steps=150)
    exponential = solve_band(problem)
    variance = solve_band(replace(problem, criterion=Criterion.VARIANCE))
    assert exponential.objective_at(0.0) == pytest.approx(variance.objective_at(0.0), rel=5e-3)
    np.testing.assert_allclose(net_edges(exponential), net_edges(variance), rtol=0.05)


# --- monotonicity -------------------------------------------------------------------------------------------------


@criteria
@sides
@pytest.mark.parametrize(
    ("field", "numbers", "widens"),
    [
        ("cost_ratio", (0.001, 0.003, 0.01), True),
        ("fixed_cost_ratio", (1e-5, 1e-4, 1e-3), True),
        ("risk_aversion", (20.0, 60.0, 180.0), False),
    ],
)
def test_solve_band__one_input_grows__band_and_objective_follow(criterion, is_short, field, numbers, widens):
    solutions = [
        solve_band(replace(REFERENCE, steps=150, is_short=is_short, criterion=criterion, **{field: number}))
        for number in numbers
    ]
    widths = [float(np.subtract(*net_edges(solution)[[3, 0]])) for solution in solutions]
    objectives = [solution.objective_at(0.0) for solution in solutions]
    assert widths == sorted(widths, reverse=not widens)
    assert objectives == sorted(objectives)


@criteria
def test_solve_band__fixed_cost__outer_edges_lie_beyond_inner_ones(criterion):
    low, inner_low, inner_high, high = net_edges(
        solve_band(replace(REFERENCE, fixed_cost_ratio=2e-4, criterion=criterion))
    )
    assert low < inner_low < inner_high < high


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ("cost_ratio", -0.01),
        ("cost_ratio", math.nan),
        ("fixed_cost_ratio", -1e-9),
        ("risk_aversion", 0.0),
        ("risk_aversion", math.inf),
        ("total_variance", -1.0),
        ("steps", 0),
    ],
)
def test_problem__number_out_of_domain__is_refused_by_name(field, number):
    with pytest.raises(DataError, match=field):
        replace(REFERENCE, **{field: number})


def test_problem__no_cost_at_all__is_refused():
    with pytest.raises(DataError, match="both 0"):
        replace(REFERENCE, cost_ratio=0.0)
