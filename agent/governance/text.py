"""A review as people read it, and as machines do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from agent.governance.changes import SETTERS, STRUCTS, Change, group_set_by
from agent.governance.decoding import DecodedCall
from agent.governance.governors import Step
from agent.governance.review import Review, title
from agent.governance.simulation import Measured, Simulation
from agent.report.formatting import duration, money, signed, utc_minute
from agent.units import from_wad

_INDENT = "  "
_MEASURES = (
    ("keeper_key_usd", "one keeper key, 24 h", "keeper_key", True),
    ("all_keeper_keys_usd", "all keeper keys, 24 h", "all_keeper_keys", True),
    ("funding_usd", "funding, 24 h", "funding", True),
    ("total_usd", "lossBounds total, 24 h", "total", True),
    ("worst_net_delta", "W, worst net delta", "worst", False),
    ("band", "band in force", "band", False),
    ("room", "room: band less W", "room", False),
    ("gross_usd", "gross notional", "gross", True),
    ("max_gross_usd", "gross notional allowed", "max_gross", True),
    ("nav_usd", "NAV", "nav", True),
)
"""Key for machines, words, field of `Measured`, and whether it is money."""


def who_may(change: Change) -> str:
    """Return who may make a change, and how soon."""
    is_guardians = SETTERS[change.parameter.group].guardian is not None and not change.loosens
    return "guardian at once, governor after the delay" if is_guardians else "governor after the delay"


def effect(change: Change) -> str:
    """Return which way a change goes."""
    if change.parameter.tighter.value == "neither":
        return "neither tightens nor loosens"
    return "loosens" if change.loosens else "tightens"


def review_lines(review: Review, asset_decimals: int, effects: Iterable[str] = ()) -> list[str]:
    """Return a review for people; ``effects`` are the lines of what was tried."""
    lines = [*_call_lines(review.decoded, 0)]
    if review.changes:
        lines += ["", "Changes against today:", *_change_lines(review.changes, asset_decimals)]
    if review.worst_case:
        lines += ["", "At worst it would allow:", *(f"{_INDENT}- {line}" for line in review.worst_case)]
    if review.warnings:
        lines += ["", "WARNINGS:", *(f"{_INDENT}! {warning}" for warning in review.warnings)]
    return [*lines, *effects, "", *_time_lines(review), f"Checksum, to be compared by voice: {review.words}"]


def _call_lines(decoded: Sequence[DecodedCall], depth: int) -> Iterator[str]:
    for one in decoded:
        pad = _INDENT * depth
        arguments = ", ".join(f"{part.name} = {part.text}" for part in one.arguments)
        if one.inner:
            arguments = "..."
        elif group_set_by(one.contract, one.function) in STRUCTS:
            arguments = "every field; those that change are below"
        state = " (taken back)" if one.is_taken_back else ""
        yield f"{pad}{title(one)}({arguments}){state} at {one.call.target}"
        yield from _call_lines(one.inner, depth + 1)


def _change_lines(changes: Sequence[Change], asset_decimals: int) -> Iterator[str]:
    for change in changes:
        parameter = change.parameter
        old, new = (parameter.show(number, asset_decimals) for number in (change.old, change.new))
        yield f"{_INDENT}{change.key}: {old} -> {new} {parameter.unit} ({effect(change)})"
        limits = parameter.limits(asset_decimals)
        yield f"{_INDENT * 2}hard limit {limits}; {who_may(change)}; {parameter.consequence}"


def _time_lines(review: Review) -> Iterator[str]:
    if not review.wait:
        yield "Takes effect with the transaction."
        return
    if review.ready_at is None or review.expires_at is None:
        yield f"Takes effect {duration(review.wait)} after it is scheduled; void 7 days later."
        return
    if review.is_ready:
        ready, void = utc_minute(review.ready_at), utc_minute(review.expires_at)
        yield f"Takes effect with the transaction: it has waited until {ready} UTC; void at {void} UTC."
        return
    yield (
        f"Takes effect at {utc_minute(review.ready_at)} UTC at the earliest "
        f"(it waits {duration(review.wait)} from its scheduling); void at {utc_minute(review.expires_at)} UTC."
    )


def simulation_lines(simulation: Simulation) -> list[str]:
    """Return what happened on the fork."""
    lines = ["On a fork, scheduled, waited for and executed:"]
    lines += [f"{_INDENT}! {line}" for line in (*simulation.refusals, *simulation.left_out)]
    if simulation.before is None or simulation.after is None:
        return [*lines, f"{_INDENT}the vault cannot be measured now (oracle, book or a venue does not answer)"]
    for _, words, field, is_money in _MEASURES:
        before, after = (_amount(state, field, is_money) for state in (simulation.before, simulation.after))
        lines.append(f"{_INDENT}{words}: {before} -> {after}" if before != after else f"{_INDENT}{words}: {before}")
    return lines


def _amount(state: Measured, field: str, is_money: bool) -> str:
    number = from_wad(getattr(state, field))
    return money(number) if is_money else signed(number, 4)


def step_lines(steps: Sequence[Step]) -> list[str]:
    """Return transactions with their call data."""
    lines = []
    for number, step in enumerate(steps, start=1):
        lines += [f"Transaction {number}: {step.what}, from {step.sender}", f"{_INDENT}to    {step.call.target}"]
        lines += [f"{_INDENT}value {step.call.wei}", f"{_INDENT}data  {step.call.data_hex}"]
    return lines


# --- for machines ---------------------------------------------------------------------------------------------------


def review_document(review: Review, asset_decimals: int) -> dict[str, Any]:
    """Return a review for machines: exact integers as text, times as Unix seconds."""
    return {
        "checksum": review.words,
        "calls": [{"target": call.target, "data": call.data_hex, "value": str(call.wei)} for call in review.calls],
        "decoded": [_decoded_document(one) for one in review.decoded],
        "changes": [_change_document(change, asset_decimals) for change in review.changes],
        "worst_case": list(review.worst_case),
        "warnings": list(review.warnings),
        "wait_seconds": review.wait,
        "ready_unix": review.ready_at,
        "expires_unix": review.expires_at,
    }


def _decoded_document(one: DecodedCall) -> dict[str, Any]:
    return {
        "target": one.call.target,
        "contract": one.contract,
        "function": one.function,
        "arguments": {part.name: part.text for part in one.arguments},
        "is_taken_back": one.is_taken_back,
        "inner": [_decoded_document(part) for part in one.inner],
    }


def _change_document(change: Change, asset_decimals: int) -> dict[str, Any]:
    parameter = change.parameter
    return {
        "name": change.key,
        "unit": parameter.unit,
        "old": parameter.show(change.old, asset_decimals),
        "new": parameter.show(change.new, asset_decimals),
        "old_raw": str(change.old),
        "new_raw": str(change.new),
        "hard_limit": parameter.limits(asset_decimals),
        "effect": effect(change),
        "who_may": who_may(change),
        "consequence": parameter.consequence,
    }


def simulation_document(simulation: Simulation) -> dict[str, Any]:
    """Return what happened on the fork, for machines."""
    return {
        "refusals": list(simulation.refusals),
        "left_out": list(simulation.left_out),
        "before": _measured_document(simulation.before),
        "after": _measured_document(simulation.after),
    }


def _measured_document(state: Measured | None) -> dict[str, float] | None:
    return None if state is None else {key: from_wad(getattr(state, field)) for key, _, field, _ in _MEASURES}


def step_document(step: Step) -> dict[str, str]:
    """Return a transaction for machines."""
    call = step.call
    return {
        "what": step.what, "sender": step.sender, "to": call.target, "value": str(call.wei), "data": call.data_hex
    }  # fmt: skip
