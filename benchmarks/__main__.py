"""Run benchmarks and print their figures: ``python -m benchmarks NAME [--json]``; NAME ``all`` runs every one.

A benchmark is a module with ``run() -> list[Figure]`` and one line in `BENCHMARKS`. Modules are imported when they run,
so that one that lacks an optional peer does not stop the others.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import sys
from collections.abc import Sequence

from agent.errors import AgentError
from benchmarks.figure import Figure

BENCHMARKS = {
    "command_line": "benchmarks.command_line",
    "backtest": "benchmarks.backtest",
    "backtest_fidelity": "benchmarks.backtest_fidelity",
    "band_table": "benchmarks.band_table",
    "bands": "benchmarks.bands",
    "decision": "benchmarks.decision",
    "delta_accuracy": "benchmarks.delta_accuracy",
    "delta_gas": "benchmarks.delta_gas",
    "frontier": "benchmarks.frontier",
    "greeks": "benchmarks.greeks",
    "implied_vol": "benchmarks.implied_vol",
    "keeper_cycle": "benchmarks.keeper_cycle",
    "latency": "benchmarks.latency",
    "ledger": "benchmarks.ledger",
    "localnet": "benchmarks.localnet",
    "rebalance_gas": "benchmarks.rebalance_gas",
    "replay_memory": "benchmarks.replay_memory",
    "risk": "benchmarks.risk",
    "optimiser": "benchmarks.optimiser",
    "option_hedge": "benchmarks.option_hedge",
    "surface": "benchmarks.surface",
    "synthetix_gas": "benchmarks.synthetix_gas",
    "venues_together": "benchmarks.venues_together",
    "vault_policies": "benchmarks.vault_policies",
    "zakamouline_constant": "benchmarks.zakamouline_constant",
}


def figures_of(name: str) -> list[Figure]:
    """Run one benchmark of the registry."""
    run = importlib.import_module(BENCHMARKS[name]).run
    return list(run())


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0, or 2 with one line on standard error for what cannot be run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what the project claims.")
    parser.add_argument("name", help=f"all, {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", action="store_true", help="print one JSON list for machines")
    chosen = parser.parse_args(arguments)
    if chosen.name != "all" and chosen.name not in BENCHMARKS:
        print(f"no benchmark is called {chosen.name!r}: choose all, {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    try:
        for name in BENCHMARKS if chosen.name == "all" else [chosen.name]:
            found = figures_of(name)
            figures += found
            if not chosen.json:
                print("\n".join(figure.line() for figure in found), flush=True)
    except AgentError as error:
        print(error, file=sys.stderr)
        return 2
    if chosen.json:
        print(json.dumps([dataclasses.asdict(figure) for figure in figures], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
