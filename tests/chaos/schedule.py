"""A schedule of faults: drawn from a seed, written as one line, and made smaller while it still fails.

    reorg:12:7301:1:+150 drop:1:88:2:-40

is two rounds. In the first a reorganisation of level 12 strikes, with the seed 7301 for what it draws itself, lasts one
round, and the market moves by +150 bps before it; in the second one server drops what it accepts, for two rounds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from agent.errors import DataError

LEAST_ROUNDS, MOST_ROUNDS = 3, 6
MOST_ROUNDS_LASTED = 3
MOST_MOVE_BPS = 300
CALM = "calm"
"""A round without a fault of its own."""
CALM_SHARE = 0.75
GENTLE_SHARE = 0.2
_DRAWS = 10_000


@dataclass(frozen=True)
class Use:
    """One fault in one round. A higher level is worse; ``draw`` seeds what the fault chooses itself."""

    fault: str
    level: int
    draw: int
    lasts: int
    move_bps: int

    def encode(self) -> str:
        return f"{self.fault}:{self.level}:{self.draw}:{self.lasts}:{self.move_bps:+d}"

    @classmethod
    def decode(cls, text: str) -> Use:
        parts = text.split(":")
        try:
            fault, numbers = parts[0], [int(part) for part in parts[1:]]
            return cls(fault, *numbers)
        except (ValueError, TypeError):
            raise DataError(f"{text!r} is no use of a fault: write fault:level:draw:rounds:move_bps") from None


@dataclass(frozen=True)
class Schedule:
    """What strikes, round after round; all is healed after the last."""

    uses: tuple[Use, ...]

    @property
    def rounds(self) -> int:
        """How many rounds it takes until the last fault is over."""
        return max(index + use.lasts for index, use in enumerate(self.uses))

    def encode(self) -> str:
        return " ".join(use.encode() for use in self.uses)

    @classmethod
    def decode(cls, text: str, levels: Mapping[str, int]) -> Schedule:
        """Read a schedule back; ``levels`` is the highest level of each fault there is."""
        uses = tuple(Use.decode(part) for part in text.split())
        for use in uses:
            if use.fault not in levels:
                raise DataError(f"there is no fault {use.fault!r}; there are {', '.join(sorted(levels))}")
            if not 1 <= use.level <= levels[use.fault] or use.lasts < 1:
                raise DataError(f"{use.encode()}: level is 1 to {levels[use.fault]}, and it lasts a round or more")
        if not uses:
            raise DataError("a schedule has at least one use of a fault")
        return cls(uses)


def draw_schedule(seed: int, levels: Mapping[str, int], gentle: Collection[str] = ()) -> Schedule:
    """Draw the schedule of a seed: every fault is as likely, and may last into the next rounds.

    Most begin with a calm round, so that faults meet a keeper that has hedged already. Some hold faults of ``gentle``
    alone, at their lowest level: a keeper must bear them without anybody noticing.
    """
    draw = random.Random(seed)
    if gentle and draw.random() < GENTLE_SHARE:
        levels = dict.fromkeys(gentle, 1)
    names = sorted(name for name in levels if name != CALM)
    first = [Use(CALM, 1, 0, 1, 0)] if draw.random() < CALM_SHARE else []
    uses = [
        Use(
            fault,
            draw.randint(1, levels[fault]),
            draw.randrange(_DRAWS),
            draw.choice((1, 1, 2, MOST_ROUNDS_LASTED)),
            draw.randint(-MOST_MOVE_BPS, MOST_MOVE_BPS),
        )
        for fault in draw.sample(names, min(draw.randint(LEAST_ROUNDS, MOST_ROUNDS), len(names)))
    ]
    return Schedule((*first, *uses))


# --- shrinking ----------------------------------------------------------------------------------------------------


def shrink(schedule: Schedule, fails: Callable[[Schedule], bool], most_runs: int = 60) -> Schedule:
    """Return a schedule that still fails and of which nothing can be left out or weakened, as far as the runs reach.

    Rounds are left out by delta debugging (Zeller and Hildebrandt, 2002): halves, then quarters, and so on. What is
    left is weakened: no market move, one round, a lower level.
    """
    judge = _Counted(fails, most_runs)
    smallest = _dropped(schedule, judge)
    return _weakened(smallest, judge)


class _Counted:
    """Asks whether a schedule fails, so often and no more; the same question is asked once."""

    def __init__(self, fails: Callable[[Schedule], bool], most_runs: int) -> None:
        self._fails = fails
        self._left = most_runs
        self._known: dict[Schedule, bool] = {}

    def __call__(self, schedule: Schedule) -> bool:
        if not schedule.uses:
            return False
        if schedule not in self._known:
            if self._left == 0:
                return False
            self._left -= 1
            self._known[schedule] = self._fails(schedule)
        return self._known[schedule]


def _dropped(schedule: Schedule, fails: _Counted) -> Schedule:
    uses, parts = schedule.uses, 2
    while len(uses) > 1:
        size = -(-len(uses) // parts)
        for first in range(0, len(uses), size):
            rest = uses[:first] + uses[first + size :]
            if fails(Schedule(rest)):
                uses, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(2 * parts, len(uses))
    return Schedule(uses)


def _weakened(schedule: Schedule, fails: _Counted) -> Schedule:
    uses = list(schedule.uses)
    for index in range(len(uses)):
        for weaker in _weaker(uses[index]):
            changed = Schedule((*uses[:index], weaker(uses[index]), *uses[index + 1 :]))
            if changed.uses[index] != uses[index] and fails(changed):
                uses[index] = changed.uses[index]
    return Schedule(tuple(uses))


def _weaker(use: Use) -> list[Callable[[Use], Use]]:
    """Return the ways to weaken a use, the boldest of each kind first."""
    levels = sorted({1, *(use.level >> shift for shift in range(1, use.level.bit_length()))})
    ways: list[Callable[[Use], Use]] = [lambda one: replace(one, move_bps=0), lambda one: replace(one, lasts=1)]

    def to(level: int) -> Callable[[Use], Use]:
        return lambda one: replace(one, level=min(level, one.level))

    return [*ways, *(to(level) for level in levels)]
