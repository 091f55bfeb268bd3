"""A replay's P&L by cause adds up to its books, and each part is what a small sum by hand makes of it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.report.attribution import CAUSES, TOTAL, attribute_replay
from agent.report.attribution_section import attribution_figure, attribution_sections
from agent.report.formatting import MINUS
from agent.report.replay_report import Closing, HedgingCosts, StepAction
from tests.support.synthetic_replay import START_UNIX, synthetic_report

YEAR_SECONDS = 365 * 86_400
STRIKE_USD, IV = 3_000.0, 0.6
EXPIRY_UNIX = START_UNIX + 30 * 86_400
BOOK = Book("ETH", (OptionLeg(OptionType.CALL, STRIKE_USD, EXPIRY_UNIX, -10.0, IV, IV, IV, "call"),))


def normal(x):
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def call(spot_usd, unix):
    """Value, delta, gamma and theta a year of one call, written out: Black-76 at rate 0."""
    tau = (EXPIRY_UNIX - unix) / YEAR_SECONDS
    deviation = IV * math.sqrt(tau)
    d1 = math.log(spot_usd / STRIKE_USD) / deviation + deviation / 2
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    value = spot_usd * normal(d1) - STRIKE_USD * normal(d1 - deviation)
    return value, normal(d1), density / (spot_usd * deviation), -spot_usd * density * IV / (2 * math.sqrt(tau))


def two_steps():
    """A call sold ten times, hedged with 5 at the first step; the price falls by $60 within an hour."""
    template = synthetic_report(2)
    first_value, *_ = call(3_000.0, START_UNIX)
    then_value, *_ = call(2_940.0, START_UNIX + 3_600)
    alone = -10.0 * (then_value - first_value)
    paid = HedgingCosts(15.0, 4.0, -0.5, 2.0)
    hedged = alone + 5.0 * -60.0 - paid.total_usd
    shared = {"action": StepAction.HOLD, "hedge_size": 5.0, "hedge_size_delta": 0.0}
    steps = (
        replace(template.steps[0], price_usd=3_000.0, pnl_unhedged_usd=0.0, pnl_hedged_usd=0.0, **shared),
        replace(
            template.steps[1],
            unix=START_UNIX + 3_600,
            price_usd=2_940.0,
            pnl_unhedged_usd=alone,
            pnl_hedged_usd=hedged,
            costs=paid,
            **shared,
        ),
    )
    summary = replace(template.summary, pnl_unhedged_usd=alone, pnl_hedged_usd=hedged, costs=paid)
    closing = Closing(START_UNIX + 3_600, 2_940.0)
    return replace(template, book=BOOK, steps=steps, summary=summary, closing=closing)


def test_attribute_replay__two_steps__is_the_sum_by_hand():
    report = two_steps()
    found = attribute_replay(report)
    _, delta, gamma, theta = call(3_000.0, START_UNIX)
    assert found.alone["delta"][-1] == pytest.approx(-10 * delta * -60)
    assert found.hedged["delta"][-1] == pytest.approx((-10 * delta + 5) * -60)
    assert found.hedged["gamma"][-1] == pytest.approx(-10 * gamma * 60**2 / 2, rel=0.03)
    assert found.hedged["theta"][-1] == pytest.approx(-10 * theta * 3_600 / YEAR_SECONDS, rel=0.05)
    assert found.hedged["vega"][-1] == 0.0
    paid = {cause: found.hedged[cause][-1] for cause in ("fees", "impact", "funding", "gas")}
    assert paid == {"fees": -15.0, "impact": -4.0, "funding": 0.5, "gas": -2.0}
    assert all(found.alone[cause][-1] == 0.0 for cause in paid)
    assert abs(found.hedged["unexplained"][-1]) < 0.5


def test_attribute_replay__chain_lost_what_nothing_explains__is_unexplained():
    report = two_steps()
    summary = replace(report.summary, pnl_hedged_usd=report.summary.pnl_hedged_usd - 100.0)
    found, robbed = attribute_replay(report), attribute_replay(replace(report, summary=summary))
    assert robbed.hedged["unexplained"][-1] - found.hedged["unexplained"][-1] == pytest.approx(-100.0)
    assert robbed.alone["unexplained"][-1] == found.alone["unexplained"][-1]


def test_attribute_replay__every_mark__causes_add_up_to_the_books():
    report = synthetic_report()
    found = attribute_replay(report)
    assert len(found.times_unix) == len(report.steps) + 1
    for side, pnl in ((found.alone, "pnl_unhedged_usd"), (found.hedged, "pnl_hedged_usd")):
        books = [*(getattr(step, pnl) for step in report.steps), getattr(report.summary, pnl)]
        assert side[TOTAL] == pytest.approx(books, abs=1e-6)
        assert sum(side[cause] for cause in CAUSES) == pytest.approx(books, abs=1e-6)
    fees = [step.costs.fee_usd for step in report.steps]
    assert -found.hedged["fees"][:-1] == pytest.approx(fees)
    assert -found.hedged["gas"][-1] == pytest.approx(report.summary.costs.gas_usd)
    assert abs(found.hedged["unexplained"][-1]) < 0.02 * abs(found.alone["gamma"][-1])


def test_attribute_replay__book_without_options__is_delta_alone():
    report = two_steps()
    book = Book("ETH", (HoldingLeg(-5.0, "coins"),))
    summary = replace(report.summary, pnl_unhedged_usd=300.0, pnl_hedged_usd=-report.summary.costs.total_usd)
    later = replace(report.steps[1], pnl_unhedged_usd=300.0, pnl_hedged_usd=summary.pnl_hedged_usd)
    found = attribute_replay(replace(report, book=book, summary=summary, steps=(report.steps[0], later)))
    assert found.alone["delta"][-1] == pytest.approx(300.0)
    assert found.hedged["delta"][-1] == pytest.approx(0.0)
    assert found.hedged["unexplained"][-1] == pytest.approx(0.0, abs=1e-9)


def test_attribution_sections__table__has_every_cause_of_both_books():
    report = two_steps()
    page = " ".join(attribution_sections(report))
    for name in ("Delta", "Gamma", "Theta", "Vega", "Venue fees", "Impact", "Funding", "Gas", "Unexplained", "Total"):
        assert f"<td>{name}</td>" in page
    assert f'<td>Venue fees</td><td class="number">$0.00</td><td class="number">{MINUS}$15.00</td>' in page
    assert '<td>Funding</td><td class="number">$0.00</td><td class="number">+$0.50</td>' in page


def test_attribution_figure__lines__end_at_the_totals():
    report = synthetic_report(36)
    found = attribute_replay(report)
    figure = attribution_figure(report, found)
    ends = {trace.name: trace.y[-1] for trace in figure.data}
    assert ends["Total"] == pytest.approx(report.summary.pnl_hedged_usd)
    assert ends["Gamma"] == found.hedged["gamma"][-1]
    assert len(ends) == len(CAUSES) + 1
