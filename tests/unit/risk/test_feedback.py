"""Own flow against the market: where impact and hedging settle, limits, verdicts, depth of a ladder, bad input."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from agent.errors import DataError
from agent.risk.feedback import FeedbackLimits, FlowState, VenueFlow, hedging_feedback, quoted_depth_usd
from tests.support.decision_builders import VenueState, short_calls, snapshot_of

SPOT, VOL = 3_000.0, 0.8
FLOWS = (VenueFlow("curie", 2e6, 50e6, 0.25), VenueFlow("gmx", 6e6, 200e6, 0.75))
LIMITS = FeedbackLimits(max_amplification=1.25, max_depth_share=0.5, max_participation=0.1)


def feedback(gamma, flows=FLOWS, rebalances=4.0, permanent=0.5, limits=LIMITS):
    return hedging_feedback(gamma, SPOT, VOL, flows, rebalances, permanent, limits)


@pytest.mark.parametrize("gamma", [-2.0, -0.5, 0.5, 3.0])
def test_hedging_feedback__amplification__is_where_impact_and_hedging_settle(gamma):
    found = feedback(gamma)
    impact_usd_per_unit = 0.5 * 0.01 * SPOT**2 / 8e6
    outside, move = 10.0, 0.0
    for _ in range(2_000):
        move = outside + impact_usd_per_unit * (-gamma * move)
    assert found.amplification == pytest.approx(move / outside, rel=1e-9)
    assert found.effective_vol_annual == pytest.approx(VOL * found.amplification)
    assert found.demand_usd_per_percent == pytest.approx(-gamma * 0.01 * SPOT * SPOT)


def test_hedging_feedback__short_gamma_widens_and_long_gamma_damps():
    assert feedback(-1.0).amplification > 1.0 > feedback(1.0).amplification > 0.0
    none = feedback(0.0)
    assert (none.amplification, none.turnover_usd_per_day, none.headroom, none.state) == (
        1.0,
        0.0,
        math.inf,
        FlowState.CALM,
    )


def test_hedging_feedback__turnover__is_the_mean_of_simulated_rebalancing():
    rng, n = np.random.default_rng(3), 6
    steps = VOL / math.sqrt(365.0 * n) * rng.standard_normal((40_000, n))
    simulated = np.mean(np.sum(np.abs(0.7 * SPOT**2 * steps), axis=1))
    assert feedback(-0.7, rebalances=n).turnover_usd_per_day == pytest.approx(simulated, rel=0.01)


def test_hedging_feedback__venues__share_demand_and_turnover():
    found = feedback(-1.0)
    curie, gmx = found.venues
    assert curie.depth_share == pytest.approx(0.25 * 90_000.0 / 2e6)
    assert gmx.participation == pytest.approx(0.75 * found.turnover_usd_per_day / 200e6)


def test_hedging_feedback__headroom__is_the_gamma_at_which_the_first_limit_binds():
    calm = feedback(-1.0)
    assert calm.state is FlowState.CALM
    assert feedback(-1.0 * calm.headroom * 0.999).state is FlowState.CALM
    over = feedback(-1.0 * calm.headroom * 1.001)
    assert over.state is FlowState.CROWDED
    assert over.headroom < 1.0


def test_hedging_feedback__amplification_binds__gamma_headroom_gives_the_limit():
    limits = FeedbackLimits(1.6, 1e6, 1e6)
    assert feedback(-feedback(-1.0, limits=limits).headroom).amplification == pytest.approx(1.6, rel=1e-12)


@pytest.mark.parametrize(
    ("limits", "binding"),
    [
        (FeedbackLimits(1.001, 1e3, 1e3), "amplification of moves"),
        (FeedbackLimits(100.0, 1e-3, 1e3), "depth of gmx"),
        (FeedbackLimits(100.0, 1e3, 1e-5), "volume of gmx"),
    ],
)
def test_hedging_feedback__limit_broken__is_named(limits, binding):
    flows = (FLOWS[0], replace(FLOWS[1], daily_volume_usd=20e6))
    found = feedback(-1.0, flows=flows, limits=limits)
    assert found.state is FlowState.CROWDED
    assert binding in found.reason


def test_hedging_feedback__gain_of_one_or_more__is_unstable():
    found = feedback(-200.0)
    assert found.loop_gain > 1.0
    assert (found.state, found.amplification, found.effective_vol_annual) == (FlowState.UNSTABLE, None, None)
    assert "no price at which it stops" in found.reason
    assert found.headroom < 1.0


def test_quoted_depth__linear_ladder__is_the_notional_of_one_percent():
    # The builder's pool moves its average price by size x price / depth: 1 % of the last price at half of that.
    venue = snapshot_of(short_calls(), VenueState(depth_usd=20e6)).venues[0]
    assert quoted_depth_usd(venue) == pytest.approx(0.005 * 20e6, rel=0.02)


def test_quoted_depth__short_ladder__is_its_end():
    venue = snapshot_of(short_calls(), VenueState(depth_usd=1e12, max_quote=5.0)).venues[0]
    assert quoted_depth_usd(venue) == pytest.approx(5.0 * 3_000.0, rel=1e-6)


def test_quoted_depth__side_without_quotes__is_refused_by_venue():
    venue = snapshot_of(short_calls()).venues[0]
    buys = tuple(quote for quote in venue.quotes if quote.size_delta > 0)
    with pytest.raises(DataError, match=f"venue {venue.name} quotes no sells"):
        quoted_depth_usd(replace(venue, quotes=buys))


@pytest.mark.parametrize(
    ("field", "bad"),
    [("depth_usd_per_percent", 0.0), ("daily_volume_usd", math.nan), ("hedge_share", -0.1), ("hedge_share", math.nan)],
)
def test_hedging_feedback__bad_venue__is_refused_by_field_and_name(field, bad):
    with pytest.raises(DataError, match=f"{field} of gmx is"):
        feedback(-1.0, flows=(FLOWS[0], replace(FLOWS[1], **{field: bad})))


@pytest.mark.parametrize(
    ("flows", "message"),
    [
        ((), "flows is empty"),
        ((FLOWS[0], FLOWS[0]), "row 1: venue is 'curie', already given"),
        ((FLOWS[0],), r"hedge_share adds up to 0\.25 over 1 venues"),
    ],
)
def test_hedging_feedback__bad_flows__are_refused(flows, message):
    with pytest.raises(DataError, match=message):
        feedback(-1.0, flows=flows)


@pytest.mark.parametrize(
    ("position", "bad", "name"),
    [
        (0, math.nan, "gamma_per_usd"),
        (1, -1.0, "spot_usd"),
        (2, -0.5, "vol_annual"),
        (4, 0.0, "rebalances_per_day"),
        (5, 0.0, "permanent_share"),
        (5, 1.1, "permanent_share"),
    ],
)
def test_hedging_feedback__bad_number__is_refused_by_name(position, bad, name):
    arguments = [-1.0, SPOT, VOL, FLOWS, 4.0, 0.5, LIMITS]
    arguments[position] = bad
    with pytest.raises(DataError, match=f"{name} is"):
        hedging_feedback(*arguments)


@pytest.mark.parametrize(
    ("field", "bad"), [("max_amplification", 1.0), ("max_depth_share", 0.0), ("max_participation", math.nan)]
)
def test_feedback_limits__bad_number__is_refused_by_name(field, bad):
    with pytest.raises(DataError, match=f"{field} is"):
        replace(LIMITS, **{field: bad})
