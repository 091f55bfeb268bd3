"""One JSON-RPC server, and what its failures mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from agent.errors import AgentError, FatalError, RejectedError, TransientError

_EXECUTION_REVERTED = 3
"""Error code of a call that reverted with data (go-ethereum and Anvil)."""
_EXECUTION_FAILURES = ("revert", "out of gas", "evm error")
"""Words of a call that ran and failed, of go-ethereum, Nethermind and Anvil, lower-case."""
_METHOD_NOT_FOUND = -32601
_FATAL_CODES = frozenset({_METHOD_NOT_FOUND, -32600, -32700})
"""JSON-RPC 2.0, section 5.1: the request itself is wrong, and asking again cannot help."""


@dataclass(frozen=True, slots=True)
class Request:
    """One JSON-RPC request."""

    method: str
    params: tuple[Any, ...]


class RpcRefusedError(FatalError):
    """The server understood and refused: asking again, or elsewhere, gives the same answer."""

    def __init__(self, method: str, message: str) -> None:
        self.method = method
        self.message = message
        super().__init__(f"{method}: {message}")


class RevertedError(RejectedError):
    """A call reverted; ``data`` is its revert data, decoded only when somebody asks."""

    def __init__(self, data: str | None, message: str) -> None:
        self.data = data
        super().__init__("Reverted", {"data": data, "message": message})


@dataclass(frozen=True, slots=True)
class Answer:
    """Outcome of one request of a batch: exactly one of the two is set, except for a null result."""

    result: Any
    failure: AgentError | None

    def unwrap(self) -> Any:
        """Return the result or raise the failure."""
        if self.failure is not None:
            raise self.failure
        return self.result


class Server:
    """One server behind one URL, over one kept-alive connection."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self.name = _without_secrets(url)
        self._session = requests.Session()
        self._provider = HTTPProvider(
            url,
            request_kwargs={"timeout": timeout_seconds},
            session=self._session,
            exception_retry_configuration=None,
        )

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def request(self, request: Request) -> Any:
        """Return the result of one request.

        Raises
        ------
        TransientError
            The server does not answer, or cannot answer now.
        RevertedError
            A call reverted.
        RpcRefusedError
            The server refuses the request for good.

        """
        answer = self._exchange(lambda: self._provider.make_request(RPCEndpoint(request.method), request.params))
        return self._answer(request, answer).unwrap()

    def batch(self, batch: Sequence[Request]) -> list[Answer]:
        """Return the outcome of each request, in order; one that failed carries its failure.

        Raises
        ------
        TransientError
            The server does not answer, or answers less than it was asked.

        """
        if not batch:
            return []
        calls = [(RPCEndpoint(request.method), request.params) for request in batch]
        answers = self._exchange(lambda: self._provider.make_batch_request(calls))
        if not isinstance(answers, list) or len(answers) != len(batch):
            raise TransientError(f"{self.name} answered a batch of {len(batch)} with {str(answers)[:200]}")
        return [self._answer(request, answer) for request, answer in zip(batch, answers, strict=True)]

    def _exchange(self, send: Callable[[], Any]) -> Any:
        try:
            return send()
        except (requests.RequestException, ValueError, OSError) as error:
            raise TransientError(
                f"{self.name} does not answer ({type(error).__name__}); start the node, or correct [chain] rpc_urls"
            ) from error

    def _answer(self, request: Request, answer: Any) -> Answer:
        if not isinstance(answer, Mapping) or not ("result" in answer or "error" in answer):
            raise TransientError(f"{self.name} answered {request.method} with {str(answer)[:200]}")
        error = answer.get("error")
        if error is None:
            return Answer(answer.get("result"), None)
        return Answer(None, self._failure(request, error))

    def _failure(self, request: Request, error: Any) -> AgentError:
        code, message, data = _parts(error)
        if code == _EXECUTION_REVERTED or any(words in message.lower() for words in _EXECUTION_FAILURES):
            return RevertedError(data, message)
        if code in _FATAL_CODES or request.method == "eth_sendRawTransaction":
            return RpcRefusedError(request.method, message)
        return TransientError(f"{self.name} cannot answer {request.method} now: {message}")


def _parts(error: Any) -> tuple[int | None, str, str | None]:
    if not isinstance(error, Mapping):
        return None, str(error), None
    data = error.get("data")
    return error.get("code"), str(error.get("message", error)), data if isinstance(data, str) else None


def _without_secrets(url: str) -> str:
    """Return scheme, host and port alone: user, path and query may hold a token."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
