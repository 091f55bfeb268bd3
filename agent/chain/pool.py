"""Several servers asked at once, so that one that hangs costs nobody more than a moment.

- ``first``: the fastest healthy server, a second one when it is slow (a hedged request), and so on;
- ``gather``: all healthy servers side by side, until enough of them agree; one that failed or is silent is asked again
  meanwhile, over another connection;
- ``every``: all servers, whatever their health: for transactions.

Each exchange runs in a daemon thread. One that hangs is left behind, and ends with its own time-out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from agent.chain.breaker import BreakerState, EndpointHealth
from agent.chain.crew import CREW
from agent.chain.endpoint import Endpoint
from agent.chain.failures import (
    BatchRefusedError,
    RangeRefusedError,
    RateLimitedError,
    RpcRefusedError,
    ServerError,
    TimedOutError,
)
from agent.errors import AgentError, TransientError

T = TypeVar("T")
R = TypeVar("R")

HEDGE_SHARE = 0.1
"""Of the time-out, after which a second server is asked as well."""
HEDGE_LATENCIES = 4.0
"""Or so many times the server's usual latency, whichever is shorter."""
LEAST_HEDGE_SECONDS = 0.05
GRACE_SECONDS = 0.2
"""Beyond the time-out, so that an exchange's own time-out, which says more, comes first."""
MOST_REPEATS = 3
"""How often one server that failed is asked again while a quorum is short of answers."""
REPEAT_SHARE = 0.02
"""Of the time-out, before the first repetition; twice as long before each further one."""
SILENCE_SHARE = 0.2
"""Of the time-out, after which a server that is silent is asked again; as long again before the next time."""
MOST_SILENCES = 2
"""How often a silent server is asked again: a request may be lost where the next one is not."""
_IN_VAIN = (BatchRefusedError, RangeRefusedError, TimedOutError)
"""Failures that the same question meets again."""
_ORDER = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """What one server made of a question: a value or a failure."""

    endpoint: Endpoint
    value: T | None
    failure: Exception | None


def values_of(replies: Sequence[Reply[T]]) -> list[T]:
    """Return the answers among replies."""
    return [reply.value for reply in replies if reply.value is not None]


class Round(Generic[T]):
    """One question, and the servers it was put to so far."""

    def __init__(self, ask: Callable[[Endpoint], T]) -> None:
        self._ask = ask
        self._replies: SimpleQueue[Reply[T]] = SimpleQueue()
        self.asked: list[Endpoint] = []

    @property
    def waiting(self) -> int:
        """How many servers have not replied yet."""
        return len(self.asked)

    def put_to(self, endpoint: Endpoint) -> None:
        """Ask one more server."""
        self.asked.append(endpoint)
        CREW.carry(partial(self._carry, endpoint))

    def next(self, seconds: float) -> Reply[T] | None:
        """Return the next reply, or None when none comes in time."""
        try:
            reply = self._replies.get(timeout=max(seconds, 0.0))
        except Empty:
            return None
        self.asked.remove(reply.endpoint)
        return reply

    def give_up(self, now: float) -> None:
        """Count the servers that have not replied as hanging."""
        for endpoint in dict.fromkeys(self.asked):
            endpoint.breaker.failed(now, f"{endpoint.name} did not answer in time", opens=True)

    def _carry(self, endpoint: Endpoint) -> None:
        try:
            self._replies.put(Reply(endpoint, self._ask(endpoint), None))
        except Exception as failure:
            if isinstance(failure, ServerError):
                endpoint.note(failure)
            self._replies.put(Reply(endpoint, None, failure))


class Repeats:
    """Servers whose fault may have been of the moment, and when each is worth another question."""

    def __init__(self, first_pause_seconds: float, silence_seconds: float) -> None:
        self._first_pause_seconds, self._silence_seconds = first_pause_seconds, silence_seconds
        self._done: dict[Endpoint, int] = {}
        self._silences: dict[Endpoint, int] = {}
        self._waiting: list[tuple[float, Endpoint]] = []
        self.doubtful: set[Endpoint] = set()
        """Those that had to be asked again, and have not replied since: nobody to count on."""

    @property
    def next_at(self) -> float:
        """When the next one is due; never, where none is."""
        return min((at for at, _ in self._waiting), default=math.inf)

    def add(self, endpoint: Endpoint, failure: AgentError, now: float) -> None:
        """Plan another question, unless the failure says that it is in vain, or there were enough."""
        done = self._done.get(endpoint, 0)
        is_momentary = isinstance(failure, ServerError) and not isinstance(failure, _IN_VAIN)
        is_told_when = isinstance(failure, RateLimitedError) and failure.retry_after_seconds is not None
        if is_momentary and not is_told_when and done < MOST_REPEATS:
            self._done[endpoint] = done + 1
            self._waiting.append((now + self._first_pause_seconds * 2**done, endpoint))

    def listen(self, endpoint: Endpoint, now: float) -> None:
        """Plan another question for the case that a server that was just asked stays silent, unless it often was."""
        done = self._silences.get(endpoint, 0)
        if done < MOST_SILENCES:
            self._silences[endpoint] = done + 1
            self._waiting.append((now + self._silence_seconds, endpoint))

    def heard(self, endpoint: Endpoint) -> None:
        """Drop what was planned for a server that has replied."""
        self._waiting = [one for one in self._waiting if one[1] is not endpoint]
        self.doubtful.discard(endpoint)

    def due(self, now: float) -> list[Endpoint]:
        """Take out those whose time has come."""
        due = [endpoint for at, endpoint in self._waiting if at <= now]
        self._waiting = [one for one in self._waiting if one[0] > now]
        self.doubtful.update(due)
        return due


class EndpointPool:
    """The servers of one chain."""

    def __init__(
        self, endpoints: Sequence[Endpoint], timeout_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.endpoints = tuple(endpoints)
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._deadline: float | None = None

    def __len__(self) -> int:
        return len(self.endpoints)

    def close(self) -> None:
        """Close all connections."""
        for endpoint in self.endpoints:
            endpoint.close()

    def health(self) -> tuple[EndpointHealth, ...]:
        """Return what each server has done so far, in the order of the configuration."""
        return tuple(endpoint.health for endpoint in self.endpoints)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let no question inside go on after ``seconds`` from now; the innermost deadline holds."""
        before, self._deadline = self._deadline, self._clock() + seconds
        try:
            yield
        finally:
            self._deadline = before

    # --- questions ------------------------------------------------------------------------------------------------

    def first(self, ask: Callable[[Endpoint], T]) -> T:
        """Return the first answer; a server that is slow or fails is joined by the next best.

        Raises
        ------
        RejectedError
            The chain's own answer: a call reverted.
        RpcRefusedError
            Every server refuses for good.
        TransientError
            No server answers, each with its reason.

        """
        order = sorted(self._askable(), key=self._rank)
        round_, end = Round(ask), self._end()
        failures: list[AgentError] = []
        leading: Endpoint | None = None
        hedge_at = self._clock()
        while True:
            if order and self._clock() >= hedge_at:
                leading = order.pop(0)
                round_.put_to(leading)
                hedge_at = self._clock() + self._patience(leading)
                self._probe(order, round_)
            if not round_.waiting:
                raise self._refusal(failures)
            reply = round_.next(min(end, hedge_at if order else end) - self._clock())
            if reply is None:
                if leading is not None:
                    leading.breaker.slow(self._patience(leading))
                if self._clock() >= end:
                    raise self._late(round_, failures)
            elif reply.failure is None:
                return reply.value  # type: ignore[return-value]
            else:
                failures.append(_expected(reply.failure))
                hedge_at = self._clock()

    def gather(
        self,
        ask: Callable[[Endpoint], T],
        needed: int,
        enough: Callable[[list[Reply[T]]], R | None],
        what: str = "what they were asked for",
    ) -> R:
        """Ask all healthy servers side by side, and the others too where those are fewer than ``needed``.

        ``enough`` sees the answers so far and returns the verdict, or None while it needs more of them. ``what`` names
        the question where they disagree.

        Raises
        ------
        RpcRefusedError
            Every server refuses for good.
        TransientError
            Too few servers answer, or they do not agree.

        """
        askable = self._askable()
        healthy = [endpoint for endpoint in askable if endpoint.state is not BreakerState.OPEN]
        spare = [endpoint for endpoint in askable if endpoint not in healthy]
        round_, end = Round(ask), self._end()
        repeats = Repeats(REPEAT_SHARE * self._timeout_seconds, SILENCE_SHARE * self._timeout_seconds)
        for endpoint in healthy:
            self._put(round_, repeats, endpoint)
        answers: list[Reply[T]] = []
        answered: set[Endpoint] = set()
        failures: dict[Endpoint, AgentError] = {}
        while True:
            self._put_further(round_, spare, repeats, needed - len(answers))
            if not round_.waiting and repeats.next_at == math.inf:
                raise self._short(round_, answers, failures, needed, what)
            reply = round_.next(min(end, repeats.next_at) - self._clock())
            if reply is None:
                if self._clock() < end:
                    continue
                raise self._short(round_, answers, failures, needed, what)
            if reply.endpoint in answered:
                continue  # a second answer of one server is no second opinion
            repeats.heard(reply.endpoint)
            if reply.failure is not None:
                failures[reply.endpoint] = _expected(reply.failure)
                repeats.add(reply.endpoint, failures[reply.endpoint], self._clock())
                continue
            answers.append(reply)
            answered.add(reply.endpoint)
            verdict = enough(answers)
            if verdict is not None:
                return verdict

    def every(
        self,
        ask: Callable[[Endpoint], T],
        linger_seconds: float = math.inf,
        is_enough: Callable[[T], bool] = lambda _: False,
    ) -> list[Reply[T]]:
        """Ask every server, even those that rest; wait for all, or ``linger_seconds`` after the first good answer.

        What is not waited for goes on all the same.
        """
        round_ = Round(ask)
        for endpoint in self.endpoints:
            round_.put_to(endpoint)
        end, replies = self._clock() + self._timeout_seconds + GRACE_SECONDS, []
        while round_.waiting:
            reply = round_.next(end - self._clock())
            if reply is None:
                break
            if reply.failure is not None:
                _expected(reply.failure)
            elif is_enough(reply.value):  # type: ignore[arg-type]
                end = min(end, self._clock() + linger_seconds)
            replies.append(reply)
        return replies

    # --- parts ----------------------------------------------------------------------------------------------------

    def _askable(self) -> list[Endpoint]:
        """Return the servers that have not asked for a rest that is not over."""
        askable = [endpoint for endpoint in self.endpoints if not endpoint.must_be_left_alone]
        if not askable:
            raise TransientError("; ".join(endpoint.breaker.last_fault for endpoint in self.endpoints))
        return askable

    def _rank(self, endpoint: Endpoint) -> tuple[int, float]:
        return _ORDER[endpoint.state], endpoint.breaker.latency_seconds

    def _patience(self, endpoint: Endpoint) -> float:
        usual = HEDGE_LATENCIES * endpoint.breaker.latency_seconds
        most = HEDGE_SHARE * self._timeout_seconds
        return max(min(usual or most, most), LEAST_HEDGE_SECONDS)

    def _probe(self, order: list[Endpoint], round_: Round[Any]) -> None:
        """Ask one server whose rest is over beside the leading one, so that it can prove itself."""
        for endpoint in order:
            if endpoint.state is BreakerState.HALF_OPEN:
                order.remove(endpoint)
                round_.put_to(endpoint)
                return

    def _end(self) -> float:
        now = self._clock()
        end = now + self._timeout_seconds + GRACE_SECONDS
        if self._deadline is None:
            return end
        if now >= self._deadline:
            raise TransientError("the time for this cycle is over: the servers were too slow; the next begins afresh")
        return min(end, self._deadline)

    def _put_further(self, round_: Round[Any], spare: list[Endpoint], repeats: Repeats, missing: int) -> None:
        """Ask again who is due, and as many of the spare servers as those asked fall short by; one where none is.

        A server that is silent counts for none: a spare one is asked in its stead.
        """
        for endpoint in repeats.due(self._clock()):
            self._put(round_, repeats, endpoint)
        while spare and len(set(round_.asked) - repeats.doubtful) < max(missing, 1):
            self._put(round_, repeats, spare.pop(0))

    def _put(self, round_: Round[Any], repeats: Repeats, endpoint: Endpoint) -> None:
        round_.put_to(endpoint)
        repeats.listen(endpoint, self._clock())

    def _short(
        self,
        round_: Round[Any],
        answers: Sequence[Reply[Any]],
        failures: Mapping[Endpoint, AgentError],
        needed: int,
        what: str,
    ) -> AgentError:
        """Return why a quorum was not reached: who did not answer in time, or what was answered."""
        reasons = [*failures.values()]
        return self._late(round_, reasons) if round_.waiting else self._split(answers, reasons, needed, what)

    def _refusal(self, failures: Sequence[AgentError]) -> AgentError:
        """Return why nobody answers: final only where every server there is refuses for good."""
        refusals = [failure for failure in failures if isinstance(failure, RpcRefusedError)]
        if refusals and len(refusals) == len(self.endpoints):
            return refusals[0]
        return TransientError("; ".join(str(failure) for failure in failures))

    def _split(
        self, answers: Sequence[Reply[Any]], failures: Sequence[AgentError], needed: int, what: str
    ) -> AgentError:
        if len(answers) >= needed:
            answered = {reply.endpoint for reply in answers}
            names = ", ".join(endpoint.name for endpoint in self.endpoints if endpoint in answered)
            return TransientError(f"servers disagree on {what}: {names}")
        refusal = self._refusal(failures)
        if isinstance(refusal, RpcRefusedError):
            return refusal
        return TransientError(f"{len(answers)} of {needed} servers answer: {refusal}")

    def _late(self, round_: Round[Any], failures: Sequence[AgentError]) -> TransientError:
        late = ", ".join(dict.fromkeys(endpoint.name for endpoint in round_.asked))
        round_.give_up(self._clock())
        reasons = [*(str(failure) for failure in failures), f"{late} did not answer in time"]
        return TransientError("; ".join(reasons))


def _expected(failure: Exception) -> AgentError:
    """Return a failure that means something for one server alone; raise any other, a revert or a defect."""
    if isinstance(failure, TransientError | RpcRefusedError):
        return failure
    raise failure
