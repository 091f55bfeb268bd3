"""Book and chain disagree: no start, but no standstill either; the file is followed as soon as the chain agrees."""

from __future__ import annotations

import json
import logging

import pytest

from agent.errors import BookMismatchError
from agent.files.book_file import load_kept_book
from agent.guard import worst_net_delta
from agent.keeper.book_watch import BookWatch
from agent.keeper.keeper import Keeper
from agent.keeper.result import Outcome
from agent.localnet.codec import encode_call
from agent.localnet.evm import Transaction
from agent.units import WAD, from_wad
from tests.integration.test_keeper_commands import evenkeel
from tests.support.keeper_world import BOOK, START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

SENT = 0.5
"""WETH that reaches the holder whose balance the book's chain sources count."""
HOLDING = f'\n[[holding]]\nlabel = "WETH"\nquantity = {SENT}\n'


@pytest.fixture
def world(keeper_chain: KeeperWorld):
    with keeper_chain.fresh() as fresh:
        yield fresh
    fresh.book_path.write_text(BOOK, encoding="utf-8")


@pytest.fixture
def alerts(caplog):
    caplog.set_level(logging.WARNING, logger="evenkeel.keeper")
    return lambda: [record.alert for record in caplog.records if record.levelno == logging.CRITICAL]


def send_weth_to_the_holder(world: KeeperWorld) -> None:
    holder, weth = world.localnet.manifest.accounts["depositor"], world.localnet.manifest.weth
    wrap = Transaction("wrap", holder, weth, encode_call("deposit()"), 100_000)
    world.rpc("eth_sendTransaction", {**wrap.parameters(), "value": hex(int(SENT * WAD))})
    world.localnet.chain.mine([], world.now() + 12)


def watching(world: KeeperWorld, **more) -> Keeper:
    book = world.book()
    watch = BookWatch(world.book_path, load_kept_book, book.underlying)
    return Keeper.build(world.settings(), book, {}, watch=watch, **more)


def test_start__weth_sent_to_the_holder__is_refused(world, alerts):
    send_weth_to_the_holder(world)
    with watching(world) as keeper, pytest.raises(BookMismatchError, match="lies outside the chain's interval"):
        keeper.run(lambda _: None, lambda _: None, cycles=3, interval_seconds=0.0)
    assert alerts() == ["book_mismatch"]
    finished = evenkeel(world, "run", "--book", str(world.book_path), "--cycles", "1")
    assert finished.returncode == 2
    assert "align the book file with the chain's sources" in finished.stderr


def test_start__asked_for_all_the_same__goes_by_the_chain(world):
    send_weth_to_the_holder(world)
    finished = evenkeel(world, "run", "--book", str(world.book_path), "--cycles", "1", "--json", "--start-on-mismatch")
    assert finished.returncode == 0, finished.stderr
    assert "book_mismatch: " in finished.stderr
    assert "lies outside the chain's interval" in finished.stderr
    assert json.loads(finished.stdout)["outcome"] == "executed"
    assert world.size() > 50 * WAD


def test_run__weth_sent_to_the_holder__pages_and_still_runs(world, alerts):
    with watching(world) as keeper:
        keeper.cycle()
        size = world.size()
        send_weth_to_the_holder(world)
        calm = keeper.cycle()
        keeper.cycle()
        world.step(START_PRICE_USD * 0.9)
        urgent = keeper.cycle()
        assert from_wad(worst_net_delta(urgent.view.snapshot.measurement)) > 15
    assert alerts() == ["book_mismatch"]
    assert calm.outcome is Outcome.HELD
    assert "nothing is traded before the worst case is urgent" in calm.reason
    assert urgent.outcome is Outcome.EXECUTED
    assert world.size() < size
    after = urgent.after.measurement
    width = after.book_delta_high - after.book_delta_low
    assert worst_net_delta(after) <= width // 2 + WAD // 2, "the middle of the interval"


def test_run__file_follows_the_chain__is_taken_over_without_a_restart(world, alerts):
    with watching(world) as keeper:
        keeper.cycle()
        send_weth_to_the_holder(world)
        keeper.cycle()
        world.book_path.write_text(BOOK + HOLDING, encoding="utf-8")
        agreed = keeper.cycle()
        assert "disagree" not in agreed.reason
        assert agreed.decision.exposure.book_delta == pytest.approx(SENT - 53, abs=2.0)
        assert len(keeper.planner.book.positions) == 2
    assert alerts() == ["book_mismatch", "book_reloaded"]


def test_run__file_broken_or_ahead_of_the_chain__keeps_the_old_book_and_says_so(world, alerts):
    with watching(world) as keeper:
        keeper.cycle()
        before = keeper.planner.book
        world.book_path.write_text(BOOK.replace("-100", "many"), encoding="utf-8")
        assert keeper.cycle().outcome is Outcome.HELD
        assert alerts() == ["book_reload_refused"]
        world.book_path.write_text(BOOK + HOLDING, encoding="utf-8")
        assert keeper.cycle().outcome is Outcome.HELD
        assert keeper.planner.book is before
        assert alerts() == ["book_reload_refused"] * 2
        send_weth_to_the_holder(world)
        assert "disagree" not in keeper.cycle().reason
        assert len(keeper.planner.book.positions) == 2
    assert alerts()[2:] == ["book_reloaded"]


def test_run__file_put_back__forgets_what_was_written_between(world, alerts):
    with watching(world) as keeper:
        keeper.cycle()
        world.book_path.write_text(BOOK + HOLDING, encoding="utf-8")
        keeper.cycle()
        world.book_path.write_text(BOOK, encoding="utf-8")
        keeper.cycle()
        send_weth_to_the_holder(world)
        keeper.cycle()
        assert len(keeper.planner.book.positions) == 1
    assert alerts() == ["book_reload_refused", "book_mismatch"]
