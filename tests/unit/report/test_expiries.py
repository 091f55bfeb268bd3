"""What settled at an expiry, and what was left of book and hedge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.report.expiries import expiries
from agent.report.formatting import MINUS
from agent.report.market_section import depth_section, expiry_section
from tests.support.synthetic_replay import START_UNIX, synthetic_report

NOON, EVENING = START_UNIX + 450, START_UNIX + 900


def leg(option_type, strike_usd, expiry_unix, quantity, label):
    return OptionLeg(option_type, strike_usd, expiry_unix, quantity, 0.6, 0.55, 0.65, label)


BOOK = Book(
    "ETH",
    (
        leg(OptionType.CALL, 3_000.0, NOON, -10.0, "calls"),
        leg(OptionType.PUT, 3_000.0, NOON, 4.0, "puts"),
        leg(OptionType.PUT, 3_200.0, EVENING, -2.0, "late puts"),
        leg(OptionType.CALL, 3_000.0, START_UNIX + 86_400, 1.0, "after the end"),
        HoldingLeg(1.0, "coins"),
    ),
)


@pytest.fixture(scope="module")
def report():
    """Five steps 300 s apart at $3,100; the hedge follows the noon expiry one step late."""
    template = synthetic_report(5)
    seen = [(-7.0, 7.0), (-8.0, 7.5), (1.5, 7.5), (1.2, -1.0), (1.4, -1.3)]
    steps = tuple(
        replace(
            step,
            price_usd=3_100.0,
            book_delta=delta,
            hedge_size=hedge,
            net_delta_after=delta + hedge,
            band_low=-1.0,
            band_high=1.0,
        )
        for step, (delta, hedge) in zip(template.steps, seen, strict=True)
    )
    return replace(template, book=BOOK, steps=steps)


def test_expiries__two_of_three__settle_at_the_next_price(report):
    noon, evening = expiries(report)
    assert (noon.unix, evening.unix) == (NOON, EVENING)
    assert [(own.label, own.payoff_usd) for own in noon.settled] == [("calls", -1_000.0), ("puts", 0.0)]
    assert [(own.label, own.payoff_usd) for own in evening.settled] == [("late puts", -200.0)]
    assert (noon.legs_left, evening.legs_left) == (2, 1)


def test_expiries__deltas__of_the_steps_on_either_side(report):
    noon, evening = expiries(report)
    assert (noon.book_delta_before, noon.book_delta_after) == (-8.0, 1.5)
    assert (noon.hedge_before, noon.hedge_after) == (7.5, 7.5)
    assert noon.seconds_to_inside == 450
    assert (evening.book_delta_before, evening.seconds_to_inside) == (1.5, 0)


def test_expiries__hedge_never_follows__is_none(report):
    stuck = tuple(replace(step, net_delta_after=9.0) for step in report.steps)
    assert [own.seconds_to_inside for own in expiries(replace(report, steps=stuck))] == [None, None]
    assert "was not inside the keeper's band again" in expiry_section(replace(report, steps=stuck)).replace(
        "&#x27;", "'"
    )


def test_expiry_section__none_inside__is_left_out():
    assert expiry_section(synthetic_report(5)) == ""


def test_expiry_section__legs__with_what_was_received(report):
    page = expiry_section(report)
    assert f'<td class="number">{MINUS}$1,000</td>' in page
    assert f"delta went from {MINUS}8.00 to 1.50 ETH and the hedge from 7.50 to 7.50" in page
    assert "7.5 minutes later; 2 option legs left" in page
    assert "1 option leg left" in page


def test_depth_section__ladder__both_sides_of_a_size_in_one_row():
    page = depth_section(synthetic_report(2))
    cells = "".join(f'<td class="number">{cell}</td>' for cell in ("20.0", "10.0", "20.0", "10.0"))
    assert f"<td>50.000</td>{cells}" in page
    assert "Depth is made up." in page
