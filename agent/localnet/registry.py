"""Every protocol that the local chain can bring up, by the ``kind`` of its venues."""

from __future__ import annotations

from agent.localnet.curie.protocol import CurieProtocol
from agent.localnet.market import MarketProtocol
from agent.localnet.synthetix.protocol import SynthetixProtocol

MARKET_PROTOCOLS: dict[str, MarketProtocol] = {"curie": CurieProtocol(), "synthetix": SynthetixProtocol()}
DEFAULT_KINDS = ("curie",)
"""What a local chain brings up unless it is told otherwise."""
