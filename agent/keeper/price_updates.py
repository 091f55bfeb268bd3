"""Signed price updates for orders that anybody may settle: Pyth's price service, behind one small interface.

Nothing it answers is believed: the venue's contracts check signature, feed and time.
"""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import urlsplit

import requests

from agent.errors import TransientError
from agent.units import Seconds

TIMEOUT_SECONDS = 5.0
_NOT_FOUND = 404


class PriceUpdates(Protocol):
    """Whoever has signed prices."""

    def first_from(self, feed_id: bytes, published_from: Seconds) -> tuple[bytes, ...] | None:
        """Return the first update published at or after a time, Unix seconds; None while there is none.

        Raises
        ------
        TransientError
            Nobody answers.

        """
        ...


class HermesUpdates:
    """Pyth's price service.

    Source: Hermes REST API, ``GET /v2/updates/price/{publish_time}``.
    """

    def __init__(self, url: str, session: requests.Session | None = None) -> None:
        parts = urlsplit(url)
        self._base, self._query = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", parts.query
        self._name = f"price service {parts.hostname}"
        self._session = session or requests.Session()

    def first_from(self, feed_id: bytes, published_from: Seconds) -> tuple[bytes, ...] | None:
        """See `PriceUpdates.first_from`."""
        query = f"ids[]=0x{feed_id.hex()}&encoding=hex"
        url = f"{self._base}/v2/updates/price/{published_from}?{query}" + (f"&{self._query}" if self._query else "")
        try:
            answer = self._session.get(url, timeout=TIMEOUT_SECONDS)
            if answer.status_code == _NOT_FOUND:
                return None
            answer.raise_for_status()
            return _updates(answer.json())
        except (requests.RequestException, ValueError, OSError, RecursionError) as error:
            raise TransientError(
                f"{self._name} gives no update ({type(error).__name__}); see [keeper] price_service_url"
            ) from None


def _updates(document: Any) -> tuple[bytes, ...]:
    """Return the updates of an answer; raises `ValueError` where it holds none."""
    try:
        written = document["binary"]["data"]
        updates = tuple(bytes.fromhex(one.removeprefix("0x")) for one in written)
    except (KeyError, TypeError, AttributeError):
        raise ValueError("the answer has no binary data") from None
    if not updates:
        raise ValueError("the answer is empty")
    return updates
