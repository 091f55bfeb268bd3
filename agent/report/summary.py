"""The JSON summary: a fixed set of fields that scripts may depend on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.report.attribution import TOTAL, attribute_replay
from agent.report.drawdown import deepest_drawdown
from agent.report.expiries import expiries
from agent.report.gas import gas_use
from agent.report.hedge_accounting import hedge_accounting
from agent.report.iv_assumption import iv_assumption
from agent.report.margin_use import worst_margin
from agent.report.option_gains import gains_document
from agent.report.outside_band import BandRecord, TimeOutside, governed_band, keeper_band
from agent.report.replay_report import ReplayReport, StepRecord
from agent.report.trades import trades_document
from agent.report.venues import venues_document


def summary_json(report: ReplayReport) -> str:
    """Return the replay's figures, inputs and steps as JSON, in the documented order."""
    summary, costs = report.summary, report.summary.costs
    fields = {
        "steps": summary.steps,
        "rebalances": summary.rebalances,
        "rejected": summary.rejected,
        "effectiveness": summary.effectiveness,
        "pnl_unhedged_usd": summary.pnl_unhedged_usd,
        "pnl_hedged_usd": summary.pnl_hedged_usd,
        "cost_usd": {
            "fee": costs.fee_usd,
            "slippage": costs.slippage_usd,
            "funding": costs.funding_usd,
            "gas": costs.gas_usd,
        },
        "max_abs_net_delta": summary.max_abs_net_delta,
        "band_breaches_after_rebalance": summary.band_breaches_after_rebalance,
        "guard_mirror_mismatches": summary.guard_mirror_mismatches,
        "vault_nav_usd": summary.vault_nav_usd,
        "ledger_nav_error_bps": summary.ledger_nav_error_bps,
        "wall_s": summary.wall_s,
        "p99_decision_ms": summary.p99_decision_ms,
        "turnover_usd": report.turnover_usd,
        "unexplained_usd": report.unexplained_usd,
        "ended_early": report.ended_early,
        "inputs": dict(report.inputs),
        **_result(report),
        "hedge_accounting": _accounting(report),
        "iv": _iv(report),
        "outside_band": {"governed": _outside(governed_band(report)), "keeper": _outside(keeper_band(report))},
        "trades": trades_document(report),
        "gas": asdict(gas_use(report)),
        "venues": venues_document(report.venues),
        "options": gains_document(report.options, report.option_positions),
        "margin": asdict(worst_margin(report)),
        "expiries": [asdict(expiry) for expiry in expiries(report)],
        "depth": [asdict(quote) for quote in report.depth],
        "step_records": [_step(step) for step in report.steps],
    }
    return json.dumps(fields, indent=2, allow_nan=False) + "\n"


def _result(report: ReplayReport) -> dict[str, object]:
    """Return where the P&L came from, in total and as it built up, and how deep it fell."""
    found = attribute_replay(report)
    sides: Mapping[str, Mapping[str, FloatArray]] = {"alone": found.alone, "hedged": found.hedged}
    built_up = {
        name: {cause: np.round(path, 4).tolist() for cause, path in side.items()} for name, side in sides.items()
    }
    return {
        "attribution_usd": {
            **{name: {cause: float(path[-1]) for cause, path in side.items()} for name, side in sides.items()},
            "path": {"unix": list(found.times_unix), **built_up},
        },
        "drawdown": {name: asdict(deepest_drawdown(found.times_unix, side[TOTAL])) for name, side in sides.items()},
    }


def _accounting(report: ReplayReport) -> dict[str, object] | None:
    found = hedge_accounting(report)
    return None if found is None else asdict(found)


def _iv(report: ReplayReport) -> dict[str, object] | None:
    found = iv_assumption(report)
    return None if found is None else asdict(found)


def _outside(record: BandRecord) -> dict[str, object]:
    """Return the time outside one band, by reason."""

    def document(time: TimeOutside) -> dict[str, object]:
        return asdict(time) | {"reason": None if time.reason is None else time.reason.value}

    return asdict(record) | {
        "outside": document(record.outside),
        "by_reason": [document(time) for time in record.by_reason],
    }


def _step(step: StepRecord) -> dict[str, object]:
    return {
        "unix": step.unix,
        "price_usd": step.price_usd,
        "book_delta": step.book_delta,
        "net_delta": step.net_delta,
        "net_delta_after": step.net_delta_after,
        "action": step.action.value,
        "hedge_size_delta": step.hedge_size_delta,
        "hedge_size": step.hedge_size,
        "pnl_unhedged_usd": step.pnl_unhedged_usd,
        "pnl_hedged_usd": step.pnl_hedged_usd,
        "cost_usd": step.costs.total_usd,
        "options_usd": None if step.options is None else step.options.total_usd,
        "worst_before": step.worst_before,
        "worst_after": step.worst_after,
        "governed_band": step.governed_band,
        "iv_shift_annual": step.iv_move.level_annual[0],
        "iv_move": None if step.iv_move.is_parallel else asdict(step.iv_move),
        "margin": asdict(step.margin),
        "outside_reason": None if step.outside_reason is None else step.outside_reason.value,
        "guard_error": step.guard_error,
        "reason": step.reason,
    }
