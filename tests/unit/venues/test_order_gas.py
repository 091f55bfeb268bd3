"""Gas of executions: asked of the venue that is paid for them in ether, and set where the keeper settles."""

from __future__ import annotations

from typing import Any

import pytest

from agent.chain.deployment import Deployment
from agent.domain import OrderGas
from agent.errors import DataError, RejectedError, TransientError
from agent.units import Address, Wei
from agent.venues.order_gas import OrderGasReader
from tests.support.decision_builders import held, snapshot_of
from tests.unit.ledger.test_scan import VENUE, deployment

MARKET = Address("0x000000000000000000000000000000000000000A")
KEEPER = Address("0x000000000000000000000000000000000000000b")
BLOCK = snapshot_of(held(0.0)).block
PRICE = Wei(3 * 10**8)


class Chain:
    """A venue whose executions cost what a test says, in wei for each unit of gas at the price asked at."""

    def __init__(self) -> None:
        self.gas = {True: 5_100_000, False: 6_100_000}
        self.trouble: Exception | None = None
        self.looked = 0

    def read(self, calls: list[Any], block: Any) -> list[tuple[Any, ...]]:
        self.looked += 1
        return [(MARKET,) for _ in calls]

    def read_priced(self, sender: Any, calls: Any, gas: int, block: Any, price: int) -> list[tuple[int]]:
        assert (sender, block) == (KEEPER, BLOCK)
        assert all(call.to == MARKET for call in calls)
        if self.trouble is not None:
            raise self.trouble
        return [(self.gas[bool(int(call.data, 16) & 1)] * price,) for call in calls]


def reader(chain: Chain, kind: str, settling_gas: int | None = None) -> OrderGasReader:
    found: Deployment = deployment(kind)
    return OrderGasReader(chain, found, settling_gas)


def test_read__paid_in_ether__is_gas_and_twice_the_dearer_past_zero():
    chain = Chain()
    found = reader(chain, "gmx")
    assert not found.is_known
    assert found.read(KEEPER, BLOCK, PRICE) == {VENUE: OrderGas(5_100_000, 6_100_000, 12_200_000)}
    chain.gas[False] = 7
    assert found.read(KEEPER, BLOCK, Wei(0)) == {VENUE: OrderGas(5_100_000, 7, 10_200_000)}
    assert chain.looked == 1


@pytest.mark.parametrize("trouble", [RejectedError("NoUsableRelease"), TransientError("slow"), DataError("odd")])
def test_read__venue_does_not_tell__is_what_it_told_last(trouble):
    chain = Chain()
    found = reader(chain, "gmx")
    chain.trouble = trouble
    assert found.read(KEEPER, BLOCK, PRICE) == {}
    chain.trouble = None
    told = found.read(KEEPER, BLOCK, PRICE)
    chain.trouble = trouble
    assert found.read(KEEPER, BLOCK, PRICE) == told != {}


@pytest.mark.parametrize(
    ("kind", "gas", "expected"), [("synthetix", 9, 9), ("synthetix", None, None), ("curie", 9, None)]
)
def test_last__orders_that_the_keeper_settles__take_what_that_is_set_to(kind, gas, expected):
    found = reader(Chain(), kind, gas)
    assert found.is_known
    assert found.last == ({} if expected is None else {VENUE: OrderGas(expected, expected, expected)})
