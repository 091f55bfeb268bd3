"""HEDGE-635: a plan at the venue of options in words and as a document."""

from __future__ import annotations

import json
from dataclasses import replace

from agent.decision.option_hedge import plan_options
from agent.decision.option_view import OptionView
from agent.domain import Target
from agent.errors import RejectedError
from agent.report.options import option_document, option_lines
from agent.units import Wad
from tests.unit.decision.test_option_hedge import POLICY, SPOT_USD, STATE, offer, short_book

HEDGE = plan_options(short_book(), STATE, SPOT_USD, POLICY)
TARGET = Target(-1.0, 1.0, HEDGE.after.delta - 2.0, "inside")
VIEW = OptionView("options", HEDGE.reason, False, short_book(), STATE, HEDGE, TARGET)


# HEDGE-635
def test_option_lines__orders__one_line_each_with_limit_and_what_follows() -> None:
    lines = option_lines(VIEW)
    assert lines[0] == f"Options at options: {HEDGE.reason}"
    assert sum(line.startswith("  buy ") for line in lines) == len(HEDGE.orders)
    assert lines[-2].startswith("  Then the delta leg: sell 2.0000 of the perp; inside")
    assert lines[-1] == "  The chain would accept it"


# HEDGE-635
def test_option_lines__chain_refuses__is_the_last_line() -> None:
    refused = replace(VIEW, refusal=RejectedError("TradingStopped", {}))
    assert option_lines(refused)[-1] == "  The chain would refuse it: TradingStopped()"


# HEDGE-635
def test_option_lines__nothing_worth_it__risk_as_it_is_and_the_best_trade() -> None:
    hedge = replace(HEDGE, orders=())
    last = option_lines(replace(VIEW, hedge=hedge, delta_after=None))[-1]
    assert last.startswith("  Risk as it is $")
    assert "the best trade found leaves $" in last


# HEDGE-635
def test_option_lines__not_asked__the_reason_alone() -> None:
    assert option_lines(OptionView("options", "the vault is paused")) == ["Options at options: the vault is paused"]


# HEDGE-635
def test_option_lines__held__its_bid_or_that_there_is_none() -> None:
    held = offer(2, True, 2_000.0, held=3.0)
    for one, said in ((held, "3 held, bid $"), (replace(held, bid=None), "3 held, no bid")):
        lines = option_lines(replace(VIEW, state=replace(STATE, offers=(one,)), hedge=None))
        assert said in lines[-1]


# HEDGE-635
def test_option_document__whole__strict_json_with_exact_orders() -> None:
    told = json.loads(json.dumps(option_document(VIEW), allow_nan=False))
    assert [int(order["size_delta_wad"]) for order in told["orders"]] == [one.size_delta for one in HEDGE.orders]
    assert [Wad(int(order["limit_cost_wad"])) for order in told["orders"]] == [one.limit_cost for one in HEDGE.orders]
    assert told["delta_leg"]["size_delta"] == told["delta_leg"]["target_net_delta"] - told["delta_leg"]["net_delta"]
    assert told["chain_refuses"] is None
    assert len(told["offers"]) == len(STATE.offers)


# HEDGE-635
def test_option_document__not_asked__nulls_beside_the_reason() -> None:
    told = option_document(OptionView("options", "the vault is paused"))
    assert (told["reason"], told["greeks"], told["caps_left"], told["orders"]) == (
        "the vault is paused",
        None,
        None,
        [],
    )
