"""Thousands of keeper cycles under faults: ``python -m tests.chaos.campaign`` (make chaos).

    --cycles 10000 --seed 1 --minutes 60        draw schedules from seeds until so many cycles, or for so long
    --faults reorg,killed,unmined               draw from these alone
    --replay "calm:1:0:1:+0 reorg:40:7:2:+200"  run one schedule again
    --mutant one_server                         break the keeper on purpose: the campaign must fail

A schedule that fails is made smaller and printed as a command. The report is build/chaos/report.md.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

from agent.errors import DataError
from tests.chaos.faults import GENTLE, LEVELS
from tests.chaos.forked import Zygote
from tests.chaos.judge import rebalanced, violations
from tests.chaos.mutants import MUTANTS
from tests.chaos.report import Outcome, write_report
from tests.chaos.run import Recorder, Run, paging
from tests.chaos.schedule import Schedule, draw_schedule, shrink
from tests.chaos.world import ChaosWorld, chaos_world

SCHEDULES_A_WORLD = 60
"""Anvil grows with every block that it has ever mined, undone or not."""
REPORT = Path("build/chaos/report.md")
MODULE = "tests.chaos.campaign"
BAD_INPUT, FAILED = 2, 1


@dataclass
class Stage:
    """A world and what forks keepers in it."""

    world: ChaosWorld
    zygote: Zygote

    def play(
        self,
        schedule: Schedule,
        seed: int | None = None,
        mutant: str | None = None,
        seen: Callable[[Run], object] = lambda _: None,
    ) -> Outcome:
        """Run one schedule on a fresh world and judge it; ``seen`` may look at the world before it is undone."""
        recorder, started = Recorder(), time.monotonic()
        broken = MUTANTS[mutant]() if mutant else nullcontext()
        with self.world.fresh(), paging(recorder), broken:
            run = Run(self.world, self.zygote, schedule, mutant, recorder)
            try:
                run.go()
                seen(run)
                found = violations(run)
                hedges = len(rebalanced(run))
            finally:
                run.close()
        return Outcome(
            schedule=schedule,
            seed=seed,
            cycles=run.cycles,
            failed_cycles=sum(1 for note in run.notes if note.failure is not None),
            hedges=hedges,
            blocks=run.healing.blocks,
            refused_by=run.healing.refused_by,
            told=dict(recorder.told),
            violations=tuple(found),
            seconds=time.monotonic() - started,
        )

    def shrunk(self, outcome: Outcome) -> Schedule:
        """Return the smallest schedule found that breaks the same promise."""
        kinds = _kinds(outcome.violations)
        return shrink(outcome.schedule, lambda one: bool(kinds & _kinds(self.play(one).violations)))


def _kinds(found: Sequence[str]) -> set[str]:
    return {line.partition(":")[0] for line in found}


@contextmanager
def stage() -> Iterator[Stage]:
    """Bring a world up in a directory of its own."""
    directory = Path(tempfile.mkdtemp(prefix="evenkeel-chaos-"))
    try:
        with chaos_world(directory) as world, Zygote(world.base) as zygote:
            yield Stage(world, zygote)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def campaign(
    cycles: int, seed: int, minutes: float, mutant: str | None, levels: Mapping[str, int] = LEVELS
) -> list[Outcome]:
    """Run schedule after schedule, each of the next seed, until there were so many cycles or the time is over."""
    gentle = GENTLE if levels is LEVELS else ()
    outcomes: list[Outcome] = []
    end, seeds = time.monotonic() + 60.0 * minutes, count(seed)

    def is_over() -> bool:
        return sum(outcome.cycles for outcome in outcomes) >= cycles or time.monotonic() >= end

    while not is_over():
        with stage() as at:
            for number in seeds:
                outcome = at.play(draw_schedule(number, levels, gentle), number, mutant)
                if outcome.violations and mutant is None:
                    outcome = replace(outcome, smallest=at.shrunk(outcome))
                outcomes.append(outcome)
                _say(outcome, sum(one.cycles for one in outcomes))
                write_report(REPORT, outcomes, seed)
                if is_over() or len(outcomes) % SCHEDULES_A_WORLD == 0:
                    break
    return outcomes


def _say(outcome: Outcome, cycles: int) -> None:
    inside = f"inside after {outcome.blocks}" if outcome.blocks is not None else f"kept out by {outcome.refused_by}"
    sys.stdout.write(f"seed {outcome.seed}: {outcome.cycles} cycles ({cycles} in all), {inside}\n")
    for line in outcome.violations:
        sys.stdout.write(f"  FAILED {line}\n")
    if outcome.smallest is not None:
        sys.stdout.write(f'  again: .venv/bin/python -m {MODULE} --replay "{outcome.smallest.encode()}"\n')
    sys.stdout.flush()


def replay(text: str, mutant: str | None) -> list[Outcome]:
    """Run one schedule."""
    schedule = Schedule.decode(text, LEVELS)
    with stage() as at:
        outcome = at.play(schedule, None, mutant)
    _say(outcome, outcome.cycles)
    return [outcome]


def _chosen(faults: str | None) -> Mapping[str, int]:
    names = LEVELS if faults is None else faults.split(",")
    for name in names:
        if name not in LEVELS:
            raise DataError(f"there is no fault {name!r}; there are {', '.join(sorted(LEVELS))}")
    return LEVELS if faults is None else {name: LEVELS[name] for name in names}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__.partition("\n")[0])
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=240.0)
    parser.add_argument("--faults", help="names of faults, separated by commas; all of them unless given")
    parser.add_argument("--replay", help="a schedule, as a failure prints it")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="break the keeper on purpose")
    chosen = parser.parse_args(arguments)
    try:
        levels = _chosen(chosen.faults)
        work = partial(campaign, chosen.cycles, chosen.seed, chosen.minutes, chosen.mutant, levels)
        outcomes = replay(chosen.replay, chosen.mutant) if chosen.replay else work()
    except DataError as refusal:
        sys.stderr.write(f"chaos: {refusal}\n")
        return BAD_INPUT
    return FAILED if any(outcome.violations for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
