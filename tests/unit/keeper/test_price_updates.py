"""Pyth's price service: what is asked of it, and what its answers come to."""

from __future__ import annotations

import json

import pytest
import requests

from agent.errors import TransientError
from agent.keeper.price_updates import HermesUpdates
from agent.units import Seconds

FEED = bytes.fromhex("ff" * 32)
AT = Seconds(1_722_470_402)


class Service:
    """A session that answers once."""

    def __init__(self, body: object, status: int = 200) -> None:
        self.body, self.status = body, status
        self.asked: list[str] = []

    def get(self, url: str, timeout: float) -> requests.Response:
        assert timeout > 0
        self.asked.append(url)
        if isinstance(self.body, Exception):
            raise self.body
        answer = requests.Response()
        answer.status_code = self.status
        answer._content = (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()
        return answer


def ask(body: object, status: int = 200, url: str = "https://prices.example/hermes/"):
    service = Service(body, status)
    return HermesUpdates(url, service).first_from(FEED, AT), service.asked


def test_first_from__update_is_there__its_bytes_are_returned():
    document = {"binary": {"encoding": "hex", "data": ["504e4155", "0x01ff"]}, "parsed": []}
    updates, asked = ask(document)
    assert updates == (bytes.fromhex("504e4155"), b"\x01\xff")
    assert asked == [f"https://prices.example/hermes/v2/updates/price/{AT}?ids[]=0x{FEED.hex()}&encoding=hex"]


def test_first_from__url_holds_a_key__it_goes_along():
    _, asked = ask({"binary": {"data": ["00"]}}, url="https://prices.example?key=secret")
    assert asked[0].endswith("&encoding=hex&key=secret")


def test_first_from__nothing_published_yet__is_none():
    assert ask("not found", 404)[0] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("no json", 200),
        ({"binary": {}}, 200),
        ({"binary": {"data": []}}, 200),
        ({"binary": {"data": ["zz"]}}, 200),
        ({"binary": {"data": [7]}}, 200),
        ([], 200),
        (RecursionError("too deep"), 0),
        ("busy", 429),
        ("fault", 500),
        (requests.ConnectionError("https://prices.example?key=secret"), 0),
    ],
)
def test_first_from__no_answer_of_use__is_a_fault_of_the_moment_without_the_url(body, status):
    with pytest.raises(TransientError, match=r"price service prices\.example") as caught:
        ask(body, status)
    assert "secret" not in str(caught.value)
