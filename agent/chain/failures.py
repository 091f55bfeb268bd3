"""How a request to a server can fail: each kind with what may be done about it."""

from __future__ import annotations

from agent.errors import FatalError, RejectedError, TransientError


class ServerError(TransientError):
    """One server did not do what it was asked; another may, or the same one later.

    ``is_fault``: whether the server counts as unwell for it. One that answers in order, but keeps no old state or
    allows no long ranges, does not.
    """

    is_fault = True
    is_counted = False
    """Whether the server's health knows of it."""


class TimedOutError(ServerError):
    """No whole answer came in time; whether the request was carried out is unknown."""


class RateLimitedError(ServerError):
    """The server limits how often it is asked; ``retry_after_seconds`` is its own word, where it gave one."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class RangeRefusedError(ServerError):
    """Too many blocks, or too many logs, for one ``eth_getLogs``: ask for fewer.

    ``suggested_blocks`` is how many the server would look through, where it said so.
    """

    is_fault = False

    def __init__(self, message: str, suggested_blocks: int | None = None) -> None:
        self.suggested_blocks = suggested_blocks
        super().__init__(message)


class BatchRefusedError(ServerError):
    """Too many requests for one batch: send fewer together."""

    is_fault = False


class StateMissingError(ServerError):
    """The server does not have the state of that block: not yet, or not any more (128 blocks without an archive)."""

    is_fault = False


class RpcRefusedError(FatalError):
    """The server understood and refuses for good: final when every server says so, see `EndpointPool`."""

    def __init__(self, method: str, message: str) -> None:
        self.method = method
        self.message = message
        super().__init__(f"{method}: {message}")


class RevertedError(RejectedError):
    """A call reverted; ``data`` is its revert data, decoded only when somebody asks, and ``message`` the node's."""

    def __init__(self, data: str | None, message: str) -> None:
        self.data = data
        self.message = message
        super().__init__("Reverted", {"data": data, "message": message})
