"""What each policy costs at one and the same risk, on simulated and on real paths; seeded.

``run`` also writes the tables of docs/frontier.md, between its markers, and the pictures docs/images/frontier-*.svg.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agent.backtest.frontier import FrontierStatistics, MatchedCost, cost_at
from agent.backtest.schedule import Schedule, follow_policy, follow_solution
from agent.backtest.simulator import Outcomes, simulate
from agent.policy.band_solver import BandProblem, Criterion, judge_band, solve_band
from agent.policy.base import Policy
from agent.policy.optimal_band import OptimalBand, OptimalVarianceBand
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.policy.zakamouline import Zakamouline
from benchmarks.figure import Figure
from benchmarks.frontier_cases import (
    CONTINUOUS,
    INTERVAL,
    LELAND,
    LIVE_VARIANCE,
    OPTIMAL_EXPONENTIAL,
    OPTIMAL_VARIANCE,
    RESOLUTION,
    STATIC_DAYS,
    THRESHOLD,
    WHALLEY_WILMOTT,
    ZAKAMOULINE,
    ZAKAMOULINE_476,
    Case,
    eth_cases,
    families,
    fixed_cost_case,
    problem_of,
    reference_case,
)
from benchmarks.svg_chart import Axis, Curve, chart

DOCS = Path(__file__).resolve().parents[1] / "docs"
BEGIN, END = "<!-- tables: begin (written by python -m benchmarks frontier) -->", "<!-- tables: end -->"
COLOURS = {
    INTERVAL: "#8c959f",
    LELAND: "#bf8700",
    THRESHOLD: "#6e7781",
    WHALLEY_WILMOTT: "#0969da",
    ZAKAMOULINE: "#8250df",
    ZAKAMOULINE_476: "#bc8cff",
    OPTIMAL_EXPONENTIAL: "#1a7f37",
    OPTIMAL_VARIANCE: "#cf222e",
}
REFERENCE_SD_USD = 1.46
PUBLISHED_COST_USD = {INTERVAL: 2.74, WHALLEY_WILMOTT: 1.61, ZAKAMOULINE: 1.55, ZAKAMOULINE_476: 1.55}
"""At `REFERENCE_SD_USD`; plain delta hedging 50 times, the two bands."""
RIVALS = (WHALLEY_WILMOTT, ZAKAMOULINE, ZAKAMOULINE_476)
EXACT = (*RIVALS, OPTIMAL_EXPONENTIAL, LIVE_VARIANCE, OPTIMAL_VARIANCE)
FINE_STEPS, FINE_RESOLUTION = 1_000, 20


@dataclass(frozen=True, slots=True)
class Result:
    """One case, run. ``title`` and ``slug`` say which risk costs are set against."""

    title: str
    slug: str
    case: Case
    statistics: FrontierStatistics
    rows: dict[str, list[int]]
    matched: dict[float, dict[str, MatchedCost]]
    exact: dict[str, dict[float, float]]
    """Cost by policy and standard deviation on the solver's lattice; empty for real paths."""


def run() -> list[Figure]:
    """Run every case, write tables and pictures, and return the figures."""
    real = eth_cases()
    if not real:
        print("frontier: no ../shared/data beside the checkout, so no ETH paths", file=sys.stderr)
    cases = [reference_case(), fixed_cost_case(), *real]
    results = [result for case in cases for result in evaluate(case)]
    write_docs(results)
    figures = reference_figures(results[0]) + convergence_figures(results[0].case)
    for result in results:
        figures += excess_figures(result)
    return figures


def evaluate(case: Case) -> list[Result]:
    """Run every policy of a case on its paths; real paths are judged by a second risk too.

    On real paths most of the risk is that of the volatility, which no delta hedge removes. What a policy is answerable
    for is how far its outcome strays from that of hedging at every look free of charge.
    """
    tabulated = families(case)
    schedules: list[Schedule] = []
    rows: dict[str, list[int]] = {}
    for name, family in tabulated.items():
        rows[name] = list(range(len(schedules), len(schedules) + len(family)))
        schedules += family
    outcomes = _outcomes(case, schedules)
    results = [_result(case, case.title, case.slug, outcomes, rows, case.matched_sd_usd)]
    if not case.is_real:
        results[0].exact.update(exact_costs(case, tabulated))
    else:
        row = rows[CONTINUOUS][0]
        frictionless = outcomes.pnl_usd[row] + outcomes.cost_usd[row]
        strayed = replace(outcomes, pnl_usd=outcomes.pnl_usd - frictionless)
        title = f"{case.title}, risk against hedging free of charge"
        results.append(_result(case, title, f"{case.slug}-tracking", strayed, rows, ()))
    return results


def _result(
    case: Case, title: str, slug: str, outcomes: Outcomes, rows: dict[str, list[int]], matched: Sequence[float]
) -> Result:
    statistics = FrontierStatistics(outcomes, case.groups)
    wanted = matched or _common_sds(statistics, rows)
    found = {sd: statistics.matched(rows, OPTIMAL_VARIANCE, sd) for sd in wanted}
    return Result(title, slug, case, statistics, rows, found, {})


def _outcomes(case: Case, schedules: list[Schedule]) -> Outcomes:
    """Run a case's blocks of paths and put them together, in USD now."""
    blocks = [
        simulate(case.option, schedules, prices, case.cost_ratio, case.fixed_cost_usd) for prices in case.blocks()
    ]
    return Outcomes(
        names=blocks[0].names,
        cost_usd=case.discount * np.concatenate([block.cost_usd for block in blocks], axis=1),
        pnl_usd=case.discount * np.concatenate([block.pnl_usd for block in blocks], axis=1),
        trades=np.concatenate([block.trades for block in blocks], axis=1),
    )


def exact_costs(case: Case, tabulated: dict[str, list[Schedule]]) -> dict[str, dict[float, float]]:
    """Return each band's cost at each matched standard deviation as the solver's lattice has them, free of sampling.

    Under the variance criterion objective and cost of a band give its variance: 2 (H - C) / a.
    """
    moneyness = math.log(case.start_usd / case.option.strike_usd)
    scale = case.discount * case.option.strike_usd
    found: dict[str, dict[float, float]] = {}
    for name in EXACT:
        points = []
        for aversion, schedule in zip(case.risk_aversions, tabulated[name], strict=True):
            problem = problem_of(case, aversion, Criterion.VARIANCE)
            told = judge_band(problem, schedule.band(problem), RESOLUTION)
            cost = told.expected_cost_at(moneyness)
            variance = 2.0 * (told.objective_at(moneyness) - cost) / problem.risk_aversion
            points.append((scale * math.sqrt(variance), scale * cost))
        points.sort()
        kept = [point for i, point in enumerate(points) if all(point[1] < lower[1] for lower in points[:i])]
        sd, cost_usd = np.array(kept).T
        found[name] = {
            wanted: cost_at(sd, cost_usd, wanted) for wanted in case.matched_sd_usd if sd[0] <= wanted <= sd[-1]
        }
    return found


def _common_sds(statistics: FrontierStatistics, rows: dict[str, list[int]]) -> list[float]:
    """Return five standard deviations that the optimal band and both rivals reach, evenly spaced in logarithm."""
    reaches = [statistics.reach(rows[name]) for name in (OPTIMAL_VARIANCE, *RIVALS)]
    low, high = max(reach[0] for reach in reaches), min(reach[1] for reach in reaches)
    return np.geomspace(low, high, 7)[1:-1].round(3).tolist()


# --- figures ------------------------------------------------------------------------------------------------------


def reference_figures(result: Result) -> list[Figure]:
    """Return cost at the published standard deviation, beside the published costs."""
    points = result.statistics.points()
    fifty = points[result.rows[INTERVAL][list(result.case.trades).index(50)]]
    figures = [
        Figure.against(
            "frontier_interval_50_cost", fifty.cost_usd.value, "USD", "published", PUBLISHED_COST_USD[INTERVAL]
        ),
        Figure.against("frontier_interval_50_sd", fifty.sd_usd.value, "USD", "published", REFERENCE_SD_USD),
    ]
    for name, matched in result.matched[REFERENCE_SD_USD].items():
        label = f"frontier_cost_at_sd_{REFERENCE_SD_USD:g}_{_slug(name)}"
        unit = f"USD +-{matched.cost_usd.half_width:.3f}"
        if name in RIVALS:
            figures.append(Figure.against(label, matched.cost_usd.value, unit, "published", PUBLISHED_COST_USD[name]))
        else:
            figures.append(Figure(label, matched.cost_usd.value, unit))
    return figures


def excess_figures(result: Result) -> list[Figure]:
    """Return by how much each rival costs more than the optimal band at matched risk, and how sure that is.

    The mean is over the matched standard deviations; ``dearer`` and ``cheaper`` count those where the 95 % interval of
    the excess lies above and below 0. On simulated paths the lattice tells the least excess without sampling error.
    """
    figures = []
    for rival in RIVALS:
        excess = {sd: found[rival].excess_usd for sd, found in result.matched.items() if rival in found}
        name = f"frontier_{result.slug}_{_slug(rival)}"
        mean = result.statistics.mean_excess(result.rows[rival], result.rows[OPTIMAL_VARIANCE], list(excess))
        figures.append(Figure(f"{name}_mean_excess", 100.0 * mean.value, f"% +-{100.0 * mean.half_width:.2f}"))
        of_all = f"of {len(excess)} risks"
        figures.append(Figure(f"{name}_dearer", sum(e.value > e.half_width for e in excess.values()), of_all))
        figures.append(Figure(f"{name}_cheaper", sum(e.value < -e.half_width for e in excess.values()), of_all))
        if result.exact:
            best, told = result.exact[OPTIMAL_VARIANCE], result.exact[rival]
            exact = min(told[sd] / best[sd] for sd in best.keys() & told.keys())
            figures.append(Figure(f"{name}_least_excess_exact", 100.0 * (exact - 1.0), "%"))
    return figures


def convergence_figures(case: Case) -> list[Figure]:
    """Return how far bands are from the best objective on a grid twice as fine, in percent of that objective."""
    figures = []
    policies: dict[Criterion, Policy] = {
        Criterion.EXPONENTIAL: OptimalBand(1.0, 3.1536e7 / FINE_STEPS, STATIC_DAYS, case.option.vol_annual),
        Criterion.VARIANCE: OptimalVarianceBand(1.0, 3.1536e7 / FINE_STEPS, STATIC_DAYS, case.option.vol_annual),
    }
    for criterion, live in policies.items():
        fine = replace(problem_of(case, 1.0, criterion), steps=FINE_STEPS)
        best = solve_band(fine, FINE_RESOLUTION)
        moneyness = math.log(case.start_usd / case.option.strike_usd)
        goal = best.objective_at(moneyness)
        name = f"frontier_loss_on_finer_grid_{criterion.name.lower()}"
        told = judge_band(fine, half_as_fine(fine).band(fine), FINE_RESOLUTION).objective_at(moneyness)
        figures.append(Figure(f"{name}_solved", 100.0 * (told / goal - 1.0), "% of objective"))
        rivals = {"live_table": live} | {
            "whalley_wilmott": WhalleyWilmott(1.0, STATIC_DAYS, case.option.vol_annual),
            "zakamouline_5.76": Zakamouline(1.0, STATIC_DAYS, case.option.vol_annual, 5.76),
            "zakamouline_4.76": Zakamouline(1.0, STATIC_DAYS, case.option.vol_annual, 4.76),
        }
        for label, policy in rivals.items():
            schedule = follow_policy(label, policy, case.option, case.costs)
            told = judge_band(fine, schedule.band(fine), FINE_RESOLUTION).objective_at(moneyness)
            figures.append(Figure(f"{name}_{label}", 100.0 * (told / goal - 1.0), "% of objective"))
    return figures


def half_as_fine(fine: BandProblem) -> Schedule:
    """Return the best band of a grid half as fine in time and hedge."""
    coarse = replace(fine, steps=fine.steps // 2)
    return follow_solution("coarse", solve_band(coarse, FINE_RESOLUTION // 2, np.arange(coarse.steps)))


# --- tables and pictures ------------------------------------------------------------------------------------------


def write_docs(results: list[Result]) -> None:
    """Write the pictures, and the tables between the page's markers."""
    for result in results:
        (DOCS / "images" / f"frontier-{result.slug}.svg").write_text(picture(result), encoding="utf-8")
    page = DOCS / "frontier.md"
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    tables = "\n\n".join(table(result) for result in results)
    page.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}", encoding="utf-8")


def table(result: Result) -> str:
    """Return cost of each policy at each matched standard deviation, with 95 % intervals of the excess."""
    sds = list(result.matched)
    lines = [
        f"### {result.title}",
        "",
        f"![Cost against standard deviation: {result.title}](images/frontier-{result.slug}.svg)",
        "",
        "| policy | " + " | ".join(f"sd {sd:g}" for sd in sds) + " |",
        "|---" * (len(sds) + 1) + "|",
    ]
    for name in result.rows:
        cells = [_cell(result.matched[sd].get(name), name) for sd in sds]
        if any(cell != "-" for cell in cells):
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if result.exact:
        lines += ["", "The same on the solver's lattice, free of sampling error:", "", *lines[4:6]]
        best = result.exact[OPTIMAL_VARIANCE]
        for name, costs in result.exact.items():
            shown = [
                f"{costs[sd]:.3f} ({100.0 * (costs[sd] / best[sd] - 1.0):+.1f} %)" if sd in costs else "-" for sd in sds
            ]
            lines.append(f"| {name} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def _cell(matched: MatchedCost | None, name: str) -> str:
    if matched is None:
        return "-"
    cost = f"{matched.cost_usd.value:.3f}"
    if name == OPTIMAL_VARIANCE:
        return f"{cost} ±{matched.cost_usd.half_width:.3f}"
    base = matched.cost_usd.value - matched.excess_usd.value
    return (
        f"{cost} ({100.0 * matched.excess_usd.value / base:+.1f} ±{100.0 * matched.excess_usd.half_width / base:.1f} %)"
    )


def picture(result: Result) -> str:
    """Draw cost against standard deviation."""
    points = result.statistics.points()
    curves = []
    for name, colour in COLOURS.items():
        kept = result.statistics.efficient(result.rows[name])
        family = [(points[row].sd_usd.value, points[row].cost_usd.value) for row in kept]
        curves.append(
            Curve(name.replace("Hodges-Neuberger", "exponential"), colour, family, name in (INTERVAL, LELAND))
        )
    sds = list(result.matched)
    costs = [found[OPTIMAL_VARIANCE].cost_usd.value for found in result.matched.values()]
    x_high, y_high = 1.15 * max(sds), 1.9 * max(costs)
    x_low = 0.75 * min(sds)
    return chart(
        result.title,
        Axis(x_low, x_high, _ticks(x_low, x_high), "standard deviation of the outcome, USD for a strike of 100"),
        Axis(0.0, y_high, _ticks(0.0, y_high), "mean trading cost, USD"),
        curves,
    )


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers, about six, between two."""
    raw = (high - low) / 6.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((1.0, 2.0, 2.5, 5.0, 10.0), key=lambda unit: abs(unit * power - raw)) * power
    return [round(step * i, 10) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _slug(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_").replace("(", "").replace(")", "")
