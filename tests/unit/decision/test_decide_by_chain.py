"""Book and chain apart: the chain alone decides, and only where its worst case is urgent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decision.agreement import book_disagreement
from agent.decision.decide import AT_EXPIRY, decide, decide_by_chain
from agent.domain import Action, Snapshot
from agent.errors import BookMismatchError
from agent.guard import worst_net_delta
from agent.policy.fixed_threshold import FixedThreshold
from agent.prediction import predict
from agent.units import from_wad
from tests.support.decision_builders import COSTS, SETTINGS, VenueState, held, snapshot_of, wad

LONG = VenueState(size=30.0, equity_usd=50_000.0, free_collateral_usd=30_000.0)


def seen(low: float, high: float) -> Snapshot:
    """A chain that bounds the book's delta so, with a hedge of 30."""
    snapshot = snapshot_of(held(0.0), LONG)
    measurement = replace(snapshot.measurement, book_delta_low=wad(low), book_delta_high=wad(high))
    return replace(snapshot, measurement=measurement)


def test_decide__book_outside_the_interval__is_refused_by_a_name_of_its_own():
    with pytest.raises(BookMismatchError, match=r"book delta -25\.\d+ lies outside the chain's interval -31"):
        decide(seen(-31, -29), held(-25.0), FixedThreshold(0.5), COSTS, SETTINGS)


def test_decide_by_chain__below_urgent__holds():
    decision = decide_by_chain(seen(-25, -21), COSTS, SETTINGS, "why")
    assert (decision.action, decision.legs, decision.guard_error) == (Action.HOLD, (), None)
    assert "nothing is traded before the worst case is urgent to the chain" in decision.reason
    assert decision.exposure.book_delta == -23.0


@pytest.mark.parametrize(("low", "high"), [(-22, -18), (-50, -42), (-20, -19.5)])
def test_decide_by_chain__urgent__goes_to_the_middle(low, high):
    snapshot = seen(low, high)
    decision = decide_by_chain(snapshot, COSTS, SETTINGS, "why")
    after = predict(snapshot, decision.legs, decision.expected_fills)
    assert decision.urgent
    assert from_wad(worst_net_delta(after)) == pytest.approx((high - low) / 2, abs=1e-9)


def test_book_disagreement__inside_and_outside__says_by_how_much():
    snapshot = seen(-31, -29)
    assert book_disagreement(snapshot, held(-30.0), 1e-3, AT_EXPIRY) is None
    assert book_disagreement(snapshot, held(-29.0005 + 0.001), 1e-3, AT_EXPIRY) is None
    assert "by more than 0.001" in book_disagreement(snapshot, held(-28.9), 1e-3, AT_EXPIRY)
