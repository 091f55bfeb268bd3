"""Speed and worth of the hedging programme: ``python -m benchmarks optimiser``.

A live decision is the whole of it: factors of a 1,000-leg book, three venues' quote ladders cut into slices, the
guard's bounds, the best set of legs, and the reason in words; by the clock, and by the processor's time, which other
work on the machine does not lengthen. Growth is measured on the programme alone, beside the same programme in plain
cvxpy with Clarabel, built and solved as most desks would, and beside cvxpy's parameters filled anew (DPP). On the real
ETH chain of 2024-01-08, where it is beside the repository: what a book short 200 straddles should buy, and the curve of
cost against risk.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import cvxpy as cp
import numpy as np
import polars as pl

from agent.domain import Book, OptionLeg, OptionType, QuotePoint, VenueSnapshot
from agent.optimiser.convex import solve_with_cvxpy
from agent.optimiser.covariance import gaussian_covariance
from agent.optimiser.factors import ONE_UNDERLYING, Factors, book_factors
from agent.optimiser.instruments import CostStep, Instrument
from agent.optimiser.leg_selection import Gas
from agent.optimiser.limits import GuardLimits, VenueLimits
from agent.optimiser.options import DERIBIT, OptionRows, option_instruments
from agent.optimiser.perps import perp_instrument
from agent.optimiser.problem import Problem, assemble
from agent.optimiser.quadratic import Quadratic, solve
from agent.optimiser.result import Plan
from agent.policy.multi_instrument import MultiInstrument
from agent.units import SECONDS_PER_YEAR, Address, AssetUnits, Rounding, Seconds, to_wad
from benchmarks.figure import Figure
from benchmarks.option_rows import best_of_each

CHAIN = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "deribit_eth_chain_20240108.parquet"
PEER, WARM_PEER = "plain cvxpy + Clarabel", "cvxpy (DPP) + Clarabel"
SEED = 20_240_108
DECISIONS, WARM_UP = 2_000, 200
NOW = Seconds(1_722_500_000)
SPOT_USD = 3_000.0
LADDER_SIZES = (0.1, 0.5, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
GROWTH = (10, 100, 700)
ROUNDS = 5
REFERENCE_YEARS = 30.0 / 365.0
STRADDLE_EXPIRY, STRADDLE_STRIKE_USD, STRADDLES = Seconds(1_708_675_200), 2_250.0, 200.0
"""2024-02-23 08:00 UTC, at the money."""
CONTRACTS_QUOTED = 25.0
"""Assumed at every bid and ask of the chain, whose source has no sizes."""
AVERSIONS = (1e-6, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2)
SHOWN_AVERSION = 1e-4


def run() -> list[Figure]:
    """Return all figures; those of the real chain only where it is there."""
    return _live_figures() + _growth_figures() + (_chain_figures() if CHAIN.is_file() else [])


# --- a live decision ----------------------------------------------------------------------------------------------


def _live_figures() -> list[Figure]:
    book, venues = _book(1_000), tuple(_venue(name, index) for index, name in enumerate("abc"))
    policy = MultiInstrument(1e-3, 0.25, 0.6, 0.8, -0.3)
    rng = np.random.default_rng(SEED)
    spots = SPOT_USD * (1.0 + 0.01 * rng.standard_normal(WARM_UP + DECISIONS))
    by_clock_ms, by_processor_ms = [], []
    traded = 0
    for spot_usd in spots.tolist():
        start, busy = time.perf_counter_ns(), time.thread_time_ns()
        plan = _decide(book, venues, policy, spot_usd)
        by_processor_ms.append((time.thread_time_ns() - busy) / 1e6)
        by_clock_ms.append((time.perf_counter_ns() - start) / 1e6)
        traded += bool(plan.trades)
    if not traded:
        raise AssertionError("timed a programme that never trades")
    name = "programme_live_1000_legs_3_venues"
    return [
        Figure(f"{name}{clock}_p{percentile}", float(np.percentile(durations_ms[WARM_UP:], percentile)), "ms")
        for clock, durations_ms in (("", by_clock_ms), ("_processor", by_processor_ms))
        for percentile in (50, 99)
    ]


def _decide(book: Book, venues: tuple[VenueSnapshot, ...], policy: MultiInstrument, spot_usd: float) -> Plan:
    factors = book_factors(book, spot_usd, NOW, -60.0)
    oracle = to_wad(SPOT_USD, Rounding.DOWN)
    instruments = [perp_instrument(venue, oracle, None, policy.horizon_days, 2.0) for venue in venues]
    limits = [VenueLimits(venue.name, 2e5, max_leverage=5.0, failures_per_year=0.02) for venue in venues]
    guard = GuardLimits(factors.delta - 0.5, factors.delta + 0.5, 20.0, 0.5, 100.0, 4e5, 1e6, 2.0, 9e5, 9e3)
    return policy.plan(factors, instruments, limits, spot_usd, guard, Gas(4.0, 2.0))


def _book(legs: int) -> Book:
    rng = np.random.default_rng(SEED)
    return Book(
        "ETH",
        tuple(
            OptionLeg(
                OptionType.CALL if index % 2 else OptionType.PUT,
                2_000.0 + 2.0 * index,
                Seconds(NOW + 86_400 * (5 + index % 60)),
                float(rng.normal()),
                0.6,
                0.59,
                0.61,
                f"leg {index}",
            )
            for index in range(legs)
        ),
    )


def _venue(name: str, index: int) -> VenueSnapshot:
    depth_usd, fee_ratio = (2e7, 1e7, 4e7)[index], (0.001, 0.0005, 0.0008)[index]
    points = []
    for sign in (-1, 1):
        for size in LADDER_SIZES:
            price = SPOT_USD * (1.0 + sign * size * SPOT_USD / depth_usd)
            numbers = (sign * size, price, size * price * fee_ratio)
            points.append(QuotePoint(*(to_wad(number, Rounding.DOWN) for number in numbers)))
    size, price, rate = (to_wad(number, Rounding.DOWN) for number in (-20.0, SPOT_USD, 1e-4 * (index - 1)))
    return VenueSnapshot(Address(f"0x{index:040x}"), name, size, price, price, rate, AssetUnits(0), tuple(points))


# --- growth -------------------------------------------------------------------------------------------------------


def _growth_figures() -> list[Figure]:
    figures = []
    for count in GROWTH:
        problem = _made_up(count).quadratic
        seconds = best_of_each(
            {
                "ours": partial(solve, problem),
                PEER: partial(_plain_cvxpy, problem),
                WARM_PEER: partial(solve_with_cvxpy, problem),
            },
            ROUNDS,
        )
        name = f"programme_{count}_instruments"
        ours_ms = 1e3 * seconds["ours"]
        figures.append(Figure.against(f"{name}_solve", ours_ms, "ms", PEER, 1e3 * seconds[PEER]))
        figures.append(Figure.against(f"{name}_solve_again", ours_ms, "ms", WARM_PEER, 1e3 * seconds[WARM_PEER]))
        ours, theirs = solve(problem), _plain_cvxpy(problem)
        start = problem.objective(np.zeros(problem.cost.size))
        figures.append(
            Figure(f"{name}_objective_above_peer", (ours.objective - theirs) / start, "of the risk today", PEER)
        )
        figures.append(Figure(f"{name}_proven_gap", ours.gap / start, "of the risk today"))
    return figures


def _plain_cvxpy(problem: Quadratic) -> float:
    """Build and solve as one would without thinking of speed; return the objective."""
    t = cp.Variable(problem.cost.size)
    residual = problem.factors.T @ t + problem.start
    objective = 0.5 * cp.sum_squares(residual) + problem.cost @ t
    constraints = [t >= 0.0, t <= 1.0, problem.bounds.T @ t <= problem.room]
    cp.Problem(cp.Minimize(objective), constraints).solve(solver="CLARABEL")
    return problem.objective(np.clip(t.value, 0.0, 1.0))


def _made_up(count: int) -> Problem:
    """Return a book short gamma and vega with three perps and ``count`` - 3 options, quoted both ways in two sizes."""
    rng = np.random.default_rng(SEED)
    perps = [_perp(name, SPOT_USD, 1.0 + 0.1 * index) for index, name in enumerate("abc")]
    options = []
    for index in range(count - len(perps)):
        delta, gamma, vega = rng.uniform(-0.8, 0.8), rng.uniform(1e-4, 3e-3), rng.uniform(50.0, 900.0)
        half = float(rng.uniform(0.5, 8.0))
        sides = (CostStep(20.0, 0.9, half), CostStep(40.0, 0.9, 1.5 * half))
        options.append(
            Instrument(
                f"option {index}",
                "options",
                Factors(delta, gamma, vega, float(rng.normal(scale=0.3)), float(rng.uniform(0.0, 200.0))),
                150.0,
                SPOT_USD,
                sides,
                sides,
                margin_long_usd=150.0,
                margin_short_usd=450.0,
            )
        )
    venues = [VenueLimits(name, 3e5, max_leverage=5.0, failures_per_year=0.02) for name in "abc"]
    venues.append(VenueLimits("options", 1e6, free_margin_usd=4e4))
    factors = Factors(-40.0, -0.3, -90_000.0, -30.0, 2_000.0)
    guard = GuardLimits(-40.0, -40.0, 50.0, 0.5, 100.0, 4e5, 1e6, 2.0, 9e5, 9e3)
    covariance = gaussian_covariance(SPOT_USD, 0.6, 0.8, -0.3, 1.0)
    return assemble(factors, [*perps, *options], venues, guard, covariance, 1e-4, False)


def _perp(name: str, price_usd: float, dearer: float) -> Instrument:
    fee, half = 5e-4 * price_usd * dearer, 2e-4 * price_usd
    quotes = (CostStep(50.0, fee, half), CostStep(450.0, fee, 3.0 * half))
    return Instrument(
        f"perp {name}",
        name,
        ONE_UNDERLYING,
        price_usd,
        price_usd,
        quotes,
        quotes,
        margin_long_usd=price_usd / 3.0,
        margin_short_usd=price_usd / 3.0,
        counted_delta=1.0,
        is_on_chain=True,
    )


# --- the real chain -----------------------------------------------------------------------------------------------


def real_chain_plan(aversion: float) -> Plan:
    """Plan for 200 short at-the-money straddles on the real chain, one day ahead, with perps on three venues."""
    frame = pl.read_parquet(CHAIN)
    tau = (frame["expiry"] - frame["snapshot_ts"]).dt.total_milliseconds().to_numpy() / 1e3 / SECONDS_PER_YEAR
    bid, ask, mark = (frame[f"{side}_coin"].fill_null(np.nan).to_numpy() for side in ("bid", "ask", "mark"))
    rows = OptionRows(
        frame["instrument_name"].to_list(),
        (frame["option_type"] == "C").to_numpy(),
        frame["underlying_usd"].to_numpy(),
        frame["strike_usd"].to_numpy(),
        tau,
        bid,
        ask,
        mark,
        CONTRACTS_QUOTED,
        CONTRACTS_QUOTED,
    )
    index_usd = float(frame["index_usd"].to_numpy().mean())
    now = Seconds(int(frame["snapshot_ts"].to_list()[0].timestamp()))
    options = option_instruments(rows, index_usd, DERIBIT, 1.0, REFERENCE_YEARS).instruments
    legs = tuple(
        OptionLeg(right, STRADDLE_STRIKE_USD, STRADDLE_EXPIRY, -STRADDLES, 0.55, 0.5, 0.6, right.value)
        for right in (OptionType.CALL, OptionType.PUT)
    )
    factors = book_factors(Book("ETH", legs), index_usd, now, 0.0, REFERENCE_YEARS)
    venues = [VenueLimits(name, 1e6, max_leverage=5.0) for name in "abc"]
    venues.append(VenueLimits("deribit", 1e6, free_margin_usd=1e6, failures_per_year=0.02))
    policy = MultiInstrument(aversion, 1.0, 0.6, 0.8, -0.2)
    perps = [_perp(name, index_usd, 1.0 + 0.1 * index) for index, name in enumerate("abc")]
    return policy.plan(factors, [*perps, *options], venues, index_usd, gas=Gas(4.0, 1.0))


def _chain_figures() -> list[Figure]:
    plans = {aversion: real_chain_plan(aversion) for aversion in AVERSIONS}
    before = plans[SHOWN_AVERSION].stdev_before_usd
    figures = [Figure("straddles_risk_unhedged", before, "USD sd over a day")]
    for aversion, plan in plans.items():
        name = f"straddles_aversion_{aversion:g}"
        figures.append(Figure(f"{name}_cost", plan.costs.total_usd, "USD"))
        figures.append(
            Figure(
                f"{name}_risk_left",
                plan.stdev_after_usd,
                "USD sd over a day",
                "unhedged",
                plan.stdev_after_usd / before,
            )
        )
    return figures


if __name__ == "__main__":
    print(real_chain_plan(SHOWN_AVERSION).reason)
