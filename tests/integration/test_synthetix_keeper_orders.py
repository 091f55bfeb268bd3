"""The keeper cares for its orders on the real Synthetix: settles, reconciles, cancels them, whatever interrupts it."""

from __future__ import annotations

import contextlib
import time

import pytest
from eth_utils.crypto import keccak

from agent.cli.flatten import NO_BOOK
from agent.demo.scenario import seeded_scenario
from agent.demo.world import open_world
from agent.errors import VenuesSilentError
from agent.keeper.alerts import AlertEvent
from agent.keeper.keeper import Keeper
from agent.keeper.order_plan import OrderAct
from agent.keeper.result import Outcome
from agent.ledger.orders import is_final
from agent.ledger.records import IntentState, OrderState, Purpose
from agent.localnet.codec import encode_call
from agent.localnet.evm import Transaction
from agent.localnet.price_feed import feed_answer
from agent.localnet.synthetix.contracts import PYTH_FEE_WEI
from agent.localnet.synthetix.market import pyth_update
from agent.units import WAD, Seconds, Wei

pytestmark = pytest.mark.chain

MAX_NAV_ERROR_BPS = 1.0
WINDOW_SECONDS = 31
REFUSING_CODE = "0x5f5ffd"
"""PUSH0 PUSH0 REVERT."""


class Killed(BaseException):
    """The process ends here."""


class Prices:
    """Pyth's price service: one price at any time."""

    def __init__(self, price_usd: float) -> None:
        self.answer = feed_answer(price_usd)
        self.asked: list[tuple[bytes, int]] = []

    def first_from(self, feed_id: bytes, published_from: Seconds) -> tuple[bytes, ...]:
        self.asked.append((feed_id, published_from))
        return (pyth_update(self.answer, published_from),)


@pytest.fixture(scope="module")
def scenario():
    return seeded_scenario(20_240_805, None)


@pytest.fixture
def world(tmp_path, monkeypatch, repository, scenario):
    """A stage on Synthetix whose keeper has just asked for its first order; no bot executes it."""
    monkeypatch.chdir(tmp_path)
    config = repository / "config" / "localnet.toml"
    with open_world(scenario, config, lambda _: contextlib.nullcontext(), ("synthetix",)) as world:
        world.localnet.step(float(scenario.prices.prices_usd[0]), int(scenario.prices.times_unix[0]))
        assert world.keeper.cycle().outcome is Outcome.EXECUTED
        assert states(world.keeper) == [OrderState.REQUESTED]
        yield world


def states(keeper) -> list[OrderState]:
    return [order.state for order in keeper.ledger.orders()]


def pass_time(world, seconds: int) -> None:
    chain = world.localnet.chain
    chain.mine([], Seconds(chain.head().timestamp + seconds))


def size(world) -> int:
    planner = world.keeper.planner
    return sum(venue.size for venue in planner.reader.state(planner.head()).venues)


def execute_elsewhere(world, price_usd: float) -> None:
    """Have a stranger execute the order at Synthetix itself, which the adapter is not told of."""
    chain, manifest = world.localnet.chain, world.localnet.manifest
    pass_time(world, 3)
    update = pyth_update(feed_answer(price_usd), chain.head().timestamp)
    call = encode_call("executeOffchainDelayedOrder(address,bytes[])", world.deployment.venues[0].address, [update])
    market = manifest.venues["synthetix"]["market"]
    chain.mine(
        [
            Transaction(
                "execution at the venue",
                manifest.accounts["arbitrageur"],
                market,
                call,
                4_000_000,
                value_wei=Wei(PYTH_FEE_WEI),
            )
        ]
    )


def start_anew(world, prices=None) -> Keeper:
    """Start another process on the same ledger, key and chain."""
    world.keeper.close()
    return Keeper.build(world.settings, world.keeper.planner.book, prices=prices)


def test_keeper__stranger_executed_the_order__reconciled_before_anything_else(world, scenario):
    asked = world.keeper.ledger.orders()[0].requested_size_delta
    execute_elsewhere(world, float(scenario.prices.prices_usd[0]))
    result = world.keeper.cycle()
    assert [care.act for care in result.orders] == [OrderAct.RECONCILE]
    assert states(world.keeper) == [OrderState.EXECUTED]
    assert result.outcome is Outcome.HELD
    assert result.nav.error_bps < MAX_NAV_ERROR_BPS
    assert size(world) == asked
    assert not result.has_open_orders


def test_keeper__order_that_lapsed__cancelled_and_only_the_rest_asked_for_again(world):
    asked = world.keeper.ledger.orders()[0].requested_size_delta
    pass_time(world, WINDOW_SECONDS - 3)
    held = world.keeper.cycle()
    assert (held.orders, held.has_open_orders) == ((), True)  # nobody may cancel within the window
    pass_time(world, 600)
    result = world.keeper.cycle()
    assert result.orders[0].act is OrderAct.CANCEL
    assert states(world.keeper)[0] is OrderState.CANCELLED
    again = [order for order in world.keeper.ledger.orders() if not is_final(order.state)]
    assert sum(order.requested_size_delta for order in again) <= asked
    assert result.nav.error_bps < MAX_NAV_ERROR_BPS
    assert size(world) == 0


def test_keeper__with_a_price_service__settles_and_gets_the_deposit_back(world, scenario):
    order = world.keeper.ledger.orders()[0]
    prices = Prices(float(scenario.prices.prices_usd[0]))
    keeper = start_anew(world, prices)
    with keeper:
        pass_time(world, 20)  # past half of the window nobody else has done it
        result = keeper.cycle()
        assert [care.act for care in result.orders] == [OrderAct.SETTLE]
        assert states(keeper) == [OrderState.EXECUTED]
        assert prices.asked[0][1] == keeper.planner.client.block(_requested_in(keeper)).timestamp + 2
        fee = keeper.ledger.fills()[-1].fee
        assert 0 < fee < order.requested_size_delta * 3_300 * 6 // 10_000  # no deposit in it
        assert result.nav.error_bps < MAX_NAV_ERROR_BPS


def _requested_in(keeper) -> int:
    return keeper.ledger.order_steps()[0].at.block.number


def test_keeper__settling_dearer_than_the_deposit__leaves_the_first_half_to_others(world, scenario):
    keeper = start_anew(world, Prices(float(scenario.prices.prices_usd[0])))
    with keeper:
        pass_time(world, 5)
        assert keeper.cycle().orders == ()  # 900,000 gas at 20 gwei cost more than 4 USD
        assert states(keeper) == [OrderState.REQUESTED]


@pytest.mark.parametrize("killed_at", ["before it is recorded", "before it is sent", "after it is sent"])
@pytest.mark.parametrize("act", [OrderAct.SETTLE, OrderAct.RECONCILE, OrderAct.CANCEL])
def test_keeper__killed_amid_an_errand__hedged_once(world, scenario, monkeypatch, act, killed_at):
    asked = world.keeper.ledger.orders()[0].requested_size_delta
    price_usd = float(scenario.prices.prices_usd[0])
    prices = Prices(price_usd) if act is OrderAct.SETTLE else None
    first = start_anew(world, prices)
    if act is OrderAct.RECONCILE:
        execute_elsewhere(world, price_usd)
    pass_time(world, 40 if act is OrderAct.CANCEL else 20)
    with first, monkeypatch.context() as patched:
        kill(patched, first, killed_at)
        with pytest.raises(Killed):
            first.cycle()
    with Keeper.build(world.settings, first.planner.book, prices=prices) as second:
        results = [second.cycle() for _ in range(3)]
        ended = [order for order in second.ledger.orders() if is_final(order.state)]
        assert [order.order_id for order in ended] == [second.ledger.orders()[0].order_id]
        filled = sum(order.filled_size_delta for order in second.ledger.orders())
        pending = sum(order.pending_size_delta for order in second.ledger.orders())
        assert filled == (0 if act is OrderAct.CANCEL else asked)
        assert filled + pending <= asked
        assert second.ledger.open_intents() == []
        assert results[-1].nav.error_bps < MAX_NAV_ERROR_BPS
        errands = [
            signed
            for record in second.ledger.closed_errands(9, Purpose.ORDER)
            for signed in second.ledger.transactions_of(record.intent_id)
            if signed.purpose is Purpose.ORDER
        ]
        mined = [one.state for one in second.ledger.closed_errands(9, Purpose.ORDER)]
        assert mined.count(IntentState.EXECUTED) <= 1 <= len(errands)


def kill(patched, keeper, killed_at: str) -> None:
    """End the process at a step of sending; what was done before stands."""

    def ends(*_arguments, **_named):
        raise Killed

    client, ledger = keeper.planner.client, keeper.ledger
    if killed_at == "before it is recorded":
        patched.setattr(ledger, "add_signed_intent", ends)
    elif killed_at == "before it is sent":
        patched.setattr(client, "send_raw", ends)
    else:
        send = client.send_raw

        def sends_and_ends(raw):
            send(raw)
            raise Killed

        patched.setattr(client, "send_raw", sends_and_ends)


def test_keeper__venue_silent_with_an_order_open__is_survived_and_followed_later(world):
    """What the order had come to was asked for, and its revert was no failure that the loop goes on after."""
    rpc, adapter = world.localnet.chain.rpc.request, world.deployment.venues[0].address
    code = rpc("eth_getCode", adapter, "latest")
    rpc("anvil_setCode", adapter, REFUSING_CODE)
    pass_time(world, 12)
    with pytest.raises(VenuesSilentError):
        world.keeper.cycle()
    rpc("anvil_setCode", adapter, code)
    pass_time(world, 600)
    world.keeper.cycle()
    assert states(world.keeper)[0] is OrderState.CANCELLED


def test_keeper__errands_revert_in_a_row__rests_tells_and_goes_on_later(world, monkeypatch, caplog):
    """Simulated they pass, and mined they revert: whoever acts at the venue in between may bring that about."""
    keeper, execution = world.keeper, world.settings.execution
    send, rpc = keeper.planner.client.send_raw, world.localnet.chain.rpc.request
    adapter = world.deployment.venues[0].address
    code = rpc("eth_getCode", adapter, "latest")

    def sends_too_late(raw):
        rpc("anvil_setCode", adapter, REFUSING_CODE)
        outcome, deadline = send(raw), time.monotonic() + 10.0
        while rpc("eth_getTransactionReceipt", "0x" + keccak(hexstr=raw).hex()) is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        rpc("anvil_setCode", adapter, code)
        return outcome

    pass_time(world, 600)  # the order has lapsed
    with monkeypatch.context() as patched:
        patched.setattr(keeper.planner.client, "send_raw", sends_too_late)
        for _ in range(execution.max_reverts_in_row + 2):
            keeper.cycle()
            pass_time(world, 12)
    ended = [one.state for one in keeper.ledger.closed_errands(9, Purpose.ORDER)]
    assert ended == [IntentState.REVERTED] * execution.max_reverts_in_row
    assert AlertEvent.ORDER_ERRANDS_REVERT in keeper.alerts.up
    assert f"the last {execution.max_reverts_in_row} errands for orders reverted, the newest: " in caplog.text
    pass_time(world, execution.revert_rest_seconds + execution.deadline_seconds)
    assert [care.act for care in keeper.cycle().orders] == [OrderAct.CANCEL]
    assert states(keeper)[0] is OrderState.CANCELLED
    keeper.cycle()
    assert AlertEvent.ORDER_ERRANDS_REVERT not in keeper.alerts.up
    assert not any(fill.size_delta for fill in keeper.ledger.fills())
    assert keeper.ledger.open_intents() == []


def test_flatten_step__orders_fill_later_or_lapse__each_is_seen_to_its_end(world):
    """After its first order it called the vault paused, and ended; an order that lapsed nobody cancelled."""
    world.keeper.close()
    registry, guardian = world.deployment.contract("VenueRegistry"), world.localnet.manifest.accounts["guardian"]
    close = encode_call("closeVenue(address)", world.deployment.venues[0].address)
    world.localnet.chain.mine([Transaction("closing of the venue", guardian, registry, close, 2_000_000)])
    with Keeper.build(world.settings, NO_BOOK) as keeper:
        step, _ = keeper.flatten_step()
        assert (step.waits_for_order, step.remaining > 0) == (True, True)  # a purchase that nobody may cancel yet
        assert "CancelTooEarly" in step.reason
        world.localnet.tend()
        pass_time(world, 86_400)
        world.localnet.step(3_300.0, world.localnet.chain.head().timestamp + 12)
        assert keeper.flatten_step()[1].outcome is Outcome.EXECUTED
        assert keeper.flatten_step()[0].waits_for_order  # its own sale, which enlarges the worst case, is left alone
        pass_time(world, 600)
        assert keeper.flatten_step()[1].outcome is Outcome.EXECUTED
        assert states(keeper)[-2:] == [OrderState.CANCELLED, OrderState.REQUESTED]
        world.localnet.tend()
        step, _ = keeper.flatten_step()
        assert states(keeper)[-1] is OrderState.EXECUTED
        assert 0 <= step.remaining < 2 * WAD  # what the first sale left of the loss budget
