"""Speed, accuracy and growth of the risk numbers: ``python -m benchmarks risk``.

The book is made up: options around the money, a day to a year left. Scenarios are spot x volatility x time. Ours
answers P&L and delta of every scenario; what each peer answers is said beside its name. Peers that store a row for each
leg and scenario are given scenarios in blocks of a size that suits them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import QuantLib
from arch import arch_model
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import ndtr
from scipy.stats import gamma, norm
from scipy.stats import t as student

from agent.products.european import black76_greeks
from agent.risk.attribution import MarkPath, attribute_path
from agent.risk.collateral import CollateralTerms, allocate_collateral
from agent.risk.exposure import LiveOptions
from agent.risk.liquidation import LinearPerpAccount, touch_probability
from agent.risk.market_moves import filtered_moves
from agent.risk.positions import Positions
from agent.risk.scenarios import Scenarios, VolShock, revalue, scenario_grid, scenarios_of
from agent.risk.tail import expected_shortfall, tail_risk
from agent.risk.value_at_risk import Valuation, pnl_of_moves
from agent.risk.var_backtest import backtest_var, var_breaches
from agent.vol.ewma import RISKMETRICS_DAILY_DECAY, ewma_path
from agent.vol.garch import GarchFit, GarchKind, fit_garch
from benchmarks.figure import Figure
from benchmarks.option_rows import SEED, best_of_each, best_seconds, extra_bytes, peer_module

SPOT = 3_000.0
LEGS = 1_000
SPOTS, VOLS, TIMES = 50, 20, 10
COVERAGE_SAMPLES = 500
SCENARIOS = SPOTS * VOLS * TIMES
ROUNDS, PEER_ROUNDS = 7, 2
PEER_SCENARIOS = 500
"""Peers that store rows are timed on so many scenarios, in blocks of so many at once."""
PEER_BLOCK = 50
QUANTLIB_SCENARIOS = 20
GROWTH_LEGS = (10, 100, 1_000, 10_000)
GROWTH_SCENARIOS = (100, 1_000, 10_000, 100_000)
BARS, HORIZON_BARS, PATHS = 3_000, 24, 10_000
RESAMPLES = 2_000
BARS_PER_YEAR = 8_760.0
PRICES = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "binance_spot_5m_2024.parquet"
COVERAGE_LEVEL, COVERAGE_WINDOW = 0.99, 2_016
MILLISECONDS, MILLIONS, MEGABYTES = 1e3, 1e6, 1e-6
OURS = "scenario grid, P&L and delta"


def book(legs: int) -> Positions:
    """Return options with a day to a year left, two standard deviations around the money."""
    rng = np.random.default_rng(SEED)
    tau, iv = rng.uniform(1.0 / 365.0, 1.0, legs), rng.uniform(0.3, 1.2, legs)
    strike = SPOT * np.exp(iv * np.sqrt(tau) * rng.uniform(-2.0, 2.0, legs))
    return Positions(LiveOptions(rng.random(legs) < 0.5, strike, tau, iv, rng.normal(0.0, 5.0, legs)), SPOT)


def axes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the grid's axes: half to double the price, half to double the volatility, now to half a day on."""
    return SPOT * np.geomspace(0.5, 2.0, SPOTS), np.geomspace(0.5, 2.0, VOLS), np.linspace(0.0, 0.5 / 365.0, TIMES)


def flat_grid() -> Scenarios:
    """Return the scenarios of the grid one by one."""
    spots, vols, times = (grid.reshape(-1) for grid in np.meshgrid(*axes(), indexing="ij"))
    return scenarios_of(spots, vols, 0.0, times)


def blocks(scenarios: int) -> list[slice]:
    """Cut the first scenarios into the peers' blocks."""
    return [slice(first, min(first + PEER_BLOCK, scenarios)) for first in range(0, scenarios, PEER_BLOCK)]


def _block_inputs(positions: Positions, grid: Scenarios, block: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return spot, time left and volatility of a block, shape (scenarios, legs) or what broadcasts to it."""
    options = positions.options
    tau = options.tau_years - grid.elapsed_years[block, None]
    return grid.spot_usd[block, None], tau, options.iv_annual * grid.vol_factor[block, None]


def plain_numpy(positions: Positions, grid: Scenarios, scenarios: int) -> np.ndarray:
    """Return value and delta of the book as a careful user would write them with NumPy and SciPy."""
    options, found = positions.options, np.empty((2, scenarios))
    sign = np.where(options.is_call, 1.0, -1.0)
    for block in blocks(scenarios):
        spot, tau, vol = _block_inputs(positions, grid, block)
        stdev = vol * np.sqrt(tau)
        d1 = np.log(spot / options.strike_usd) / stdev + 0.5 * stdev
        delta = sign * ndtr(sign * d1)
        value = spot * delta - sign * options.strike_usd * ndtr(sign * (d1 - stdev))
        found[:, block] = value @ options.quantity, delta @ options.quantity
    return found


def full_greeks(positions: Positions, grid: Scenarios, scenarios: int) -> np.ndarray:
    """Return value and delta of the book from our kernel of all twelve outputs."""
    options, found = positions.options, np.empty((2, scenarios))
    for block in blocks(scenarios):
        spot, tau, vol = _block_inputs(positions, grid, block)
        greeks = black76_greeks(options.is_call, spot, options.strike_usd, tau, vol)
        found[:, block] = greeks.value @ options.quantity, greeks.delta @ options.quantity
    return found


def fast_vollib(price: Callable[..., np.ndarray], positions: Positions, grid: Scenarios, scenarios: int) -> np.ndarray:
    """Return the value of the book from fast-vollib's Black-76."""
    options, found = positions.options, np.empty(scenarios)
    flags = np.tile(np.where(options.is_call, "c", "p"), PEER_BLOCK)
    strikes = np.tile(options.strike_usd, PEER_BLOCK)
    for block in blocks(scenarios):
        spot, tau, vol = _block_inputs(positions, grid, block)
        rows = tau.size
        spots = np.broadcast_to(spot, tau.shape).reshape(-1)
        columns = (flags[:rows], spots, strikes[:rows], tau.reshape(-1), 0.0, vol.reshape(-1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # fast-vollib's own, about how it broadcasts the rate
            values = np.asarray(price(*columns, return_as="numpy", backend="numba"))
        found[block] = values.reshape(tau.shape) @ options.quantity
    return found


def quantlib(positions: Positions, grid: Scenarios, scenarios: int) -> np.ndarray:
    """Return value and delta of the book row by row with QuantLib's Black calculator."""
    options, found = positions.options, np.zeros((2, scenarios))
    payoffs = [
        QuantLib.PlainVanillaPayoff(QuantLib.Option.Call if is_call else QuantLib.Option.Put, strike)
        for is_call, strike in zip(options.is_call.tolist(), options.strike_usd.tolist(), strict=True)
    ]
    for scenario in range(scenarios):
        spot, tau, vol = (part[0] for part in _block_inputs(positions, grid, slice(scenario, scenario + 1)))
        stdevs = (vol * np.sqrt(tau)).tolist()
        forward = float(spot[0])
        for payoff, stdev, quantity in zip(payoffs, stdevs, options.quantity.tolist(), strict=True):
            black = QuantLib.BlackCalculator(payoff, forward, stdev)
            found[0, scenario] += quantity * black.value()
            found[1, scenario] += quantity * black.deltaForward()
    return found


def _speed_figures(positions: Positions, grid: Scenarios) -> list[Figure]:
    """Return million option values a second of ours, alone and against each peer."""
    few = min(PEER_SCENARIOS, SCENARIOS)
    runs: dict[str, tuple[Callable[[], object], int]] = {
        OURS: (partial(scenario_grid, positions, *axes(), VolShock.FACTOR), SCENARIOS),
        "our full Greeks, blocks": (partial(full_greeks, positions, grid, few), few),
        "NumPy/SciPy, blocks": (partial(plain_numpy, positions, grid, few), few),
        "QuantLib loop": (partial(quantlib, positions, grid, QUANTLIB_SCENARIOS), QUANTLIB_SCENARIOS),
    }
    if peer := peer_module("fast_vollib.api"):
        runs["fast-vollib numba, value only"] = (partial(fast_vollib, peer.fast_black, positions, grid, few), few)
    seconds = best_of_each({name: run for name, (run, _) in runs.items()}, ROUNDS)
    speeds = {name: LEGS * scenarios / seconds[name] / MILLIONS for name, (_, scenarios) in runs.items()}
    figures = [Figure(OURS, speeds[OURS], "million values/s")]
    figures += [
        Figure.against(OURS, speeds[OURS], "million values/s", name, speed)
        for name, speed in speeds.items()
        if name != OURS
    ]
    figures.append(Figure(f"{OURS}, {LEGS:,} legs x {SCENARIOS:,} scenarios", seconds[OURS] * MILLISECONDS, "ms"))
    return figures


def _accuracy_figure(positions: Positions, grid: Scenarios) -> Figure:
    """Compare with QuantLib, relative to the largest P&L."""
    step = SCENARIOS // QUANTLIB_SCENARIOS
    picked = Scenarios(*(getattr(grid, name)[::step] for name in Scenarios.__slots__))
    count = picked.spot_usd.size
    theirs = quantlib(positions, picked, count)
    now = quantlib(positions, scenarios_of(SPOT), 1)
    ours = revalue(positions, picked)
    expected = theirs[0] - now[0]
    difference = float(np.max(np.abs(ours.pnl_usd - expected)) / np.max(np.abs(expected)))
    return Figure("scenario grid, largest difference from QuantLib", difference, "of the largest P&L")


def _growth_figures() -> list[Figure]:
    """Return the cost of legs and of scenarios, time and memory."""
    figures = []
    for legs in GROWTH_LEGS:
        run = partial(revalue, book(legs), scenarios_of(np.linspace(1_500.0, 6_000.0, 1_000)))
        figures += _growth(f"revalue, {legs:,} legs x 1,000 scenarios", run, legs * 1_000)
    for scenarios in GROWTH_SCENARIOS:
        run = partial(revalue, book(100), scenarios_of(np.linspace(1_500.0, 6_000.0, scenarios)))
        figures += _growth(f"revalue, 100 legs x {scenarios:,} scenarios", run, 100 * scenarios)
    return figures


def _growth(name: str, run: Callable[[], object], values: int) -> list[Figure]:
    return [
        Figure(name, best_seconds(run, ROUNDS) * 1e9 / values, "ns/value"),
        Figure(f"{name}, memory", extra_bytes(run, 0) * MEGABYTES, "MB"),
    ]


def simulated_fit() -> tuple[np.ndarray, GarchFit]:
    """Return returns with fat tails and clustering, and a GARCH fit to them."""
    rng = np.random.default_rng(SEED)
    returns, variance = np.empty(BARS), 2.5e-5
    for bar in range(BARS):
        returns[bar] = np.sqrt(variance) * rng.standard_t(6) * np.sqrt(4.0 / 6.0)
        variance = 1e-6 + 0.08 * returns[bar] ** 2 + 0.88 * variance
    return returns, fit_garch(returns, GarchKind.GARCH)


def arch_bootstrap(returns: np.ndarray, fit: GarchFit) -> np.ndarray:
    """Return simulated horizons from `arch`'s own bootstrap at the same parameters."""
    p = fit.parameters
    model = arch_model(returns * 100.0, mean="Constant", vol="GARCH", p=1, q=1, rescale=False)
    fixed = model.fix([p.mean * 100.0, p.omega * 1e4, p.alpha, p.beta])
    draws = np.random.RandomState(SEED % 2**32)
    forecast = fixed.forecast(horizon=HORIZON_BARS, method="bootstrap", simulations=PATHS, random_state=draws)
    return np.asarray(forecast.simulations.values[-1]).sum(axis=1) / 100.0


def whole_resamples(pnl_usd: np.ndarray, level: float) -> np.ndarray:
    """Return the interval of the expected shortfall as most write it: resample every row, take the worst, average."""
    rng, tail = np.random.default_rng(SEED), round(pnl_usd.size * (1.0 - level))
    found = [
        -np.partition(pnl_usd[rng.integers(pnl_usd.size, size=pnl_usd.size)], tail)[:tail].mean()
        for _ in range(RESAMPLES)
    ]
    return np.quantile(found, [0.025, 0.975])


def _tail_figures(positions: Positions) -> list[Figure]:
    """Return the cost of value at risk: simulation, revaluation, interval."""
    returns, fit = simulated_fit()
    moves = filtered_moves(fit, HORIZON_BARS, BARS_PER_YEAR, PATHS, SEED)
    pnl = pnl_of_moves(positions, moves)
    runs: dict[str, Callable[[], object]] = {
        "simulate": partial(filtered_moves, fit, HORIZON_BARS, BARS_PER_YEAR, PATHS, SEED),
        "arch": partial(arch_bootstrap, returns, fit),
        "full": partial(pnl_of_moves, positions, moves),
        "taylor": partial(pnl_of_moves, positions, moves, Valuation.DELTA_GAMMA_VEGA),
        "interval": partial(tail_risk, pnl, 0.99, SEED, resamples=RESAMPLES),
        "plain": partial(whole_resamples, pnl, 0.99),
    }
    ms = {name: seconds * MILLISECONDS for name, seconds in best_of_each(runs, PEER_ROUNDS).items()}
    theirs = arch_bootstrap(returns, fit)
    ours_tail, their_tail = expected_shortfall(moves.log_return, 0.99), expected_shortfall(theirs, 0.99)
    name = f"filtered moves, {PATHS:,} paths x {HORIZON_BARS} bars"
    return [
        Figure.against(name, ms["simulate"], "ms", "arch bootstrap", ms["arch"]),
        Figure.against(
            "filtered moves, 99 % shortfall of log return", ours_tail, "ratio", "arch bootstrap", their_tail
        ),
        Figure(f"P&L of {PATHS:,} moves, {LEGS:,} legs, full revaluation", ms["full"], "ms"),
        Figure(f"P&L of {PATHS:,} moves, {LEGS:,} legs, delta-gamma-vega", ms["taylor"], "ms"),
        Figure.against(
            "VaR and ES with intervals", ms["interval"], "ms", "resampling every row, ES alone", ms["plain"]
        ),
    ]


def _rolling_var(returns: np.ndarray, variances: np.ndarray | None) -> np.ndarray:
    """Return the VaR of each bar from the window before it, at the volatility of that bar where variances are given."""
    place = int(COVERAGE_WINDOW * (1.0 - COVERAGE_LEVEL) + 1e-9)
    found = np.empty(returns.size - COVERAGE_WINDOW)
    for row in range(found.size):
        past = returns[row : row + COVERAGE_WINDOW]
        if variances is not None:
            past = past * np.sqrt(variances[row + COVERAGE_WINDOW] / variances[row : row + COVERAGE_WINDOW])
        found[row] = -np.partition(past, place)[place]
    return found


def _coverage_figures() -> list[Figure]:
    """Return how often real five-minute ETH returns exceeded the VaR before them, and whether the tests mind."""
    if not PRICES.is_file():
        return []
    frame = pl.read_parquet(PRICES).filter(pl.col("symbol") == "ETHUSDT").sort("open_ts")
    returns = np.diff(np.log(frame["close"].to_numpy()))
    variances = ewma_path(returns, RISKMETRICS_DAILY_DECAY, float(np.var(returns[:100]))).variance_per_bar
    figures = []
    for name, known in (("history", None), ("history rescaled by EWMA", variances)):
        breaches = var_breaches(returns[COVERAGE_WINDOW:], _rolling_var(returns, known))
        test = backtest_var(breaches, COVERAGE_LEVEL)
        where = f"99 % VaR of ETH 5-minute bars, {name}"
        figures += [
            Figure(f"{where}, breaches", 100.0 * test.breaches / test.periods, f"% of {test.periods:,} bars"),
            Figure(f"{where}, Kupiec", test.unconditional_coverage.p_value, "p-value"),
            Figure(f"{where}, independence", test.independence.statistic, "likelihood ratio"),
        ]
    return figures


def _interval_figures() -> list[Figure]:
    """Return how often the 95 % interval of expected shortfall holds the true one, of samples that are drawn anew."""
    rng, figures = np.random.default_rng(SEED), []
    for name, law in (("normal", norm()), ("Student, 4", student(4)), ("Student, 3", student(3)), ("gamma", gamma(2))):
        for rows, level in ((250, 0.975), (1_000, 0.975), (4_000, 0.99)):
            truth = quad(law.isf, 0.0, 1.0 - level)[0] / (1.0 - level)
            found = [
                tail_risk(-law.rvs(rows, random_state=rng), level, seed, resamples=500).expected_shortfall_interval
                for seed in range(COVERAGE_SAMPLES)
            ]
            hits = np.mean([low <= truth <= high for low, high in found])
            where = f"95 % interval of expected shortfall, {name}, {rows:,} rows at {level:.1%}"
            figures.append(Figure(f"{where}, holds it", 100.0 * float(hits), f"% of {COVERAGE_SAMPLES} samples"))
    return figures


def _accounts() -> tuple[list[LinearPerpAccount], dict[str, CollateralTerms]]:
    sizes = (40.0, -25.0, 10.0, -60.0, 15.0)
    accounts = [LinearPerpAccount(f"venue {i}", size, 0.0, SPOT, 0.03, 0.005) for i, size in enumerate(sizes)]
    terms = {a.venue: CollateralTerms(0.05, 10.0, 0.0, 0.03, 0.05, 0.02 * (i + 1)) for i, a in enumerate(accounts)}
    return accounts, terms


def _collateral_figures() -> list[Figure]:
    """Return speed and cost of the allocation beside SciPy's SLSQP on the same programme."""
    accounts, terms = _accounts()
    funds, vol, days = 80_000.0, 0.8, 3.0
    plan = allocate_collateral(accounts, terms, funds, 0.0, vol, days)
    floors = np.array([venue.floor_usd for venue in plan.venues])

    def cost(equities: np.ndarray) -> float:
        total = 0.0
        for account, equity in zip(accounts, equities, strict=True):
            mu, h = account.required_ratio, account.size
            barrier = max((h * SPOT - equity) / (h - mu * abs(h)), 1e-6)
            probability = touch_probability(SPOT, barrier, vol, days / 365.0)
            t = terms[account.venue]
            carry = (t.opportunity_rate_annual + t.failure_rate_annual) * days / 365.0
            total += t.liquidation_loss_ratio * account.notional_usd * probability + carry * equity
        return total

    def slsqp() -> float:
        room = {"type": "ineq", "fun": lambda x: funds / 1e4 - x.sum()}
        bounds = [(floor / 1e4, None) for floor in floors]
        start = (floors + (funds - floors.sum()) / floors.size) / 1e4
        return float(minimize(lambda x: cost(x * 1e4), start, bounds=bounds, constraints=room, method="SLSQP").fun)

    runs = {"ours": partial(allocate_collateral, accounts, terms, funds, 0.0, vol, days), "slsqp": slsqp}
    ms = {name: seconds * MILLISECONDS for name, seconds in best_of_each(runs, ROUNDS).items()}
    ours = plan.expected_liquidation_loss_usd + plan.holding_cost_usd
    return [
        Figure.against("collateral over 5 venues", ms["ours"], "ms", "SciPy SLSQP", ms["slsqp"]),
        Figure.against("collateral over 5 venues, expected cost", ours, "USD", "SciPy SLSQP", slsqp()),
    ]


def _attribution_figure() -> Figure:
    positions, marks = book(100), 2_001
    rng = np.random.default_rng(SEED)
    spot = SPOT * np.exp(np.cumsum(0.002 * rng.standard_normal(marks)))
    path = MarkPath(spot, np.arange(marks) * 300.0 / (365.0 * 86_400.0), positions.options.iv_annual)
    run = partial(attribute_path, positions.options, path)
    return Figure("attribution, 100 legs", best_seconds(run, ROUNDS) * 1e6 / (marks - 1), "microseconds/step")


def run() -> list[Figure]:
    """Measure everything this page claims."""
    positions, grid = book(LEGS), flat_grid()
    figures = _speed_figures(positions, grid)
    figures.append(_accuracy_figure(positions, grid))
    storage = extra_bytes(partial(scenario_grid, positions, *axes(), VolShock.FACTOR), 2 * 8 * SCENARIOS)
    figures.append(Figure("scenario grid, memory beyond its answers", storage * MEGABYTES, "MB"))
    figures += _growth_figures()
    figures += _tail_figures(positions)
    figures += _coverage_figures()
    figures += _interval_figures()
    figures += _collateral_figures()
    figures.append(_attribution_figure())
    return figures
