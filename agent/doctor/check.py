"""One thing looked at, and what is to be done about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from agent.chain.failures import RateLimitedError
from agent.errors import AgentError, TransientError

T = TypeVar("T")

LONGEST_PAUSE_SECONDS = 5.0
"""However long an endpoint asks to be left alone."""
_PAUSES_SECONDS = (0.5, 1.0, 2.0)
_ASK_AGAIN = (
    "endpoints limit how often they are asked, or fail: run this again, or use others or a plan that allows more"
)


class Verdict(Enum):
    """How a check ended."""

    GOOD = "ok"
    WARNING = "warning"
    """The keeper runs, worse or with less help than it could have."""
    FAILED = "failed"
    """The keeper does not start, or must not."""
    UNKNOWN = "not checked"
    """What it needs has failed before."""


@dataclass(frozen=True, slots=True)
class Check:
    """``found`` says what is, ``mend`` what to do; a good one needs no mending."""

    subject: str
    verdict: Verdict
    found: str
    mend: str = ""


def good(subject: str, found: str) -> Check:
    """Return a check that ended well."""
    return Check(subject, Verdict.GOOD, found)


def judged(subject: str, is_good: bool, found: str, mend: str, otherwise: Verdict = Verdict.FAILED) -> Check:
    """Return a check that is good, or ends in ``otherwise`` and needs mending."""
    return good(subject, found) if is_good else Check(subject, otherwise, found, mend)


def attempted(subject: str, mend: str, look: Callable[[], Check]) -> Check:
    """Return what ``look`` finds; an expected failure of it is a failed check, one of the moment with its own mend."""
    try:
        return patiently(look)
    except AgentError as failure:
        return Check(subject, Verdict.FAILED, " ".join(str(failure).split()), mend_of(failure, mend))


def mend_of(failure: AgentError, mend: str) -> str:
    """Return what to do about a failure: ``mend``, unless it is of the moment."""
    return _ASK_AGAIN if _is_of_the_moment(failure) else mend


def patiently(ask: Callable[[], T]) -> T:
    """Return what ``ask`` does, asked again after a wait where endpoints limit how often or fail for a moment."""
    for pause in _PAUSES_SECONDS:
        try:
            return ask()
        except TransientError as failure:
            if not _is_of_the_moment(failure):
                raise
            told = failure.retry_after_seconds if isinstance(failure, RateLimitedError) else None
            time.sleep(pause if told is None else min(told, LONGEST_PAUSE_SECONDS))
    return ask()


def _is_of_the_moment(failure: AgentError) -> bool:
    """Return whether a failure says nothing of what was asked: a limit, or what all endpoints together failed with."""
    return isinstance(failure, RateLimitedError) or type(failure) is TransientError
