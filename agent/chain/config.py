"""Which chain, and who answers for it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from agent.config import HttpUrl, Real, Section, Whole

RPC_URLS_VARIABLE = "EVENKEEL_RPC_URLS"
"""Replaces ``[chain] rpc_urls``; comma-separated. The place for URLs that hold an access token."""
MANIFEST_PATH_VARIABLE = "EVENKEEL_MANIFEST_PATH"
"""Replaces ``[chain] manifest_path``: several local chains, several deployments, one checkout."""


class ChainSettings(Section):
    """Which chain, and who answers for it."""

    chain_id: Whole = Field(gt=0)
    rpc_urls: tuple[HttpUrl, ...] = Field(min_length=1)
    """The fastest that answers is asked first; every one of them is handed every transaction."""
    rpc_quorum: Whole = Field(gt=0)
    """How many servers must agree on blocks, logs, receipts and on the state a decision is made on."""
    rpc_state_quorum: Whole | None = Field(default=None, gt=0)
    """As many for the state alone, where honest servers differ on it, as HyperEVM's do; by default ``rpc_quorum``."""
    rpc_timeout_seconds: Real = Field(gt=0)
    max_head_age_seconds: Whole = Field(gt=0)
    """Heads this far from the wall clock are not traded on. A local chain that replays history needs a large one."""
    rollup: Literal["none", "op-stack", "arbitrum"] = "none"
    """How the chain charges for its data on Ethereum; see `agent.chain.rollup`."""
    manifest_path: str = ""
    """Where the deployed addresses are; by default ``deployments/<chain_id>.json``."""

    @model_validator(mode="after")
    def _enough_servers(self) -> Self:
        if self.rpc_quorum > len(self.rpc_urls):
            raise ValueError(f"rpc_quorum {self.rpc_quorum} needs as many rpc_urls, not {len(self.rpc_urls)}")
        if self.state_quorum > self.rpc_quorum:
            raise ValueError(f"rpc_state_quorum {self.rpc_state_quorum} must not exceed rpc_quorum {self.rpc_quorum}")
        return self

    @property
    def state_quorum(self) -> int:
        """How many servers must agree on the state at a block."""
        return self.rpc_quorum if self.rpc_state_quorum is None else self.rpc_state_quorum

    @property
    def manifest_file(self) -> Path:
        """File of the deployed addresses."""
        return Path(self.manifest_path or f"deployments/{self.chain_id}.json")
