"""What a deployment stands on but does not deploy: collateral, price feed, venue protocols, role holders."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.chain.deployment import ManifestAddress
from agent.errors import DataError


class VenueInputs(BaseModel):
    """One venue: its protocol, and the addresses of the protocol's contracts that its adapter needs, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    kind: str
    addresses: dict[str, ManifestAddress]
    terms: dict[str, Any] | None = None
    """What a contract of ours that reads the protocol is made with beside addresses; its protocol says what."""


class DeploymentInputs(BaseModel):
    """Addresses on the network, all checksummed; None where there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asset: ManifestAddress
    asset_decimals: int | None = None
    """In the place of ``[deploy] asset_decimals``."""
    price_feed: ManifestAddress
    secondary_feed: ManifestAddress | None = None
    """A second aggregator, whose price has to agree with the first."""
    collateral_feed: ManifestAddress | None = None
    """Price of the asset in USD."""
    sequencer_feed: ManifestAddress | None = None
    """Chainlink's uptime feed of a rollup's sequencer."""
    underlying_token: ManifestAddress
    underlying_holder: ManifestAddress
    deployer: ManifestAddress
    """Sends the deployment and hands it over; holds no role afterwards."""
    governor: ManifestAddress
    guardian: ManifestAddress
    keeper: ManifestAddress
    further_keepers: tuple[ManifestAddress, ...] = Field(default=(), max_length=2)
    """Beside ``keeper`` and the rescue desk; `VaultAccess` takes four in all."""
    members: tuple[ManifestAddress, ...] = Field(min_length=1)
    """Accounts that may be given shares from the start."""
    venues: tuple[VenueInputs, ...] = Field(min_length=1)
    fee_recipient: ManifestAddress | None = None
    """Gets the fee shares where the configuration has ``[fees]``; unused otherwise."""

    @model_validator(mode="after")
    def _powers_are_separate(self) -> Self:
        for role in ("governor", "guardian", "keeper"):
            if getattr(self, role) == self.deployer:
                raise ValueError(f"{role} is the deployer, who may hold no role; name another account")
        for role in ("further_keepers", "members"):
            if self.deployer in getattr(self, role):
                raise ValueError(f"one of {role} is the deployer, who may hold no role; name another account")
        if len({self.keeper, *self.further_keepers}) != 1 + len(self.further_keepers):
            raise ValueError("a keeper is named twice; name each once")
        if self.guardian == self.governor:
            raise ValueError("guardian is the governor, whom it shall guard; name another account")
        return self


def load_deployment_inputs(path: Path) -> DeploymentInputs:
    """Read the inputs of a deployment.

    Raises
    ------
    DataError
        No such file, or the key that is wrong.

    """
    try:
        return DeploymentInputs.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); name the file of deployment inputs") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the JSON"
        raise DataError(f"{path}: {where}: {first['msg']}; mend that entry") from None
