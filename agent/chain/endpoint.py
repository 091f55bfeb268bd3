"""A server with what is known of it: its health, how much it takes at once, and the time there is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from agent.chain import shapes
from agent.chain.breaker import Breaker, BreakerState, EndpointHealth
from agent.chain.failures import BatchRefusedError, RateLimitedError, RpcRefusedError, ServerError, TimedOutError
from agent.chain.limits import AdaptiveLimit
from agent.chain.transport import Answer, Request, Server
from agent.errors import AgentError

T = TypeVar("T")

FIRST_LOG_RANGE_BLOCKS = 5_000
"""Public servers refuse more than 10,000, some more than 10."""
MOST_LOG_RANGE_BLOCKS = 100_000
FIRST_BATCH_REQUESTS = 100
MOST_BATCH_REQUESTS = 400
FINAL_REFUSALS = 3
"""In a row, of one method: a refusal for good may itself be a moment's, of one backend behind a load balancer."""
_CHAIN_ID = Request("eth_chainId", ())


class Endpoint:
    """One server. Several threads may ask it at once."""

    def __init__(
        self, server: Server, chain_id: int, timeout_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = server.name
        self._expected_chain_id = chain_id
        self._is_verified = False
        self._refusals: Counter[str] = Counter()
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self.breaker = Breaker()
        self.lag_blocks = 0
        """Behind the newest head acted on, when it was last asked for its own."""
        self.log_range = AdaptiveLimit(FIRST_LOG_RANGE_BLOCKS, MOST_LOG_RANGE_BLOCKS)
        self.batch_size = AdaptiveLimit(FIRST_BATCH_REQUESTS, MOST_BATCH_REQUESTS)

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    @property
    def state(self) -> BreakerState:
        """Whether it is worth asking now."""
        return self.breaker.state(self._clock())

    @property
    def must_be_left_alone(self) -> bool:
        """Whether it has said for how long it wants no request, and that is not over."""
        return self.breaker.wants_rest(self._clock())

    @property
    def health(self) -> EndpointHealth:
        """What it has done so far."""
        breaker = self.breaker
        return EndpointHealth(
            name=self.name,
            state=self.state,
            requests=breaker.requests,
            faults=breaker.faults,
            disagreements=breaker.disagreements,
            latency_seconds=breaker.latency_seconds,
            log_range_blocks=self.log_range.current,
            batch_requests=self.batch_size.current,
            lag_blocks=self.lag_blocks,
            last_fault=breaker.last_fault,
        )

    def chain_id(self) -> int:
        """Return the chain the server answers for."""
        answer = self._watched(lambda: self._server.request(_CHAIN_ID, self._timeout_seconds))
        return shapes.quantity(answer, "eth_chainId")

    def request(self, request: Request) -> Any:
        """Return the result of one request; raises as `Server.request` does, or when it is on another chain."""
        self._verify_chain()
        try:
            result = self._watched(lambda: self._server.request(request, self._timeout_seconds))
        except RpcRefusedError as refusal:
            self._refusals[request.method] += 1
            raise self._weighed(refusal) from None
        self._refusals.pop(request.method, None)
        return result

    def batch(self, batch: Sequence[Request]) -> list[Answer]:
        """Return the outcome of each request, in order, sent in as many parts as the server's limit asks for.

        Raises
        ------
        ServerError
            The server does not answer, or does not answer every part.

        """
        self._verify_chain()
        answers: list[Answer] = []
        while len(answers) < len(batch):
            part = batch[len(answers) : len(answers) + self.batch_size.current]
            try:
                answers += self._watched(partial(self._server.batch, part, self._timeout_seconds))
            except BatchRefusedError:
                if len(part) == 1:
                    raise
                self.batch_size.refused(len(part))
            else:
                self.batch_size.passed(len(part))
        return self._judged(batch, answers)

    def _judged(self, batch: Sequence[Request], answers: Sequence[Answer]) -> list[Answer]:
        """Weigh the refusals for good; many in one batch are one."""
        refused = {answer.failure.method for answer in answers if isinstance(answer.failure, RpcRefusedError)}
        self._refusals.update(refused)
        for request, answer in zip(batch, answers, strict=True):
            if answer.failure is None and request.method not in refused:
                self._refusals.pop(request.method, None)
        return [
            Answer(None, self._weighed(answer.failure)) if isinstance(answer.failure, RpcRefusedError) else answer
            for answer in answers
        ]

    def _weighed(self, refusal: RpcRefusedError) -> AgentError:
        """Return a refusal for good as a passing one until it has come often enough without an answer between."""
        return refusal if self._refusals[refusal.method] >= FINAL_REFUSALS else ServerError(str(refusal))

    def _verify_chain(self) -> None:
        """Believe nothing of a server before it has named its chain: it may have been down when the keeper started."""
        if self._is_verified:
            return
        actual = self.chain_id()
        if actual != self._expected_chain_id:
            failure = ServerError(f"{self.name} answers for chain {actual}, not {self._expected_chain_id}")
            self.breaker.failed(self._clock(), str(failure), opens=True)
            raise failure
        self._is_verified = True

    def _watched(self, ask: Callable[[], T]) -> T:
        """Ask, and count what comes of it: an answer that refuses in order is a sign of health too."""
        started = self._clock()
        try:
            answer = ask()
        except ServerError as failure:
            self._count(failure, started)
            raise
        except AgentError:
            self._count_answer(started)
            raise
        self._count_answer(started)
        return answer

    def _count_answer(self, started: float) -> None:
        now = self._clock()
        self.breaker.answered(now - started, now)

    def note(self, failure: ServerError) -> None:
        """Count what was found wrong with an answer after it came: a server that talks nonsense rests at once."""
        if failure.is_fault and not failure.is_counted:
            self.breaker.failed(self._clock(), str(failure), opens=True)

    def _count(self, failure: ServerError, started: float) -> None:
        failure.is_counted = True
        now = self._clock()
        if not failure.is_fault:
            self.breaker.answered(now - started, now)
            return
        rest = failure.retry_after_seconds if isinstance(failure, RateLimitedError) else None
        is_lost = isinstance(failure, TimedOutError) and self.breaker.has_answered_since(started)
        opens = isinstance(failure, TimedOutError | RateLimitedError) and not is_lost
        self.breaker.failed(now, str(failure), opens, rest)
