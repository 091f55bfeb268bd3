"""Every protocol that the agent knows, by the ``kind`` of a venue in the deployment manifest."""

from __future__ import annotations

from agent.chain.state import OwnViews
from agent.errors import DataError
from agent.venues.curie import CURIE
from agent.venues.gmx import GMX
from agent.venues.hyperevm import HYPEREVM
from agent.venues.lyra import LYRA
from agent.venues.protocol import OptionProtocol, UntoldFunding, VenueProtocol
from agent.venues.synthetix import SYNTHETIX

VENUE_PROTOCOLS: dict[str, VenueProtocol] = {"curie": CURIE, "gmx": GMX, "hyperevm": HYPEREVM, "synthetix": SYNTHETIX}
ORDER_KINDS = frozenset(kind for kind, protocol in VENUE_PROTOCOLS.items() if protocol.fills_later)
"""Those whose adapters leave orders."""
OWN_VIEWS = OwnViews(
    orders=ORDER_KINDS,
    funding_speed=frozenset(kind for kind, protocol in VENUE_PROTOCOLS.items() if protocol.rate_drifts),
    untold_funding=frozenset(
        kind for kind, protocol in VENUE_PROTOCOLS.items() if isinstance(protocol.funding, UntoldFunding)
    ),
    opens_from_cash=frozenset(kind for kind, protocol in VENUE_PROTOCOLS.items() if protocol.opens_from_cash),
)
"""What a look at the chain asks of which of them."""
OPTION_PROTOCOLS: dict[str, OptionProtocol] = {"lyra": LYRA}
"""Those where options are bought, by the ``kind`` of the manifest's ``option_venue``."""


def venue_protocol(kind: str, where: str) -> VenueProtocol:
    """Return the protocol of a kind; `DataError` names ``where`` an unknown one stands and what is known."""
    if kind not in VENUE_PROTOCOLS:
        known = ", ".join(sorted(VENUE_PROTOCOLS))
        raise DataError(f"{where} is of kind {kind!r}, which is not one of {known}; mend its kind")
    return VENUE_PROTOCOLS[kind]


def option_protocol(kind: str, where: str) -> OptionProtocol:
    """As `venue_protocol`, of a venue where options are bought."""
    if kind not in OPTION_PROTOCOLS:
        known = ", ".join(sorted(OPTION_PROTOCOLS))
        raise DataError(f"{where} is of kind {kind!r}, which is not one of {known}; mend its kind")
    return OPTION_PROTOCOLS[kind]


def adapter_name(kind: str, where: str) -> str:
    """Return the name of the adapter contract of a venue of either sort; raises as `venue_protocol`."""
    return OPTION_PROTOCOLS[kind].adapter if kind in OPTION_PROTOCOLS else venue_protocol(kind, where).adapter
