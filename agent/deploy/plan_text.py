"""A plan as people read it."""

from __future__ import annotations

from collections.abc import Sequence

from agent.deploy.digest import standing_on
from agent.deploy.plan import PlanReport, in_bps, sanity
from agent.report.text_table import Column, table_lines
from agent.units import wei_to_eth, wei_to_gwei

_WIDTH = 150


def plan_text(report: PlanReport) -> str:
    """Return what is to be sent, what it costs, who holds what, every parameter, what can be lost, and the digest."""
    blueprint, costs = report.session.blueprint, report.costs
    chain = blueprint.network.chain
    lines = [
        f"{blueprint.network.network}, chain {chain.chain_id}, deployer {blueprint.inputs.deployer}",
        "",
        "Stands on",
        *(f"  {name}  {address}" for name, address in standing_on(blueprint).items()),
        "",
        *_steps(report),
        f"Gas {costs.gas:,} at {wei_to_gwei(costs.gas_price_wei):g} gwei: {wei_to_eth(costs.gas_wei):.6f} ether, and "
        f"{wei_to_eth(costs.value_wei):g} paid in ({'tried' if costs.is_simulated else 'estimated by size'})",
        "",
        *_holders(report),
        "",
        *_parameters(report),
        "",
        *_losses(report),
        "",
        "At the live price",
        *(f"  {line}" for line in sanity(report)),
        "",
        f"Plan {report.digest}",
    ]
    return "\n".join(lines)


def _steps(report: PlanReport) -> Sequence[str]:
    price = report.costs.gas_price_wei
    columns = (
        Column(("", "#")),
        Column(("", "Transaction"), is_figure=False),
        Column(("", "Address"), is_figure=False),
        Column(("", "Gas")),
        Column(("Cost", "ether")),
    )
    rows = [
        (
            str(number),
            step.title,
            report.addresses.get(step.title, ""),
            "done" if step.is_done else f"{step.gas:,}",
            "" if step.is_done else f"{wei_to_eth(step.gas * price + step.value_wei):.6f}",
        )
        for number, step in enumerate(report.costs.steps, start=1)
    ]
    return table_lines(columns, rows, width=_WIDTH)


def _holders(report: PlanReport) -> Sequence[str]:
    columns = [Column((heading,), is_figure=False) for heading in ("Once handed over", "Held by", "Which is")]
    return table_lines(columns, [(one.role, one.account, one.what) for one in report.holders], width=_WIDTH)


def _parameters(report: PlanReport) -> Sequence[str]:
    columns = (
        Column(("Parameter",), is_figure=False),
        Column(("Value",), is_figure=False),
        Column(("Unit",), is_figure=False),
        Column(("Limit",), is_figure=False),
        Column(("Consequence",), is_figure=False),
    )
    rows = [
        (f"[{one.section}] {one.key}", one.value, one.unit, one.limit, one.consequence) for one in report.parameters
    ]
    return table_lines(columns, rows, width=_WIDTH)


def _losses(report: PlanReport) -> Sequence[str]:
    losses = report.losses
    funding = "not known before the adapters stand" if losses.funding is None else f"{in_bps(losses.funding):,} bps"
    return (
        "lossBounds(), of NAV in any 24 hours",
        f"  one keeper's key  {in_bps(losses.keeper_key):,} bps",
        f"  all keepers' keys {in_bps(losses.all_keeper_keys):,} bps",
        f"  funding           {funding}, at the greatest leverage and the most that the venues can charge",
    )
