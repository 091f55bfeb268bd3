"""A budget's refill as turnover: what one keeper may trade of it an hour, and when it is full."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.decision.budget_refill import loss_refill, turnover_refill
from agent.errors import RejectedError
from agent.units import Wad
from tests.support.decision_builders import held, snapshot_of, wad, with_bounds

CALM = with_bounds(
    snapshot_of(held(1.0)),
    turnover_capacity=wad(800_000),
    turnover_refill_per_day=wad(240_000),
    keeper_share_bps=5_000,
    urgent_reserve_bps=2_500,
    loss_capacity_bps=300,
    loss_refill_bps_per_day=240,
)
SIZE = wad(10)
"""$30,000 at the price of 3,000."""


def refused(**arguments: object) -> RejectedError:
    return RejectedError("LossBudgetExceeded", arguments)


def test_turnover_refill__keepers_share__by_the_hour_and_less_the_reserve():
    """Half of 240,000 a day, and half of 800,000 less the quarter that is for urgent trades."""
    refill = turnover_refill(CALM)
    assert (refill.usd_per_hour, refill.capacity_usd) == (pytest.approx(5_000.0), pytest.approx(300_000.0))


def test_turnover_refill__urgent__has_the_reserve_too():
    urgent = with_bounds(CALM, urgent_delta=wad("0.5"))
    assert turnover_refill(urgent).capacity_usd == pytest.approx(400_000.0)


@pytest.mark.parametrize("changes", [{"turnover_refill_per_day": 0}, {"keeper_share_bps": 0}])
def test_turnover_refill__nothing_comes_back__is_none(changes):
    assert turnover_refill(with_bounds(CALM, **changes)) is None


@pytest.mark.parametrize(("loss", "per_hour"), [(wad(100), 75_000.0), (wad(300), 25_000.0)])
def test_loss_refill__charge_of_the_refused_size__tells_the_turnover(loss, per_hour):
    """240 bps a day of half of 500,000 are $250 an hour; $100 of loss are charged for $30,000."""
    refill = loss_refill(CALM, refused(loss=loss), SIZE)
    assert refill.usd_per_hour == pytest.approx(per_hour)
    assert refill.capacity_usd == pytest.approx(30 * per_hour)  # 300 bps are $7,500: thirty hours' worth


def test_loss_refill__nav_that_is_firm__is_what_the_budget_is_of():
    measured = CALM.measurement
    less = replace(CALM, measurement=replace(measured, firm_nav=Wad(measured.firm_nav // 2)))
    whole, half = (loss_refill(one, refused(loss=wad(100)), SIZE) for one in (CALM, less))
    assert half.usd_per_hour == pytest.approx(whole.usd_per_hour / 2)


@pytest.mark.parametrize(
    ("refusal", "size", "changes"),
    [
        (refused(), SIZE, {}),
        (refused(loss="0x1"), SIZE, {}),
        (refused(loss=0), SIZE, {}),
        (refused(loss=-1), SIZE, {}),
        (refused(loss=wad(100)), 0, {}),
        (refused(loss=wad(100)), SIZE, {"loss_refill_bps_per_day": 0}),
    ],
    ids=["no charge told", "no number", "nothing charged", "a gain", "no size", "no refill"],
)
def test_loss_refill__tells_nothing__is_none(refusal, size, changes):
    assert loss_refill(with_bounds(CALM, **changes), refusal, size) is None


def test_loss_refill__one_basis_point_a_day__is_a_refill():
    slow = with_bounds(CALM, loss_refill_bps_per_day=1)
    assert loss_refill(slow, refused(loss=1), SIZE).usd_per_hour > 0.0
