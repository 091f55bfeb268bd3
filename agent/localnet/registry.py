"""Every protocol that the local chain can bring up, by the ``kind`` of its venues."""

from __future__ import annotations

from agent.localnet.curie.protocol import CurieProtocol
from agent.localnet.market import MarketProtocol

MARKET_PROTOCOLS: dict[str, MarketProtocol] = {"curie": CurieProtocol()}
