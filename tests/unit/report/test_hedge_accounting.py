"""Verdicts of hedge accounting on changes that a person can check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.report.accounting_section import accounting_section
from agent.report.hedge_accounting import hedge_accounting
from tests.support.synthetic_replay import START_UNIX, synthetic_report


def hourly(book_changes, hedge_changes):
    """A replay of hourly steps with these changes of the book and of its hedge."""
    template = synthetic_report(len(book_changes) + 1)
    alone, hedge = (np.concatenate([[0.0], np.cumsum(changes)]) for changes in (book_changes, hedge_changes))
    steps = tuple(
        replace(
            step,
            unix=START_UNIX + 3_600 * number,
            pnl_unhedged_usd=float(alone[number]),
            pnl_hedged_usd=float(alone[number] + hedge[number]),
        )
        for number, step in enumerate(template.steps)
    )
    return replace(template, steps=steps, interval_seconds=3_600)


def test_hedge_accounting__half_a_hedge__is_of_the_right_kind_and_too_small():
    book = [100.0, -50.0, 30.0, -20.0]
    found = hedge_accounting(hourly(book, [-50.0, 25.0, -15.0, 10.0]))
    assert found.changes == 4
    assert found.r_squared.figure == pytest.approx(1.0)
    assert found.slope.figure == pytest.approx(2.0)
    assert found.dollar_offset.figure == pytest.approx(0.5)
    assert found.variance_reduction.figure == pytest.approx(0.75)
    verdicts = (found.r_squared, found.slope, found.dollar_offset, found.variance_reduction)
    assert [verdict.is_effective for verdict in verdicts] == [True, False, False, False]


def test_hedge_accounting__noisy_hedge__agrees_with_the_textbook_sums():
    generator = np.random.default_rng(11)
    book = generator.normal(0.0, 100.0, 60)
    hedge = -0.9 * book + generator.normal(0.0, 10.0, 60)
    found = hedge_accounting(hourly(book, hedge))
    from_mean_book, from_mean_hedge = book - book.mean(), hedge - hedge.mean()
    cross = float(from_mean_book @ from_mean_hedge)
    assert found.slope.figure == pytest.approx(-cross / float(from_mean_hedge @ from_mean_hedge))
    both = float(from_mean_hedge @ from_mean_hedge) * float(from_mean_book @ from_mean_book)
    assert found.r_squared.figure == pytest.approx(cross**2 / both)
    assert found.dollar_offset.figure == pytest.approx(-hedge.sum() / book.sum())


@pytest.mark.parametrize(
    ("book", "hedge"),
    [([1.0, 2.0], [-1.0, -2.0]), ([5.0] * 10, [-5.0, 4.0] * 5), ([5.0, -5.0] * 5, [0.0] * 10)],
)
def test_hedge_accounting__nothing_to_judge__no_verdict(book, hedge):
    report = hourly(book, hedge)
    assert hedge_accounting(report) is None
    assert "there is no verdict" in accounting_section(report)


def test_hedge_accounting__five_minute_steps__are_judged_by_the_hour():
    assert hedge_accounting(synthetic_report(288)).changes == 23


def test_accounting_section__few_changes__warns_of_luck():
    page = accounting_section(hourly([100.0, -50.0, 30.0, -20.0], [-99.0, 51.0, -30.0, 19.0])).replace("\u00a0", " ")
    assert "n = 4 changes of 1 hour" in page
    assert "80 % to 125 %" in page
    assert "With n = 4 any of these may be luck" in page
    many = hourly([100.0, -50.0] * 20, [-99.0, 51.0] * 20)
    assert "may be luck" not in accounting_section(many)
    assert "By every one of the four" in accounting_section(many)


def test_accounting_section__reason_below_zero__has_a_true_minus_sign():
    page = accounting_section(hourly([100.0, -50.0, 30.0, -20.0], [500.0, -250.0, 150.0, -100.0]))
    assert "dollar offset \N{MINUS SIGN}5.000 is not" in page


def test_accounting_section__flat_book__tells_no_senseless_percentage():
    page = accounting_section(hourly([0.0, 0.5, -0.5, 0.5], [-600.0, 0.0, 0.0, 0.0])).replace("\u00a0", " ")
    assert "\N{MINUS SIGN}100 % or worse" in page
    assert "the hedge more than doubled the variance" in page
    assert "variance reduction -" not in page
