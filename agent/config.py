"""Field types of configuration: how a number, a URL or a section is written in a network's TOML file."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from agent.errors import DataError

MAX_DIGITS = 100
"""Beyond them a number is a slip, and would be repeated whole in what is said about it."""


def _plain_number(written: object) -> object:
    if isinstance(written, bool) or not isinstance(written, int | float | Decimal):
        raise ValueError("write a plain number without quotes")  # noqa: TRY004 - pydantic collects ValueErrors
    return _short(written)


def _whole_number(written: object) -> object:
    if isinstance(written, bool) or not isinstance(written, int):
        raise ValueError("write a whole number without quotes")  # noqa: TRY004 - pydantic collects ValueErrors
    return _short(written)


def _short(written: float | Decimal) -> object:
    is_long = isinstance(written, int) and abs(written) >= 10**MAX_DIGITS
    if is_long or (isinstance(written, Decimal) and len(written.as_tuple().digits) > MAX_DIGITS):
        raise ValueError(f"write at most {MAX_DIGITS} digits")
    return written


def is_url(written: str, *schemes: str) -> bool:
    """Return whether this is one URL of one of the schemes, with a host, and with a port that can be if any."""
    try:
        parts = urlsplit(written)
        has_port = parts.port != 0
    except ValueError:  # a port beyond 65535, half an IPv6 address
        return False
    return has_port and parts.scheme in schemes and bool(parts.hostname) and not re.search(r"\s", written)


def _http_url(url: str) -> str:
    if not is_url(url, "http", "https"):
        raise ValueError("write a URL such as http://127.0.0.1:8545")
    return url


def _ws_url(url: str) -> str:
    if not is_url(url, "ws", "wss"):
        raise ValueError("write a URL such as ws://127.0.0.1:8545")
    return url


def require_http_url(name: str, written: str, example: str) -> str:
    """Return a URL that an option or a variable holds; `DataError`, which does not repeat it, when it is none."""
    if not is_url(written, "http", "https"):
        raise DataError(f"{name} is no URL; write one such as {example}")
    return written


Exact = Annotated[Decimal, BeforeValidator(_plain_number)]
"""A number that goes to the chain: kept decimal until it is rounded on purpose."""
Real = Annotated[float, BeforeValidator(_plain_number)]
"""A number of the agent's own."""
Whole = Annotated[int, BeforeValidator(_whole_number)]
"""A count, seconds, or basis points."""
LONGEST_WAIT_SECONDS = 86_400.0
"""A wait of a loop for longer than a day is a slip, and beyond some centuries no clock can count it."""
WaitSeconds = Annotated[Real, Field(gt=0, le=LONGEST_WAIT_SECONDS)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
WsUrl = Annotated[str, AfterValidator(_ws_url)]


class Section(BaseModel):
    """Base of every section: nothing unknown, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
