"""One server over HTTP: every failure names itself, no answer is taken for another's, and no secret is shown."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)
from web3 import Web3

from agent.chain.failures import (
    BatchRefusedError,
    RangeRefusedError,
    RateLimitedError,
    RevertedError,
    RpcRefusedError,
    ServerError,
    TimedOutError,
)
from agent.chain.send_outcomes import SendOutcome
from agent.chain.transport import RefusedTransactionError, Request, Server
from agent.chain.web3_provider import Web3Provider
from agent.errors import TransientError

POOL = urllib3.HTTPConnectionPool("127.0.0.1")
URL = "http://user:token@127.0.0.1:8545/v1/secret?key=secret"
CALL = Request("eth_call", ({"to": "0x00"}, "latest"))
SEND = Request("eth_sendRawTransaction", ("0x02",))


@pytest.fixture
def server():
    opened = Server(URL)
    yield opened
    opened.close()


def answer_with(monkeypatch, answer: Any, status: int = 200, **headers: str) -> None:
    """Let the server's HTTP answer be this: bytes as they are, anything else as JSON, an exception raised."""

    def urlopen(self, method, url, **_):
        if isinstance(answer, Exception):
            raise answer
        body = answer if isinstance(answer, bytes) else encoded(answer)
        named = {name.replace("_", "-"): content for name, content in headers.items()}
        return urllib3.HTTPResponse(io.BytesIO(body), named, status, preload_content=False)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", urlopen)


def encoded(answer: Any) -> bytes:
    return json.dumps(answer).encode()


def ask(server: Server, request: Request = CALL) -> Any:
    return server.request(request, 1.0)


def test_web3_provider__server__answers_and_names_a_refusal(server, monkeypatch):
    answer_with(monkeypatch, {"jsonrpc": "2.0", "id": 0, "result": "0x7a69"})
    assert Web3(Web3Provider(server)).eth.chain_id == 31_337
    answer_with(monkeypatch, {"error": {"code": -32_601, "message": "no such method"}}, status=404)
    with pytest.raises(RpcRefusedError, match="no such method"):
        Web3(Web3Provider(server)).eth.block_number  # noqa: B018 - a property that asks


def test_request__result__is_returned_even_when_it_is_null(server, monkeypatch):
    answer_with(monkeypatch, {"jsonrpc": "2.0", "id": 0, "result": "0x1"})
    assert ask(server) == "0x1"
    answer_with(monkeypatch, {"jsonrpc": "2.0", "id": 1, "result": None})
    assert ask(server) is None


@pytest.mark.parametrize(
    ("answer", "status", "headers", "kind", "words"),
    [
        (NewConnectionError(POOL, "Connection refused"), 0, {}, ServerError, "does not answer (connection refused)"),
        (NameResolutionError("nowhere", POOL, OSError()), 0, {}, ServerError, "its name is not known"),
        (ProtocolError("Remote end closed connection"), 0, {}, ServerError, "does not answer (connection closed)"),
        (SSLError("certificate verify failed"), 0, {}, ServerError, "its certificate is not valid"),
        (ReadTimeoutError(POOL, "/", "slow"), 0, {}, TimedOutError, "did not answer eth_call within 1 s"),
        (ConnectTimeoutError(POOL, "slow"), 0, {}, TimedOutError, "did not answer eth_call within 1 s"),
        (DecodeError("garbled"), 0, {}, ServerError, "broke off its answer to eth_call"),
        (b"slow down", 429, {}, RateLimitedError, "limits how often it is asked (HTTP 429)"),
        (b"", 429, {"Retry_After": "7"}, RateLimitedError, "(HTTP 429), for 7 s"),
        (b"", 429, {"Retry_After": "soon"}, RateLimitedError, "(HTTP 429)"),
        *((b"no", code, {}, ServerError, f"refuses access (HTTP {code}): check the token") for code in (401, 402, 403)),
        (b"<html>", 502, {}, ServerError, "has a fault of its own (HTTP 502)"),
        (b"<html>", 200, {"Content_Type": "text/html; charset=utf-8"}, ServerError, "with text/html (HTTP 200), not"),
        (b'{"jsonrpc": "2.0", "id": 0, "resu', 200, {}, ServerError, "not JSON-RPC"),
        (b"null", 200, {}, ServerError, "not JSON-RPC"),
    ],
)
def test_request__http_that_fails__names_itself_and_no_secret(
    server, monkeypatch, answer, status, headers, kind, words
):
    answer_with(monkeypatch, answer, status, **headers)
    with pytest.raises(TransientError) as caught:
        ask(server)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert ("start the node" in str(caught.value)) == isinstance(answer, NewConnectionError | ProtocolError | SSLError)
    assert "secret" not in str(caught.value)
    assert "token@" not in str(caught.value)


@pytest.mark.parametrize(("header", "seconds"), [("7", 7.0), ("-1", 0.0), ("nan", None), ("soon", None), (None, None)])
def test_request__retry_after__is_the_servers_own_word(server, monkeypatch, header, seconds):
    answer_with(monkeypatch, b"", 429, **({} if header is None else {"Retry_After": header}))
    with pytest.raises(RateLimitedError) as caught:
        ask(server)
    assert caught.value.retry_after_seconds == seconds


def test_request__json_error_under_an_http_error__is_believed(server, monkeypatch):
    answer_with(monkeypatch, {"jsonrpc": "2.0", "id": 0, "error": {"code": 3, "message": "execution reverted"}}, 400)
    with pytest.raises(RevertedError):
        ask(server)


def test_request__answer_to_another_request__is_not_taken(server, monkeypatch):
    answer_with(monkeypatch, {"jsonrpc": "2.0", "id": 9, "result": "0x1"})
    with pytest.raises(ServerError, match="what is no answer to it"):
        ask(server)


@pytest.mark.parametrize("answer", [{"jsonrpc": "2.0", "id": 0}, [1], []])
def test_request__answer_that_is_no_answer__is_transient(server, monkeypatch, answer):
    answer_with(monkeypatch, answer)
    with pytest.raises(TransientError):
        ask(server)


def test_request__refused_transaction__carries_where_it_stands(server, monkeypatch):
    answer_with(monkeypatch, {"jsonrpc": "2.0", "id": 0, "error": {"code": -32003, "message": "nonce too low"}})
    with pytest.raises(RefusedTransactionError) as caught:
        ask(server, SEND)
    assert caught.value.outcome is SendOutcome.NONCE_USED


def test_batch__out_of_order__is_put_in_order(server, monkeypatch):
    answer_with(monkeypatch, [{"id": 1, "result": "0xb"}, {"id": 0, "result": "0xa"}])
    assert [answer.unwrap() for answer in server.batch([CALL, CALL], 1.0)] == ["0xa", "0xb"]


def test_batch__one_revert__does_not_spoil_the_others(server, monkeypatch):
    answer_with(monkeypatch, [{"id": 0, "result": "0x1"}, {"id": 1, "error": {"code": 3, "message": "reverted"}}])
    first, second = server.batch([CALL, CALL], 1.0)
    assert first.unwrap() == "0x1"
    with pytest.raises(RevertedError):
        second.unwrap()


@pytest.mark.parametrize(
    "answer",
    [
        [{"id": 0, "result": "0x1"}],
        [{"id": 0, "result": "0x1"}, {"id": 0, "result": "0x1"}],
        [{"id": 0, "result": "0x1"}, {"id": 2, "result": "0x1"}],
        [{"id": 0, "result": "0x1"}, None],
    ],
)
def test_batch__fewer_answers_than_requests__is_transient(server, monkeypatch, answer):
    answer_with(monkeypatch, answer)
    with pytest.raises(ServerError, match="answers a batch of 2 with"):
        server.batch([CALL, CALL], 1.0)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"error": {"code": -32600, "message": "batch too large"}}, BatchRefusedError),
        (
            {"error": {"code": 31, "message": "Batch of more than 3 requests are not allowed on free tier"}},
            BatchRefusedError,
        ),
        ({"error": {"code": -32700, "message": "parse error"}}, BatchRefusedError),
        (
            {"error": {"code": -32005, "message": "Batched requests are not supported by this server"}},
            BatchRefusedError,
        ),
        ({"error": {"code": -32014, "message": "too many RPC calls in batch request"}}, BatchRefusedError),
        ([{"id": None, "error": {"code": -32600, "message": "batch limit 1 exceeded"}}], BatchRefusedError),
        ({"error": {"code": -32005, "message": "daily request count exceeded"}}, RateLimitedError),
    ],
)
def test_batch__refused_as_a_whole__says_whether_a_smaller_one_may_pass(server, monkeypatch, answer, kind):
    answer_with(monkeypatch, answer)
    with pytest.raises(kind):
        server.batch([CALL, CALL], 1.0)


def test_batch__refused_in_words_nobody_knows__fewer_may_pass_where_there_are_fewer(server, monkeypatch):
    answer_with(monkeypatch, {"error": {"code": -32700, "message": "parse error"}})
    with pytest.raises(BatchRefusedError, match="refuses a batch of 2: parse error"):
        server.batch([CALL] * 2, 1.0)
    [answer] = server.batch([CALL], 1.0)
    assert type(answer.failure) is ServerError
    assert "parse error" in str(answer.failure)


def test_batch__one_request__goes_by_itself_since_not_every_server_takes_a_list(server, monkeypatch):
    sent: list[Any] = []

    def urlopen(self, method, url, body, **_):
        sent.append(json.loads(body))
        answer = {"jsonrpc": "2.0", "id": sent[-1]["id"], "result": "0xa"}
        return urllib3.HTTPResponse(io.BytesIO(encoded(answer)), {}, 200, preload_content=False)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", urlopen)
    [answer] = server.batch([CALL], 1.0)
    assert answer.unwrap() == "0xa"
    assert [call["method"] for call in sent] == ["eth_call"]


@pytest.mark.parametrize("name", ["id", "error"])
def test_batch__one_of_the_answers_refuses_the_batch__all_of_it_is_refused(server, monkeypatch, name):
    refusal = {"id": 1, "error": {"code": 31, "message": "Batch of more than 3 requests are not allowed on free tier"}}
    others = {"id": {"id": [], "result": "0x1"}, "error": {"id": 0, "result": "0x1"}}
    answer_with(monkeypatch, [others[name], refusal])
    with pytest.raises(BatchRefusedError, match="not allowed on free tier"):
        server.batch([CALL, CALL], 1.0)


@pytest.mark.parametrize("number", [[], {}, "0", None, 0.5])
def test_batch__number_of_an_answer_that_is_none__is_transient(server, monkeypatch, number):
    answer_with(monkeypatch, [{"id": number, "result": "0x1"}, {"id": 1, "result": "0x1"}])
    with pytest.raises(ServerError, match="answers a batch of 2 with"):
        server.batch([CALL, CALL], 1.0)


def test_batch__refused_for_the_length_of_its_search__is_a_refusal_of_the_length(server, monkeypatch):
    words = "eth_getLogs and eth_newFilter are limited to a 10,000 blocks range"
    answer_with(monkeypatch, {"error": {"code": -32602, "message": words}}, 413)
    with pytest.raises(RangeRefusedError):
        server.batch([CALL, Request("eth_getLogs", ({},))], 1.0)
    with pytest.raises(BatchRefusedError):
        server.batch([CALL, CALL], 1.0)


@pytest.mark.parametrize("status", [408, 504, 522, 524])
def test_request__proxy_that_waited_in_vain__is_a_time_out(server, monkeypatch, status):
    answer_with(monkeypatch, b"<html>", status)
    with pytest.raises(TimedOutError, match=f"waited in vain for its own answer to eth_call .HTTP {status}"):
        ask(server)


def test_batch__too_large_for_http__is_a_refusal_of_the_batch(server, monkeypatch):
    answer_with(monkeypatch, b"", 413)
    with pytest.raises(BatchRefusedError):
        server.batch([CALL, CALL], 1.0)


@pytest.mark.parametrize("status", [400, 422])
def test_batch__refused_in_plain_words__fewer_may_pass(server, monkeypatch, status):
    answer_with(monkeypatch, b"Bad Request", status)
    with pytest.raises(BatchRefusedError, match=f"refuses a batch of 2 .HTTP {status}"):
        server.batch([CALL, CALL], 1.0)
    with pytest.raises(ServerError, match="not JSON-RPC") as caught:
        server.batch([CALL], 1.0)
    assert type(caught.value) is ServerError


def test_batch__nothing_asked__asks_nobody(server):
    assert server.batch([], 1.0) == []


def test_request__method_the_server_does_not_have__is_refused_for_good(server, monkeypatch):
    answer_with(monkeypatch, {"id": 0, "error": {"code": -32601, "message": "the method does not exist"}})
    with pytest.raises(RpcRefusedError):
        ask(server)
