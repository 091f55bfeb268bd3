"""The stage of `evenkeel demo` on Synthetix: orders asked for, executed, booked, and priced as the curve says."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from agent.chain.orders import read_orders
from agent.cli.order_lines import care_documents, care_lines, open_cares
from agent.costs.curves.skew_priced import SkewPriced
from agent.costs.quotes import ladders_of
from agent.demo.scenario import seeded_scenario
from agent.demo.world import open_world
from agent.errors import RejectedError
from agent.keeper.result import Outcome
from agent.ledger.orders import is_final
from agent.ledger.records import OrderState
from agent.routing import plan_route
from agent.routing.foreseen import foresee
from agent.routing.limits import shown_at_limits
from agent.status.document import as_document as status_document
from agent.status.reading import StatusReader
from agent.status.screen import as_lines as status_lines
from agent.units import Rounding, from_wad, to_wad

pytestmark = pytest.mark.chain

SKEW, SKEW_SCALE, MAKER_FEE_RATIO, TAKER_FEE_RATIO = 50.0, 1_000_000.0, 0.000_001, 0.0006
MAX_NAV_ERROR_BPS = 1.0
ROUNDING_WEI = 2


@pytest.fixture
def scenario():
    return seeded_scenario(20_240_805, None)


@pytest.fixture
def staged(tmp_path, monkeypatch, repository, scenario):
    """Return what opens a stage in a directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    config = repository / "config" / "localnet.toml"
    return lambda *kinds: open_world(scenario, config, lambda _: contextlib.nullcontext(), kinds)


def step(world, scenario, index):
    at_unix, price_usd = int(scenario.prices.times_unix[index]), float(scenario.prices.prices_usd[index])
    world.localnet.step(price_usd, at_unix)


# HEDGE-554
def test_demo__on_delayed_orders__hedged_booked_and_priced_by_the_curve(staged, scenario):
    with staged("synthetix") as world:
        step(world, scenario, 0)
        price_usd = world.localnet.market_price_usd()
        result = world.cycle()
        assert result.outcome is Outcome.EXECUTED
        (order,) = world.keeper.ledger.orders()
        assert order.state is OrderState.EXECUTED
        asked, filled = result.fills
        assert (asked.size_delta, filled.size_delta) == (0, order.requested_size_delta)
        size = from_wad(filled.size_delta)
        curve = SkewPriced(price_usd, SKEW, SKEW_SCALE, MAKER_FEE_RATIO, TAKER_FEE_RATIO, 20_000.0, 20_000.0)
        assert from_wad(filled.execution_price) == pytest.approx(curve.execution_price_usd(size), rel=1e-12)
        assert from_wad(filled.fee) == pytest.approx(curve.fee_usd(size), rel=1e-9)
        assert list(world.maintenance().values()) == [(0.0075, 0)]
        for index in range(1, 4):
            step(world, scenario, index)
            result = world.cycle()
            assert not result.guard_mirror_mismatch
            assert result.nav.error_bps < MAX_NAV_ERROR_BPS


@pytest.mark.parametrize("kinds", [("synthetix",), ("curie", "synthetix")])
def test_decide__order_asked_for__foreseen_as_the_vault_then_measures_it(staged, scenario, kinds):
    with staged(*kinds) as world:
        step(world, scenario, 0)
        planner = world.keeper.planner
        view = planner.look(planner.head())
        routing = world.settings.to_decision_parameters(world.deployment.asset.decimals).routing
        fills = view.decision.expected_fills
        [later] = [index for index, venue in enumerate(view.snapshot.venues) if venue.order_terms is not None]
        ladders = ladders_of(view.snapshot.venues, fills[0].size_delta > 0)
        at_limits = shown_at_limits(view.snapshot, fills, ladders, routing.limit_tolerance_bps)
        route = foresee(view.snapshot, view.decision.legs, fills, at_limits)
        (shown,) = (fill for fill in route.shown.fills if fill.venue_index == later)
        result = world.keeper.cycle()
        assert not result.guard_mirror_mismatch
        measured, foreseen = result.after.measurement, route.shown.after
        for index, (seen, expected) in enumerate(zip(measured.venues, foreseen.venues, strict=True)):
            assert (seen.size_low, seen.size_high) == (expected.size_low, expected.size_high)
            assert index != later or seen.notional == expected.notional
            for name in ("equity", "equity_low", "equity_high"):
                beyond = getattr(seen, name) - getattr(expected, name)
                # What fills at once is quoted on a ladder, and errs to the safe side between its rungs.
                assert beyond >= -ROUNDING_WEI
                assert index != later or beyond <= ROUNDING_WEI
        assert measured.nav - foreseen.nav >= -ROUNDING_WEI
        (order,) = read_orders(
            planner.client, [(v.address, v.open_order) for v in result.after.venues if v.open_order], result.after.block
        )
        assert (order.limit_price, order.max_fee) == (shown.execution_price, shown.fee)
        spent = result.after.usage.own.loss_used
        assert result.after.usage.own.turnover_used == result.after.usage.all.turnover_used > 0
        assert spent > 0


@pytest.mark.parametrize("size", [0.1, 1.0, -1.0, 5.0])
def test_decide__order_of_any_size__chain_answers_as_foreseen(staged, scenario, size):
    """A few hundred dollars cost more than the guard admits, for the deposit of 4 sUSD; 16,000 do not."""
    with staged("synthetix") as world:
        step(world, scenario, 0)
        world.cycle()
        planner = world.keeper.planner
        view = planner.look(planner.head())
        routing = world.settings.to_decision_parameters(world.deployment.asset.decimals).routing
        route = plan_route(view.snapshot, to_wad(size, Rounding.DOWN), routing)
        foreseen = refusal(lambda: route.judge(view.snapshot))
        decision = replace(view.decision, legs=route.legs)
        answered = planner.simulate(planner.intent_of(view, decision), world.keeper.address, view.block)
        assert foreseen == (None if answered is None else answered.name)


def refusal(judge):
    """Name of what a call is refused with."""
    try:
        judge()
    except RejectedError as rejection:
        return rejection.name
    return None


def test_status_and_decide__order_open__tell_size_terms_age_and_what_is_done(staged, scenario):
    with staged("synthetix") as world:
        step(world, scenario, 0)
        world.keeper.cycle()
        chain, planner = world.localnet.chain, world.keeper.planner
        chain.mine([], chain.head().timestamp + 10)
        (asked,) = world.keeper.ledger.orders()
        seen = StatusReader(world.settings, planner.client, world.deployment).read(planner.head())
        (venue,) = status_document(seen)["venues"]
        order = venue["open_order"]
        assert (order["order_id"], order["status"]) == (asked.order_id, "pending")
        assert order["size_delta"] == from_wad(asked.requested_size_delta) == venue["size_high"] - venue["size_low"]
        assert order["age_seconds"] >= 10
        assert order["expires_at_unix"] - order["requested_at_unix"] == 31
        assert order["worst_fee_usd"] > 4.0
        words = " ".join(status_lines(seen))
        assert "pending: buy" in words
        view = planner.look(planner.head())
        (care,) = open_cares(planner, view)
        (told,) = care_documents(view, [care])
        assert told["keeper_will"] == "wait"
        assert {name: told[name] for name in order if name != "age_seconds"} == {
            name: order[name] for name in order if name != "age_seconds"
        }
        (line,) = care_lines(view, [care])
        assert "the keeper will wait" in line
        chain.mine([], chain.head().timestamp + 60)
        late = planner.look(planner.head())
        assert care_documents(late, open_cares(planner, late))[0]["keeper_will"] == "cancel"
        world.localnet.tend()
        world.keeper.cycle()
        done = planner.look(planner.head())
        ids = [care.order.order_id for care in open_cares(planner, done)]
        assert asked.order_id not in ids


def test_keeper__order_that_waits__is_in_neither_nav_and_no_other_is_sent(staged, scenario):
    with staged("synthetix") as world:
        step(world, scenario, 0)
        assert world.keeper.cycle().outcome is Outcome.EXECUTED
        waiting = world.keeper.cycle()
        assert waiting.outcome is not Outcome.EXECUTED
        assert waiting.nav.error_bps < MAX_NAV_ERROR_BPS
        assert [is_final(order.state) for order in world.keeper.ledger.orders()] == [False]
        step(world, scenario, 1)  # the bot of the local chain executes it first
        assert world.keeper.cycle().nav.error_bps < MAX_NAV_ERROR_BPS
        assert [order.state for order in world.keeper.ledger.orders()] == [OrderState.EXECUTED]


def test_localnet__order_that_lapsed__cancelled_and_asked_for_once_the_budget_allows(staged, scenario):
    with staged("synthetix") as world:
        step(world, scenario, 0)
        world.keeper.cycle()
        world.localnet.chain.mine([], world.localnet.chain.head().timestamp + 60)
        world.localnet.tend()
        for index in range(1, 5):  # what the lapsed order might have cost comes back at 150 bps of NAV a day
            step(world, scenario, index)
            assert world.cycle().nav.error_bps < MAX_NAV_ERROR_BPS
        states = [order.state for order in world.keeper.ledger.orders()]
        assert states == [OrderState.CANCELLED, OrderState.EXECUTED]


def test_demo__on_two_venues__one_dollar_serves_both_and_both_are_measured(staged, scenario):
    with staged("curie", "synthetix") as world:
        step(world, scenario, 0)
        result = world.cycle()
        assert result.outcome is Outcome.EXECUTED
        assert len(result.after.venues) == len(world.maintenance()) == 2
        assert world.deployment.asset.decimals == 18
        step(world, scenario, 1)
        assert world.cycle().nav.error_bps < MAX_NAV_ERROR_BPS
