"""Time outside the bands: who is counted, for how long, and for which reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.report.band_section import band_section
from agent.report.outside_band import governed_band, keeper_band
from agent.report.replay_report import Closing, OutsideReason
from tests.support.synthetic_replay import START_UNIX, synthetic_report

TURNOVER, COOLDOWN = OutsideReason.TURNOVER, OutsideReason.COOLDOWN
INSIDE = (1.0, 1.0, None)


def report_of(*steps):
    """Steps 300 s apart, the last closed after 100 s: W before, W after and why, against a governed band of 5."""
    template = synthetic_report(len(steps))
    made = tuple(
        replace(
            own,
            unix=START_UNIX + 300 * number,
            worst_before=before,
            worst_after=after,
            governed_band=5.0,
            net_delta=before,
            net_delta_after=after,
            band_low=-3.0,
            band_high=3.0,
            outside_reason=reason,
        )
        for number, (own, (before, after, reason)) in enumerate(zip(template.steps, steps, strict=True))
    )
    return replace(template, steps=made, closing=Closing(made[-1].unix + 100, made[-1].price_usd))


@pytest.fixture(scope="module")
def report():
    return report_of(
        (9.0, 2.0, None),
        (6.0, 6.0, TURNOVER),
        (7.0, 5.5, TURNOVER),
        (5.6, 5.6, COOLDOWN),
        INSIDE,
        (4.0, 4.0, TURNOVER),
        (8.0, 8.0, TURNOVER),
    )


def test_governed_band__steps_that_ended_outside__have_their_time_and_reason(report):
    record = governed_band(report)
    assert (record.reached, record.mended) == (5, 1)
    assert (record.outside.steps, record.outside.seconds, record.outside.longest_seconds) == (4, 1_000, 900)
    assert record.outside.share == pytest.approx(1_000 / 1_900)
    turnover, cooldown = record.by_reason
    assert (turnover.reason, turnover.steps, turnover.seconds, turnover.longest_seconds) == (TURNOVER, 3, 700, 600)
    assert (cooldown.reason, cooldown.steps, cooldown.seconds) == (COOLDOWN, 1, 300)
    assert turnover.share + cooldown.share == pytest.approx(record.outside.share)


def test_keeper_band__is_the_narrower_one(report):
    record = keeper_band(report)
    assert (record.reached, record.outside.steps, record.outside.seconds) == (6, 5, 1_300)


def test_governed_band__at_its_very_edge__is_inside():
    assert governed_band(report_of((5.0, 5.0, TURNOVER), INSIDE)).outside.steps == 0


def test_band_section__both_bands__say_how_often_and_why(report):
    page = band_section(report)
    assert "5 steps began outside; 1 of them ended inside" in page
    assert '<td>Turnover budget used up</td><td class="number">3</td><td class="number">11.7 minutes</td>' in page
    assert "never left outside" not in page
    assert "1 step began outside; 0 of them" in band_section(report_of(INSIDE, (6.0, 6.0, TURNOVER)))
    assert "never left outside" in band_section(report_of(INSIDE, INSIDE))
