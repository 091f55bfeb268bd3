"""Every parameter of a deployment as a plan shows it: number, unit, the contracts' limit, and what it brings about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.config import Section
from agent.deploy.dao import (
    MAX_QUORUM_PERCENT,
    MAX_VOTING_BLOCKS,
    MAX_VOTING_SECONDS,
    MIN_VOTING_BLOCKS,
    MIN_VOTING_SECONDS,
    THRESHOLD_PERCENT,
    DaoSection,
)
from agent.deploy.network import Network
from agent.settings.parameter import NO_LIMIT, TEXT
from agent.settings.parameter_table import SECTIONS

_DAO_UNITS = ("seconds", "blocks", "votes", "percent", "decimals")
_DAO_LIMITS = {
    "voting_delay_seconds": f"at most {MAX_VOTING_SECONDS:,}",
    "voting_period_seconds": f"{MIN_VOTING_SECONDS:,} to {MAX_VOTING_SECONDS:,}",
    "voting_delay_blocks": f"at most {MAX_VOTING_BLOCKS:,}",
    "voting_period_blocks": f"{MIN_VOTING_BLOCKS:,} to {MAX_VOTING_BLOCKS:,}",
    "proposal_threshold_votes": f"at most {THRESHOLD_PERCENT} % of the supply",
    "quorum_percent": f"1 to {MAX_QUORUM_PERCENT}",
}


@dataclass(frozen=True, slots=True)
class PlannedParameter:
    """One number that goes to the chain, as the file has it."""

    section: str
    key: str
    value: str
    unit: str
    limit: str
    consequence: str


def parameters(network: Network) -> Iterator[PlannedParameter]:
    """Yield every parameter of the contracts in the file's order."""
    for name, rows in SECTIONS.items():
        section: Section | None = getattr(network, name)
        if section is None:
            continue
        for one in rows:
            limit = one.limits(network.deploy.asset_decimals)
            yield PlannedParameter(name, one.name, f"{getattr(section, one.name)}", one.unit, limit, one.consequence)
    if network.dao is not None:
        yield from _of_votes(network.dao)


def _of_votes(dao: DaoSection) -> Iterator[PlannedParameter]:
    for key, field in type(dao).model_fields.items():
        number = getattr(dao, key)
        if number is None or isinstance(number, Section):
            continue
        ending = key.rpartition("_")[2]
        unit = ending if ending in _DAO_UNITS else TEXT
        yield PlannedParameter("dao", key, f"{number}", unit, _DAO_LIMITS.get(key, NO_LIMIT), str(field.description))
