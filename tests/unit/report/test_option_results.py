"""HEDGE-638: what options have cost and brought, checked by hand."""

from __future__ import annotations

import json

from agent.chain.block_id import BlockId
from agent.ledger.records import LogId, OptionEventKind, OptionEventRecord
from agent.report.option_results import option_results, result_lines, results_document
from agent.units import WAD, Address, BlockHash, Wad

AT = LogId(BlockId(1, BlockHash("0x01")), "0x02", 0)
VENUE = Address("0x00000000000000000000000000000000000000b2")


def traded(position: int, size: int, cash: int) -> OptionEventRecord:
    numbers = (Wad(size * WAD), Wad(cash * WAD), Wad(10 * WAD))
    return OptionEventRecord(
        AT, VENUE, OptionEventKind.TRADED, position, *numbers, intent_id=None, strike_id=12, is_call=position == 7
    )


def told(kind: OptionEventKind, position: int, size: int = 0, cash: int = 0) -> OptionEventRecord:
    return OptionEventRecord(AT, VENUE, kind, position, Wad(size * WAD), Wad(cash * WAD))


EVENTS = (
    traded(7, 5, -900),
    traded(8, 3, -300),
    traded(7, -2, 500),
    told(OptionEventKind.SETTLED, 8, -3, 450),
    told(OptionEventKind.BROUGHT_HOME, 8),
)


# HEDGE-638
def test_option_results__events__add_up_by_position() -> None:
    call, put = option_results(EVENTS)
    assert (call.held, call.paid, call.received, call.payoff, call.fees) == tuple(
        number * WAD for number in (3, 900, 500, 0, 20)
    )
    assert (put.held, put.paid, put.payoff, put.cash) == (0, 300 * WAD, 450 * WAD, 150 * WAD)


# HEDGE-638
def test_result_lines__positions__a_line_each_and_one_of_all() -> None:
    first, second, total = result_lines(option_results(EVENTS))
    assert first.startswith("Position 7, call of strike 12: bought 5.0000 for $900, sold 2.0000 for $500, 3.0000 held")
    assert "3.0000 paid $450 at expiry" in second
    assert total.startswith("In all: premiums paid $1,200, received $500, payoffs $450, fees $30.00 among them: ")
    assert total.endswith("\u2212$250 beside what is held")


# HEDGE-638
def test_result_lines__nothing_bought__says_so() -> None:
    assert result_lines([]) == ["No option was ever bought."]


# HEDGE-638
def test_results_document__whole__strict_json() -> None:
    [call, put] = json.loads(json.dumps(results_document(option_results(EVENTS)), allow_nan=False))
    assert (call["held"], call["cash_usd"], put["payoff_usd"], put["is_call"]) == (3.0, -400.0, 450.0, False)
