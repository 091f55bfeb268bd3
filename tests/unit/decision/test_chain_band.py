"""How far inside the chain's band a trade lands: a share of what the band leaves, whatever the band."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decision.chain_band import as_known
from agent.decision.decide import decide
from agent.guard import worst_net_delta
from agent.policy.fixed_threshold import FixedThreshold
from agent.prediction import predict
from agent.risk.settlement import SettlingBook
from agent.units import Rounding, to_wad
from tests.support.decision_builders import COSTS, SETTINGS, held, snapshot_of, wad, with_bounds

FREE_GAS = replace(COSTS, eth_price_usd=0.0)
CONTENT = FixedThreshold(50.0)
"""A policy that would not trade: the chain's band alone moves it."""


@pytest.mark.parametrize(
    ("band", "headroom_bps", "landing"),
    [
        ("2", 500, "1.9"),
        ("2", 1_000, "1.8"),
        ("1", 500, "0.95"),
        ("4", 500, "3.8"),
        ("5", 2_000, "4"),
        ("0.5", 2_500, "0.375"),
    ],
)
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_decide__outside_the_chains_band__lands_the_headrooms_share_inside(side, band, headroom_bps, landing):
    book = held(side * 6.0)
    snapshot = with_bounds(snapshot_of(book), band=wad(band))
    decision = decide(snapshot, book, CONTENT, FREE_GAS, replace(SETTINGS, band_headroom_bps=headroom_bps))
    assert worst_net_delta(predict(snapshot, decision.legs, decision.expected_fills)) == wad(landing)


def test_as_known__chain_is_surer_than_the_range__interval_stays_in_order():
    """The legs' own range is 0.125 either way of what they have; the chain's interval is a point and stays one."""
    book = held(6.0)
    known = as_known(snapshot_of(book), SettlingBook(book, low=-0.125, high=0.125, delta=0.0)).measurement
    assert known.book_delta_low == known.book_delta_high == wad("5.875")


@pytest.mark.parametrize(("half_width", "landing"), [("0.5", "0.9"), ("1", "0.6")])
def test_decide__chain_doubts_the_book__headroom_is_of_what_is_left(half_width, landing):
    """Band 2: doubt of 0.5 leaves 1.5 for the middle and doubt of 1 leaves 1, each less 40 %."""
    book = held(6.0)
    snapshot = snapshot_of(book)
    measured = snapshot.measurement
    wide = replace(
        measured,
        book_delta_low=measured.book_delta_low - wad(half_width),
        book_delta_high=measured.book_delta_high + wad(half_width),
    )
    snapshot = replace(snapshot, measurement=wide)
    decision = decide(snapshot, book, CONTENT, FREE_GAS, replace(SETTINGS, band_headroom_bps=4_000))
    traded = sum(fill.size_delta for fill in decision.expected_fills)
    assert to_wad(6.0, Rounding.DOWN) + traded == wad(landing)
