"""Where a vault and its contracts are: the manifest that the deployment script writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from eth_utils.address import is_checksum_address
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from agent.errors import DataError
from agent.input_file import read_input
from agent.units import Address


def _checksummed(written: str) -> Address:
    if not is_checksum_address(written):
        raise ValueError(f"{written} is not a checksummed address")
    return Address(written)


ManifestAddress = Annotated[str, AfterValidator(_checksummed)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class AssetEntry(_Entry):
    """The vault's collateral."""

    address: ManifestAddress
    decimals: int = Field(ge=0, le=36)
    symbol: str


class VenueEntry(_Entry):
    """One venue adapter; ``kind`` names its protocol."""

    name: str
    kind: str
    address: ManifestAddress


class Deployment(_Entry):
    """One vault on one chain. ``block`` is where the deployment began: no record of the vault is older."""

    chain_id: int
    network: str
    block: int = Field(ge=0)
    asset: AssetEntry
    contracts: dict[str, ManifestAddress]
    venues: tuple[VenueEntry, ...]
    """Those where perps are traded."""
    option_venue: VenueEntry | None = None
    """Where options are bought as a hedge, if anywhere; its ``kind`` is one of `agent.venues.registry`."""
    roles: dict[str, ManifestAddress]
    governor_delay_seconds: int = Field(ge=0)
    """What the governor's acts wait on the chain."""

    @property
    def all_venues(self) -> tuple[VenueEntry, ...]:
        """Every venue of the vault's registry, that of options last."""
        return self.venues if self.option_venue is None else (*self.venues, self.option_venue)

    def contract(self, name: str) -> Address:
        """Return the address of a contract; `DataError` when the manifest does not hold it."""
        if name not in self.contracts:
            raise DataError(f"the manifest of chain {self.chain_id} names no contract {name}; deploy anew")
        return Address(self.contracts[name])

    def role(self, name: str) -> Address:
        """Return the address that holds a role; `DataError` when the manifest does not name it."""
        if name not in self.roles:
            raise DataError(f"the manifest of chain {self.chain_id} names no role {name}; deploy anew")
        return Address(self.roles[name])


def venue_names(deployment: Deployment) -> dict[Address, str]:
    """Return what operators call each venue, by its address."""
    return {Address(entry.address): entry.name for entry in deployment.all_venues}


def load_deployment(path: Path, chain_id: int) -> Deployment:
    """Read a manifest.

    Raises
    ------
    DataError
        Missing, damaged, or of another chain; the message says how to mend it.

    """
    try:
        deployment = Deployment.model_validate_json(
            read_input(path, absent="deploy the vault first (evenkeel deploy plan, or evenkeel localnet up)")
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the JSON"
        raise DataError(f"{path}: {where}: {first['msg']}; deploy anew") from None
    if deployment.chain_id != chain_id:
        raise DataError(f"{path}: chain_id is {deployment.chain_id}, not {chain_id}; name the right manifest_path")
    return deployment
