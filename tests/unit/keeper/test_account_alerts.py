"""What is told of acts of others on venue accounts."""

from __future__ import annotations

import pytest

from agent.chain.block_id import BlockId
from agent.keeper.account_alerts import account_alerts
from agent.keeper.alerts import AlertEvent
from agent.ledger.records import AccountEventRecord, LogId
from agent.units import Address, BlockHash, Wad
from agent.venues.protocol import AccountEventKind
from tests.support.decision_builders import wad

NEAR, FAR = Address("0x" + "11" * 20), Address("0x" + "22" * 20)
NAMES = {NEAR: "near"}
TAKEN_OVER = (
    "account at near: trade and liquidation in block 90, position by -2, cash by +5,925.00 USD; transaction 0x01"
)
WRITTEN_OFF = "; the venue wrote off what the account owed, and it starts anew: ask what its insurance paid"


def event(kind: AccountEventKind, transaction: str = "0x01", venue: Address = NEAR, size="-2.5", cash=-1_234):
    at = LogId(BlockId(90, BlockHash("0x" + "90" * 32)), transaction, 0)
    return AccountEventRecord(at, venue, kind, wad(size), Wad(cash * 10**18))


@pytest.mark.parametrize("kind", AccountEventKind)
def test_account_alerts__each_kind__is_told_with_size_cash_and_block(kind):
    grave = {
        AccountEventKind.LIQUIDATION: AlertEvent.ACCOUNT_LIQUIDATED,
        AccountEventKind.BAD_DEBT: AlertEvent.ACCOUNT_BAD_DEBT,
    }
    named = kind.value.replace("_", " ")
    words = f"account at near: {named} in block 90, position by -2.5, cash by -1,234.00 USD; transaction 0x01"
    if kind is AccountEventKind.BAD_DEBT:
        words += WRITTEN_OFF
    assert list(account_alerts([event(kind)], NAMES)) == [(grave.get(kind, AlertEvent.ACCOUNT_CHANGED), words)]


def test_account_alerts__liquidation_told_as_trade_and_penalty__is_one_page():
    """Was two: an account changed, and an account liquidated."""
    parts = [
        event(AccountEventKind.TRADE, size="-2", cash=6_000),
        event(AccountEventKind.LIQUIDATION, size="0", cash=-75),
    ]
    assert list(account_alerts(parts, NAMES)) == [(AlertEvent.ACCOUNT_LIQUIDATED, TAKEN_OVER)]


def test_account_alerts__liquidated_with_bad_debt__each_is_told():
    parts = [
        event(AccountEventKind.TRADE, size="-2", cash=6_000),
        event(AccountEventKind.BAD_DEBT, size="0", cash=500),
        event(AccountEventKind.LIQUIDATION, size="0", cash=-75),
    ]
    told = dict(account_alerts(parts, NAMES))
    assert told == {
        AlertEvent.ACCOUNT_LIQUIDATED: TAKEN_OVER,
        AlertEvent.ACCOUNT_BAD_DEBT: (
            f"account at near: bad debt in block 90, position by +0, cash by +500.00 USD; transaction 0x01{WRITTEN_OFF}"
        ),
    }


def test_account_alerts__other_transaction_or_account__is_another_page():
    events = [
        event(AccountEventKind.DEPOSIT),
        event(AccountEventKind.DEPOSIT, "0x02"),
        event(AccountEventKind.DEPOSIT, "0x02", FAR),
    ]
    told = [words.partition(":")[0] for _, words in account_alerts(events, NAMES)]
    assert told == ["account at near", "account at near", f"account at {FAR}"]
