"""The most that a transaction may cost before its policy would rather wait."""

from __future__ import annotations

from dataclasses import replace

from agent.domain import Exposure, TradeCosts
from agent.errors import PolicyRefusedError
from agent.policy.base import Policy

_DOUBLINGS = 16
_HALVINGS = 6
_LEAST_USD = 0.01


def gas_worth_usd(policy: Policy, exposure: Exposure, costs: TradeCosts) -> float | None:
    """Return the gas, USD, up to which the policy calls for the trade; None where gas does not decide it.

    A band widens with the fixed cost of a trade, so there is a cost from which on the net delta lies inside it. It is
    found by doubling from what gas costs now and bisecting: rounded down, by less than a 64th of the doubling it lies
    in. Gas at which the policy refuses to answer is more than it calls for. None: the trade is forced by something
    else than the policy (the chain's band, margin), or stays wanted at 65,536 times what gas costs now.

    Parameters
    ----------
    policy
        Where the net delta may stay.
    exposure, costs
        As the decision was made on them.

    """

    def wants(gas_usd: float) -> bool:
        try:
            wanted = policy.target(exposure, replace(costs, gas_usd=gas_usd))
        except PolicyRefusedError:
            return False
        return wanted.target_net_delta != exposure.net_delta

    low = max(costs.gas_usd, _LEAST_USD)
    if not wants(low):
        return None
    for _ in range(_DOUBLINGS):
        if not wants(2.0 * low):
            break
        low *= 2.0
    else:
        return None
    high = 2.0 * low
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if wants(middle) else (low, middle)
    return low
