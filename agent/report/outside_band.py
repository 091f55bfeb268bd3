"""How long a replay's net delta was left outside its bands, and why each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.report.replay_report import OutsideReason, ReplayReport, StepRecord


@dataclass(frozen=True, slots=True)
class TimeOutside:
    """Steps that ended outside a band, and the time until the next step; ``reason`` None is all of them together."""

    reason: OutsideReason | None
    steps: int
    seconds: int
    share: float
    """Of the whole replay's time."""
    longest_seconds: int
    """Longest time without a step that ended inside, or for another reason."""


@dataclass(frozen=True, slots=True)
class BandRecord:
    """One band: ``reached`` steps began outside it, of which ``mended`` ended inside; the rest is ``outside``."""

    reached: int
    mended: int
    outside: TimeOutside
    by_reason: tuple[TimeOutside, ...]
    """Longest first."""


def governed_band(report: ReplayReport) -> BandRecord:
    """Return how the worst case W stood against the band that the chain enforced at each step."""
    return _record(
        report,
        lambda step: step.worst_before > step.governed_band,
        lambda step: step.worst_after > step.governed_band,
    )


def keeper_band(report: ReplayReport) -> BandRecord:
    """Return how the net delta stood against the band in which the policy leaves it."""
    return _record(
        report,
        lambda step: not step.band_low <= step.net_delta <= step.band_high,
        lambda step: not step.band_low <= step.net_delta_after <= step.band_high,
    )


def _record(
    report: ReplayReport, began_outside: Callable[[StepRecord], bool], ended_outside: Callable[[StepRecord], bool]
) -> BandRecord:
    reached = [step for step in report.steps if began_outside(step)]
    reasons = [(step.outside_reason or OutsideReason.POLICY) if ended_outside(step) else None for step in report.steps]
    found = {reason for reason in reasons if reason is not None}
    by_reason = [
        _time(report, reason, [own is reason for own in reasons]) for reason in OutsideReason if reason in found
    ]
    return BandRecord(
        reached=len(reached),
        mended=sum(not ended_outside(step) for step in reached),
        outside=_time(report, None, [reason is not None for reason in reasons]),
        by_reason=tuple(sorted(by_reason, key=lambda time: -time.seconds)),
    )


def _time(report: ReplayReport, reason: OutsideReason | None, is_outside: list[bool]) -> TimeOutside:
    ends = [*(step.unix for step in report.steps[1:]), report.closing.unix]
    lengths = [end - step.unix for step, end in zip(report.steps, ends, strict=True)]
    total = longest = spell = 0
    for is_out, seconds in zip(is_outside, lengths, strict=True):
        spell = spell + seconds if is_out else 0
        total += seconds if is_out else 0
        longest = max(longest, spell)
    whole = sum(lengths)
    return TimeOutside(reason, sum(is_outside), total, total / whole if whole else 0.0, longest)
