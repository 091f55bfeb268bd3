"""Several vaults on one page: a line each, and what is wrong below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.report.formatting import duration, money, signed
from agent.report.text_table import Column, table_lines
from agent.status.document import as_document
from agent.status.networks import NetworkStatus
from agent.status.records import VaultStatus

_COLUMNS = [
    Column(("Network",), is_figure=False),
    Column(("Block",)),
    Column(("NAV",)),
    Column(("Worst case",)),
    Column(("Band",)),
    Column(("Hedge",), is_figure=False),
    Column(("Price age",), is_figure=False),
    Column(("Rebalances", "paid for")),
    Column(("What is wrong",), is_figure=False),
]


def overview_lines(networks: Sequence[NetworkStatus]) -> list[str]:
    """Return the page for people."""
    rows = [_row(one.network, one.status) for one in networks if one.status is not None]
    lines = table_lines(_COLUMNS, rows, align_points=False) if rows else []
    lines += [f"{one.network}: {one.failure}" for one in networks if one.failure is not None]
    if absent := [one.network for one in networks if not one.is_deployed]:
        lines.append(f"Nothing is deployed on {', '.join(absent)}.")
    return lines


def overview_document(networks: Sequence[NetworkStatus]) -> dict[str, Any]:
    """Return the page for machines."""
    return {
        "networks": [
            {
                "network": one.network,
                "is_deployed": one.is_deployed,
                "failure": one.failure,
                "status": None if one.status is None else as_document(one.status),
            }
            for one in networks
        ]
    }


def _row(network: str, status: VaultStatus) -> list[str]:
    told = as_document(status)
    delta, oracle = told["delta"], told["oracle"]
    is_known = delta["worst"] is not None and delta["band"] is not None
    state = "not known" if not is_known else "inside" if delta["worst"] <= delta["band"] else "OUTSIDE"
    left = [keeper["rebalances_left"] for keeper in told["keepers"]]
    return [
        network,
        f"{status.block.number:,}",
        money(told["shares"]["nav_low_usd"]),
        signed(delta["worst"], 2) if is_known else "n/a",
        signed(delta["band"], 2) if is_known else "n/a",
        state,
        duration(oracle["age_seconds"]) if oracle["price_usd"] else "no price",
        f"{min(left):,}" if left else "n/a",
        "; ".join(_complaints(told)) or "nothing",
    ]


def _complaints(told: dict[str, Any]) -> list[str]:
    modes = told["modes"]
    found = [f"oracle: {fault}" for fault in told["oracle"]["faults"]]
    found += [f"{venue['name']} is silent" for venue in told["venues"] if venue["is_silent"]]
    found += [f"keeper {keeper['address']} is dismissed" for keeper in told["keepers"] if not keeper["has_role"]]
    found += ["paused"] if modes["paused_until_unix"] is not None else []
    found += ["winding down"] if modes["is_winding_down"] else ["reduce-only"] if modes["is_reduce_only"] else []
    return found + (["breaker tripped"] if told["is_breaker_tripped"] else [])
