"""What a rebalance is reckoned to cost and to be worth, with the chain's word where it has one."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest

from agent.decision.decide import decide
from agent.domain import Action, Exposure, Fill, OrderGas, Target, TradeCosts
from agent.errors import PolicyRefusedError, RejectedError
from agent.execution.intents import call_on
from agent.keeper import planner as planner_module
from agent.keeper.planner import CycleView, Planner, Sight
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.units import Address, BlockHash, Wad, Wei
from tests.support.decision_builders import COSTS, SETTINGS, held, snapshot_of

GWEI = 10**9
VAULT = Address("0x00000000000000000000000000000000000000F0")
POLICY = WhalleyWilmott(risk_aversion_per_usd=0.5, static_horizon_days=30.0, static_vol_annual=0.7)


def planner_of(live_fee: int | None = None, policy: object = POLICY) -> Planner:
    """A planner on a chain that charges ``live_fee`` for data, where it tells."""
    planner = object.__new__(Planner)
    planner.policy = policy
    planner.ether_venues = frozenset()
    planner.settings = SimpleNamespace(costs=SimpleNamespace(data_fee_gwei=Decimal("1.5")))
    planner.deployment = SimpleNamespace(contract=lambda name: {"HedgeVault": VAULT}[name])
    asked = (VAULT, 900_000, snapshot_of(held(0.0)).block)
    planner.rollup = SimpleNamespace(usual_fee=lambda *arguments: {asked: live_fee}[arguments])
    return planner


def view_of(net_delta: float, **costs: float) -> CycleView:
    book, reckoned = held(net_delta), replace(COSTS, **costs)
    snapshot = snapshot_of(book)
    return CycleView(snapshot, None, decide(snapshot, book, POLICY, reckoned, SETTINGS), 0.0, reckoned)


class Refuses:
    """A policy that was not made for anything."""

    def target(self, exposure: Exposure, costs: TradeCosts) -> Target:
        raise PolicyRefusedError("gas is dear")


@pytest.mark.parametrize(
    ("net_delta", "action", "lands"),
    [(1.99, Action.HOLD, 1.99), (-1.99, Action.HOLD, -1.99), (2.4, Action.REBALANCE, 0)],
)
def test_decide_by_band__policy_refuses__what_leaves_the_chains_band_is_hedged(monkeypatch, net_delta, action, lands):
    planner, book = planner_of(policy=Refuses()), held(net_delta)
    planner.book, planner.decision_settings = book, SETTINGS
    monkeypatch.setattr(planner, "_costs", lambda _: COSTS)
    sight = Sight(snapshot_of(book), SimpleNamespace(settlement_window_seconds=0))
    with pytest.raises(PolicyRefusedError, match="gas is dear"):
        planner.decide(sight)
    decision = planner.decide_by_band(sight, {}, "gas is dear").decision
    assert decision.action is action
    assert net_delta + sum(leg.size_delta for leg in decision.legs) / 1e18 == pytest.approx(lands, abs=0.02)
    assert decision.reason.startswith("gas is dear; until then the chain's band alone decides: fixed threshold")


@pytest.mark.parametrize(("live", "expected"), [(None, 3 * GWEI // 2), (0, 0), (7, 7)])
def test_data_fee__chain_tells_or_not__is_its_word_else_the_configured(live, expected):
    assert planner_of(live).data_fee(900_000, snapshot_of(held(0.0)).block) == expected


@pytest.fixture
def worth(monkeypatch) -> dict[str, float | None]:
    """What the policy finds a hedge worth, USD: 12 cents."""
    found: dict[str, float | None] = {"usd": 0.12}
    monkeypatch.setattr(planner_module, "gas_worth_usd", lambda *_: found["usd"])
    return found


def test_gas_worth__outside_the_chains_band__has_no_limit(worth):
    """12 cents at 3,000 USD are 40,000 gwei, for 1,200,000 units of gas."""
    assert planner_of().gas_worth(view_of(2.0)) == pytest.approx(40_000 * GWEI // 1_200_000, rel=1e-9)
    assert planner_of().gas_worth(view_of(2.001)) is None


def test_gas_worth__data_charged_beside_gas__is_less_by_that_and_never_below_0(worth):
    free = planner_of().gas_worth(view_of(1.9))
    charged = planner_of().gas_worth(view_of(1.9, data_fee_wei=Wei(COSTS.gas_units * 10)))
    assert charged == free - 10
    assert planner_of().gas_worth(view_of(1.9, data_fee_wei=Wei(10**30))) == 0


def test_gas_worth__orders_are_executed_for_gas_too__is_spread_over_all_of_it(worth):
    view = view_of(1.9)
    venue = replace(view.snapshot.venues[0], order_gas=OrderGas(*[4 * COSTS.gas_units] * 3))
    seen = replace(view, snapshot=replace(view.snapshot, venues=(venue, *view.snapshot.venues[1:])))
    fills = (Fill(0, Wad(10**18), Wad(1), Wad(0)),)
    trading = replace(seen, decision=replace(seen.decision, expected_fills=fills))
    assert planner_of().gas_worth(trading) == planner_of().gas_worth(view) // 5


def test_gas_worth__policy_names_none__has_no_limit(worth):
    worth["usd"] = None
    assert planner_of().gas_worth(view_of(1.9)) is None


def test_intent__of_a_view__is_of_its_decision_and_ends_after_the_configured_time():
    planner, view = planner_of(), view_of(6.0)
    planner.settings.execution = SimpleNamespace(deadline_seconds=240)
    intent = planner.intent(view)
    assert (intent.legs, intent.deadline) == (view.decision.legs, view.block.timestamp + 240)
    assert intent == planner.intent_of(view, view.decision)


def test_simulate__intent__is_called_on_top_of_the_block_with_the_most_gas():
    planner, view = planner_of(), view_of(6.0)
    planner.settings.execution = SimpleNamespace(
        deadline_seconds=240, max_gas_units=2_000_000, priority_fee_gwei=Decimal(3)
    )
    intent, refusal = planner.intent(view), RejectedError("NetDeltaExceeded")
    later = replace(view.block, number=view.block.number + 1, hash=BlockHash("0x" + "22" * 32))
    asked = (VAULT, call_on(intent, later), 2_000_000, later)
    planner.client = SimpleNamespace(simulate=lambda *arguments: {(*asked, None): refusal}[arguments])
    assert planner.simulate(intent, VAULT, later) is refusal


def test_simulate__venue_takes_ether_by_the_gas_price__sees_that_of_a_first_bid():
    planner, view = planner_of(), view_of(6.0)
    planner.settings.execution = SimpleNamespace(
        deadline_seconds=240, max_gas_units=2_000_000, priority_fee_gwei=Decimal(3)
    )
    intent = planner.intent(view)
    block = replace(view.block, hash=BlockHash("0x" + "22" * 32), base_fee_wei=Wei(7 * GWEI))
    prices: list[Wei | None] = []
    planner.client = SimpleNamespace(simulate=lambda *arguments: prices.append(arguments[-1]))
    planner.ether_venues = frozenset({intent.legs[0].venue})
    planner.simulate(intent, VAULT, block)
    margin_alone = replace(intent, legs=tuple(replace(leg, size_delta=Wad(0)) for leg in intent.legs))
    planner.simulate(margin_alone, VAULT, block)
    assert prices == [17 * GWEI, None]
