"""What a campaign did, as a table of faults, counts and outcomes in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.schedule import CALM, Schedule

NONE = "-"


@dataclass(frozen=True)
class Outcome:
    """What became of one schedule."""

    schedule: Schedule
    seed: int | None
    cycles: int
    failed_cycles: int
    hedges: int
    blocks: int | None
    refused_by: str | None
    told: dict[str, int]
    violations: tuple[str, ...]
    seconds: float
    smallest: Schedule | None = None

    @property
    def faults(self) -> set[str]:
        return {use.fault for use in self.schedule.uses} - {CALM}


def write_report(path: Path, outcomes: Sequence[Outcome], first_seed: int) -> None:
    """Write the report anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report(outcomes, first_seed), encoding="utf-8")


def report(outcomes: Sequence[Outcome], first_seed: int) -> str:
    """Return the whole report."""
    failed = [outcome for outcome in outcomes if outcome.violations]
    lines = [
        "# Chaos campaign",
        "",
        f"Seeds {first_seed} to {outcomes[-1].seed}: {len(outcomes)} schedules, {_sum(outcomes, 'cycles'):,} keeper "
        f"cycles, {_sum(outcomes, 'failed_cycles'):,} of them ended in an error or did not begin, "
        f"{_sum(outcomes, 'hedges'):,} hedges stood at the end; "
        f"{sum(outcome.seconds for outcome in outcomes) / 60:.0f} min. {len(failed)} schedules failed.",
        "",
        *fault_table(outcomes),
        "",
        *_refusals(outcomes),
        *_failures(failed),
    ]
    return "\n".join(lines) + "\n"


def fault_table(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a row for each fault: a schedule counts for each fault that it holds."""
    rows = [
        "| Fault | Struck | Cycles | Back inside | Kept out by the contracts | Blocks, most | Failed | Alerts told |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in sorted(FAULTS):
        having = [outcome for outcome in outcomes if name in outcome.faults]
        if not having:
            continue
        blocks = [outcome.blocks for outcome in having if outcome.blocks is not None]
        told = Counter(alert for outcome in having for alert in outcome.told)
        shown = ", ".join(f"{alert} {times}" for alert, times in told.most_common(4))
        refused = sum(1 for outcome in having if outcome.refused_by is not None)
        broken = sum(1 for outcome in having if outcome.violations)
        rows.append(
            f"| {name} | {len(having)} | {_sum(having, 'cycles'):,} | {len(blocks)} | {refused} | "
            f"{max(blocks, default=NONE)} | {broken} | {shown or NONE} |"
        )
    return rows


def _refusals(outcomes: Sequence[Outcome]) -> list[str]:
    found = Counter(outcome.refused_by for outcome in outcomes if outcome.refused_by is not None)
    if not found:
        return []
    return [f"Kept outside the band by: {', '.join(f'{name} {times}' for name, times in found.most_common())}.", ""]


def _failures(failed: Sequence[Outcome]) -> list[str]:
    lines = []
    for outcome in failed:
        smallest = outcome.smallest or outcome.schedule
        lines += [f"- seed {outcome.seed}: {'; '.join(outcome.violations)}", f"  `{smallest.encode()}`"]
    return ["## Failed", "", *lines] if lines else []


def _sum(outcomes: Sequence[Outcome], name: str) -> int:
    return sum(getattr(outcome, name) for outcome in outcomes)
