"""Collateral that comes back later: found by the hour, noted once where it does not count, claimed when it is due."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.chain.abi import Call
from agent.errors import TransientError
from agent.units import Address, Seconds, Wei
from agent.venues.delayed_collateral import LOOK_BACK_HOURS, LOOK_INTERVAL_SECONDS, DelayedCollateralFinder
from tests.support.decision_builders import held, snapshot_of
from tests.unit.ledger.test_scan import VENUE, deployment

MARKET = Address("0x000000000000000000000000000000000000000A")
TOKENS = {"collateral": "0x" + "1" * 40, "longToken": "0x" + "2" * 40}
HOUR = 500_000
BLOCK = replace(snapshot_of(held(0.0)).block, timestamp=Seconds(HOUR * 3_600))


class Chain:
    """A venue that owes what a test says by hour and token, and whose account counts some of it."""

    def __init__(self, **owed: int) -> None:
        self.owed = {int(name.removeprefix("h")): amount for name, amount in owed.items()}
        self.counted = 0
        self.order = bytes(32)
        self.silent: set[str] = set()
        self.asked: list[int] = []

    def read(self, calls: list[Call], block: Any) -> list[tuple[Any, ...]]:
        return [self.answer(call, block) for call in calls]

    def balance_at(self, account: Address, block: Any) -> Wei:
        return Wei(7)

    def answer(self, call: Call, block: Any) -> tuple[Any, ...]:
        name, words = call.function.name, call.data[10:]
        if name in self.silent:
            raise TransientError(name)
        if name == "owedOf":
            hour = int(words[128:192], 16) - HOUR
            if words[88:128] == "1" * 40:
                self.asked.append(hour)
                return (self.owed.get(-hour, 0),)
            return (0,)
        whole = 100 + sum(self.owed.values())
        answers: dict[str, tuple[Any, ...]] = {
            "market": (MARKET,),
            "hour": (block.timestamp // 3_600,),
            "balanceOf": (90,),
            "openOrder": (self.order,),
            "account": ((0, 0, 0, 100 + self.counted, 0, 0, 0, 0, 0),),
            "valueOf": (0, whole, 0),
        }
        return answers[name] if name in answers else (TOKENS[name],)


def finder(chain: Chain, kind: str = "gmx") -> DelayedCollateralFinder:
    return DelayedCollateralFinder(chain, deployment(kind))


def due(found: DelayedCollateralFinder, hours_later: int = 0) -> list[tuple[str, int]]:
    block = replace(BLOCK, timestamp=Seconds(BLOCK.timestamp + hours_later * 3_600))
    return [(call.function.name, int(call.data[-64:], 16) - HOUR) for call in found.due(block)]


def test_due__nothing_owed_or_another_protocol__is_nothing():
    chain = Chain()
    assert due(finder(chain)) == []
    assert set(chain.asked) == set(range(-LOOK_BACK_HOURS, 1))
    assert (due(finder(chain, "curie")), finder(chain, "curie").selectors()) == ([], {})


@pytest.mark.parametrize(("counted", "notes"), [(0, [-5, -1]), (11, [-5, -1]), (16, [-1])])
def test_due__some_hours_owe__notes_the_last_and_older_ones_where_they_do_not_count(counted, notes):
    chain = Chain(h0=1, h1=10, h5=5)
    chain.counted = counted
    claims = [("claimCollateral", hour) for hour in (-5, -1, 0)]
    assert due(finder(chain)) == [*(("noteCollateral", hour) for hour in notes), *claims]


def test_due__order_open__leaves_older_hours_until_it_is_over():
    chain = Chain(h5=5)
    chain.order = bytes([1]) * 32
    assert ("noteCollateral", -5) not in due(finder(chain))


def test_due__account_is_silent__notes_all_the_same():
    chain = Chain(h5=5)
    chain.silent = {"account"}
    assert due(finder(chain))[0] == ("noteCollateral", -5)


def test_due__noted_and_looked_at__is_not_noted_again_nor_looked_at_at_once():
    chain = Chain(h1=5)
    found = finder(chain)
    [note, _] = found.due(BLOCK)
    found.is_done(note)
    chain.asked.clear()
    soon = replace(BLOCK, timestamp=Seconds(BLOCK.timestamp + LOOK_INTERVAL_SECONDS - 1))
    assert list(found.due(soon)) == []
    assert chain.asked == []
    assert due(found, 2) == [("claimCollateral", -1)]
    assert chain.asked == [-1, 0, 1, 2]


def test_due__market_is_silent__is_asked_again_by_the_next_block():
    chain = Chain(h1=5)
    found = finder(chain)
    chain.silent = {"hour"}
    assert due(found) == []
    chain.silent = set()
    assert due(found) == [("noteCollateral", -1), ("claimCollateral", -1)]
    assert {len(one) for one in found.selectors()[VENUE]} == {10}
