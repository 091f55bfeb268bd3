"""A JSON-RPC server in front of a real node that fails in the ways real providers do, as a test tells it to.

It speaks HTTP on a port of its own. What no fault takes is handed to the node, and the node's answer back. Every draw
comes from the seed, so that a schedule of faults can be run again.

    with FaultProxy(node_url, seed=7) as proxy:
        proxy.on("eth_sendRawTransaction", accept_and_drop())
        proxy.on("eth_getLogs", range_limit(500))
        proxy.on("*", hang(), chance=0.1)
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from eth_utils.crypto import keccak

LONGEST_HANG_SECONDS = 60.0
NODE_TIMEOUT_SECONDS = 30.0
PRUNED_WORDS = "missing trie node 0xab (path ) state is not available"

Call = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """An HTTP answer as it goes out; ``cut`` bytes of the body are kept back, and the connection broken."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0


class Fault:
    """What goes wrong. Each kind overrides one of the three places where something can."""

    def on_wire(self, proxy: FaultProxy, calls: list[Call]) -> Reply | None:
        """Answer a whole HTTP request, or None."""
        return None

    def on_call(self, proxy: FaultProxy, call: Call) -> dict[str, Any] | None:
        """Answer one request with ``result`` or ``error`` in the node's place, or None."""
        return None

    def on_result(self, proxy: FaultProxy, call: Call, answer: dict[str, Any]) -> dict[str, Any]:
        """Change the node's answer to one request."""
        return answer

    def on_batch(self, proxy: FaultProxy, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Change the answers to a batch."""
        return answers


@dataclass
class Rule:
    """A fault and what it strikes: after the first ``after``, ``times`` often, every ``every``-th, by chance."""

    method: str
    fault: Fault
    times: int | None = None
    after: int = 0
    every: int = 1
    chance: float = 1.0
    seen: int = 0
    struck: int = 0

    def strikes(self, method: str, draw: Callable[[], float]) -> bool:
        if self.method not in ("*", method):
            return False
        self.seen += 1
        is_due = self.seen > self.after and (self.seen - self.after) % self.every == 0
        if not is_due or (self.times is not None and self.struck >= self.times):
            return False
        if self.chance < 1.0 and draw() >= self.chance:
            return False
        self.struck += 1
        return True


class FaultProxy:
    """One such server. ``asked`` is every method that reached it, ``sent`` every raw transaction handed to the node."""

    def __init__(self, node_url: str, seed: int = 0) -> None:
        self.node_url = node_url
        self.asked: list[str] = []
        self.sent: list[str] = []
        self.batch_sizes: list[int] = []
        self.released = threading.Event()
        self._rules: list[Rule] = []
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._node = requests.Session()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def on(self, method: str, fault: Fault, **limits: Any) -> Rule:
        """Add a fault for a method, or for ``*``; the first rule that strikes counts. See `Rule` for the limits."""
        rule = Rule(method, fault, **limits)
        with self._lock:
            self._rules.append(rule)
        return rule

    def heal(self) -> None:
        """Forget all faults, and let go of what hangs."""
        with self._lock:
            self._rules.clear()
        self.released.set()
        self.released = threading.Event()

    def node(self, method: str, *params: Any) -> Any:
        """Ask the node itself."""
        return self.forward([{"jsonrpc": "2.0", "id": 0, "method": method, "params": list(params)}])[0].get("result")

    def count(self, method: str) -> int:
        """How often a method was asked for."""
        return self.asked.count(method)

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
        self._node.close()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- one HTTP request -----------------------------------------------------------------------------------------

    def reply_to(self, body: bytes) -> Reply | None:
        """Answer one HTTP request; None breaks the connection off."""
        parsed = json.loads(body)
        calls = parsed if isinstance(parsed, list) else [parsed]
        struck = self._struck(calls)
        if isinstance(parsed, list):
            self.batch_sizes.append(len(calls))
        faults = list({id(fault): fault for fault in struck if fault is not None}.values())
        for fault in faults:
            if (reply := fault.on_wire(self, calls)) is not None:
                return reply
        answers = self._answers(calls, struck)
        for fault in faults:
            if isinstance(parsed, list):
                answers = fault.on_batch(self, answers)
        content = answers if isinstance(parsed, list) else answers[0]
        return Reply(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _struck(self, calls: list[Call]) -> list[Fault | None]:
        with self._lock:
            self.asked += [call["method"] for call in calls]
            return [
                next((rule.fault for rule in self._rules if rule.strikes(call["method"], self._random.random)), None)
                for call in calls
            ]

    def _answers(self, calls: list[Call], struck: list[Fault | None]) -> list[dict[str, Any]]:
        own = [None if fault is None else fault.on_call(self, call) for call, fault in zip(calls, struck, strict=True)]
        open_calls = [call for call, answer in zip(calls, own, strict=True) if answer is None]
        given = iter(self.forward(open_calls) if open_calls else [])
        answers = []
        for call, fault, answer in zip(calls, struck, own, strict=True):
            whole = {"jsonrpc": "2.0", "id": call["id"], **answer} if answer is not None else next(given)
            if answer is None and fault is not None:
                whole = {"jsonrpc": "2.0", "id": call["id"], **fault.on_result(self, call, whole)}
            answers.append(whole)
        return answers

    def forward(self, calls: list[Call]) -> list[dict[str, Any]]:
        """Hand requests to the node, and return its answers in the order of the requests."""
        with self._lock:
            self.sent += [call["params"][0] for call in calls if call["method"] == "eth_sendRawTransaction"]
        answers = self._node.post(self.node_url, json=calls, timeout=NODE_TIMEOUT_SECONDS).json()
        by_id = {answer["id"]: answer for answer in answers}
        return [by_id[call["id"]] for call in calls]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that were killed; say all else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # whoever asked is gone
            self.close_connection = True
            return
        try:
            reply = self.proxy.reply_to(body)
        except (requests.RequestException, RuntimeError):
            reply = None
        try:
            self._write(reply)
        except OSError:
            self.close_connection = True

    def _write(self, reply: Reply | None) -> None:
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, content in reply.headers.items():
            self.send_header(name, content)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body[: len(reply.body) - reply.cut])
        if reply.cut:
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


# --- the faults -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Wire(Fault):
    reply: Callable[[FaultProxy], Reply | None]

    def on_wire(self, proxy: FaultProxy, calls: list[Call]) -> Reply | None:
        return self.reply(proxy)


@dataclass(frozen=True)
class _Instead(Fault):
    answer: Callable[[FaultProxy, Call], dict[str, Any] | None]

    def on_call(self, proxy: FaultProxy, call: Call) -> dict[str, Any] | None:
        return self.answer(proxy, call)


@dataclass(frozen=True)
class _Changed(Fault):
    change: Callable[[FaultProxy, Call, Any], Any]

    def on_result(self, proxy: FaultProxy, call: Call, answer: dict[str, Any]) -> dict[str, Any]:
        return {"result": self.change(proxy, call, answer["result"])} if "result" in answer else answer


class _Truncated(Fault):
    def on_wire(self, proxy: FaultProxy, calls: list[Call]) -> Reply | None:
        body = json.dumps(proxy.forward(calls)).encode()
        return Reply(200, body, {"Content-Type": "application/json"}, cut=len(body) // 2)


class _Reordered(Fault):
    def on_batch(self, proxy: FaultProxy, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return answers[::-1]


@dataclass(frozen=True)
class _BatchLimit(Fault):
    most: int
    refusal: dict[str, Any]

    def on_wire(self, proxy: FaultProxy, calls: list[Call]) -> Reply | None:
        if len(calls) <= self.most:
            return None
        content = {"jsonrpc": "2.0", "id": None, "error": self.refusal}
        return Reply(200, json.dumps(content).encode(), {"Content-Type": "application/json"})


def hang(seconds: float = LONGEST_HANG_SECONDS) -> Fault:
    """Say nothing for so long, or until the proxy heals, and then break off."""

    def wait(proxy: FaultProxy) -> None:
        proxy.released.wait(seconds)
        raise RuntimeError("broken off")

    return _Wire(wait)


def http_status(status: int, body: str = "", kind: str = "text/plain", **headers: str) -> Fault:
    """Answer with an HTTP status: 429, 502, 403."""
    named = {name.replace("_", "-"): content for name, content in headers.items()}
    return _Wire(lambda _: Reply(status, body.encode(), {"Content-Type": kind, **named}))


def too_many_requests(retry_after: str | None = None) -> Fault:
    """HTTP 429, with or without a Retry-After."""
    return http_status(429, "slow down", **({} if retry_after is None else {"Retry_After": retry_after}))


def html(status: int = 200) -> Fault:
    """A web page where JSON should be."""
    return http_status(status, "<html><body>Just a moment...</body></html>", "text/html")


def truncate() -> Fault:
    """Break off in the middle of the answer."""
    return _Truncated()


def error(code: int, message: str, data: Any = None) -> Fault:
    """A JSON-RPC error in the node's place."""
    content = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return _Instead(lambda proxy, call: {"error": content})


def null() -> Fault:
    """``null`` where a result should be."""
    return _Instead(lambda proxy, call: {"result": None})


def answer(result: Any) -> Fault:
    """A result of the test's own: a lie, or one of the wrong shape."""
    return _Instead(lambda proxy, call: {"result": result})


def lie(change: Callable[[Any], Any]) -> Fault:
    """The node's result, changed."""
    return _Changed(lambda proxy, call, result: change(result))


def accept_and_drop() -> Fault:
    """Take a raw transaction, name its hash, and never pass it on."""
    return _Instead(lambda proxy, call: {"result": "0x" + keccak(hexstr=call["params"][0]).hex()})


def mine_a_block() -> Fault:
    """Let an empty block pass before the node answers."""

    def mine(proxy: FaultProxy, call: Call) -> None:
        proxy.node("evm_mine")

    return _Instead(mine)


class _NethermindRevert(Fault):
    def on_result(self, proxy: FaultProxy, call: Call, answer: dict[str, Any]) -> dict[str, Any]:
        data = answer.get("error", {}).get("data")
        if not isinstance(data, str):
            return answer
        return {"error": {"code": -32015, "message": "VM execution error.", "data": f"Reverted {data}"}}


def nethermind_reverts() -> Fault:
    """Reverts as Nethermind words them."""
    return _NethermindRevert()


def reorder() -> Fault:
    """Answer a batch back to front."""
    return _Reordered()


def batch_limit(most: int, code: int = -32600, message: str = "batch too large") -> Fault:
    """Refuse batches of more than ``most`` requests."""
    return _BatchLimit(most, {"code": code, "message": message})


def range_limit(blocks: int, code: int = -32600, message: str = "exceed maximum block range: {blocks}") -> Fault:
    """Refuse ``eth_getLogs`` over more than ``blocks`` blocks."""

    def refuse(proxy: FaultProxy, call: Call) -> dict[str, Any] | None:
        first, last = (int(call["params"][0][name], 16) for name in ("fromBlock", "toBlock"))
        if last - first < blocks:
            return None
        suggestion = f"[{hex(first)}, {hex(first + blocks - 1)}]"
        return {"error": {"code": code, "message": message.format(blocks=blocks, suggestion=suggestion)}}

    return _Instead(refuse)


def pruned(depth: int = 128, code: int = -32000, message: str = PRUNED_WORDS) -> Fault:
    """Refuse state at a block hash, or number, more than ``depth`` blocks below the head."""

    def refuse(proxy: FaultProxy, call: Call) -> dict[str, Any] | None:
        at = call["params"][-1]
        head = int(proxy.node("eth_blockNumber"), 16)
        if isinstance(at, dict) and "blockHash" in at:
            block = proxy.node("eth_getBlockByHash", at["blockHash"], False)
            number = -1 if block is None else int(block["number"], 16)
        else:
            number = int(at, 16) if isinstance(at, str) and at.startswith("0x") else head
        return {"error": {"code": code, "message": message}} if head - number > depth else None

    return _Instead(refuse)


def stale_head(lag: int) -> Fault:
    """Show the chain as it was ``lag`` blocks ago: for ``eth_getBlockByNumber``."""

    def shown(proxy: FaultProxy, call: Call) -> dict[str, Any] | None:
        at, details = call["params"]
        head = max(int(proxy.node("eth_blockNumber"), 16) - lag, 0)
        if at == "latest":
            return {"result": proxy.node("eth_getBlockByNumber", hex(head), details)}
        return {"result": None} if at.startswith("0x") and int(at, 16) > head else None

    return _Instead(shown)


@contextmanager
def proxies(node_url: str, count: int, seed: int = 0) -> Iterator[list[FaultProxy]]:
    """Several such servers in front of one node."""
    opened = [FaultProxy(node_url, seed + index) for index in range(count)]
    try:
        yield opened
    finally:
        for proxy in opened:
            proxy.close()
