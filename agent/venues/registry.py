"""Every protocol that the agent knows, by the ``kind`` of a venue in the deployment manifest."""

from __future__ import annotations

from agent.chain.state import OwnViews
from agent.errors import DataError
from agent.venues.curie import CURIE
from agent.venues.hyperevm import HYPEREVM
from agent.venues.protocol import VenueProtocol
from agent.venues.synthetix import SYNTHETIX

VENUE_PROTOCOLS: dict[str, VenueProtocol] = {"curie": CURIE, "hyperevm": HYPEREVM, "synthetix": SYNTHETIX}
ORDER_KINDS = frozenset(kind for kind, protocol in VENUE_PROTOCOLS.items() if protocol.fills_later)
"""Those whose adapters leave orders."""
OWN_VIEWS = OwnViews(
    orders=ORDER_KINDS,
    funding_speed=frozenset(kind for kind, protocol in VENUE_PROTOCOLS.items() if protocol.rate_drifts),
)
"""What a look at the chain asks of which of them."""


def venue_protocol(kind: str, where: str) -> VenueProtocol:
    """Return the protocol of a kind; `DataError` names ``where`` an unknown one stands and what is known."""
    if kind not in VENUE_PROTOCOLS:
        known = ", ".join(sorted(VENUE_PROTOCOLS))
        raise DataError(f"{where} is of kind {kind!r}, which is not one of {known}; mend its kind")
    return VENUE_PROTOCOLS[kind]
