"""HTTP to one URL over kept-alive connections, as `requests` does it, at a third of its processor time a request.

Proxies, certificates and passwords of this machine are found by `requests`, once for all; it would look for them in
environment and files at each request. What it prepares is then sent through its own pool of connections.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from urllib3 import Timeout
from urllib3.exceptions import (
    HTTPError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    SSLError,
)
from urllib3.exceptions import (
    TimeoutError as PoolTimeoutError,
)

from agent.errors import DataError

_CONNECTIONS = 8
"""Kept alive to one server: one that hangs must not hold up the next request."""
MOST_BYTES = 64 * 2**20
"""Of one answer: go-ethereum gives a batch 25 MB at most, and nothing that is asked for here comes near it."""
_PART_BYTES = 2**16
_JSON = {"Content-Type": "application/json"}


class SilentWireError(Exception):
    """No answer in time."""


class NoWireError(Exception):
    """No connection, or one that was closed before an answer; says why, and repeats no URL."""


class BrokenWireError(Exception):
    """An answer that began and did not end; says how."""


class WireAnswer(NamedTuple):
    """What came back, whatever its status says."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Posts to one URL. Several threads may do so at once.

    Raises `DataError` when the URL is none, or the certificates to check its server with are not there.
    """

    def __init__(self, url: str) -> None:
        try:
            self._prepare(url)
        except (ValueError, OSError) as error:
            why = "it is no URL" if isinstance(error, ValueError) else error
            raise DataError(
                f"the URL of host {urlsplit(url).hostname} cannot be asked: {why}; correct it, or REQUESTS_CA_BUNDLE"
            ) from None

    def _prepare(self, url: str) -> None:
        self._session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS)
        self._session.mount(url, adapter)
        found = self._session.merge_environment_settings(url, {}, None, None, None)
        prepared = self._session.prepare_request(requests.Request("POST", url, headers=_JSON))
        prepared.headers.pop("Content-Length", None)  # of no body at all
        self._pool: Any = adapter.get_connection_with_tls_context(
            prepared, found["verify"], proxies=found["proxies"], cert=found["cert"]
        )
        adapter.cert_verify(self._pool, url, found["verify"], found["cert"])  # type: ignore[no-untyped-call]
        self._target = adapter.request_url(prepared, found["proxies"])
        self._headers = dict(prepared.headers)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def post(self, body: bytes, timeout_seconds: float) -> WireAnswer:
        """Send ``body`` and return what comes back within the time; a redirection is an answer like any other.

        Raises
        ------
        SilentWireError, NoWireError, BrokenWireError
            See there.

        """
        end = time.monotonic() + timeout_seconds
        try:
            response = self._pool.urlopen(
                "POST",
                self._target,
                body=body,
                headers=self._headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                timeout=Timeout(connect=timeout_seconds, read=timeout_seconds),
            )
        except NewConnectionError as error:
            raise NoWireError(_reason(error)) from None
        except PoolTimeoutError:
            raise SilentWireError from None
        except (ProtocolError, ProxyError, SSLError, OSError) as error:
            raise NoWireError(_reason(error)) from None
        except (HTTPError, ValueError) as error:
            raise BrokenWireError(type(error).__name__) from None
        try:
            return WireAnswer(response.status, response.headers, _body(response, end))
        except PoolTimeoutError:
            raise SilentWireError from None
        except (HTTPError, ValueError, OSError) as error:
            raise BrokenWireError(type(error).__name__) from None
        finally:
            response.release_conn()


def _body(response: Any, end: float) -> bytes:
    """Return the body, part by part: a time-out of the socket is of one part, and a server may never end."""
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_PART_BYTES, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            response.close()
            raise BrokenWireError(f"longer than {MOST_BYTES} bytes")
        if time.monotonic() > end:
            response.close()
            raise SilentWireError
    return b"".join(parts)


def _reason(error: Exception) -> str:
    text = str(error)
    for words, plain in (
        ("refused", "connection refused"),
        ("resolve", "its name is not known"),
        ("reset", "connection reset"),
        ("Remote end closed", "connection closed"),
        ("certificate", "its certificate is not valid"),
    ):
        if words in text:
            return plain
    return type(error).__name__
