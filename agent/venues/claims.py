"""What an account may have paid out to it: called for once it is worth a move of collateral.

It is inside the equity all the while, so nothing is lost by waiting; but only what is paid out can be withdrawn, back
what opens, or pay for executions.
"""

from __future__ import annotations

from collections.abc import Iterator

from agent.chain.abi import Call
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.errors import AgentError
from agent.units import Address, Seconds, Wad
from agent.venues.protocol import Claim
from agent.venues.registry import venue_protocol
from agent.venues.views import follow_views

LOOK_INTERVAL_SECONDS = Seconds(600)
"""What can be claimed grows by the hour at the fastest that matters."""


class ClaimFinder:
    """Of the venues of one vault; ``least``: what a claim has to bring, WAD USD."""

    def __init__(self, client: ChainClient, deployment: Deployment, least: Wad) -> None:
        self._client = client
        self._least = least
        self._claims: dict[Call, Claim] = {}
        for entry in deployment.venues:
            for claim in venue_protocol(entry.kind, f"venue {entry.name}").claims:
                self._claims[claim.call.at(Address(entry.address))] = claim
        self._looks_at = Seconds(0)

    @property
    def calls(self) -> tuple[Call, ...]:
        """What may ever be called."""
        return tuple(self._claims)

    def due(self, block: BlockRef) -> Iterator[Call]:
        """Give what is worth calling by ``block``, looked at now and then."""
        if not self._claims or block.timestamp < self._looks_at:
            return
        yield from (call for call in self._claims if self.is_worth(call, block))
        self._looks_at = Seconds(block.timestamp + LOOK_INTERVAL_SECONDS)

    def is_worth(self, call: Call, block: BlockRef) -> bool:
        """Return whether one of ``calls`` brings enough; a venue that does not answer is asked again later."""
        claim = self._claims[call]
        try:
            [holder] = follow_views(self._client, block, [(call.to, claim.holder)])
            return claim.worth(self._client, call.to, holder, block) >= self._least
        except AgentError:
            return False
