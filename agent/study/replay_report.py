"""A backtest as the same report that a replay on the local chain leaves."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version

import numpy as np

from agent.backtest.pool_market import History
from agent.backtest.vault_day import Step, VaultDay
from agent.demo.left_outside import reason_of
from agent.demo.provenance import bounds_told, inputs, market_note, prices_told
from agent.demo.scenario import Scenario
from agent.demo.step_record import band_in_force, depth_quotes, margin_use
from agent.domain import Action
from agent.guard import worst_net_delta
from agent.report.effectiveness import hedge_effectiveness
from agent.report.formatting import money
from agent.report.replay_report import Closing, HedgingCosts, ReplayReport, StepAction, StepRecord, Summary, Trade
from agent.settings import Settings
from agent.study.case import Case, Names, live
from agent.units import from_wad
from agent.venues.maintenance import Maintenance

MAINTENANCE_RATIO = 0.0625
"""Equity over notional at which Curie liquidates, as on the local chain."""


def backtest_report(
    scenario: Scenario, settings: Settings, history: History, is_stopped: Callable[[], bool] | None = None
) -> ReplayReport:
    """Replay a scenario without a chain; ``is_stopped``: as in `agent.backtest.vault_day.replay_vault`.

    Raises
    ------
    DataError
        The first step cannot be taken; what ends the replay later is told in the report of what was until then.

    """
    case = case_of(scenario, settings, history)
    recorder = _Recorder(settings)
    started = time.perf_counter()
    day = live(case, recorder, iv_move=scenario.iv_move, is_stopped=is_stopped)
    return recorder.report(scenario, case, day, time.perf_counter() - started)


def case_of(scenario: Scenario, settings: Settings, history: History) -> Case:
    """Return a scenario as a case of its own."""
    names = Names(scenario.title, scenario.book_origin, settings.policy.name, settings.network)
    return Case(names, scenario.prices, scenario.book, settings, scenario.deposit_usd, history)


class _Recorder:
    """Turns the steps of a backtest into the records of a report."""

    def __init__(self, settings: Settings) -> None:
        self._gas_token_usd = settings.costs.gas_token_usd
        self._records: list[StepRecord] = []
        self._first: Step | None = None
        self._last: Step | None = None
        self._seconds: list[float] = []
        self._at = time.perf_counter()

    def __call__(self, step: Step) -> None:
        now = time.perf_counter()
        self._seconds.append(now - self._at)
        self._first, self._last = self._first or step, step
        self._records.append(_record(step, self._gas_token_usd(from_wad(step.snapshot.measurement.price))))
        self._at = time.perf_counter()

    def report(self, scenario: Scenario, case: Case, day: VaultDay, wall_seconds: float) -> ReplayReport:
        """Close the account."""
        first, last = self._first, self._last
        if first is None or last is None:
            raise ValueError("no step was lived")
        block, pool = last.snapshot.block, case.pool.over(case.prices.prices_usd)
        return ReplayReport(
            title=f"{scenario.title}, without a chain",
            underlying=scenario.book.underlying,
            steps=tuple(self._records),
            closing=Closing(block.timestamp, from_wad(last.snapshot.measurement.price), last.iv_move),
            iv_rule=None if scenario.iv_path is None else scenario.iv_path.rule,
            interval_seconds=scenario.prices.interval_seconds,
            book=scenario.book,
            guard_band=from_wad(band_in_force(last.after)),
            depth=depth_quotes(first.snapshot),
            market_note=market_note(scenario, range_ratios=(pool.low_ratio, pool.high_ratio)),
            turnover_usd=day.turnover_usd,
            unexplained_usd=0.0,
            ended_early=day.ended_early,
            inputs={**inputs(scenario), "case": case.key},
            summary=self._summary(case, day, last, wall_seconds),
            provenance=_provenance(scenario, case),
        )

    def _summary(self, case: Case, day: VaultDay, last: Step, wall_seconds: float) -> Summary:
        records = self._records
        interval = case.prices.interval_seconds
        measured = last.after.measurement
        return Summary(
            steps=day.steps,
            rebalances=day.rebalances,
            rejected=0,
            effectiveness=hedge_effectiveness(day.pnl_hedged_usd[:-1], day.pnl_unhedged_usd[:-1], interval),
            pnl_unhedged_usd=float(day.pnl_unhedged_usd[-1]),
            pnl_hedged_usd=float(day.pnl_hedged_usd[-1]),
            costs=HedgingCosts(day.fee_usd, day.slippage_usd, day.funding_usd, day.gas_usd),
            max_abs_net_delta=max((abs(own.net_delta) for own in records[1:]), default=abs(records[0].net_delta)),
            band_breaches_after_rebalance=day.breaches,
            guard_mirror_mismatches=None,
            vault_nav_usd=from_wad(measured.idle + sum(venue.equity for venue in measured.venues)),
            ledger_nav_error_bps=None,
            wall_s=wall_seconds,
            p99_decision_ms=1_000.0 * float(np.quantile(self._seconds, 0.99)),
        )


def _record(step: Step, gas_token_usd: float) -> StepRecord:
    decision, before, after = step.decision, step.snapshot, step.after
    has_traded = decision.action is Action.REBALANCE
    size_delta = from_wad(sum(fill.size_delta for fill in decision.expected_fills))
    size_after = from_wad(sum(venue.size for venue in after.venues))
    net_delta_after, target = decision.exposure.book_delta + size_after, decision.target
    band = band_in_force(after)
    is_outside = worst_net_delta(after.measurement) > band
    is_outside |= not target.band_low <= net_delta_after <= target.band_high
    maintenance = {venue.address: Maintenance(MAINTENANCE_RATIO) for venue in after.venues}
    return StepRecord(
        unix=before.block.timestamp,
        price_usd=from_wad(before.measurement.price),
        book_delta=decision.exposure.book_delta,
        net_delta=decision.exposure.net_delta,
        net_delta_after=net_delta_after,
        band_low=target.band_low,
        band_high=target.band_high,
        action=StepAction.HEDGED if has_traded else StepAction.HOLD,
        hedge_size_delta=size_delta,
        hedge_size=size_after,
        pnl_unhedged_usd=step.pnl_unhedged_usd,
        pnl_hedged_usd=step.pnl_hedged_usd,
        costs=HedgingCosts(step.fee_usd, step.slippage_usd, step.funding_usd, step.gas_usd),
        reason=decision.reason,
        worst_before=from_wad(worst_net_delta(before.measurement)),
        worst_after=from_wad(worst_net_delta(after.measurement)),
        governed_band=from_wad(band),
        margin=margin_use(after, maintenance),
        iv_move=step.iv_move,
        trade=_trade(step, size_delta, gas_token_usd),
        outside_reason=(
            reason_of(decision.guard_error, decision.reason, is_executed=has_traded) if is_outside else None
        ),
        guard_error=decision.guard_error,
    )


def _trade(step: Step, size_delta: float, gas_token_usd: float) -> Trade | None:
    paid = step.paid
    if paid is None:
        return None
    size = sum(abs(from_wad(fill.size_delta)) for fill in step.decision.expected_fills)
    return Trade(
        size_delta=size_delta,
        price_usd=paid.turnover_usd / size if size else None,
        fee_usd=paid.fee_usd,
        slippage_usd=paid.slippage_usd,
        gas_units=round(paid.gas.units),
        gas_usd=paid.gas.usd,
        gas_token_usd=gas_token_usd,
    )


def _provenance(scenario: Scenario, case: Case) -> Mapping[str, Mapping[str, str]]:
    policy, fees = case.settings.policy, case.history.base_fees_gwei
    low, high = float(fees.min()), float(fees.max())
    return {
        "Prices": prices_told(scenario),
        "Bounds the mirror enforced": bounds_told(case.settings.bounds.to_bounds(), scenario.book.underlying),
        "Policy and run": {
            "Policy": policy.name.replace("_", " "),
            **{name.replace("_", " "): f"{number:g}" for name, number in policy.parameters.items()},
            "Book": scenario.book_origin,
            "IV": "held at the book's own" if scenario.iv_path is None else scenario.iv_path.rule,
            "Deposit": money(scenario.deposit_usd),
            "Base fee": f"{low:g} gwei" if low == high else f"{low:.4g} to {high:.4g} gwei",
            "Funding": "the pool's own averages" if case.history.funding_per_day is None else "a history",
            "Evenkeel": version("evenkeel"),
            "Python": platform.python_version(),
        },
    }
