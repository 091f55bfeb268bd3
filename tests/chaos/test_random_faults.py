"""Faults at random, by seed, on every server at once: no double hedge, no lost intent, and hedged again once healed."""

from __future__ import annotations

import random

import pytest

from agent.errors import TransientError
from agent.guard import worst_net_delta
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.ledger.records import IntentState
from tests.support.fault_proxy import (
    Fault,
    FaultProxy,
    accept_and_drop,
    answer,
    batch_limit,
    error,
    html,
    http_status,
    null,
    proxies,
    pruned,
    range_limit,
    reorder,
    stale_head,
    too_many_requests,
    truncate,
)
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

SERVERS, QUORUM = 3, 2
STEPS = 4
FAULTED_SHARE = 0.3
"""Of the requests of a method that a fault strikes."""
BLOCKS_TO_HEAL = 5


def faults(draw: random.Random) -> list[tuple[str, Fault]]:
    """One fault for each of some methods, and one for all."""
    anywhere = [
        too_many_requests(),
        http_status(502),
        html(),
        truncate(),
        null(),
        answer("0x"),
        reorder(),
        batch_limit(draw.randint(1, 9)),
        error(-32603, "Internal error"),
        error(-32600, "Invalid Request"),
    ]
    of_method = {
        "eth_sendRawTransaction": [accept_and_drop(), error(-32000, "txpool is full"), error(-32000, "already known")],
        "eth_getBlockByNumber": [stale_head(draw.randint(1, 3)), null()],
        "eth_call": [pruned(0), error(3, "execution reverted"), answer("0x" + "11" * 64)],
        "eth_getLogs": [range_limit(draw.randint(1, 50)), answer([])],
        "eth_getTransactionReceipt": [null(), answer({})],
        "eth_getTransactionCount": [answer("0x0"), answer("0xffff")],
    }
    chosen = [(method, draw.choice(kinds)) for method, kinds in of_method.items() if draw.random() < 0.5]
    return [*chosen, ("*", draw.choice(anywhere))]


def strike(servers: list[FaultProxy], draw: random.Random) -> None:
    """Let two of three servers fail now and then, each in its own way."""
    for server in servers:
        server.heal()
    for server in draw.sample(servers, SERVERS - 1):
        for method, fault in faults(draw):
            server.on(method, fault, chance=FAULTED_SHARE)


def cycle(keeper: Keeper) -> Outcome | None:
    try:
        return keeper.cycle().outcome
    except TransientError:
        return None


@pytest.mark.parametrize("seed", range(2))
def test_keeper__random_faults_on_two_of_three_servers__hedges_once_and_recovers(keeper_chain: KeeperWorld, seed):
    draw = random.Random(seed)
    with keeper_chain.fresh() as world, proxies(world.localnet.rpc_url, SERVERS, seed) as servers:
        settings = world.settings(receipt_timeout_seconds=0.3).with_rpc_urls(*(server.url for server in servers))
        settings = settings.model_copy(update={"chain": settings.chain.model_copy(update={"rpc_quorum": QUORUM})})
        with Keeper.build(settings, world.book(), {}) as keeper:
            price = START_PRICE_USD
            for _ in range(STEPS):
                price *= 1.0 + draw.uniform(-0.04, 0.04)
                world.step(price)
                strike(servers, draw)
                for _ in range(3):
                    cycle(keeper)
            for server in servers:
                server.heal()
            assert_recovers(world, keeper)
            assert_books_are_the_chains(world, keeper)


def assert_recovers(world: KeeperWorld, keeper: Keeper) -> None:
    """Within some blocks of the last fault W lies inside the chain's band."""
    for _ in range(BLOCKS_TO_HEAL):
        cycle(keeper)
        world.rpc("evm_mine")
    state = keeper.planner.reader.state(keeper.planner.head())
    assert worst_net_delta(state.measurement) <= state.bounds.band


def assert_books_are_the_chains(world: KeeperWorld, keeper: Keeper) -> None:
    executed = [event["intentId"] for event in world.events("Rebalanced")]
    assert len(executed) == len(set(executed))
    assert keeper.ledger.open_intents() == []
    assert [rebalance.intent_id for rebalance in keeper.ledger.rebalances()] == ["0x" + one.hex() for one in executed]
    for intent_id in ("0x" + one.hex() for one in executed):
        assert keeper.ledger.states_of(intent_id)[-1] is IntentState.EXECUTED
    assert sum(fill.size_delta for fill in keeper.ledger.fills()) == world.size()
