"""Which chain, and who answers for it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from agent.config import HttpUrl, Section, WaitSeconds, Whole, WsUrl

RPC_URLS_VARIABLE = "EVENKEEL_RPC_URLS"
"""Replaces ``[chain] rpc_urls``; comma-separated. The place for URLs that hold an access token."""
WS_URLS_VARIABLE = "EVENKEEL_WS_URLS"
"""Replaces ``[chain] ws_urls``, in the same way."""
MANIFEST_PATH_VARIABLE = "EVENKEEL_MANIFEST_PATH"
"""Replaces ``[chain] manifest_path``: several local chains, several deployments, one checkout."""


class ChainSettings(Section):
    """Which chain, and who answers for it."""

    chain_id: Whole = Field(gt=0, description="the chain's own id; a node of another chain is refused")
    rpc_urls: tuple[HttpUrl, ...] = Field(
        min_length=1,
        description="servers: the fastest that answers is asked first, and every one is handed every transaction",
    )
    ws_urls: tuple[WsUrl, ...] = Field(
        default=(),
        description="WebSocket servers whose new heads end the wait between two cycles; what is true, rpc_urls say",
    )
    rpc_quorum: Whole = Field(
        gt=0, description="servers that must agree on blocks, logs, receipts and the state a decision is made on"
    )
    rpc_state_quorum: Whole | None = Field(
        default=None,
        gt=0,
        description="as many for the state alone, where honest servers differ on it; rpc_quorum unless written",
    )
    rpc_timeout_seconds: WaitSeconds = Field(description="a server that takes longer counts as silent")
    max_head_age_seconds: Whole = Field(
        gt=0,
        description="heads this far from the wall clock are not traded on; large for a chain that replays history",
    )
    rollup: Literal["none", "op-stack", "arbitrum"] = Field(
        default="none", description="how the chain charges for its data on Ethereum: none, op-stack or arbitrum"
    )
    manifest_path: str = Field(
        default="", description="where the deployed addresses are; deployments/<chain_id>.json unless written"
    )

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
