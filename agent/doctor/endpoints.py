"""What each endpoint can do: one server after the other, where a keeper would only see the one that answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from agent.chain import shapes
from agent.chain.config import ChainSettings
from agent.chain.endpoint import FIRST_LOG_RANGE_BLOCKS
from agent.chain.transport import Request, Server
from agent.doctor.check import Check, Verdict, attempted, good, judged, patiently
from agent.domain import BlockRef
from agent.errors import AgentError, TransientError
from agent.execution.intents import LAST_BLOCKS
from agent.plain_text import plain
from agent.units import Address

MAX_CLOCK_DRIFT_SECONDS = 30
"""Of this machine against an endpoint's: an intent lives for minutes, and TLS and signatures of clouds refuse more."""
NO_SUCH_BLOCK = "0x" + "de" * 32
"""Hash that no block has: a server that answers it all the same does not look at the hash."""
_DEPTHS = (LAST_BLOCKS, 127, 64, 16)
"""Blocks back at which state is asked for; 127 is what a node keeps that prunes as go-ethereum does."""


class Endpoint:
    """One server under examination."""

    def __init__(self, url: str, settings: ChainSettings) -> None:
        self._url = url
        self._settings = settings
        self._server = Server(url)
        self.name = self._server.name

    def examine(self, address: Address, batch_size: int, clock: Callable[[], float]) -> Iterator[Check]:
        """Yield the checks; ``address`` is any contract of the vault, ``batch_size`` what one cycle asks at once."""
        with closing(self._server):
            first = attempted(f"{self.name} answers", "start the node, or correct [chain] rpc_urls", self._chain)
            yield first
            if first.verdict is not Verdict.GOOD:
                return
            for subject, mend, look in (
                ("head", "wait until the node has caught up, or use another", lambda: self._head(clock)),
                ("clock", "synchronise this machine's clock (timedatectl set-ntp true)", lambda: self._clock(clock)),
                ("reads by block hash", "use an endpoint that supports EIP-1898", lambda: self._by_hash(address)),
                ("state depth", "use a node that keeps more state", lambda: self._depth(address)),
                ("log range", "use an endpoint that allows eth_getLogs", lambda: self._logs(address)),
                ("batches", "use an endpoint that allows batches", lambda: self._batches(address, batch_size)),
            ):
                yield attempted(f"{self.name} {subject}", mend, look)

    def _ask(self, method: str, *params: Any) -> Any:
        return self._server.request(Request(method, params), self._settings.rpc_timeout_seconds)

    def _chain(self) -> Check:
        started = time.perf_counter()
        answered = shapes.quantity(self._ask("eth_chainId"), "eth_chainId")
        took = 1_000 * (time.perf_counter() - started)
        expected = self._settings.chain_id
        found = f"chain {answered} in {took:.0f} ms, {self._version()}"
        mend = f"[chain] chain_id is {expected}: correct it, or rpc_urls"
        return judged(f"{self.name} answers", answered == expected, found, mend)

    def _version(self) -> str:
        try:
            return plain(f"{self._ask('web3_clientVersion')!s:.60}")
        except AgentError:
            return "does not tell its version"

    def _newest(self) -> BlockRef:
        return shapes.block(self._ask("eth_getBlockByNumber", "latest", False))

    def _head(self, clock: Callable[[], float]) -> Check:
        block = self._newest()
        age, limit = clock() - block.timestamp, self._settings.max_head_age_seconds
        found = f"block {block.number:,}, {age:,.0f} s from this machine's clock, at most {limit:,}"
        mend = "the node lags or this clock is wrong: wait until it has caught up, or synchronise the clock"
        return judged(f"{self.name} head", abs(age) <= limit, found, mend)

    def _clock(self, clock: Callable[[], float]) -> Check:
        """Compare this clock with the date of an answer, which is cut to the second."""
        subject, question = f"{self.name} clock", {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
        before = clock()
        try:
            answer = requests.post(self._url, json=question, timeout=self._settings.rpc_timeout_seconds)
        except (requests.RequestException, OSError) as error:
            raise TransientError(f"{self.name} does not answer ({type(error).__name__})") from None
        between = (before + clock()) / 2
        date = answer.headers.get("Date")
        if date is None:
            return Check(subject, Verdict.UNKNOWN, "it does not say what time it is", "")
        try:
            drift = between - (parsedate_to_datetime(date).timestamp() + 0.5)
        except ValueError:
            return Check(subject, Verdict.UNKNOWN, f"it says it is {date!r:.40}", "")
        found = f"this machine is {drift:+.1f} s from it, at most {MAX_CLOCK_DRIFT_SECONDS}"
        mend = "synchronise this machine's clock (timedatectl set-ntp true)"
        return judged(subject, abs(drift) <= MAX_CLOCK_DRIFT_SECONDS, found, mend)

    def _by_hash(self, address: Address) -> Check:
        subject, block = f"{self.name} reads by block hash", self._newest()
        patiently(lambda: self._balance(address, {"blockHash": block.hash, "requireCanonical": True}))
        try:
            answered = patiently(lambda: self._balance(address, {"blockHash": NO_SUCH_BLOCK, "requireCanonical": True}))
        except AgentError:
            return good(subject, "reads at one hash, and refuses a hash that no block has")
        mend = "it ignores the block hash (EIP-1898) and may mix blocks: use another endpoint"
        return Check(subject, Verdict.FAILED, f"answers {answered} for a block that does not exist", mend)

    def _balance(self, address: Address, at: object) -> int:
        return shapes.quantity(self._ask("eth_getBalance", address, at), "eth_getBalance")

    def _depth(self, address: Address) -> Check:
        subject, newest = f"{self.name} state depth", self._newest().number
        reached = next((depth for depth in _DEPTHS if self._has_state(address, newest - min(depth, newest))), 0)
        found = f"state of {min(reached, newest)} blocks back"
        mend = (
            f"a refused transaction older than {reached} blocks is recorded without its reason: use a node that keeps "
            f"the state of {LAST_BLOCKS} blocks"
        )
        return judged(subject, reached >= LAST_BLOCKS, found, mend, Verdict.WARNING)

    def _has_state(self, address: Address, number: int) -> bool:
        try:
            patiently(lambda: self._balance(address, hex(number)))
        except AgentError:
            return False
        return True

    def _logs(self, address: Address) -> Check:
        subject, newest = f"{self.name} log range", self._newest().number
        asked = min(FIRST_LOG_RANGE_BLOCKS, newest + 1)
        allowed = asked
        while allowed and not self._answers_logs(address, newest - allowed + 1, newest):
            allowed //= 2
        found = f"eth_getLogs over {allowed:,} blocks at once"
        if not allowed:
            return Check(subject, Verdict.FAILED, "eth_getLogs is refused", "use an endpoint that allows eth_getLogs")
        mend = f"a first scan takes {asked // allowed} times as many requests: use an endpoint that allows {asked:,}"
        return judged(subject, allowed == asked, found, mend, Verdict.WARNING)

    def _answers_logs(self, address: Address, first: int, last: int) -> bool:
        query = {"fromBlock": hex(first), "toBlock": hex(last), "address": address}
        try:
            return isinstance(patiently(lambda: self._ask("eth_getLogs", query)), list)
        except AgentError:
            return False

    def _batches(self, address: Address, size: int) -> Check:
        subject, allowed = f"{self.name} batches", size
        while allowed and not self._answers_batch(address, allowed):
            allowed //= 2
        if not allowed:
            return Check(subject, Verdict.FAILED, "eth_getBalance is refused", "use an endpoint that allows it")
        mend = f"a cycle asks {size} at once: use an endpoint or a plan that allows it"
        found = f"{allowed} requests at once" if allowed > 1 else "batches are refused: every request goes by itself"
        return judged(subject, allowed == size, found, mend, Verdict.WARNING)

    def _answers_batch(self, address: Address, size: int) -> bool:
        batch, timeout = [Request("eth_getBalance", (address, "latest"))] * size, self._settings.rpc_timeout_seconds
        try:
            patiently(lambda: [answer.unwrap() for answer in self._server.batch(batch, timeout)])
        except AgentError:
            return False
        return True
