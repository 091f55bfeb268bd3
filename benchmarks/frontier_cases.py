"""The cases of the frontier: what is hedged, on which paths, and every policy at several settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from agent.backtest.schedule import HedgedOption, Schedule, follow_policy, follow_solution
from agent.domain import TradeCosts
from agent.policy.band_solver import BandProblem, Criterion, solve_band
from agent.policy.base import Policy
from agent.policy.continuous import Continuous
from agent.policy.fixed_interval import FixedInterval
from agent.policy.fixed_threshold import FixedThreshold
from agent.policy.leland import Leland
from agent.policy.optimal_band import OptimalBand, OptimalVarianceBand
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.policy.zakamouline import Zakamouline
from agent.units import SECONDS_PER_YEAR

FloatArray = NDArray[np.float64]

SEED = 20_240_805
PATHS_A_BLOCK = 10_000
MARKET_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SPOT_5M = MARKET_DATA / "binance_spot_5m_2024.parquet"
PERP_1H = MARKET_DATA / "perp_ohlcv_1h_multivenue_2025_2026.parquet"
WEEK_SECONDS, BEGIN_EVERY_SECONDS = 604_800, 7_200
RESOLUTION = 15
"""Grid points of the hedge in a half-width, for the solver."""
STATIC_DAYS = 30.0

CONTINUOUS = "Continuous"
OPTIMAL_VARIANCE = "Optimal band (variance)"
OPTIMAL_EXPONENTIAL = "Optimal band (Hodges-Neuberger)"
LIVE_VARIANCE = "Live table (variance)"
LIVE_EXPONENTIAL = "Live table (Hodges-Neuberger)"
ZAKAMOULINE = "Zakamouline (5.76)"
ZAKAMOULINE_476 = "Zakamouline (4.76)"
WHALLEY_WILMOTT = "Whalley-Wilmott"
THRESHOLD = "Fixed threshold"
LELAND = "Leland"
INTERVAL = "Fixed interval"


@dataclass(frozen=True, slots=True)
class Case:
    """One option, its costs, the paths, and the settings at which policies are run.

    ``discount`` turns USD at expiry into USD now. ``risk_aversions`` are for the policies that have one, per USD;
    ``trades`` for those that trade at fixed times; ``thresholds`` are deltas of one option. ``blocks`` yields forward
    prices, which begin at ``start_usd``, some paths at a time.
    """

    title: str
    slug: str
    option: HedgedOption
    cost_ratio: float
    fixed_cost_usd: float
    discount: float
    start_usd: float
    blocks: Callable[[], Iterator[FloatArray]]
    risk_aversions: Sequence[float]
    trades: Sequence[int]
    thresholds: Sequence[float]
    matched_sd_usd: Sequence[float]
    groups: int
    is_real: bool = False

    @property
    def costs(self) -> TradeCosts:
        """Return the costs as a policy is told them."""
        return TradeCosts(self.cost_ratio, 0.0, 0.0, self.fixed_cost_usd)


def reference_case() -> Case:
    """Short a 1-year call, S = K = 100, mu = r = 5 %, sigma = 25 %, cost 1 %, watched 1,000 times."""
    return _simulated("Reference: 1 year, cost 1 %", "reference", 0.01, 0.0, (0.95, 1.1, 1.25, 1.46, 1.65, 1.85), 2)


def fixed_cost_case() -> Case:
    """Return the same option at 0.2 % and 2 cents a trade."""
    return _simulated(
        "1 year, cost 0.2 % and 0.02 USD a trade", "fixed_cost", 0.002, 0.02, (0.9, 1.05, 1.2, 1.4, 1.7), 4
    )


def _simulated(
    title: str, slug: str, cost_ratio: float, fixed_usd: float, matched: Sequence[float], blocks: int
) -> Case:
    option = HedgedOption(100.0, 0.25, 1.0, 1_000, is_short=True)
    growth = math.exp(0.05)
    return Case(
        title=title,
        slug=slug,
        option=option,
        cost_ratio=cost_ratio,
        fixed_cost_usd=fixed_usd,
        discount=1.0 / growth,
        start_usd=100.0 * growth,
        blocks=lambda: (
            100.0 * growth * simulated_paths(option, PATHS_A_BLOCK, SEED + block) for block in range(blocks)
        ),
        risk_aversions=(0.12, 0.2, 0.35, 0.6, 1.0, 1.7, 3.0, 6.0),
        trades=(10, 18, 30, 50, 90, 160, 300, 1_000),
        thresholds=(0.02, 0.035, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3),
        matched_sd_usd=matched,
        groups=50,
    )


def simulated_paths(option: HedgedOption, paths: int, seed: int) -> FloatArray:
    """Return driftless log-normal paths from 1, in antithetic pairs that lie side by side."""
    generator = np.random.default_rng(seed)
    step = math.sqrt(option.total_variance / option.looks)
    half = generator.standard_normal((paths // 2, option.looks)) * step
    moves = np.stack([half, -half], axis=1).reshape(-1, option.looks) - 0.5 * step * step
    return np.asarray(np.exp(np.pad(np.cumsum(moves, axis=1), ((0, 0), (1, 0)))))


def eth_cases() -> list[Case]:
    """Return 7-day calls on ETH at the money, one begun every 2 hours, on the real prices that are there.

    Each path is scaled to a strike of 100 USD; cost 10 bps and, for 100 options at 3,000 USD, 5 USD of gas a trade.
    The volatility is what ETH realised over the whole period, for every window: wrong in each as a forecast is.
    """
    found = []
    if SPOT_5M.is_file():
        spot = pl.read_parquet(SPOT_5M).filter(pl.col("symbol") == "ETHUSDT")
        found.append(_real("ETH 2024: 7 days watched every 10 minutes", "eth-2024", spot, 2, 300, 0.64))
    if PERP_1H.is_file():
        perp = pl.read_parquet(PERP_1H).filter((pl.col("coin") == "ETH") & (pl.col("venue") == "binance"))
        found.append(_real("ETH 2025-26: 7 days watched every hour", "eth-2025", perp, 1, 3_600, 0.69))
    return found


def _real(title: str, slug: str, bars: pl.DataFrame, bars_per_look: int, bar_seconds: int, vol_annual: float) -> Case:
    """Cut overlapping weeks from a series of bars without gaps."""
    closes = bars.sort("open_ts")["close"].to_numpy()
    length = WEEK_SECONDS // bar_seconds
    starts = np.arange(0, closes.size - length, BEGIN_EVERY_SECONDS // bar_seconds)
    paths = np.stack([closes[start : start + length + 1 : bars_per_look] / closes[start] for start in starts])
    looks = length // bars_per_look
    return Case(
        title=title,
        slug=slug,
        option=HedgedOption(100.0, vol_annual, WEEK_SECONDS / SECONDS_PER_YEAR, looks, is_short=True),
        cost_ratio=0.001,
        fixed_cost_usd=100.0 * 5.0 / (100.0 * 3_000.0),
        discount=1.0,
        start_usd=100.0,
        blocks=lambda: iter([100.0 * paths]),
        risk_aversions=(0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
        trades=tuple(n for n in (3, 7, 14, 28, 56, 168, 336, 1_008) if n <= looks),
        thresholds=(0.01, 0.02, 0.035, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3),
        matched_sd_usd=(),
        groups=30,
        is_real=True,
    )


def families(case: Case) -> dict[str, list[Schedule]]:
    """Tabulate every policy at every setting of a case."""
    option, costs = case.option, case.costs
    watch_seconds = option.life_years * SECONDS_PER_YEAR / option.looks
    days = min(option.life_years * 365.0, STATIC_DAYS)

    def by_aversion(name: str, build: Callable[[float], Policy]) -> list[Schedule]:
        return [follow_policy(f"{name} {g:g}", build(g), option, costs) for g in case.risk_aversions]

    hours = option.life_years * 8_760.0
    vol = option.vol_annual
    found: dict[str, list[Schedule]] = {
        INTERVAL: [follow_policy(f"every {n}", FixedInterval(hours / n), option, costs, n) for n in case.trades],
        LELAND: [follow_policy(f"Leland {n}", Leland(hours / n), option, costs, n) for n in case.trades],
        THRESHOLD: [
            follow_policy(f"threshold {width:g}", FixedThreshold(width), option, costs) for width in case.thresholds
        ],
        WHALLEY_WILMOTT: by_aversion("WW", lambda g: WhalleyWilmott(g, days, vol)),
        ZAKAMOULINE: by_aversion("Zakamouline 5.76", lambda g: Zakamouline(g, days, vol, 5.76)),
        ZAKAMOULINE_476: by_aversion("Zakamouline 4.76", lambda g: Zakamouline(g, days, vol, 4.76)),
        LIVE_EXPONENTIAL: by_aversion("table HN", lambda g: OptimalBand(g, watch_seconds, days, vol)),
        LIVE_VARIANCE: by_aversion("table variance", lambda g: OptimalVarianceBand(g, watch_seconds, days, vol)),
        OPTIMAL_EXPONENTIAL: [solved(case, g, Criterion.EXPONENTIAL) for g in case.risk_aversions],
        OPTIMAL_VARIANCE: [solved(case, g, Criterion.VARIANCE) for g in case.risk_aversions],
    }
    found[CONTINUOUS] = [follow_policy("continuous", Continuous(), option, costs)]
    return found


def problem_of(case: Case, risk_aversion_per_usd: float, criterion: Criterion) -> BandProblem:
    """Return a case in the solver's units."""
    option = case.option
    return BandProblem(
        cost_ratio=case.cost_ratio,
        fixed_cost_ratio=case.fixed_cost_usd / option.strike_usd,
        risk_aversion=risk_aversion_per_usd * option.strike_usd,
        total_variance=option.total_variance,
        is_short=option.is_short,
        steps=option.looks,
        criterion=criterion,
    )


def solved(case: Case, risk_aversion_per_usd: float, criterion: Criterion) -> Schedule:
    """Solve a case for one risk aversion."""
    problem = problem_of(case, risk_aversion_per_usd, criterion)
    solution = solve_band(problem, RESOLUTION, np.arange(problem.steps))
    return follow_solution(f"{criterion.value} {risk_aversion_per_usd:g}", solution)
