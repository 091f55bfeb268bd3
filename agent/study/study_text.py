"""A study in words: a table a book, and what walking forward would have chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from agent.report.effectiveness import removed_share
from agent.report.formatting import money, percent
from agent.report.text_table import Column, table_lines
from agent.study.case import Outcome
from agent.study.comparison import Row, Setting
from agent.study.walk_forward import Choice

_MARK = "*"
_COLUMNS = (
    Column(("", ""), is_figure=False),
    Column(("", "policy"), is_figure=False),
    Column(("", "bounds"), is_figure=False),
    Column(("cost a", "period")),
    Column(("of which", "gas")),
    Column(("rebalances", "a period")),
    Column(("variance", "removed")),
    Column(("time", "outside")),
    Column(("", "breaches")),
    Column(("ended", "early")),
)


def study_lines(rows: Sequence[Row], choices: Sequence[Choice], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Return the lines of a finished study."""
    for book in dict.fromkeys(row.setting.book for row in rows):
        own = [row for row in rows if row.setting.book == book]
        yield f"Book {book}, {own[0].periods} period{'s' if own[0].periods > 1 else ''}; {_MARK} nothing beats it"
        yield from table_lines(_COLUMNS, [_cells(row) for row in own])
        yield ""
    if choices:
        yield from _choice_lines(choices)
    for outcome in outcomes:
        if outcome.error is not None:
            names = outcome.names
            yield f"{names.period}, {names.book}, {names.policy}, {names.bounds}: ended early: {outcome.error}"


def _cells(row: Row) -> list[str]:
    setting = row.setting
    gas_share = row.gas_usd / row.cost_usd if row.cost_usd > 0.0 else 0.0
    return [
        _MARK if row.is_on_frontier else "",
        setting.policy,
        setting.bounds,
        _with_interval(money(row.cost_usd), [money(end) for end in row.cost_interval_usd or ()]),
        percent(gas_share, 0),
        f"{row.rebalances:.1f}",
        _removed(row),
        percent(row.seconds_outside_share),
        f"{row.breaches}",
        f"{row.ended_early}",
    ]


def _removed(row: Row) -> str:
    if row.effectiveness is None:
        return "none to remove"
    return _with_interval(
        removed_share(row.effectiveness), [removed_share(end) for end in row.effectiveness_interval or ()]
    )


def _with_interval(figure: str, ends: Sequence[str]) -> str:
    return f"{figure} ({' to '.join(ends)})" if ends else figure


def _choice_lines(choices: Sequence[Choice]) -> Iterator[str]:
    yield "Walking forward: each period under the setting that was best in the periods before it"
    columns = (
        Column(("book",), is_figure=False),
        Column(("period",), is_figure=False),
        Column(("chosen",), is_figure=False),
        Column(("cost",)),
        Column(("removed",)),
        Column(("best in hindsight",), is_figure=False),
        Column(("its cost",)),
    )
    yield from table_lines(
        columns,
        [
            [
                choice.book,
                f"{choice.period}{' (held back)' if choice.is_held_back else ''}",
                _name(choice.setting),
                money(choice.cost_usd),
                "none" if choice.effectiveness is None else removed_share(choice.effectiveness),
                _name(choice.best_setting),
                money(choice.best_cost_usd),
            ]
            for choice in choices
        ],
    )
    yield ""


def _name(setting: Setting) -> str:
    return f"{setting.policy}, {setting.bounds}"


def study_document(rows: Sequence[Row], choices: Sequence[Choice], outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Return everything of a study for a program; the same bytes whatever the workers."""
    return {
        "settings": [asdict(row) for row in rows],
        "walk_forward": [asdict(choice) for choice in choices],
        "outcomes": [
            {**asdict(outcome), "cost_usd": outcome.cost_usd, "effectiveness": outcome.effectiveness}
            for outcome in outcomes
        ],
    }
