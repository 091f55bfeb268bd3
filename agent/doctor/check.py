"""One thing looked at, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from agent.errors import AgentError


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
    """Return what ``look`` finds; an expected failure of it is a failed check."""
    try:
        return look()
    except AgentError as failure:
        return Check(subject, Verdict.FAILED, " ".join(str(failure).split()), mend)
