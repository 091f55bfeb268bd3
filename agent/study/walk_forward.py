"""Settings chosen by the past alone: for each later period the cheapest of the periods before it that hedged enough.

What is reported of a choice is the period after those that chose it. The last ``held_back`` periods never choose: their
figures are shown apart, once, so that nobody is shown a fit. Beside them stands the setting that would have been best
in hindsight, which is what the choice gave away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.study.case import Outcome
from agent.study.comparison import Setting, by_period, pooled_effectiveness


@dataclass(frozen=True, slots=True)
class Choice:
    """A book's choice for one period and what it gave there."""

    book: str
    period: str
    is_held_back: bool
    chosen_by: tuple[str, ...]
    setting: Setting
    cost_usd: float
    effectiveness: float | None
    best_setting: Setting
    """Of the same period, in hindsight, by the same rule."""
    best_cost_usd: float


def walk_forward(
    outcomes: Sequence[Outcome], train_periods: int, held_back: int, least_effectiveness: float
) -> list[Choice]:
    """Return the choices of each book, period by period.

    Parameters
    ----------
    outcomes
        Of every case, periods in the order of time.
    train_periods
        How many periods before it a choice goes by; the held-back ones are all chosen by the last ones before them.
    held_back
        How many periods at the end choose nothing.
    least_effectiveness
        Share of the variance that a setting must have removed; where none did, the most effective is taken.

    """
    books = list(dict.fromkeys(outcome.names.book for outcome in outcomes))
    return [
        choice
        for book in books
        for choice in _of_book(
            book, [own for own in outcomes if own.names.book == book], train_periods, held_back, least_effectiveness
        )
    ]


def _of_book(book: str, outcomes: Sequence[Outcome], train: int, held_back: int, least: float) -> list[Choice]:
    periods = by_period(outcomes)
    names = list(periods)
    open_end = len(names) - held_back
    choices = []
    for number in range(train, len(names)):
        last = min(number, open_end)
        chosen_by = names[last - train : last]
        setting = _cheapest([own for name in chosen_by for own in periods[name]], least)
        lived = {_setting(own): own for own in periods[names[number]]}
        best = _cheapest(list(lived.values()), least)
        choices.append(
            Choice(
                book=book,
                period=names[number],
                is_held_back=number >= open_end,
                chosen_by=tuple(chosen_by),
                setting=setting,
                cost_usd=lived[setting].cost_usd,
                effectiveness=lived[setting].effectiveness,
                best_setting=best,
                best_cost_usd=lived[best].cost_usd,
            )
        )
    return choices


def _cheapest(outcomes: Sequence[Outcome], least_effectiveness: float) -> Setting:
    by_setting: dict[Setting, list[Outcome]] = {}
    for outcome in outcomes:
        by_setting.setdefault(_setting(outcome), []).append(outcome)
    return min(by_setting, key=lambda setting: _rank(by_setting, setting, least_effectiveness))


def _rank(by_setting: Mapping[Setting, list[Outcome]], setting: Setting, least: float) -> tuple[bool, bool, float]:
    """Order settings: those that ended early last, then by enough effectiveness, then by cost, or by what they lack."""
    lived = by_setting[setting]
    effectiveness = pooled_effectiveness(lived)
    ended_early = any(outcome.error is not None for outcome in lived)
    if effectiveness is None or effectiveness < least:
        return ended_early, True, -(effectiveness if effectiveness is not None else -1.0)
    return ended_early, False, sum(outcome.cost_usd for outcome in lived)


def _setting(outcome: Outcome) -> Setting:
    return Setting(outcome.names.book, outcome.names.bounds, outcome.names.policy)
