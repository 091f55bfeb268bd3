"""A server as web3 asks it: web3's own `HTTPProvider` forgets what the body of a refusal said.

It is a module of its own because loading web3 takes longer than all else that a command of the agent loads.
"""

from __future__ import annotations

from typing import Any

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from agent.chain.transport import Request, Server

_TIMEOUT_SECONDS = 10.0


class Web3Provider(JSONBaseProvider):
    """A `Server` for ``Web3(provider)``."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Answer web3: the result, or the failure raised under its own name, as `Server.request` does."""
        result = self._server.request(Request(method, tuple(params)), _TIMEOUT_SECONDS)
        return {"jsonrpc": "2.0", "id": 0, "result": result}
