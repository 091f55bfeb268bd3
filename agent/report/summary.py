"""The JSON summary: a fixed set of fields that scripts may depend on."""

from __future__ import annotations

import json

from agent.report.replay_report import Summary


def summary_json(summary: Summary) -> str:
    """Return the summary as JSON, one field a line, in the documented order."""
    costs = summary.costs
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
    }
    return json.dumps(fields, indent=2, allow_nan=False) + "\n"
