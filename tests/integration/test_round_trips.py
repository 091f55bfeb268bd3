"""How often a cycle waits for a server: requests pass in waves, and one asked later than need be fails the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult, Outcome
from tests.support.fault_proxy import FaultProxy, proxies
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld
from tests.support.waves import waves

pytestmark = pytest.mark.chain

HEAD, EVENTS, CALLS = "eth_getBlockByNumber", "eth_getBlockByNumber+eth_getLogs", "eth_call"
ACCOUNT, WAITING, TIPS = "eth_getBalance+eth_getTransactionCount", "eth_getTransactionCount", "eth_feeHistory"
ESTIMATE, SEND = "eth_estimateGas", "eth_sendRawTransaction"
MOVED_PRICE_USD = START_PRICE_USD * 1.04
MANY = pytest.mark.parametrize(("servers", "quorum"), [(1, 1), (3, 2)])


@contextmanager
def warm_keeper(
    world: KeeperWorld, servers: int, quorum: int, **execution: Any
) -> Iterator[tuple[Keeper, list[FaultProxy]]]:
    """A keeper behind so many servers that has hedged once."""
    with world.fresh(), proxies(world.localnet.rpc_url, servers) as opened:
        settings = world.settings(**execution).with_rpc_urls(*(server.url for server in opened))
        chain = settings.chain.model_copy(update={"rpc_quorum": quorum})
        with Keeper.build(settings.model_copy(update={"chain": chain}), world.book(), {}) as keeper:
            assert keeper.cycle().outcome is Outcome.EXECUTED
            yield keeper, opened


def trade_in_waves(world: KeeperWorld, keeper: Keeper, servers: list[FaultProxy], *sizes: int) -> list[set[str]]:
    """Let a moved price call for a trade; return what was asked, wave by wave, up to the transaction."""
    world.step(MOVED_PRICE_USD)
    with waves(servers, *sizes) as asked:
        result = keeper.cycle()
    assert result.outcome is Outcome.EXECUTED
    assert asked.is_over
    assert asked.later[0] == SEND
    return grouped(asked.methods, sizes)


def grouped(methods: list[str], sizes: tuple[int, ...]) -> list[set[str]]:
    """Return the methods of each wave."""
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    return [set(methods[start : start + size]) for start, size in zip(starts, sizes, strict=True)]


@MANY
def test_cycle__nothing_to_do__two_round_trips(keeper_chain: KeeperWorld, servers: int, quorum: int) -> None:
    with warm_keeper(keeper_chain, servers, quorum) as (keeper, opened):
        keeper_chain.step(START_PRICE_USD)
        with waves(opened, 1, 2) as asked:
            result: CycleResult = keeper.cycle()
    assert result.outcome is Outcome.HELD
    assert asked.is_over
    assert grouped(asked.methods, (1, 2)) == [{HEAD}, {EVENTS, CALLS}]
    assert asked.later == []


@MANY
def test_cycle__trade__three_round_trips_before_it_is_sent(
    keeper_chain: KeeperWorld, servers: int, quorum: int
) -> None:
    with warm_keeper(keeper_chain, servers, quorum) as (keeper, opened):
        trips = trade_in_waves(keeper_chain, keeper, opened, 1, 2, 3)
    assert trips == [{HEAD}, {EVENTS, CALLS}, {CALLS, ACCOUNT, WAITING}]


@MANY
def test_cycle__trade_with_the_markets_tip_and_an_estimate__four_round_trips(
    keeper_chain: KeeperWorld, servers: int, quorum: int
) -> None:
    dear = {"tip_percentile": 50.0, "urgent_tip_percentile": 50.0, "usual_gas_units": 300_000}
    with warm_keeper(keeper_chain, servers, quorum, **dear, gas_limit_ratio=Decimal("1.5")) as (keeper, opened):
        trips = trade_in_waves(keeper_chain, keeper, opened, 1, 2, 4, 1)
    assert trips == [{HEAD}, {EVENTS, CALLS}, {CALLS, ACCOUNT, WAITING, TIPS}, {ESTIMATE}]
