"""The page is one file that asks nothing of the network, escapes what it shows, and tells the truth about breaches."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from agent.report.effectiveness import hedge_effectiveness, verdict
from agent.report.formatting import MINUS
from agent.report.html import render_html
from agent.report.html_parts import text
from agent.report.narrative import story
from agent.report.replay_report import HedgingCosts, StepAction
from tests.support.synthetic_replay import synthetic_report

TITLES = (
    "The price", "Net delta against its band", "Profit and loss", "Change by change", "What it cost",
    "Where the result came from", "Drawdown", "Is the hedge effective?", "Implied volatility", "Time outside the band",
    "Trades", "Gas", "Margin and leverage", "The depth that was assumed", "The book", "Parameters and provenance",
)  # fmt: skip


class Page(HTMLParser):
    """Collect element names, text outside scripts, and addresses a browser would fetch."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.fetched, self.text, self._in_script = [], [], "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._in_script = tag in ("script", "style")
        self.fetched += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        if not self._in_script:
            self.text += data


@pytest.fixture(scope="module")
def report():
    return synthetic_report()


@pytest.fixture(scope="module")
def page(report):
    return Page(render_html(report))


def test_html__self_contained__fetches_nothing(page):
    assert page.fetched == []
    assert "link" not in page.tags


def test_html__every_promised_picture__is_there(report, page):
    headings = re.findall(r"<h2>([^<]*)</h2>", render_html(report))
    assert sorted(headings) == sorted([*TITLES, "The hedge mirrors the book"])
    assert len(re.findall(r"Plotly\.newPlot\(", render_html(report).split("</head>")[1])) == 10


def test_html__text_of_the_book__escaped(report, page):
    assert "short <calls> & co" in page.text
    assert "<calls>" not in render_html(report).split("</head>")[1].replace("&lt;calls&gt;", "")


def test_html__provenance__shown(page):
    assert "0x5FbDB2315678afecb367f032d93F642f64180aa3" in page.text
    assert "seeded jump diffusion" in page.text


def test_html__no_placeholder_left(report):
    body = render_html(report).split("</script>", 1)[1]
    assert not re.search(r"\$[a-z_]+\b", body)


def test_html__breaches__shown_in_red_and_told(report):
    broken = replace(report, summary=replace(report.summary, band_breaches_after_rebalance=3))
    assert '<div class="card bad"><div class="figure">3</div>' in render_html(broken)
    assert "3 times the worst case, smaller than before, still exceeded the governed band" in " ".join(story(broken))
    assert "after none of them" in " ".join(story(report))


@pytest.mark.parametrize(
    ("effectiveness", "figure", "words"),
    [
        (0.97, "97.0 %", "of the hourly variance removed by the hedge"),
        (-0.2, "20.0 %", "added to the hourly variance by the hedge"),
        (-5.0, "over 100 %", "added to the hourly variance by the hedge"),
        (-1.1e-12, "0.0 %", "of the hourly variance removed by the hedge"),
        (1.1e-12, "0.0 %", "of the hourly variance removed by the hedge"),
        (None, "n/a", "of the hourly variance removed by the hedge"),
    ],
)
def test_html__first_card__says_what_the_hedge_did(report, effectiveness, figure, words):
    told = replace(report, summary=replace(report.summary, effectiveness=effectiveness))
    page = render_html(told).replace("\u00a0", " ")
    assert f'<div class="figure">{figure}</div><div class="name">{words}</div>' in page


def test_html__counts_of_one__are_singular(report):
    one = replace(report, summary=replace(report.summary, steps=1, rebalances=1, band_breaches_after_rebalance=1))
    page = render_html(one)
    assert "1 step of 5 minutes" in page
    assert "cost of hedging, 1 rebalance<" in page
    assert "rebalance that left the worst case" in page


def test_text__hashes_and_instants__alone_are_told_how_to_break():
    told = text(
        "at 2024-08-01T12:00:00Z in 0x5FbDB2315678afecb367f032d93F642f64180aa3 & so_on_and_on_turnover_capacity"
    )
    assert '<span class="whole">2024-08-01T12:00:00Z</span>' in told
    assert '<span class="long">0x5FbDB2315678afecb367f032d93F642f64180aa3</span> &amp; so_on' in told


def test_text__losses__keep_their_sign_on_a_narrow_screen():
    told = text(f"a result with hedge of {MINUS}$4,151, then +$3; a ratio of {MINUS}0.5")
    assert told == f'a result with hedge of <span class="whole">{MINUS}$4,151</span>, then +$3; a ratio of {MINUS}0.5'


def test_story__price_that_never_moved__stayed(report):
    still = replace(report, steps=tuple(replace(step, price_usd=3_200.0) for step in report.steps))
    assert "the price of ETH stayed at $3,200." in story(still)[0]


def test_story__refusals_and_mismatches__told(report):
    told = " ".join(story(replace(report, summary=replace(report.summary, rejected=2, guard_mirror_mismatches=4))))
    assert "Twice a transaction was refused on chain" in told
    assert "disagreed with the chain's answer 4 times" in told


def test_story__too_short_for_hours__says_no_variance():
    told = " ".join(story(synthetic_report(10)))
    assert "had too little to remove: the hourly variance of the book alone is none, or was seen too briefly" in told


def _stepped(report, interval_seconds, **changes):
    """The report with its steps as far apart, each changed by ``changes``: functions of its number and itself."""
    start = report.steps[0].unix
    steps = tuple(
        replace(
            step,
            unix=start + number * interval_seconds,
            **{name: change(number, step) for name, change in changes.items()},
        )
        for number, step in enumerate(report.steps)
    )
    closing = replace(report.closing, unix=steps[-1].unix)
    return replace(report, steps=steps, interval_seconds=interval_seconds, closing=closing)


def test_story__four_hours_a_step__says_nothing_of_hours(report):
    apart = _stepped(report, 4 * 3_600)
    told = " ".join(story(apart))
    assert "within 4 hours" in told
    assert "of the variance over 4 hours" in told
    assert "hourly" not in told
    assert "hourly" not in render_html(apart).split("</script>", 1)[1]


def test_story__swing_across_two_hours__is_found_in_the_rolling_hour(report):
    """The largest change between full hours is $819; within sixty minutes that begin at none it is $1,264."""
    steps = [0.0] * 7 + [-400.0] * 5 + [-819.0] * 6 + [-1_264.0] * 270
    fallen = _stepped(report, 300, pnl_unhedged_usd=lambda number, _: steps[number])
    assert "was $1,264 without it" in " ".join(story(fallen))


def test_story__flat_path__claims_nothing_removed(report):
    flat = _stepped(
        report,
        3_600,
        pnl_unhedged_usd=lambda number, _: -2.0 * number,
        pnl_hedged_usd=lambda number, _: -2.0 * number - 50.0 * (number % 2),
    )
    series = ([step.pnl_hedged_usd for step in flat.steps], [step.pnl_unhedged_usd for step in flat.steps])
    effectiveness = hedge_effectiveness(*map(np.array, series), 3_600)
    flat = replace(flat, summary=replace(flat.summary, effectiveness=effectiveness))
    assert effectiveness is None
    assert "the hedge had too little to remove" in " ".join(story(flat))


@pytest.mark.parametrize(
    ("effectiveness", "words"),
    [
        (0.989, "removed 98.9 % of the hourly variance"),
        (-0.2, "added 20.0 % to the hourly variance"),
        (
            -453_565_951.418,
            "more than doubled the hourly variance: costs and errors outweigh the book's own moves",
        ),
        (-5.7e-14, "left the hourly variance as it was"),
        (None, "had too little to remove"),
    ],
)
def test_verdict__any_ratio__is_said_in_words_that_are_true(effectiveness, words):
    assert verdict(effectiveness, 300).replace("\u00a0", " ").startswith(words)


def test_story__holds_that_the_bounds_forced__are_counted_by_rule(report):
    errors = ["CooldownActive"] * 57 + ["LeverageExceeded"] + [None] * len(report.steps)
    held = _stepped(
        report,
        300,
        action=lambda number, step: StepAction.HOLD if number < 58 else step.action,
        guard_error=lambda number, _: errors[number],
    )
    told = " ".join(story(held))
    assert "kept it from what it wanted 58 times (CooldownActive 57 times, LeverageExceeded once)" in told
    assert "refused nothing" not in told
    assert "The bounds refused nothing that it wanted." in " ".join(story(report))


def test_story__trades_that_bounds_made_smaller__are_counted(report):
    first = next(number for number, step in enumerate(report.steps) if step.action is StepAction.HEDGED)
    cut = _stepped(
        report,
        300,
        reason=lambda number, step: (
            "buy 75; limited by the guard's size of one leg" if number == first else step.reason
        ),
    )
    assert "The bounds refused nothing that it wanted, and made 1 trade smaller." in " ".join(story(cut))


def test_story__without_a_chain__claims_nothing_of_one(report):
    alone = replace(report, summary=replace(report.summary, guard_mirror_mismatches=None))
    told = " ".join(story(alone))
    assert "No chain took part" in told
    assert "result on chain" not in told


def test_report__no_rebalance__speaks_of_no_hedge_that_was_built(report):
    idle = replace(report, summary=replace(report.summary, rebalances=0))
    assert "largest net delta of a book without a hedge" in render_html(idle)
    assert "No rebalance put the governed band" in " ".join(story(idle))
    assert "traded never, $" in " ".join(story(idle))
    free = replace(idle, summary=replace(idle.summary, costs=HedgingCosts()))
    assert "and never traded, which cost nothing. The bounds refused nothing" in " ".join(story(free))
    alone = " ".join(story(replace(idle, summary=replace(idle.summary, guard_mirror_mismatches=None))))
    assert "No chain took part: no rebalance put the governed band" in alone
    assert "judged every rebalance" not in alone


def test_report__band__is_said_to_bind_after_rebalances_alone(report):
    page = render_html(report).split("</script>", 1)[1]
    assert "the bound that the vault" not in page
    assert "rebalance may leave the worst case farther out than it was" in page
    assert "Between rebalances the price may carry it out" in page


def test_story__residuals__to_the_cent_or_in_dollars(report):
    told = " ".join(story(report))
    assert "explain the hedge's result on chain to the cent" in told
    assert "met the chain's to the cent" in told
    off = replace(report, unexplained_usd=-3.5, summary=replace(report.summary, ledger_nav_error_bps=1.0))
    told = " ".join(story(off))
    assert "on chain to within $3.50" in told
    assert "met the chain's to within $39.90" in told
