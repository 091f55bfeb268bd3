"""One JSON-RPC server over HTTP: what it answers, in order, or a failure that names itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from agent.chain.failures import (
    BatchRefusedError,
    RangeRefusedError,
    RateLimitedError,
    ServerError,
    TimedOutError,
)
from agent.chain.node_errors import LOGS_METHOD, Meaning, NodeError, meaning_of, read_failure
from agent.chain.send_outcomes import send_outcome
from agent.chain.wire import BrokenWireError, NoWireError, SilentWireError, Wire, WireAnswer
from agent.errors import AgentError

SEND_METHOD = "eth_sendRawTransaction"
_REQUEST_TOO_LARGE = 413
_LIST_REFUSED = frozenset({400, 422})
"""What a proxy says to a list that it does not take, in words of its own and not in JSON."""
_TOO_MANY_REQUESTS = 429
_REFUSED_ACCESS = frozenset({401, 402, 403})
_SERVER_FAULTS = 500
_GATEWAY_TIME_OUTS = frozenset({408, 504, 522, 524})
"""A proxy's word for its server's silence; the last two are Cloudflare's."""
_ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Request:
    """One JSON-RPC request."""

    method: str
    params: tuple[Any, ...]


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


class RefusedTransactionError(ServerError):
    """A server refuses a raw transaction; ``error`` is what it said. Where the transaction stands, the chain tells."""

    is_fault = False

    def __init__(self, server: str, error: NodeError) -> None:
        self.error = error
        self.outcome = send_outcome(error)
        super().__init__(f"{server} refuses the transaction ({self.outcome.value}): {error.message:.300}")


class Server:
    """One server behind one URL, over kept-alive connections. Several threads may ask it at once."""

    def __init__(self, url: str) -> None:
        self.name = without_secrets(url)
        self._numbers = count()
        self._wire = Wire(url)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def request(self, request: Request, timeout_seconds: float) -> Any:
        """Return the result of one request.

        Raises
        ------
        ServerError
            The server does not answer, or cannot answer now; the kind says why.
        RevertedError
            A call reverted.
        RpcRefusedError
            The server refuses the request for good.

        """
        return self._single(request, timeout_seconds).unwrap()

    def batch(self, batch: Sequence[Request], timeout_seconds: float) -> list[Answer]:
        """Return the outcome of each request, in order; one that failed carries its failure.

        A single request goes by itself, as not every server takes a list.

        Raises
        ------
        BatchRefusedError
            The server takes fewer requests at once.
        ServerError
            The server does not answer, or answers less than it was asked.

        """
        if not batch:
            return []
        if len(batch) == 1:
            return [self._single(batch[0], timeout_seconds)]
        calls, numbers = self._encoded(batch)
        answers = self._exchange(f"a batch of {len(batch)}", b"[%s]" % b",".join(calls), timeout_seconds)
        if not isinstance(answers, list):
            raise self._refusal_of_batch(batch, answers)
        by_id = {_id_of(answer): answer for answer in answers if isinstance(answer, Mapping)}
        if len(answers) != len(batch) or set(by_id) != set(numbers):
            if errors := [answer for answer in answers if isinstance(answer, Mapping) and "error" in answer]:
                raise self._refusal_of_batch(batch, errors[0])
            raise ServerError(f"{self.name} answers a batch of {len(batch)} with {answers!s:.200}")
        outcomes = [self._answer(request, by_id[number]) for number, request in zip(numbers, batch, strict=True)]
        for outcome in outcomes:
            if isinstance(outcome.failure, BatchRefusedError):
                raise outcome.failure
        return outcomes

    def _single(self, request: Request, timeout_seconds: float) -> Answer:
        body, numbers = self._encoded([request])
        answer = self._exchange(request.method, body[0], timeout_seconds)
        if not isinstance(answer, Mapping) or answer.get("id") not in (*numbers, None):
            raise ServerError(f"{self.name} answers {request.method} with what is no answer to it: {answer!s:.200}")
        return self._answer(request, answer)

    def _encoded(self, batch: Sequence[Request]) -> tuple[list[bytes], list[int]]:
        """Return the requests as JSON, and the numbers that their answers will carry."""
        numbers = [next(self._numbers) for _ in batch]
        calls = [
            _ENCODER.encode(
                {"jsonrpc": "2.0", "method": request.method, "params": request.params, "id": number}
            ).encode()
            for request, number in zip(batch, numbers, strict=True)
        ]
        return calls, numbers

    def _refusal_of_batch(self, batch: Sequence[Request], answer: Any) -> AgentError:
        """Return why no batch was answered: whatever else it may be, fewer requests at once may pass."""
        error = NodeError.of(answer.get("error") if isinstance(answer, Mapping) else answer)
        size = len(batch)
        if meaning_of(error) is Meaning.RATE:
            return read_failure(self.name, f"a batch of {size}", error)
        if any(request.method == LOGS_METHOD for request in batch):
            refusal = read_failure(self.name, LOGS_METHOD, error)
            if isinstance(refusal, RangeRefusedError):
                return refusal
        return BatchRefusedError(f"{self.name} refuses a batch of {size}: {error.message:.300}")

    # --- HTTP -----------------------------------------------------------------------------------------------------

    def _exchange(self, what: str, body: bytes, timeout_seconds: float) -> Any:
        """Post ``body`` and return the JSON that comes back, whatever its status says, or the failure by name."""
        try:
            response = self._wire.post(body, timeout_seconds)
        except SilentWireError:
            raise TimedOutError(f"{self.name} did not answer {what} within {timeout_seconds:.3g} s") from None
        except NoWireError as error:
            raise ServerError(
                f"{self.name} does not answer ({error}); start the node, or correct [chain] rpc_urls"
            ) from None
        except BrokenWireError as error:
            raise ServerError(f"{self.name} broke off its answer to {what} ({error})") from None
        answer = _parsed(response.body)
        self._require_welcome(response, answer, what, is_list=body.startswith(b"["))
        if answer is None:
            kind = response.headers.get("Content-Type", "nothing").split(";")[0]
            raise ServerError(f"{self.name} answers {what} with {kind} (HTTP {response.status}), not JSON-RPC")
        return answer

    def _require_welcome(self, response: WireAnswer, answer: Any, what: str, *, is_list: bool) -> None:
        """Raise what the HTTP status says where the body does not say more."""
        status = response.status
        if status == _TOO_MANY_REQUESTS:
            wait = _retry_after(response.headers.get("Retry-After"))
            when = "" if wait is None else f", for {wait:g} s"
            raise RateLimitedError(f"{self.name} limits how often it is asked (HTTP 429){when}", wait)
        if answer is not None:
            return
        if status == _REQUEST_TOO_LARGE:
            raise BatchRefusedError(f"{self.name} takes no request as large as {what} (HTTP 413)")
        if is_list and status in _LIST_REFUSED:
            raise BatchRefusedError(f"{self.name} refuses {what} (HTTP {status})")
        if status in _REFUSED_ACCESS:
            raise ServerError(
                f"{self.name} refuses access (HTTP {status}): check the token in its URL, and what the plan allows"
            )
        if status in _GATEWAY_TIME_OUTS:
            raise TimedOutError(f"{self.name} waited in vain for its own answer to {what} (HTTP {status})")
        if status >= _SERVER_FAULTS:
            raise ServerError(f"{self.name} has a fault of its own (HTTP {status})")

    # --- JSON-RPC -------------------------------------------------------------------------------------------------

    def _answer(self, request: Request, answer: Mapping[str, Any]) -> Answer:
        error = answer.get("error")
        if error is None and "result" in answer:
            return Answer(answer["result"], None)
        if error is None:
            return Answer(None, ServerError(f"{self.name} answers {request.method} with {answer!s:.200}"))
        parsed = NodeError.of(error)
        if request.method == SEND_METHOD and meaning_of(parsed) is not Meaning.RATE:
            return Answer(None, RefusedTransactionError(self.name, parsed))
        return Answer(None, read_failure(self.name, request.method, parsed))


def _id_of(answer: Mapping[str, Any]) -> int | None:
    """Return the number that an answer says it is for, None where it says none."""
    number = answer.get("id")
    return number if isinstance(number, int) else None


def _parsed(text: bytes) -> Any:
    """Return the JSON object or list of a body, None where it is neither."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, Mapping | list) else None


def _retry_after(written: str | None) -> float | None:
    """Return the seconds of a Retry-After header; a date, which providers do not send, counts as none."""
    try:
        seconds = float(written or "")
    except ValueError:
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def without_secrets(url: str) -> str:
    """Return scheme, host and port alone: user, path and query may hold a token."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
