"""How an endpoint behaves, as whoever talks to it counts it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


class EndpointStatistics(Protocol):
    """One endpoint since the start of the process; ``name`` holds no secret."""

    @property
    def name(self) -> str:
        """Scheme, host and port."""
        ...

    @property
    def lag_blocks(self) -> int:
        """Blocks behind the newest head seen of any endpoint."""
        ...

    @property
    def errors(self) -> int:
        """Requests that it did not answer, or not now."""
        ...

    @property
    def disagreements(self) -> int:
        """Answers that the quorum contradicted."""
        ...

    @property
    def latency_seconds(self) -> float:
        """Of late, from request to answer."""
        ...

    @property
    def is_open(self) -> bool:
        """True while its breaker keeps it out of use."""
        ...


@runtime_checkable
class EndpointSource(Protocol):
    """Who can tell of endpoints."""

    def endpoint_statistics(self) -> Sequence[EndpointStatistics]:
        """Return one entry an endpoint."""
        ...
