"""Changes of governed parameters: from ``name=value`` to calls, and from a call back to what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.chain.abi import load_abi
from agent.chain.deployment import Deployment
from agent.errors import DataError
from agent.governance.calls import GovernedCall
from agent.governance.parameters import (
    BOUNDS,
    PARAMETERS,
    PRICE_LIMITS,
    Group,
    Parameter,
    Tighter,
    find_parameter,
    require_consistent,
)
from agent.governance.state import GovernedState, venue_key

ADMIN_ROLE = 0
"""`AccessManager.ADMIN_ROLE`: the governors'."""


@dataclass(frozen=True, slots=True)
class Change:
    """One parameter from ``old`` to ``new``, chain integers; ``venue`` where each venue has its own."""

    parameter: Parameter
    venue: str | None
    old: int
    new: int

    @property
    def key(self) -> str:
        """Name as it is written after ``--set``."""
        return self.parameter.name if self.venue is None else venue_key(self.venue)

    @property
    def loosens(self) -> bool:
        """Whether it allows more."""
        return self.parameter.is_loosened(self.old, self.new)


@dataclass(frozen=True, slots=True)
class Setter:
    """The functions that set a group: a governor's, and a guardian's where there is one."""

    contract: str
    governor: str
    guardian: str | None


SETTERS: dict[Group, Setter] = {
    Group.BOUNDS: Setter("RebalanceGuard", "setBounds", "tightenBounds"),
    Group.PRICE_LIMITS: Setter("PriceOracle", "setPriceLimits", "tightenPriceLimits"),
    Group.DEPOSIT_CAP: Setter("HedgeVault", "setDepositCap", "lowerDepositCap"),
    Group.SHARE_LOCK: Setter("HedgeVault", "setShareLock", None),
    Group.VENUE_CAP: Setter("VenueRegistry", "setVenueCap", "lowerVenueCap"),
    Group.DELAY: Setter("VaultAccess", "grantRole", None),
}
STRUCTS = {Group.BOUNDS: BOUNDS, Group.PRICE_LIMITS: PRICE_LIMITS}
"""Groups that one struct holds: a call replaces every field of it."""


def parse_changes(written: Sequence[str], state: GovernedState, deployment: Deployment) -> tuple[Change, ...]:
    """Read ``name=value`` (``venue_cap_usd:<venue>=value`` for a venue's cap).

    Raises
    ------
    DataError
        One line: an unknown name and the nearest one, a value outside its hard limit, one that changes nothing.

    """
    found: dict[str, Change] = {}
    for one in written:
        name, equals, value = one.partition("=")
        if not equals:
            raise DataError(f"--set {one!r:.60}: write name=value, such as max_slippage_bps=40")
        change = _parsed(name.strip(), value.strip(), state, deployment)
        if change.key in found:
            raise DataError(f"--set {change.key} is given twice; keep one")
        found[change.key] = change
    require_consistent({**state.numbers, **{key: change.new for key, change in found.items()}})
    return tuple(found.values())


def _parsed(name: str, value: str, state: GovernedState, deployment: Deployment) -> Change:
    base, _, venue = name.partition(":")
    parameter = find_parameter(base)
    if parameter.group is Group.VENUE_CAP and not venue and len(deployment.all_venues) == 1:
        venue = deployment.all_venues[0].name
    if venue and parameter.group is not Group.VENUE_CAP:
        raise DataError(f"--set {name}: {base} is not a venue's; leave out :{venue}")
    decimals = deployment.asset.decimals
    new = parameter.parse(value, decimals)
    old = state.number(venue_key(venue) if venue else base)
    if new == old:
        raise DataError(f"--set {name}={value}: it is {parameter.show(old, decimals)} {parameter.unit} already")
    return Change(parameter, venue or None, old, new)


def calls_of(
    changes: Sequence[Change], state: GovernedState, deployment: Deployment, at_once: bool = False
) -> tuple[GovernedCall, ...]:
    """Return the calls that make the changes; ``at_once`` by the guardian's functions, which only tighten.

    Raises
    ------
    DataError
        ``at_once``, and a change that is not the guardian's.

    """
    groups: dict[tuple[Group, str | None], list[Change]] = {}
    for change in changes:
        if at_once:
            _require_tighter(change, deployment.asset.decimals)
        groups.setdefault((change.parameter.group, change.venue), []).append(change)
    return tuple(_call(group, venue, own, state, deployment, at_once) for (group, venue), own in groups.items())


def _require_tighter(change: Change, asset_decimals: int) -> None:
    parameter = change.parameter
    if SETTERS[parameter.group].guardian is not None and not change.loosens:
        return
    reason = "no guardian may set it" if parameter.tighter is Tighter.NEITHER else f"only {parameter.tighter.value} is"
    shown = [parameter.show(number, asset_decimals) for number in (change.old, change.new)]
    raise DataError(f"{change.key} from {shown[0]} to {shown[1]} does not tighten ({reason}); use evenkeel gov propose")


def _call(
    group: Group, venue: str | None, own: Sequence[Change], state: GovernedState, deployment: Deployment, at_once: bool
) -> GovernedCall:
    setter = SETTERS[group]
    name = setter.guardian if at_once and setter.guardian else setter.governor
    if group in STRUCTS:
        new = {change.parameter.name: change.new for change in own}
        fields = tuple(new.get(one.name, state.number(one.name)) for one in STRUCTS[group])
        arguments: tuple[object, ...] = (fields,)
    elif group is Group.VENUE_CAP:
        arguments = (_venue_address(venue, deployment), own[0].new)
    elif group is Group.DELAY:
        arguments = (ADMIN_ROLE, state.governor, own[0].new)
    else:
        arguments = (own[0].new,)
    data = load_abi(setter.contract).function(name).encode(*arguments)
    return GovernedCall(deployment.contract(setter.contract), bytes.fromhex(data[2:]))


def _venue_address(venue: str | None, deployment: Deployment) -> str:
    return next(entry.address for entry in deployment.all_venues if entry.name == venue)


def changes_in(
    contract: str, function: str, arguments: Sequence[Any], state: GovernedState, deployment: Deployment
) -> tuple[Change, ...]:
    """Return what a decoded call changes against ``state``; nothing where it sets no parameter that we know."""
    found = [
        Change(PARAMETERS[key.partition(":")[0]], key.partition(":")[2] or None, state.number(key), new)
        for key, new in _set_by(contract, function, arguments, state, deployment)
    ]
    return tuple(change for change in found if change.old != change.new)


def group_set_by(contract: str | None, function: str | None) -> Group | None:
    """Return which parameters a function sets; None for any other."""
    for group, setter in SETTERS.items():
        if setter.contract == contract and function in (setter.governor, setter.guardian):
            return group
    return None


def _set_by(
    contract: str, function: str, arguments: Sequence[Any], state: GovernedState, deployment: Deployment
) -> list[tuple[str, int]]:
    """Return keys and new chain integers of all that a call sets."""
    group = group_set_by(contract, function)
    if group is None:
        return []
    if group in STRUCTS:
        return [(one.name, int(new)) for one, new in zip(STRUCTS[group], arguments[0], strict=True)]
    if group is Group.VENUE_CAP:
        venues = (venue.name for venue in deployment.all_venues if venue.address.lower() == arguments[0].lower())
        return [(venue_key(name), arguments[1]) for name in venues]
    if group is Group.DELAY and (arguments[0], str(arguments[1]).lower()) != (ADMIN_ROLE, state.governor.lower()):
        return []
    return [(one.name, arguments[-1]) for one in PARAMETERS.values() if one.group is group]
