"""The parameters that governance sets by name, out of the one table, and what a set of them must not say."""

from __future__ import annotations

import difflib

from agent.errors import DataError
from agent.settings.contracts import MAX_DAILY_LOSS_BPS, least_drawdown_bps
from agent.settings.parameter import Group, Parameter, Tighter
from agent.settings.parameter_table import BOUNDS, DELAY, DEPOSIT_CAP, PRICE_LIMITS, SHARE_LOCK, VENUE_CAP

__all__ = [
    "BOUNDS",
    "DELAY",
    "DEPOSIT_CAP",
    "PARAMETERS",
    "PRICE_LIMITS",
    "SHARE_LOCK",
    "VENUE_CAP",
    "Group",
    "Parameter",
    "Tighter",
    "find_parameter",
    "require_consistent",
]

PARAMETERS: dict[str, Parameter] = {
    parameter.name: parameter for parameter in (*BOUNDS, *PRICE_LIMITS, DEPOSIT_CAP, SHARE_LOCK, VENUE_CAP, DELAY)
}


def find_parameter(name: str) -> Parameter:
    """Return a parameter by name; `DataError` names the nearest one."""
    if name in PARAMETERS:
        return PARAMETERS[name]
    nearest = difflib.get_close_matches(name, PARAMETERS, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(PARAMETERS)}"
    raise DataError(f"no parameter is called {name!r:.60}; {hint}")


def require_consistent(bounds: dict[str, int]) -> None:
    """Raise `DataError` where parameters contradict one another in a way that ``BoundsRules`` or the oracle refuses."""
    daily = bounds["loss_capacity_bps"] + bounds["loss_refill_bps_per_day"]
    lasting = least_drawdown_bps(bounds["loss_capacity_bps"], bounds["loss_refill_bps_per_day"])
    pairs = (
        ("urgent_delta_underlying", bounds["urgent_delta_underlying"], "band_underlying", bounds["band_underlying"]),
        ("max_notional_usd", bounds["max_notional_usd"], "min_notional_usd", bounds["min_notional_usd"]),
        ("max_drawdown_bps", bounds["max_drawdown_bps"], "loss_capacity_bps + 4/3 loss_refill_bps_per_day", lasting),
        ("the contract's hard limit", MAX_DAILY_LOSS_BPS, "loss_capacity_bps + loss_refill_bps_per_day", daily),
    )
    for high_name, high, low_name, low in pairs:
        if high < low:
            shown = [_text(name, number) for name, number in ((high_name, high), (low_name, low))]
            raise DataError(f"{high_name} {shown[0]} is below {low_name} {shown[1]}; the contract refuses that")


def _text(name: str, number: int) -> str:
    return PARAMETERS[name].show(number, 0) if name in PARAMETERS else str(number)
