"""What IV was taken for, and shocks of it against a price written out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agent.backtest.book_mark import moved_book
from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.report.attribution import attribute_replay
from agent.report.formatting import MINUS
from agent.report.iv_assumption import iv_assumption
from agent.report.iv_section import iv_section
from agent.report.iv_words import iv_in_brief, iv_sentence
from agent.report.replay_report import Closing
from agent.risk.exposure import book_exposure
from agent.vol.iv_move import IvMove, parallel
from tests.support.synthetic_replay import START_UNIX, synthetic_report

YEAR_SECONDS = 365 * 86_400
STRIKE_USD = 3_250.0
EXPIRY_UNIX = START_UNIX + 30 * 86_400


def calls(quantity=-100.0, iv=0.57, expiry_unix=EXPIRY_UNIX):
    return OptionLeg(OptionType.CALL, STRIKE_USD, expiry_unix, quantity, iv, iv, iv, f"calls at {iv}")


def value(spot_usd, unix, iv):
    """One call of `calls`, Black-76 at rate 0, written out."""
    deviation = iv * math.sqrt((EXPIRY_UNIX - unix) / YEAR_SECONDS)
    d1 = math.log(spot_usd / STRIKE_USD) / deviation + deviation / 2
    return spot_usd * math.erfc(-d1 / math.sqrt(2)) / 2 - STRIKE_USD * math.erfc((deviation - d1) / math.sqrt(2)) / 2


def report_of(*legs, prices=(3_232.0, 3_100.0), shifts=(0.0, 0.0), rule=None):
    template = synthetic_report(len(prices))
    steps = tuple(
        replace(step, price_usd=price_usd, iv_move=parallel(shift))
        for step, price_usd, shift in zip(template.steps, prices, shifts, strict=True)
    )
    closing = Closing(steps[-1].unix, prices[-1], parallel(shifts[-1]))
    return replace(template, book=Book("ETH", legs), steps=steps, closing=closing, iv_rule=rule)


def test_iv_assumption__twenty_points__is_a_full_revaluation():
    """The crash week of August 2024: 100 calls sold at 57 %, and IV 20 points higher at the start."""
    found = iv_assumption(report_of(calls()))
    base = value(3_232.0, START_UNIX, 0.57)
    assert found.at_start.up_usd == pytest.approx(-100 * (value(3_232.0, START_UNIX, 0.77) - base))
    assert found.at_start.up_usd == pytest.approx(-7_377, abs=10)
    assert found.at_start.down_usd == pytest.approx(-100 * (value(3_232.0, START_UNIX, 0.37) - base))
    later = START_UNIX + 300
    at_end = -100 * (value(3_100.0, later, 0.77) - value(3_100.0, later, 0.57))
    assert found.at_end.up_usd == pytest.approx(at_end)
    assert (found.worst, found.at_start.is_cut_short) == (found.at_start, False)


def test_iv_assumption__book_of_low_iv__falls_to_one_percent_alone():
    found = iv_assumption(report_of(calls(iv=0.15)))
    fall = -100 * (value(3_232.0, START_UNIX, 0.01) - value(3_232.0, START_UNIX, 0.15))
    assert found.at_start.down_usd == pytest.approx(fall)
    assert found.at_start.is_cut_short


def test_iv_assumption__bought_options__are_hurt_by_the_fall():
    found = iv_assumption(report_of(calls(quantity=100.0), prices=(3_700.0, 3_200.0)))
    assert found.worst == found.at_end
    assert found.worst.down_usd < 0 < found.worst.up_usd


def test_iv_assumption__all_expired__shocks_do_nothing():
    found = iv_assumption(report_of(calls(), calls(expiry_unix=START_UNIX + 100)))
    gone = iv_assumption(report_of(calls(expiry_unix=START_UNIX + 100)))
    assert found.at_end.up_usd < 0
    assert (gone.at_end.up_usd, gone.at_end.down_usd) == (0.0, 0.0)


def test_iv_assumption__mark_that_moved__shocks_start_from_it():
    found = iv_assumption(report_of(calls(), shifts=(0.0, 0.3), rule="iv.csv"))
    later = START_UNIX + 300
    assert found.at_end.up_usd == pytest.approx(-100 * (value(3_100.0, later, 1.07) - value(3_100.0, later, 0.87)))
    assert (found.lowest_shift_annual, found.highest_shift_annual, found.last_shift_annual) == (0.0, 0.3, 0.3)


def test_iv_sentence__held__says_so_with_the_shock():
    report = report_of(calls())
    told = iv_sentence(report).replace("\u00a0", " ")
    assert told.startswith("IV was held at 57.0 % through the whole replay")
    assert "20 points more at the start would have cost $7,3" in told
    assert iv_in_brief(report).replace("\u00a0", " ").startswith("held at 57.0 %; 20 points more at the start")
    assert "57.0 % to 80.0 %" in iv_sentence(report_of(calls(), calls(iv=0.8))).replace("\u00a0", " ")


def test_iv_sentence__path__says_rule_range_and_vega():
    report = report_of(calls(), shifts=(0.0, 0.1), rule="iv.csv, the level last told at each step")
    pnl = -100 * (value(3_100.0, START_UNIX + 300, 0.67) - value(3_232.0, START_UNIX, 0.57))
    summary = replace(report.summary, pnl_unhedged_usd=pnl)
    steps = (report.steps[0], replace(report.steps[1], pnl_unhedged_usd=pnl))
    report = replace(report, summary=summary, steps=steps)
    found = attribute_replay(report)
    vega = -100 * (value(3_100.0, START_UNIX + 300, 0.67) - value(3_100.0, START_UNIX + 300, 0.57))
    assert found.alone["vega"][-1] == pytest.approx(vega, rel=0.05)
    told = iv_sentence(report)
    assert "IV follows iv.csv" in told
    assert "between +0.0 and +10.0 points, and ended +10.0 points" in told
    assert "That cost $3," in told


def test_iv_section__path__is_drawn_and_a_held_one_is_not():
    assert "plotly" not in iv_section(report_of(calls()))
    drawn = iv_section(report_of(calls(), shifts=(0.0, 0.1), rule="iv.csv"))
    assert "plotly" in drawn
    assert f'<td>At the start</td><td class="number">2024-08-01 00:00</td><td class="number">{MINUS}$7,3' in drawn


def test_iv_section__no_options__is_nothing_to_the_book():
    coins = report_of(HoldingLeg(1.0, "coins"))
    assert "holds no options" in iv_section(coins)
    assert iv_sentence(coins) == ""


def test_iv_sentence__surface_that_bends__tells_the_legs_apart():
    """Two strikes, IV 10 points up at the money and the skew steeper: each leg's own value is the vega P&L."""
    legs = (calls(), replace(calls(), strike_usd=4_000.0, label="far"))
    move = IvMove((0.1,), skew=-0.2)
    bent = report_of(*legs, prices=(3_232.0, 3_232.0), rule="iv.csv")
    first, last = bent.steps
    bent = replace(bent, steps=(first, replace(last, iv_move=move)), closing=replace(bent.closing, iv_move=move))
    own = [0.1 - 0.2 * math.log(strike / 3_232.0) for strike in (STRIKE_USD, 4_000.0)]
    found = iv_assumption(bent)
    assert not found.is_parallel
    assert (found.lowest_shift_annual, found.highest_shift_annual) == (0.0, pytest.approx(max(own)))
    assert found.last_shift_annual == pytest.approx(sum(own) / 2)
    assert "each leg moved by its expiry and its strike" in iv_sentence(bent)
    assert "IV of the lowest leg" in iv_section(bent)


def test_attribute_replay__surface_that_bends__vega_is_each_legs_revaluation():
    legs = (calls(), replace(calls(), strike_usd=4_000.0, label="far"))
    move, unix = IvMove((0.05, 0.02), (7.0, 60.0), -0.1), START_UNIX + 300
    bent = report_of(*legs, prices=(3_232.0, 3_232.0), rule="iv.csv")
    first, last = bent.steps
    bent = replace(bent, steps=(first, replace(last, iv_move=move)), closing=replace(bent.closing, iv_move=move))
    book = Book("ETH", legs)
    held, moved = (
        book_exposure(own, 3_232.0, unix, 0.0).book_value_usd for own in (book, moved_book(book, 3_232.0, unix, move))
    )
    assert attribute_replay(bent).alone["vega"][-1] == pytest.approx(moved - held, rel=0.01)
