"""What a venue tells nobody, from what its account is worth: 10 ETH at $3,000, funding of at most 24 % a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent.chain.abi import Call
from agent.chain.block_id import BlockId
from agent.domain import BlockRef
from agent.ledger.accounting import check_nav
from agent.ledger.database import Database
from agent.ledger.records import (
    CashFlowKind,
    CashFlowRecord,
    FillRecord,
    LogId,
    OrderState,
    OrderStep,
    Scan,
    VaultIdentity,
)
from agent.ledger.untold import UntoldEntries
from agent.units import WAD, Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei
from agent.venues.protocol import AccountEventKind
from tests.unit.ledger.test_accounting import chain_state, measured, usd, venue_state
from tests.unit.ledger.test_scan import FIRST_BLOCK, VAULT, VENUE, deployment

OPENED = Seconds(1_000)
HOUR = 3_600
HOURLY = 300.0
"""Most that an hour can cost: 1 % of $30,000."""
BOUGHT_USD = 30.0 + 300.0
"""Fee of the purchase, and a hundredth of what it traded: by so much its terms may be wrong."""
WORTH = 19_970.0


@pytest.fixture
def ledger(tmp_path):
    identity = VaultIdentity(31_337, VAULT, FIRST_BLOCK, BlockHash("0x" + "ab" * 32))
    with Database.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}", "vault", "key") as database:
        ledger = database.vault(identity)
        at = LogId(BlockId(4, BlockHash("0x04")), "0x02", 0)
        ledger.add_scan(
            Scan(
                4,
                at.block,
                cash_flows=(
                    CashFlowRecord(replace(at, log_index=1), CashFlowKind.DEPOSIT, None, AssetUnits(20_000 * 10**6)),
                    CashFlowRecord(replace(at, log_index=2), CashFlowKind.MARGIN, VENUE, AssetUnits(20_000 * 10**6)),
                ),
                fills=(FillRecord(at, IntentId("0x03"), VENUE, usd(10), usd(10), usd(3_000), usd(30)),),
            )
        )
        yield ledger


class EtherChain:
    """Tells what ether an account holds, and its worth of $2,000 each."""

    def account(self, address: Address, block: BlockRef) -> tuple[int, int, Wei]:
        assert (address, block.number) == (VENUE, 5)
        return 1, 1, Wei(WAD // 10)

    def read(self, calls: Sequence[Call], block: BlockRef) -> list[tuple[object, ...]]:
        [call] = calls
        answers = {"market": VAULT, "etherUsd": 2_000 * WAD // 10}
        return [(answers[call.function.name],)]


def entries(ledger, kind: str = "hyperevm") -> UntoldEntries:
    return UntoldEntries(EtherChain(), ledger, deployment(kind), OPENED)


def seen(number: int, after: int, equity: float, size: float = 10.0, *, order: str | None = None, pending: float = 0.0):
    """The account as a look at the chain has it, so many seconds after the vault's first block."""
    state = replace(
        venue_state(3_000.0, 3_000.0),
        address=VENUE,
        size=usd(size),
        open_order=order,
        max_funding_rate_per_day=Wad(WAD * 24 // 100),
    )
    at_price = replace(measured(equity, equity), size_low=usd(size), size_high=usd(size + pending), equity=usd(equity))
    block = BlockRef(number, BlockHash(f"0x{number:02x}"), Seconds(OPENED + after), Wei(1))
    return replace(chain_state((state, at_price), idle=0, flows=20_000), block=block)


def paid(ledger) -> list[float]:
    return [record.paid / WAD for record in ledger.funding()]


def test_difference__as_much_as_funding_can_be__is_funding(ledger):
    untold = entries(ledger)
    untold.book(state := seen(5, 0, WORTH - HOURLY), pytest.fail)
    assert paid(ledger) == [HOURLY]
    assert check_nav(ledger.accounts, state, 6).error_bps == 0.0
    untold.book(seen(6, HOUR, WORTH - HOURLY + 2.0), pytest.fail)
    assert paid(ledger) == [HOURLY, -2.0]


def test_difference__more_than_fills_and_funding_can_be__stays_one(ledger):
    most = HOURLY + BOUGHT_USD
    entries(ledger).book(state := seen(5, 0, WORTH - most - 0.01), pytest.fail)
    assert paid(ledger) == []
    assert check_nav(ledger.accounts, state, 6).excess == usd(most + 0.01)
    entries(ledger).book(seen(5, 0, WORTH + most), pytest.fail)
    assert paid(ledger) == [-most]


def test_gain__beyond_funding__is_ether_given_as_far_as_the_account_holds_it(ledger):
    # half a percent of what was traded, and as much of the notional each day beside funding
    most = HOURLY + 30_000 * 0.005 / 24 + 30.0 + 150.0
    told = []
    entries(ledger, "gmx").book(seen(5, 0, WORTH + most + 200.01), told.extend)
    entries(ledger, "gmx").book(seen(5, 0, WORTH - most - 20.01), told.extend)
    assert (told, paid(ledger)) == ([], [])
    entries(ledger, "gmx").book(seen(5, 0, WORTH + most + 200.0), told.extend)
    (event,) = ledger.account_events()
    assert told == [event]
    assert (event.kind, event.size_delta, event.cash) == (AccountEventKind.DEPOSIT, 0, usd(most + 200.0))


def test_difference__ether_held_for_orders__moves_by_a_tenth_of_its_worth(ledger):
    most = HOURLY + 30_000 * 0.005 / 24 + 30.0 + 150.0
    entries(ledger, "gmx").book(seen(5, 0, WORTH - most - 20.0), pytest.fail)
    assert paid(ledger) == [most + 20.0]


def test_difference__booked_before__is_measured_by_the_time_since(ledger):
    untold = entries(ledger)
    untold.book(seen(5, 0, WORTH - BOUGHT_USD), pytest.fail)
    untold.book(seen(6, HOUR, WORTH - BOUGHT_USD - 2 * HOURLY - 0.01), pytest.fail)
    assert paid(ledger) == [BOUGHT_USD]
    untold.book(seen(7, HOUR + 2, WORTH - BOUGHT_USD - 2 * HOURLY - 0.01), pytest.fail)
    assert paid(ledger) == [BOUGHT_USD, pytest.approx(2 * HOURLY + 0.01)]


def test_difference__block_of_the_booking_replaced__is_booked_again(ledger):
    untold = entries(ledger)
    untold.book(seen(5, 0, WORTH - 9.0), pytest.fail)
    ledger.void([BlockId(5, BlockHash("0x05"))])
    untold.book(
        replace(again := seen(5, 1, WORTH - 8.0), block=replace(again.block, hash=BlockHash("0xf5"))), pytest.fail
    )
    assert paid(ledger) == [8.0]


def test_difference__a_millionth_of_the_account__waits_until_it_is_worth_a_row(ledger):
    untold = entries(ledger)
    untold.book(seen(5, 0, WORTH - 0.019), pytest.fail)
    assert paid(ledger) == []
    untold.book(seen(6, 12, WORTH - 0.021), pytest.fail)
    assert paid(ledger) == [0.021]


@pytest.mark.parametrize("waiting", [{"order": "0x07"}, {"pending": 1.0}])
def test_difference__while_an_order_is_on_its_way__is_nobodys_yet(ledger, waiting):
    entries(ledger).book(seen(5, 0, WORTH - 9.0, **waiting), pytest.fail)
    assert paid(ledger) == []


def test_difference__order_filled_and_not_on_record__is_nobodys_yet(ledger):
    at = LogId(BlockId(5, BlockHash("0x05")), "0x06", 0)
    step = OrderStep(at, IntentId("0x03"), VENUE, "0x07", OrderState.REQUESTED, usd(2), Wad(0))
    ledger.add_scan(Scan(5, at.block, order_steps=(step,)))
    entries(ledger).book(seen(6, 12, WORTH - 5.0, size=12.0), pytest.fail)
    assert paid(ledger) == []
    assert ledger.account_events() == []


def test_size__that_nobody_asked_for__is_told_and_booked_with_its_cash(ledger):
    told = []
    entries(ledger).book(state := seen(5, 0, WORTH - 120.0, size=4.0), told.extend)
    (event,) = ledger.account_events()
    assert told == [event]
    # 6 ETH sold for $18,000, and a penalty of $120
    assert (event.kind, event.size_delta, event.cash) == (AccountEventKind.TRADE, usd(-6), usd(17_880))
    assert check_nav(ledger.accounts, state, 6).error_bps == 0.0


def test_venue__that_tells_its_funding__is_left_alone(ledger):
    entries(ledger, "curie").book(seen(5, 0, WORTH - 9.0, size=4.0), pytest.fail)
    assert (paid(ledger), ledger.account_events()) == ([], [])


def test_silent_venue__says_nothing(ledger):
    state = seen(5, 0, 0.0)
    silent = replace(state.measurement.venues[0], is_silent=True)
    entries(ledger).book(replace(state, measurement=replace(state.measurement, venues=(silent,))), pytest.fail)
    assert paid(ledger) == []
