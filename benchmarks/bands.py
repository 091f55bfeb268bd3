"""What the live optimal band gives up over what desks use: books of 10 to 100,000 units, gas of 0.01 to 1,000 USD.

Problems are drawn at random: size and gas, evenly in their logarithms; costs of 1 to 30 bps, vols of 30 to 150 %, 3 to
90 days left, long and short; the risk aversion is that which `suggest_risk_aversion` proposes for the book, times 1/4
to 4. The loss is that of the objective when the live band is followed on the solver's own lattice, see `band_table`.
"""

from __future__ import annotations

import math
from contextlib import suppress

import numpy as np

from agent.errors import DataError
from agent.numerics.vector_math import NORMAL_DENSITY_AT_0
from agent.policy.band_solver import BandProblem, Criterion
from agent.policy.optimal_band import OptimalVarianceBand
from agent.policy.risk_aversion import AVERSION_OF_BOOK_RISK
from agent.policy.whalley_wilmott import WhalleyWilmott, dynamic_band
from agent.policy.zakamouline import CONFIRMED_CONSTANT, Zakamouline
from agent.units import DAYS_PER_YEAR, SECONDS_PER_YEAR
from benchmarks.band_table import FEWEST_LOOKS, STRIKE_USD, loss, loss_of, losses_from
from benchmarks.figure import Figure

SEED, PROBLEMS = 20_240_805, 24
LOOKS_A_BAND, MOST_LOOKS = 5.0, 2_400
"""More than `band_table` has: on a lattice whose steps are as wide as the band, the price stands still too often."""
KEEPER_LOOKS = 1_200
SPOT_USD = 3_200.0
QUANTITIES, GAS_USD = (10.0, 100_000.0), (0.01, 1_000.0)
COST_RATIOS, VOLS_ANNUAL, DAYS = (1e-4, 3e-3), (0.3, 1.5), (3.0, 90.0)
TIMES_SUGGESTED = (0.25, 4.0)
KEEPER_GAS_USD = (0.07, 5.0, 75.0)
OFF_THE_STRIKE = (1.0, 1.5, 2.0)
"""Standard deviations of the log price until expiry."""


def run() -> list[Figure]:
    """Return what the live bands give up over a desk's domain, and every band in closed form at the keeper's size."""
    return [*desk_figures(), *off_the_strike_figures(), *keeper_figures()]


def keeper_figures() -> list[Figure]:
    """Return each band's loss for 100 calls at the money, 30 days at 60 %, 15 bps, by price of gas."""
    figures = []
    for gas_usd in KEEPER_GAS_USD:
        for is_short in (True, False):
            problem = _keepers_problem(gas_usd, is_short)
            aversion, vol = problem.risk_aversion / STRIKE_USD, math.sqrt(problem.total_variance)
            watch_seconds = SECONDS_PER_YEAR / problem.steps
            policies = {
                "whalley_wilmott": WhalleyWilmott(aversion, DAYS_PER_YEAR, vol),
                "zakamouline": Zakamouline(aversion, DAYS_PER_YEAR, vol, CONFIRMED_CONSTANT),
                "optimal_variance_band": OptimalVarianceBand(aversion, watch_seconds, DAYS_PER_YEAR, vol),
            }
            side = "short" if is_short else "long"
            for name, policy in policies.items():
                found = 100.0 * loss_of(policy, problem)
                figures.append(Figure(f"bands_keeper_{side}_{name}_gas_{gas_usd:g}", found, "% of objective"))
    return figures


def _keepers_problem(gas_usd: float, is_short: bool) -> BandProblem:
    notional_usd = 100.0 * SPOT_USD
    variance, aversion = 0.6**2 * 30.0 / DAYS_PER_YEAR, 0.001 * notional_usd
    return BandProblem(0.0015, gas_usd / notional_usd, aversion, variance, is_short, KEEPER_LOOKS, Criterion.VARIANCE)


def desk_figures() -> list[Figure]:
    """Return median, 90 % quantile and worst loss, and how many problems are refused, by criterion."""
    figures = []
    for criterion in (Criterion.VARIANCE, Criterion.EXPONENTIAL):
        losses, refused = [], 0
        for problem in desk_problems(criterion, PROBLEMS, SEED):
            try:
                losses.append(100.0 * loss(problem))
            except DataError:
                refused += 1
        name = f"bands_{criterion.name.lower()}"
        figures += [
            Figure(f"{name}_loss_median", float(np.median(losses)), "% of objective"),
            Figure(f"{name}_loss_of_9_in_10", float(np.quantile(losses, 0.9)), "% of objective"),
            Figure(f"{name}_loss_worst_of_{len(losses)}", max(losses), "% of objective"),
            Figure(f"{name}_refused_of_{PROBLEMS}", float(refused), "problems"),
        ]
    return figures


def off_the_strike_figures() -> list[Figure]:
    """Return median, 90 % quantile and worst loss of the same problems begun away from the strike, the worse side."""
    figures = []
    starts = (0.0, *OFF_THE_STRIKE, *(-each for each in OFF_THE_STRIKE))
    for criterion in (Criterion.VARIANCE, Criterion.EXPONENTIAL):
        rows = []
        for problem in desk_problems(criterion, PROBLEMS, SEED):
            with suppress(DataError):
                rows.append(dict(zip(starts, losses_from(starts, problem), strict=True)))
        for away in (0.0, *OFF_THE_STRIKE):
            losses = [100.0 * max(row[away], row[-away]) for row in rows]
            for name, part in (("median", 0.5), ("of_9_in_10", 0.9), ("worst", 1.0)):
                found = float(np.quantile(losses, part))
                figures.append(Figure(f"bands_{criterion.name.lower()}_at_{away:g}_sd_{name}", found, "% of objective"))
    return figures


def desk_problems(criterion: Criterion, count: int, seed: int) -> list[BandProblem]:
    """Draw problems that a desk meets, watched often enough for their bands."""
    rng = np.random.default_rng(seed)
    problems = []
    for _ in range(count):
        quantity, gas_usd, cost, vol, days, times = (
            math.exp(rng.uniform(*np.log(ends)))
            for ends in (QUANTITIES, GAS_USD, COST_RATIOS, VOLS_ANNUAL, DAYS, TIMES_SUGGESTED)
        )
        notional_usd, stdev = quantity * SPOT_USD, vol * math.sqrt(days / DAYS_PER_YEAR)
        gamma_at_the_money = NORMAL_DENSITY_AT_0 * math.exp(-0.125 * stdev**2) / stdev
        risk_usd = notional_usd * gamma_at_the_money * vol**2 / DAYS_PER_YEAR
        aversion, fixed = times * AVERSION_OF_BOOK_RISK / risk_usd * notional_usd, gas_usd / notional_usd
        outer = dynamic_band(gamma_at_the_money, 1.0, cost, fixed, aversion).outer
        looks = (LOOKS_A_BAND * NORMAL_DENSITY_AT_0 / outer) ** 2
        steps = int(min(max(looks, FEWEST_LOOKS), MOST_LOOKS))
        problems.append(BandProblem(cost, fixed, aversion, stdev**2, bool(rng.integers(2)), steps, criterion))
    return problems
