"""Perpetual Protocol v2 ("Curie"): trades settle at once, funding is paid when a position is touched."""

from __future__ import annotations

from agent.chain.abi import Event, Function
from agent.venues.protocol import FundingEvent, VenueProtocol

CURIE = VenueProtocol(
    title="Perpetual Protocol v2",
    adapter="CurieVenue",
    adapter_addresses=("clearing_house", "base_token"),
    funding=FundingEvent(
        event=Event.from_abi(
            {
                "name": "FundingPaymentSettled",
                "inputs": [
                    {"name": "trader", "type": "address", "indexed": True},
                    {"name": "baseToken", "type": "address", "indexed": True},
                    {"name": "fundingPayment", "type": "int256", "indexed": False},
                ],
            }
        ),
        emitter=Function.from_abi(
            {"name": "clearingHouse", "inputs": [], "outputs": [{"name": "", "type": "address"}]}
        ),
        account="trader",
        paid="fundingPayment",
    ),
)
