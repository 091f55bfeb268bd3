"""One thing on the chain compared with the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.deploy.blueprint import Blueprint
from agent.deploy.state import ChainState
from agent.errors import DataError


@dataclass(frozen=True, slots=True)
class Check:
    """One thing compared: what it is, whether it is as planned, and what was found."""

    subject: str
    is_as_planned: bool
    found: str


def same(state: ChainState, key: str, getter: str, planned: object, blueprint: Blueprint) -> Check:
    """Compare what a getter of one of our contracts answers; a refusal is a difference."""
    creation = blueprint.creations[key]
    try:
        found = state.read(creation.contract, creation.address, getter)
    except DataError as refusal:
        return Check(f"{key}.{getter}", False, str(refusal))
    return Check(f"{key}.{getter}", _plain(found) == _plain(planned), f"{_shown(found)}")


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_plain(one) for one in value)
    return value.lower() if isinstance(value, str) and value.startswith("0x") else value


def _shown(value: Any) -> str:
    return ", ".join(map(_shown, value)) if isinstance(value, tuple) else str(value)
