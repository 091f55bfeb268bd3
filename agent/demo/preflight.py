"""All that prices, book and configuration tell of a replay before its chain is started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agent.backtest.book_mark import moved_iv_annual
from agent.costs.trade_costs import gas_cost_usd
from agent.decision.bounds_fit import Circumstances, misfits
from agent.decision.feasible_hedge import infeasible_bounds
from agent.demo.scenario import Scenario
from agent.errors import PreflightError
from agent.files.book_kinds import MAX_IV_ANNUAL
from agent.formatting import iso_utc
from agent.keeper.preflight import book_faults, gas_token_faults, price_faults
from agent.localnet.anvil import CHAIN_ID
from agent.localnet.session import LocalnetSettings
from agent.settings import Settings
from agent.units import Rounding, Wei, to_wad

LEAST_IV_ANNUAL = 0.01
"""The chain takes no lower one either."""


def require_replayable(scenario: Scenario, settings: Settings, config: Path) -> None:
    """Raise `PreflightError` with a line for each reason why the replay could not go through to its last step."""
    faults = [
        *_chain_faults(settings, config),
        *gas_token_faults(settings, config, scenario.book.underlying),
        *_step_faults(scenario, settings, config),
        *_oracle_faults(scenario, settings, config),
        *_pool_faults(scenario),
        *book_faults(scenario.book, scenario.book_origin, scenario.prices.start_unix),
        *_iv_faults(scenario),
    ]
    # Prices that nobody believes are mended first: they change what is to be hedged.
    if faults := faults or list(_hedge_faults(scenario, settings, config)):
        raise PreflightError(faults)


def require_backtestable(scenario: Scenario, settings: Settings, config: Path) -> None:
    """Raise `PreflightError` with a line for each thing that a replay without a chain would price or believe wrongly.

    What the guard refuses and budgets do not reach is part of what is found out, and ends nothing.
    """
    faults = [
        *gas_token_faults(settings, config, scenario.book.underlying),
        *_oracle_faults(scenario, settings, config),
        *_iv_faults(scenario),
    ]
    if faults:
        raise PreflightError(faults)


def scenario_misfits(scenario: Scenario, settings: Settings, base_fee_wei: Wei | None = None) -> tuple[str, ...]:
    """Return in what way a scenario's book and the bounds do not fit, beside what would end the replay.

    ``base_fee_wei``: of the first step, the local chain's unless given.
    """
    price_usd = float(scenario.prices.prices_usd[0])
    costs = settings.costs.to_cost_inputs(to_wad(price_usd, Rounding.DOWN), settings.execution.priority_fee_gwei)
    here = Circumstances(
        at_unix=scenario.prices.start_unix,
        price_usd=price_usd,
        nav_usd=scenario.deposit_usd,
        deviation_bps=settings.oracle.deviation_bps,
        idle_reserve_bps=settings.margin.idle_reserve_bps,
        gas_usd=gas_cost_usd(LocalnetSettings().base_fee_wei if base_fee_wei is None else base_fee_wei, costs),
    )
    return misfits(scenario.book, settings.bounds.to_bounds(), here)


def _chain_faults(settings: Settings, config: Path) -> Iterator[str]:
    if settings.chain.chain_id != CHAIN_ID:
        yield (
            f"{config}: [chain] chain_id is {settings.chain.chain_id}, but the local chain is {CHAIN_ID}; "
            f"write {CHAIN_ID}"
        )
    if settings.chain.rpc_quorum > 1:
        yield (f"{config}: [chain] rpc_quorum is {settings.chain.rpc_quorum}, but a replay has one server; write 1")


def _step_faults(scenario: Scenario, settings: Settings, config: Path) -> Iterator[str]:
    step_seconds, cooldown_seconds = scenario.prices.interval_seconds, settings.bounds.cooldown_seconds
    if step_seconds < cooldown_seconds:
        yield (
            f"{scenario.prices.source}: a price every {step_seconds} s, less than {config} [bounds] cooldown_seconds "
            f"{cooldown_seconds}: the guard would refuse steps; choose prices {cooldown_seconds} s apart or more, or "
            "lower cooldown_seconds"
        )


def _oracle_faults(scenario: Scenario, settings: Settings, config: Path) -> Iterator[str]:
    """Name the first price that the oracle would refuse."""
    prices, oracle = scenario.prices, settings.oracle
    outside = (prices.prices_usd < float(oracle.min_price_usd)) | (prices.prices_usd > float(oracle.max_price_usd))
    for index in np.flatnonzero(outside)[:1]:
        yield from price_faults(settings, config, float(prices.prices_usd[index]), _row(scenario, int(index)))


def _pool_faults(scenario: Scenario) -> Iterator[str]:
    """Name the first price outside the range that the pool can reach."""
    prices, market = scenario.prices, LocalnetSettings()
    ratios = prices.prices_usd / prices.prices_usd[0]
    beyond = (ratios <= market.maker_low_ratio) | (ratios >= market.maker_high_ratio)
    for index in np.flatnonzero(beyond)[:1]:
        yield (
            f"{_row(scenario, int(index))}: price {prices.prices_usd[index]:,.10g} USD is {ratios[index]:.3g} times "
            f"the first; the local pool goes from {market.maker_low_ratio:g} to {market.maker_high_ratio:g} times it; "
            "choose a shorter span with --from and --to"
        )


def _iv_faults(scenario: Scenario) -> Iterator[str]:
    """Name the first instant at which the path of IV is not known, or leads a leg where no volatility is."""
    path, options = scenario.iv_path, scenario.book.options
    if path is None or not options:
        return
    start_unix = scenario.prices.start_unix
    if int(path.times_unix[0]) > start_unix:
        yield (
            f"IV follows {path.rule}: its first level is of {iso_utc(int(path.times_unix[0]))}, after the first price "
            f"at {iso_utc(start_unix)}; begin the path there or earlier, or start later with --from"
        )
        return
    for unix, price_usd in zip(scenario.prices.times_unix.tolist(), scenario.prices.prices_usd.tolist(), strict=True):
        move = scenario.iv_move(unix)
        for leg in (leg for leg in options if leg.expiry_unix > unix):
            iv_annual = moved_iv_annual(leg, price_usd, unix, move)
            if not LEAST_IV_ANNUAL <= iv_annual <= MAX_IV_ANNUAL:
                is_low = iv_annual < LEAST_IV_ANNUAL
                beyond = f"below {LEAST_IV_ANNUAL:g}" if is_low else f"above {MAX_IV_ANNUAL:g}"
                yield (
                    f"IV follows {path.rule}: at {iso_utc(unix)} it takes {leg.label} from {leg.iv_annual:.4g} to "
                    f"{iv_annual:.4g}, {beyond}; mend the path, or the leg's own IV"
                )
                return


def _hedge_faults(scenario: Scenario, settings: Settings, config: Path) -> Iterator[str]:
    prices = scenario.prices
    bounds, reserve_bps = settings.bounds.to_bounds(), settings.margin.idle_reserve_bps
    times_unix = prices.times_unix.astype(np.float64)
    for finding in infeasible_bounds(
        scenario.book, times_unix, prices.prices_usd, bounds, scenario.deposit_usd, reserve_bps
    ):
        if finding.is_slow:  # told as a misfit
            continue
        where = f"{config}: {_row(scenario, finding.index)}"
        yield f"{where}: {finding.problem}; {finding.mend}"


def _row(scenario: Scenario, index: int) -> str:
    prices = scenario.prices
    return f"{prices.source}: {prices.symbol} at {iso_utc(int(prices.times_unix[index]))}"
