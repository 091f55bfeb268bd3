"""The last look before the first transaction: the plan is the one that was shown, and everything is as it must be."""

from __future__ import annotations

from agent.deploy.checks import faults, holdings_fault
from agent.deploy.costs import Costs, estimate
from agent.deploy.digest import digest_of
from agent.deploy.execution import is_handed_over, remaining
from agent.deploy.session import Session
from agent.errors import DataError, PreflightError
from agent.units import Address, wei_to_eth

RESERVE_PERCENT = 150
"""Gas money that the deployer must have, of what the plan costs."""


def require_ready(session: Session, digest: str | None) -> str:
    """Check all that can be checked and return the plan's digest; nothing is sent.

    Raises
    ------
    DataError
        The plan is not the one with ``digest``, or the chain holds something else for good.
    PreflightError
        One line for each thing that is not what it is taken for.

    """
    actual = require_plan(session, digest)
    if found := findings(session):
        raise PreflightError(found)
    return actual


def require_plan(session: Session, digest: str | None) -> str:
    """Return the plan's digest; `DataError` where it is another than the one that was shown."""
    actual = digest_of(session.blueprint, session.state)
    if digest is not None and digest != actual:
        raise DataError(
            f"the plan is {actual} now, not {digest}: configuration, contracts, addresses or chain have changed since "
            "it was shown, or --book or --inputs is another; look at it again (evenkeel deploy plan)"
        )
    return actual


def findings(session: Session, costs: Costs | None = None) -> list[str]:
    """Return a line for everything that stands in the way; none once the vault is handed over."""
    blueprint, state = session.blueprint, session.state
    if is_handed_over(blueprint, state):
        return []
    if found := faults(blueprint, state):
        return found
    if session.holdings is not None and (fault := holdings_fault(blueprint, state, session.holdings)):
        return [fault]
    if costs is None:
        costs = estimate(blueprint, state, remaining(blueprint, state))
    if costs.refusals:
        return list(costs.refusals)
    needed = costs.gas_wei * RESERVE_PERCENT // 100 + costs.value_wei
    held = state.balance(Address(blueprint.inputs.deployer))
    if held < needed:
        return [
            f"the deployer {blueprint.inputs.deployer} has {wei_to_eth(held):.6f} ether and needs "
            f"{wei_to_eth(needed):.6f}: half as much again as the gas left, and what it pays in; send it some"
        ]
    return []
