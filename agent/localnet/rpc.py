"""JSON-RPC over one kept-alive connection: the local chain is asked thousands of times, so a call must cost little."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from agent.errors import FatalError, TransientError

RPC_TIMEOUT_SECONDS = 60.0
"""How long the node may take over one request before it counts as not answering."""
_HEADERS = {"Content-Type": "application/json"}


class RpcError(FatalError):
    """The node answered with an error; ``data`` holds the revert data when there is any."""

    def __init__(self, method: str, message: str, data: str | None) -> None:
        self.method = method
        self.data = data
        super().__init__(f"{method}: {message}")


class JsonRpc:
    """One connection to one node. Not for use by several threads at once."""

    def __init__(self, url: str, timeout_seconds: float = RPC_TIMEOUT_SECONDS) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None or parts.port is None:
            raise FatalError(f"{url} is not an address of the form http://HOST:PORT")
        self.url = url
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_seconds)
        self._next_id = 0

    def request(self, method: str, *params: object) -> Any:
        """Call one method.

        Raises: `RpcError` when the node answers with an error, `TransientError` when it does not answer.
        """
        answer = self._post(self._call(method, params))
        return _result(method, answer)

    def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Send independent calls in one request; answers come back in the order of ``calls``.

        The node may carry them out in any order.
        """
        if not calls:
            return []
        body = [self._call(method, params) for method, params in calls]
        by_id = {answer["id"]: answer for answer in self._post(body)}
        return [_result(str(call["method"]), by_id[call["id"]]) for call in body]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _call(self, method: str, params: Sequence[object]) -> dict[str, object]:
        self._next_id += 1
        return {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": list(params)}

    def _post(self, body: object) -> Any:
        payload = json.dumps(body, separators=(",", ":")).encode()
        try:
            self._connection.request("POST", "/", payload, _HEADERS)
            return json.loads(self._connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise TransientError(f"the node at {self.url} does not answer: {error or type(error).__name__}") from error


def _result(method: str, answer: dict[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        return answer["result"]
    data = error.get("data")
    raise RpcError(method, str(error.get("message", error)), data if isinstance(data, str) else None)
