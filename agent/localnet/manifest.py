"""What a running local chain tells the rest of the world about itself: ``<state directory>/manifest.json``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from agent.errors import DataError
from agent.input_file import read_input
from agent.localnet.evm import ACCOUNT_ROLES
from agent.localnet.registry import MARKET_PROTOCOLS
from agent.units import Address, Seconds, Wei

DEFAULT_STATE_DIRECTORY = Path(".evenkeel") / "localnet"
MANIFEST_NAME = "manifest.json"
LOG_NAME = "anvil.log"


class LocalnetManifest(BaseModel):
    """A running local chain. Addresses are checksummed; ``accounts`` are Anvil's, by role."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: Literal[2] = 2
    rpc_url: str
    chain_id: int
    pid: int
    process_fingerprint: str
    """Tells the process from a later one with the same id (see `agent.localnet.anvil.process_fingerprint`)."""
    seed: int
    start_unix: Seconds
    """Time of the block at which the market stood ready."""
    start_price_usd: float
    base_fee_wei: Wei
    """Base fee every step starts its blocks with, unless it names another."""
    usdc: Address
    usdc_decimals: int
    weth: Address
    chainlink_aggregator: Address
    venues: dict[str, dict[str, Address]]
    """Contracts of each protocol by name, by the kind of its venues."""
    dollar_of: str | None = None
    """Protocol whose own dollar is the collateral of all venues; the test USDC where it is None."""
    accounts: dict[str, Address]

    @field_validator("accounts")
    @classmethod
    def _holds_every_role(cls, accounts: dict[str, Address]) -> dict[str, Address]:
        missing = [role for role in ACCOUNT_ROLES if role not in accounts]
        if missing:
            raise ValueError(f"no account for {', '.join(missing)}")
        return accounts

    @field_validator("venues")
    @classmethod
    def _names_every_contract(cls, venues: dict[str, dict[str, Address]]) -> dict[str, dict[str, Address]]:
        for kind, addresses in venues.items():
            protocol = MARKET_PROTOCOLS.get(kind)
            if protocol is None or set(addresses) != protocol.address_names:
                raise ValueError(f"{kind} is no protocol with these contracts")
        if not venues:
            raise ValueError("no venue")
        return venues

    @staticmethod
    def path(state_directory: Path) -> Path:
        """Where the manifest of a state directory is."""
        return state_directory / MANIFEST_NAME

    @classmethod
    def read(cls, state_directory: Path) -> LocalnetManifest | None:
        """Manifest of a state directory, or None when there is none.

        Raises: `DataError` when there is one that cannot be read.
        """
        path = cls.path(state_directory)
        if not path.exists():
            return None
        try:
            return cls.model_validate_json(read_input(path))
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the JSON"
            raise DataError(
                f"{path} is damaged ({where} is not valid): stop Anvil by hand if it runs, and remove the file"
            ) from None

    def write(self, state_directory: Path) -> None:
        """Write the manifest in one step: readers see the old one or the new one, never half of one."""
        path = self.path(state_directory)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
        draft.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(path)
