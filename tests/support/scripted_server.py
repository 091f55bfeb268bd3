"""Servers of a pool whose every answer a test writes down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from agent.chain.endpoint import Endpoint
from agent.chain.failures import BatchRefusedError, TimedOutError
from agent.chain.pool import EndpointPool, Reply
from agent.chain.transport import Answer, Request

PING = Request("ping", ())


class ScriptedServer:
    """A server whose every answer a test writes down as a function."""

    def __init__(self, name: str, answer: Callable[[], Any]) -> None:
        self.name = name
        self.answer = answer
        self.asked = 0
        self.was_asked = threading.Event()
        self.batches: list[int] = []
        self.most = 1_000

    def request(self, request: Request, timeout_seconds: float) -> Any:
        if request.method == "eth_chainId":
            return "0x1"
        self.asked += 1
        self.was_asked.set()
        return self.answer()

    def batch(self, batch: list[Request], timeout_seconds: float) -> list[Answer]:
        if len(batch) > self.most:
            raise BatchRefusedError("too many")
        self.batches.append(len(batch))
        return [Answer(request.params[0], None) for request in batch]

    def close(self) -> None:
        pass


def hanging(over: threading.Event) -> Callable[[], Any]:
    def wait() -> Any:
        over.wait(60)
        raise TimedOutError("late")

    return wait


def failing(failure: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise failure

    return fail


def pool_of(*servers: ScriptedServer, timeout_seconds: float = 30.0) -> EndpointPool:
    return EndpointPool([Endpoint(server, 1, timeout_seconds) for server in servers], timeout_seconds)


def ping(endpoint: Endpoint) -> Any:
    return endpoint.request(PING)


def two_alike(replies: list[Reply[Any]]) -> Any:
    values = [reply.value for reply in replies]
    return next((value for value in values if values.count(value) >= 2), None)
