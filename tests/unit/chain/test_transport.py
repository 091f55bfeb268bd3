"""What a server's failure means: try again, give up, or a revert."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from web3 import HTTPProvider

from agent.chain.transport import Request, RevertedError, RpcRefusedError, Server
from agent.errors import TransientError

URL = "http://user:token@127.0.0.1:8545/v1/secret?key=secret"
CALL = Request("eth_call", ({"to": "0x00"}, "latest"))


@pytest.fixture
def server():
    opened = Server(URL, 1.0)
    yield opened
    opened.close()


def answer_with(monkeypatch, answer: Any) -> None:
    def make_request(self, method, params):
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(HTTPProvider, "make_request", make_request)
    monkeypatch.setattr(HTTPProvider, "make_batch_request", lambda self, calls: make_request(self, "", ()))


def test_request__result__is_returned_even_when_it_is_null(server, monkeypatch):
    answer_with(monkeypatch, {"jsonrpc": "2.0", "id": 1, "result": "0x1"})
    assert server.request(CALL) == "0x1"
    answer_with(monkeypatch, {"jsonrpc": "2.0", "id": 1, "result": None})
    assert server.request(CALL) is None


@pytest.mark.parametrize(
    "failure",
    [requests.ConnectionError("refused"), requests.Timeout("slow"), requests.HTTPError("503"), ValueError("not JSON")],
)
def test_request__server_does_not_answer__is_transient_and_names_no_secret(server, monkeypatch, failure):
    answer_with(monkeypatch, failure)
    with pytest.raises(TransientError) as caught:
        server.request(CALL)
    assert "http://127.0.0.1:8545 does not answer" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "token" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 3, "message": "execution reverted", "data": "0x1234"}, RevertedError),
        ({"code": -32000, "message": "execution reverted: CH_TLRS"}, RevertedError),
        ({"code": -32000, "message": "out of gas"}, RevertedError),
        ({"code": -32603, "message": "EVM error OutOfGas"}, RevertedError),
        ({"code": -32601, "message": "method not found"}, RpcRefusedError),
        ({"code": -32001, "message": "Resource not found"}, TransientError),
        ({"code": -32000, "message": "header not found"}, TransientError),
        ({"code": -32005, "message": "limit exceeded"}, TransientError),
        ("odd", TransientError),
    ],
)
def test_request__error__is_told_apart(server, monkeypatch, error, kind):
    answer_with(monkeypatch, {"jsonrpc": "2.0", "id": 1, "error": error})
    with pytest.raises(kind):
        server.request(CALL)


def test_request__refused_transaction__carries_the_servers_words(server, monkeypatch):
    answer_with(monkeypatch, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32003, "message": "nonce too low"}})
    with pytest.raises(RpcRefusedError) as caught:
        server.request(Request("eth_sendRawTransaction", ("0x",)))
    assert caught.value.message == "nonce too low"


@pytest.mark.parametrize("answer", ["<html>", {"jsonrpc": "2.0"}, None])
def test_request__answer_that_is_no_answer__is_transient(server, monkeypatch, answer):
    answer_with(monkeypatch, answer)
    with pytest.raises(TransientError):
        server.request(CALL)


def test_batch__one_revert__does_not_spoil_the_others(server, monkeypatch):
    answer_with(monkeypatch, [{"id": 1, "result": "0x1"}, {"id": 2, "error": {"code": 3, "message": "reverted"}}])
    first, second = server.batch([CALL, CALL])
    assert first.unwrap() == "0x1"
    with pytest.raises(RevertedError):
        second.unwrap()


@pytest.mark.parametrize("answer", [{"error": {"code": -32005, "message": "too many"}}, [{"id": 1, "result": "0x1"}]])
def test_batch__fewer_answers_than_requests__is_transient(server, monkeypatch, answer):
    answer_with(monkeypatch, answer)
    with pytest.raises(TransientError, match="answered a batch of 2 with"):
        server.batch([CALL, CALL])


def test_batch__nothing_asked__asks_nobody(server):
    assert server.batch([]) == []
