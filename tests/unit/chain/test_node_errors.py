"""What nodes and providers say, word for word, and what it means: unknown words pass, few are final."""

from __future__ import annotations

import pytest

from agent.chain.failures import (
    BatchRefusedError,
    RangeRefusedError,
    RateLimitedError,
    RevertedError,
    RpcRefusedError,
    ServerError,
    StateMissingError,
)
from agent.chain.node_errors import NodeError, read_failure, revert_data_of, suggested_blocks
from agent.errors import FatalError

REASON = "0x08c379a0" + "00" * 31 + "20" + "00" * 31 + "01" + "41" + "00" * 31

READS = [
    # rate limits
    (429, "Your app has exceeded its compute units per second capacity.", RateLimitedError),
    (-32005, "daily request count exceeded, request rate limited", RateLimitedError),
    (-32005, "limit exceeded", RateLimitedError),
    (-32016, "over rate limit", RateLimitedError),
    (-32007, "50/second request limit reached - reduce calls per second or upgrade", RateLimitedError),
    (-32600, "Too many requests, please try again later", RateLimitedError),
    (-32090, "Too many requests, reason: call rate limit exhausted", RateLimitedError),
    (-32097, "tier limit", RateLimitedError),
    (15, "Too many request, try again later", RateLimitedError),
    (-32005, "You've reached the usage limit for your current plan.", RateLimitedError),
    # codes that speak for themselves
    *((code, "odd", RateLimitedError) for code in (429, -32005, -32016, -32029, -32090, -32097)),
    (3, "odd", RevertedError),
    (-32601, "odd", RpcRefusedError),
    (-32602, "odd", RpcRefusedError),
    # ranges, in their many words and under any code
    (-32005, "query returned more than 10000 results", RangeRefusedError),
    (-32602, "query returned more than 10000 results. Try with this block range [0x1, 0x2].", RangeRefusedError),
    (
        -32602,
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range",
        RangeRefusedError,
    ),
    (
        -32600,
        "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range.",
        RangeRefusedError,
    ),
    (-32000, "exceed maximum block range: 5000", RangeRefusedError),
    (-32000, "block range is too wide", RangeRefusedError),
    (-32600, "eth_getLogs is limited to a 10,000 range", RangeRefusedError),
    (-32614, "eth_getLogs is limited to a 10,000 range", RangeRefusedError),
    (-32602, "query exceeds max block range 100000", RangeRefusedError),
    (-32602, "query exceeds max results 20000, retry with the range 24383075-24383096", RangeRefusedError),
    (-32000, "logs matched by query exceeds limit of 10000", RangeRefusedError),
    (-32000, "Query timeout exceeded. Consider reducing your block range.", RangeRefusedError),
    (35, "ranges over 10000 blocks are not supported on freetier", RangeRefusedError),
    (-32005, "query returned more than 113 results", RangeRefusedError),
    (-32602, "eth_getLogs and eth_newFilter are limited to a 10,000 blocks range", RangeRefusedError),
    # ranges in words that are in no table
    (-32602, "range 1000000 exceeds limit of 10000", RangeRefusedError),
    (-32000, "range between fromBlock and toBlock exceeds 1000", RangeRefusedError),
    (-32000, "maximum [from, to] blocks distance: 2000", RangeRefusedError),
    (-32000, "maximum number of blocks is 1000", RangeRefusedError),
    (-32000, "limit of 500 blocks", RangeRefusedError),
    # searches that take longer than the server allows
    (-32002, "request timed out", RangeRefusedError),
    (-32000, "context deadline exceeded", RangeRefusedError),
    (30, "Request timeout on the free tier, please upgrade your tier to the paid one", RangeRefusedError),
    # batches
    (-32600, "batch too large", BatchRefusedError),
    (31, "Batch of more than 3 requests are not allowed on free tier", BatchRefusedError),
    (-32005, "batch size too large", BatchRefusedError),
    (-32005, "Batched requests are not supported by this server", BatchRefusedError),
    (-32010, "The batch request was too large", BatchRefusedError),
    (-32011, "The batch response was too large", BatchRefusedError),
    (-32014, "too many RPC calls in batch request", BatchRefusedError),
    # state that is not there
    (-32000, "missing trie node 8b2d (path ) state 0x8b is not available, not found", StateMissingError),
    (-32000, "header not found", StateMissingError),
    (-32000, "header for hash not found", StateMissingError),
    (-32001, "block not found", StateMissingError),
    (-32000, "hash 0x12 is not currently canonical", StateMissingError),
    (-32000, "historical state 0x12 is not available", StateMissingError),
    (-32002, "No state available for block 0x12", StateMissingError),
    (-32000, "World state unavailable", StateMissingError),
    (-32602, "block range extends beyond current head block", StateMissingError),
    (4444, "pruned history unavailable", StateMissingError),
    (-32000, "block 0xdeded not found", StateMissingError),
    (-32001, "0x12 could not be found", StateMissingError),
    (-32602, "block is out of range", StateMissingError),
    # reverts
    (3, "execution reverted", RevertedError),
    (-32000, "execution reverted: CH_TLRS", RevertedError),
    (-32000, "execution reverted: the archive is full, too many blocks", RevertedError),
    (-32015, "VM execution error.", RevertedError),
    (-32000, "out of gas", RevertedError),
    (-32603, "EVM error OutOfGas", RevertedError),
    (-32000, "invalid opcode: INVALID", RevertedError),
    (-32000, "invalid jump destination", RevertedError),
    (-32000, "stack limit reached 1024 (1023)", RevertedError),
    (-32000, "return data out of bounds", RevertedError),
    # for good
    (-32601, "the method eth_foo does not exist/is not available", RpcRefusedError),
    (-32000, "Method not found", RpcRefusedError),
    (-32602, "invalid argument 0: hex string without 0x prefix", RpcRefusedError),
    # whatever else is said passes
    (-32600, "Invalid Request", ServerError),
    (-32700, "Parse error", ServerError),
    (-32603, "Internal error", ServerError),
    (None, "odd", ServerError),
    (True, "odd", ServerError),
]


@pytest.mark.parametrize(("code", "message", "kind"), READS)
def test_read_failure__words_of_a_node__are_told_apart(code, message, kind):
    method = "eth_call" if kind is RevertedError else "eth_getLogs"
    failure = read_failure("server", method, NodeError.of({"code": code, "message": message}))
    assert type(failure) is kind
    assert isinstance(failure, FatalError) == (kind is RpcRefusedError)


@pytest.mark.parametrize("method", ["eth_getBlockByNumber", "eth_getLogs", "eth_getTransactionReceipt"])
def test_read_failure__revert_of_what_runs_nothing__is_that_servers_fault(method):
    """Was taken for the chain's own answer."""
    assert type(read_failure("server", method, NodeError(3, "execution reverted", "0x"))) is ServerError


@pytest.mark.parametrize("message", ["request timed out", "range 1000000 exceeds limit of 10000"])
def test_read_failure__words_of_a_long_search_in_another_method__are_none(message):
    assert type(read_failure("server", "eth_call", NodeError(-32000, message, None))) is ServerError


@pytest.mark.parametrize("error", ["odd", None, 7, [], {}, {"message": None}, {"code": "x", "message": {"a": 1}}])
def test_read_failure__error_of_no_known_shape__passes(error):
    assert type(read_failure("server", "eth_call", NodeError.of(error))) is ServerError


@pytest.mark.parametrize(("written", "code"), [(3, 3), (True, None), (False, None), ("3", None), (3.0, None)])
def test_node_error__code_that_is_no_whole_number__is_none(written, code):
    assert NodeError.of({"code": written, "message": "odd"}).code is code


def test_read_failure__rate_limited__keeps_its_words_alone():
    assert str(RateLimitedError("slow down", 7.0)) == "slow down"


def test_read_failure__words_of_a_range_in_another_method__are_no_range():
    failure = read_failure("server", "eth_call", NodeError(-32000, "the block range is odd", None))
    assert type(failure) is ServerError


def test_read_failure__longest_message__is_cut():
    assert len(str(read_failure("server", "eth_call", NodeError(-32000, "x" * 100_000, None)))) < 500


def test_read_failure__range_that_would_work__is_told_beside_the_servers_own_words():
    words = "query exceeds max results 20000, retry with the range 24383075-24383096"
    failure = read_failure("server", "eth_getLogs", NodeError(-32602, words, None))
    assert isinstance(failure, RangeRefusedError)
    assert failure.suggested_blocks == 22
    assert str(failure) == f"server cannot answer eth_getLogs now (too many blocks or logs at once): {words}"


@pytest.mark.parametrize(
    ("message", "blocks"),
    [
        ("this block range should work: [0x1180fca, 0x1180fd3]", 10),
        ("retry with the range 24383075-24383096", 22),
        ("this block range should work: [0x5, 0x4]", 1),
        ("block range is too wide", None),
    ],
)
def test_suggested_blocks__what_a_server_would_take__is_read(message, blocks):
    assert suggested_blocks(message) == blocks


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (REASON, REASON),
        (f"Reverted {REASON}", REASON),
        ("Reverted 0x", "0x"),
        ({"data": REASON, "message": "reverted"}, REASON),
        ({"0x" + "ab" * 32: {"error": "revert", "return": REASON}}, REASON),
        ({"originalError": {"code": 3, "data": REASON}}, REASON),
        ("Reverted", None),
        ("0xabc", None),
        (None, None),
        (7, None),
        ([REASON], None),
        ({"error": {"error": {"data": REASON}}}, REASON),
        ({"error": {"error": {"error": {"data": REASON}}}}, None),  # nobody nests it so deep in good faith
    ],
)
def test_revert_data_of__any_clients_way_to_put_it__is_found(data, expected):
    assert revert_data_of(NodeError(3, "execution reverted", data)) == expected


@pytest.mark.parametrize(("data", "shown"), [("0x08c379a0", "0x08c379a0"), (None, None)])
def test_read_failure__call_reverted__keeps_data_and_words_apart(data, shown):
    failure = read_failure("node", "eth_call", NodeError(3, "execution reverted: paused", data))
    assert type(failure) is RevertedError
    assert (failure.data, failure.message) == (shown, "execution reverted: paused")
    assert str(failure) == f"Reverted(data={shown}, message=execution reverted: paused)"


@pytest.mark.parametrize("error", [{"code": -32000, "message": "no \ud800\0\x1b[2J"}, "no \ud800\0\x1b[2J"])
def test_node_error__words_that_no_ledger_keeps__are_escaped(error):
    """Half a character ended the keeper as it wrote why an intent had reverted."""
    assert NodeError.of(error).message == r"no \ud800\x00\x1b[2J"
