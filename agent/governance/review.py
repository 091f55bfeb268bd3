"""What is to be known of calls before they are voted on or signed: changes, worst case, warnings, times, words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.chain.operations import EXPIRATION_SECONDS
from agent.governance.calls import GovernedCall, checksum
from agent.governance.changes import Change, changes_in
from agent.governance.consequences import ROLES, UNKNOWN, Effect, consequence_of
from agent.governance.decoding import AddressBook, DecodedCall, decode_call
from agent.governance.parameters import Group
from agent.governance.state import GovernedState
from agent.units import BPS, Address, Seconds

_PEELED = {"schedule", "execute", "multicall", "propose", "queue", "scheduleBatch", "executeBatch"}
"""Wrappers of `VaultAccess` and of the governor that decide when a call runs, not what it does."""
_POWERS = ("governor", "keeper", "relay")


@dataclass(frozen=True, slots=True)
class Review:
    """Calls as a person judges them. ``ready_at`` is None where nobody knows the time."""

    calls: tuple[GovernedCall, ...]
    decoded: tuple[DecodedCall, ...]
    changes: tuple[Change, ...]
    worst_case: tuple[str, ...]
    warnings: tuple[str, ...]
    words: str
    wait: Seconds
    ready_at: Seconds | None
    is_ready: bool
    """Whether they were scheduled and have waited."""

    @property
    def expires_at(self) -> Seconds | None:
        """When the calls are void, Unix seconds."""
        return None if self.ready_at is None else Seconds(self.ready_at + EXPIRATION_SECONDS)


def review(
    calls: Sequence[GovernedCall],
    book: AddressBook,
    state: GovernedState,
    ready_at: Seconds | None = None,
    are_transactions: bool = False,
) -> Review:
    """Take calls apart and judge them against today's parameters.

    ``ready_at`` where they are scheduled already. ``are_transactions`` where they are what somebody sends: such that
    carry nothing to be scheduled, as a guardian's, do not wait.
    """
    decoded = tuple(decode_call(call, book) for call in calls)
    essential = _unique(call for one in decoded for call in _essential(one, state.governor))
    leaves = [leaf for one in decoded for leaf in one.leaves()]
    changes = tuple(dict.fromkeys(change for leaf in leaves for change in _changes(leaf, state, book)))
    at_once = are_transactions and essential == tuple(calls)
    waits = [Seconds(0) if at_once else wait_of(decode_call(call, book), state) for call in essential]
    wait = max(waits, default=state.delay)
    if ready_at is None and state.now is not None and not at_once:
        ready_at = Seconds(state.now + wait)
    return Review(
        calls=essential,
        decoded=decoded,
        changes=changes,
        worst_case=tuple(_worst_case(decoded, changes, state, book)),
        warnings=tuple(_warnings(decoded, leaves, changes, state)),
        words=checksum(book.deployment, essential),
        wait=wait,
        ready_at=ready_at,
        is_ready=ready_at is not None and state.now is not None and ready_at <= state.now,
    )


def wait_of(decoded: DecodedCall, state: GovernedState) -> Seconds:
    """Return `VaultAccess.waitOf`: twice the delay to take the guardian role, the delay for all else."""
    is_dismissal = decoded.contract == "VaultAccess" and decoded.function == "revokeRole"
    role = ROLES.get(decoded.values.get("roleId", -1)) if is_dismissal else None
    return Seconds(2 * state.delay if role == "guardian" else state.delay)


def _essential(decoded: DecodedCall, governor: Address) -> Iterator[GovernedCall]:
    """Yield what runs: layers of `VaultAccess` and of the governor itself are taken off, no others are trusted."""
    is_layer = decoded.contract == "VaultAccess" or decoded.call.target == governor
    if is_layer and decoded.function in _PEELED and decoded.inner and decoded.is_whole:
        for one in decoded.inner:
            yield from _essential(one, governor)
    else:
        yield decoded.call


def _unique(calls: Iterable[GovernedCall]) -> tuple[GovernedCall, ...]:
    """Drop repeated calls: a timelock's file holds each twice, to be scheduled and to be executed."""
    return tuple(dict.fromkeys(calls))


def _changes(leaf: DecodedCall, state: GovernedState, book: AddressBook) -> tuple[Change, ...]:
    if leaf.contract is None or leaf.function is None or not leaf.arguments:
        return ()
    values = [argument.value for argument in leaf.arguments]
    return changes_in(leaf.contract, leaf.function, values, state, book.deployment)


# --- at worst -------------------------------------------------------------------------------------------------------


def _worst_case(
    decoded: Sequence[DecodedCall], changes: Sequence[Change], state: GovernedState, book: AddressBook
) -> Iterator[str]:
    for one in (part for call in decoded for part in call.walk() if not part.is_taken_back):
        if one.contract is not None and one.inner:
            continue
        consequence = consequence_of(one)
        if consequence is None:
            yield f"{title(one)}: {UNKNOWN}"
        elif consequence.effect is not Effect.DEPENDS or not _changes(one, state, book):
            yield f"{title(one)}: {consequence.line}"
    decimals = book.deployment.asset.decimals
    for change in changes:
        if change.loosens:
            new = change.parameter.show(change.new, decimals)
            yield f"{change.key} {new} {change.parameter.unit}: {change.parameter.consequence}"
    if any(change.parameter.group is Group.BOUNDS for change in changes):
        yield _loss_line(changes, state)


def _loss_line(changes: Sequence[Change], state: GovernedState) -> str:
    after = {**state.numbers, **{change.key: change.new for change in changes}}
    (one_now, all_now), (one_then, all_then) = _loss_bps(state.numbers), _loss_bps(after)
    return (
        f"lost by keeper keys in 24 hours at most {all_then} bps of NAV together (now {all_now}), "
        f"{one_then} by one key (now {one_now})"
    )


def _loss_bps(numbers: Mapping[str, int]) -> tuple[int, int]:
    """Return what one key and all of them lose at most, bps of NAV, rounded up as ``lossBounds`` is."""
    all_keys = numbers["loss_capacity_bps"] + numbers["loss_refill_bps_per_day"]
    return -(-all_keys * numbers["keeper_share_bps"] // BPS), all_keys


# --- warnings -------------------------------------------------------------------------------------------------------


def _warnings(
    decoded: Sequence[DecodedCall], leaves: Sequence[DecodedCall], changes: Sequence[Change], state: GovernedState
) -> Iterator[str]:
    if not state.is_read:
        yield "compared with the configuration, not with the chain: what was governed since is not known"
    for number, one in enumerate(decoded, start=1):
        for part in one.walk():
            for warning in part.warnings:
                yield f"call {number}, {title(part)}: {warning}"
    for leaf in leaves:
        if leaf.contract is not None and leaf.function is not None and consequence_of(leaf) is None:
            yield f"{title(leaf)} is no function of a governor or guardian"
    granted = [role for role in (_granted(leaf) for leaf in leaves) if role in _POWERS]
    if granted and any(change.loosens for change in changes):
        yield f"it appoints a {granted[0]} and loosens parameters in one: each would be judged better alone"
    seen = [leaf.call for leaf in leaves if not leaf.is_taken_back]
    if len(set(seen)) < len(seen):
        yield "it holds the same call twice: VaultAccess schedules it once, and the second is refused"


def _granted(leaf: DecodedCall) -> str | None:
    is_grant = leaf.contract == "VaultAccess" and leaf.function == "grantRole"
    return ROLES.get(leaf.values.get("roleId", -1)) if is_grant else None


def title(decoded: DecodedCall) -> str:
    """Return a call's name: contract and function, or target and selector."""
    contract = decoded.contract or decoded.call.target
    return f"{contract}.{decoded.function or '0x' + decoded.call.data[:4].hex()}"
