"""What the errors of JSON-RPC servers mean: a table of facts for reads; for transactions see `send_outcomes`.

Clients and providers share no vocabulary: a code means one thing with one of them and another with the next. So words
come first, codes second, and what is in no table is a fault of the moment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from agent.chain.failures import (
    BatchRefusedError,
    RangeRefusedError,
    RateLimitedError,
    RevertedError,
    RpcRefusedError,
    ServerError,
    StateMissingError,
)
from agent.errors import AgentError
from agent.plain_text import plain

LOGS_METHOD = "eth_getLogs"


class NodeError(NamedTuple):
    """The ``error`` of a JSON-RPC answer, in words that can be shown and kept; ``data`` may be of any shape."""

    code: int | None
    message: str
    data: Any

    @classmethod
    def of(cls, error: Any) -> NodeError:
        """Read it, whatever the server put there."""
        if not isinstance(error, Mapping):
            return cls(None, plain(str(error)), None)
        code = error.get("code")
        is_code = isinstance(code, int) and not isinstance(code, bool)
        message = error.get("message")
        said = plain(str(error if message is None else message))
        return cls(code if is_code else None, said, error.get("data"))


class Meaning(Enum):
    """What an error of a read means."""

    REVERTED = "the call ran and failed"
    RATE = "asked too often"
    RANGE = "too many blocks or logs at once"
    BATCH = "too many requests at once"
    STATE = "the state of that block is not there"
    METHOD = "the server does not offer the method"
    PARAMETERS = "the server does not understand the parameters"
    PASSING = "anything else"


@dataclass(frozen=True, slots=True)
class Fact:
    """Words, lower-case, of which one says what an error means; ``said_by`` is who was heard to say it."""

    meaning: Meaning
    said_by: str
    words: tuple[str, ...]


FACTS: tuple[Fact, ...] = (
    Fact(
        Meaning.RATE,
        "Infura, Alchemy, QuickNode, Ankr, dRPC, publicnode, Cloudflare",
        (
            "too many requests",
            "rate limit",
            "rate-limit",
            "ratelimit",
            "request limit reached",
            "requests per second",
            "request rate exceeded",
            "daily request count exceeded",
            "project id request rate",
            "exceeded its throughput",
            "compute units per second",
            "capacity limit",
            "credits limited",
            "quota exceeded",
            "call rate",
            "slow down",
            "too many request,",
            "usage limit",
            "exceeded the quota",
        ),
    ),
    Fact(
        Meaning.BATCH,
        "geth, Erigon, Nethermind, Besu, reth, proxyd (OP stack), dRPC, Ankr, Chainstack",
        (
            "batch too large",
            "batch size",
            "batch limit",
            "batch of more than",
            "too many batch",
            "maximum batch",
            "max batch",
            "batch requests are not",
            "batched requests are not",
            "batch request was too",
            "batch request size",
            "batch response size",
            "batch response was too",
            "batch items",
            "calls in batch",
            "requests in batch",
            "requests in a batch",
        ),
    ),
    Fact(
        Meaning.STATE,
        "geth, reth: a range that ends above the server's head",
        ("beyond current head", "extends beyond", "beyond head", "after last accepted block"),
    ),
    Fact(
        Meaning.RANGE,
        "geth, Erigon, Nethermind, reth, nitro, Alchemy, Infura, QuickNode, Ankr, dRPC, BNB chain",
        (
            "block range",
            "blocks range",
            "range is too",
            "range too",
            "range limit",
            "range exceed",
            "exceed maximum block",
            "max range",
            "maximum range",
            "too many blocks",
            "more than 10000 results",
            "query returned more than",
            "query exceeds max",
            "response size exceeded",
            "response size should not",
            "response is too big",
            "response too large",
            "too many results",
            "too many logs",
            "max results",
            "results limit",
            "logs matched by query exceeds",
            "is limited to",
            "limit exceeded for logs",
            "query timeout exceeded",
            "eth_getlogs is limited",
            "please limit the query",
            "specify less number of address",
            "reduce your range",
            "narrow your",
            "blocks are not allowed",
            "ranges over",
        ),
    ),
    Fact(
        Meaning.STATE,
        "geth, op-geth, Erigon, Nethermind, Besu, reth, nitro, Alchemy",
        (
            "missing trie node",
            "header not found",
            "header for hash not found",
            "unknown block",
            "block not found",
            "block with hash",
            "hash is not currently canonical",
            "not currently canonical",
            "could not find block",
            "world state unavailable",
            "no state available for block",
            "no state found for block",
            "state is not available",
            "state not available",
            "state histories haven't been fully indexed",
            "state already pruned",
            "state has been pruned",
            "pruned",
            "pruning",
            "historical state",
            "old data not available",
            "required historical",
            "archive",
            "ancient block",
            "distance to target block exceeds",
            "requested epoch was a null round",
        ),
    ),
    Fact(
        Meaning.REVERTED,
        "geth, Erigon, Nethermind, Besu, reth, nitro, Anvil",
        (
            "revert",
            "out of gas",
            "outofgas",
            "evm error",
            "vm execution error",
            "vm exception",
            "invalid opcode",
            "bad instruction",
            "stack underflow",
            "gas required exceeds allowance",
            "invalid jump destination",
            "stack limit reached",
            "return data out of bounds",
            "write protection",
            "max call depth exceeded",
            "gas uint64 overflow",
        ),
    ),
    Fact(
        Meaning.METHOD,
        "geth, Erigon, Nethermind, Besu, reth, Anvil, Alchemy, Infura",
        ("method not found", "does not exist/is not available", "method not supported", "unsupported method"),
    ),
    Fact(
        Meaning.STATE,
        "Erigon (block 0x... not found), Nethermind (could not be found), proxyd, Avalanche",
        ("not found", "not be found", "block is out of range", "unfinalized data"),
    ),
)
"""Asked from top to bottom: who limits a rate often speaks of requests, batches or ranges in the same breath."""

EXECUTION_REVERTED = 3
"""Code of a call that reverted with data (go-ethereum, Erigon, reth, Anvil)."""
_EXECUTING_METHODS = frozenset({"eth_call", "eth_estimateGas", "eth_simulateV1", "eth_sendTransaction"})
"""All that can revert: of any other question, a server that says so talks nonsense, and is no witness of the chain."""
_BY_CODE: Mapping[int, Meaning] = {
    EXECUTION_REVERTED: Meaning.REVERTED,
    429: Meaning.RATE,  # Alchemy and others repeat the HTTP status here
    -32005: Meaning.RATE,  # EIP-1474 "limit exceeded"; Infura, Besu
    -32016: Meaning.RATE,  # "over rate limit" of Coinbase's public servers
    -32029: Meaning.RATE,
    -32090: Meaning.RATE,  # Ankr
    -32097: Meaning.RATE,
    -32601: Meaning.METHOD,
    -32602: Meaning.PARAMETERS,
}
"""Codes that say something where no words do. -32600, -32603, -32700 and the -32000s are used for everything."""

_FAILURES: Mapping[Meaning, type[ServerError]] = {
    Meaning.RATE: RateLimitedError,
    Meaning.BATCH: BatchRefusedError,
    Meaning.STATE: StateMissingError,
    Meaning.PASSING: ServerError,
}


def meaning_of(error: NodeError) -> Meaning:
    """Return what an error of a read means."""
    text = error.message.lower()
    if error.code == EXECUTION_REVERTED or "execution reverted" in text:
        return Meaning.REVERTED
    for fact in FACTS:
        if any(words in text for words in fact.words):
            return fact.meaning
    if error.code is not None and error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return Meaning.PASSING


def read_failure(server: str, method: str, error: NodeError) -> AgentError:
    """Return the failure that an error of a read stands for."""
    meaning = meaning_of(error)
    if method == LOGS_METHOD and meaning in {Meaning.PASSING, Meaning.PARAMETERS} and _speaks_of_length(error):
        meaning = Meaning.RANGE
    if meaning is Meaning.REVERTED:
        if method in _EXECUTING_METHODS:
            return RevertedError(revert_data_of(error), error.message)
        meaning = Meaning.PASSING
    if meaning is Meaning.RANGE and method != LOGS_METHOD:
        meaning = Meaning.PASSING
    if meaning in {Meaning.METHOD, Meaning.PARAMETERS}:
        return RpcRefusedError(method, f"{server} answers: {error.message:.300}")
    words = f"{server} cannot answer {method} now ({meaning.value}): {error.message:.300}"
    if meaning is Meaning.RANGE:
        return RangeRefusedError(words, suggested_blocks(error.message))
    return _FAILURES[meaning](words)


_LENGTH = re.compile(r"\b(ranges?|blocks?|distance|results|logs)\b")
_TOO_LONG = re.compile(
    r"exceed|limit|maximum|\bmax\b|too |\bover\b|(larg|bigg|great|long|wid)er than|not (allowed|supported)"
)
_TOO_SLOW = ("timed out", "timeout", "time-out", "deadline exceeded", "took too long")


def _speaks_of_length(error: NodeError) -> bool:
    """Return whether a search for logs may pass over fewer blocks, in words that no table can foresee.

    Providers word their limits anew each year, and some give them the code of wrong parameters, which is final. A
    search that takes a server longer than it allows is too long as well, however it says so.
    """
    text = error.message.lower()
    is_too_slow = any(words in text for words in _TOO_SLOW)
    return is_too_slow or (_LENGTH.search(text) is not None and _TOO_LONG.search(text) is not None)


_SUGGESTIONS = (
    (re.compile(r"\[\s*0x([0-9a-f]+)\s*,\s*0x([0-9a-f]+)\s*\]", re.IGNORECASE), 16),  # Alchemy, Infura
    (re.compile(r"retry with the range (\d+)\s*-\s*(\d+)"), 10),  # reth
)


def suggested_blocks(message: str) -> int | None:
    """Return how many blocks a server says it would look through, where it says so."""
    for pattern, base in _SUGGESTIONS:
        if found := pattern.search(message):
            first, last = (int(number, base) for number in found.groups())
            return max(last - first + 1, 1)
    return None


_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*(?![0-9a-fA-F])")


def revert_data_of(error: NodeError) -> str | None:
    """Return the revert data that an error holds, 0x-prefixed: plain, after the word ``Reverted``, or in an object."""
    return _hex_in(error.data, depth=3)


def _hex_in(data: Any, depth: int) -> str | None:
    if isinstance(data, str):
        found = _HEX.search(data)
        return None if found is None else found.group().lower()
    if isinstance(data, Mapping) and depth:
        named = [data[key] for key in ("data", "return", "result", "output") if key in data]
        for entry in named or data.values():
            if (found_in := _hex_in(entry, depth - 1)) is not None:
                return found_in
    return None
