"""Every parameter of a deployment as a plan shows it: number, unit, the contracts' limit, and what it brings about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.config import Section
from agent.deploy.network import Network
from agent.settings.parameter_table import SECTIONS


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
