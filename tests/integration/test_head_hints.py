"""Heads over WebSocket: they wake the loop, and a socket that is lost, silent, false or mad does it no harm."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from agent.chain.head_hints import HeadHints
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

AGES_SECONDS = 3_600.0
"""A wait that only a hint ends within the life of a test."""
PATIENCE_SECONDS = 60.0
LOGGER = "agent.chain.head_hints"


@contextmanager
def sockets(behave: Callable[[ServerConnection], None]) -> Iterator[str]:
    """A WebSocket server that behaves as a test wants it to."""

    def handle(connection: ServerConnection) -> None:
        try:
            behave(connection)
        except ConnectionClosed:
            return

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def head(number: int, hash_number: int | None = None) -> str:
    written = f"0x{number if hash_number is None else hash_number:064x}"
    header = {"number": hex(number), "hash": written}
    params = {"subscription": "0x1", "result": header}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params})


def finishes(act: Callable[[], object]) -> bool:
    """Run in a thread; return whether it ended within the patience of the test."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    return not thread.is_alive()


def until_closed(connection: ServerConnection) -> None:
    for _ in connection:
        pass


@contextmanager
def keeper_with(world: KeeperWorld, *ws_urls: str) -> Iterator[Keeper]:
    settings = world.settings()
    chain = settings.chain.model_copy(update={"ws_urls": ws_urls})
    pace = settings.keeper.model_copy(update={"least_interval_seconds": 0.001})
    with (
        world.fresh(),
        Keeper.build(settings.model_copy(update={"chain": chain, "keeper": pace}), world.book(), {}) as keeper,
    ):
        yield keeper


def test_run__a_node_tells_of_each_block__the_loop_wakes_for_it(keeper_chain: KeeperWorld) -> None:
    seen: list[int] = []
    stop = threading.Event()

    def on_result(result: CycleResult) -> None:
        seen.append(result.block.number)
        if len(seen) == 4:
            stop.set()
        else:
            keeper_chain.step(START_PRICE_USD)

    def raise_it(trouble: Exception) -> None:
        raise trouble

    with keeper_with(keeper_chain, keeper_chain.localnet.rpc_url.replace("http", "ws")) as keeper:
        assert finishes(lambda: keeper.run(on_result, raise_it, interval_seconds=AGES_SECONDS, stop=stop))
    assert len(seen) == 4
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]


def test_run__the_socket_cannot_be_reached__polls_as_without(
    keeper_chain: KeeperWorld, caplog: pytest.LogCaptureFixture
) -> None:
    results: list[CycleResult] = []
    with socket.socket() as bound:  # bound and not listening: refused, and nobody else's
        bound.bind(("127.0.0.1", 0))
        url = f"ws://anne:hunter2@127.0.0.1:{bound.getsockname()[1]}/token-9f"
        with caplog.at_level(logging.DEBUG), keeper_with(keeper_chain, url) as keeper:
            assert finishes(lambda: keeper.run(results.append, results.append, cycles=3, interval_seconds=0.2))
    assert len(results) == 3
    lost = [record.getMessage() for record in caplog.records if record.name == LOGGER]
    assert len(lost) == 1
    assert lost[0].endswith(" (ConnectionRefusedError): they are polled for until it is back")
    assert "hunter2" not in caplog.text
    assert "token-9f" not in caplog.text


def test_wait__the_socket_breaks_off__is_back_with_the_next_and_says_each_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    connections: list[ServerConnection] = []

    def breaks_off_twice(connection: ServerConnection) -> None:
        connection.recv()
        connections.append(connection)
        if len(connections) == 1 or len(connections) > 2:
            connection.send(head(len(connections)))
        if len(connections) > 2:
            until_closed(connection)

    with (
        sockets(breaks_off_twice) as url,
        caplog.at_level(logging.INFO, LOGGER),
        HeadHints([url], least_seconds=0.001, retry_initial_seconds=0.01) as hints,
    ):
        assert finishes(lambda: hints.wait(AGES_SECONDS, 2, threading.Event()))
    assert [record.getMessage().split(" ws")[0] for record in caplog.records] == ["no heads from", "heads from"]


@pytest.mark.parametrize(
    "message",
    [
        "<html>",
        b"\xff\x00\x9c",
        "[" * 60_000,
        "7",
        "x" * 100_000,
        json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no such method"}}),
        json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": [1]}),
        json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": {"result": {"number": 7, "hash": {}}}}),
    ],
    ids=["html", "bytes", "nested", "number", "too-long", "refused", "no-params", "no-head"],
)
def test_wait__garbage__no_hint_and_the_next_connection_is_heard(message: str | bytes) -> None:
    connections: list[ServerConnection] = []

    def talks_nonsense_first(connection: ServerConnection) -> None:
        connection.recv()
        connections.append(connection)
        connection.send(message if len(connections) == 1 else head(7))
        until_closed(connection)

    with (
        sockets(talks_nonsense_first) as url,
        HeadHints([url], least_seconds=0.001, retry_initial_seconds=0.01) as hints,
    ):
        assert finishes(lambda: hints.wait(AGES_SECONDS, 6, threading.Event()))
    assert len(connections) == 2


def test_run__a_socket_that_invents_heads__cycles_on_what_the_servers_say(keeper_chain: KeeperWorld) -> None:
    def invents(connection: ServerConnection) -> None:
        connection.recv()
        for number in range(10**12, 2 * 10**12):
            connection.send(head(number))

    results: list[CycleResult] = []
    with sockets(invents) as url, keeper_with(keeper_chain, url) as keeper:
        assert finishes(lambda: keeper.run(results.append, results.append, cycles=4, interval_seconds=AGES_SECONDS))
        newest = keeper.planner.head(keeper_chain.now).number
    assert [result.block.number for result in results[1:]] == [newest] * 3


def test_wait__asked_to_stop__ends_though_nothing_is_told() -> None:
    stop = threading.Event()

    def says_nothing(connection: ServerConnection) -> None:
        connection.recv()
        stop.set()
        until_closed(connection)

    with sockets(says_nothing) as url, HeadHints([url], least_seconds=1.0) as hints:
        assert finishes(lambda: hints.wait(AGES_SECONDS, 0, stop))
