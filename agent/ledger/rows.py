"""Between the ledger's records and its rows."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row

from agent.chain.block_id import BlockId
from agent.domain import BlockRef, Intent, Leg
from agent.ledger.records import (
    AccountEventRecord,
    Acknowledgement,
    CashFlowKind,
    CashFlowRecord,
    CycleRecord,
    FillRecord,
    FundingRecord,
    IntentRecord,
    LogId,
    OptionEventKind,
    OptionEventRecord,
    OrderState,
    OrderStep,
    Purpose,
    RebalanceRecord,
    Receipt,
    SignedTransaction,
    Subject,
    Transition,
)
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei
from agent.venues.protocol import AccountEventKind


def block_columns(block_id: BlockId) -> dict[str, Any]:
    """Columns of a block."""
    return {"block_number": block_id.number, "block_hash": block_id.hash}


def _event_values(at: LogId) -> dict[str, Any]:
    return {**block_columns(at.block), "transaction_hash": at.transaction_hash, "log_index": at.log_index}


def _event_place(row: Row[Any]) -> LogId:
    return LogId(BlockId(row.block_number, BlockHash(row.block_hash)), row.transaction_hash, row.log_index)


# --- decided and signed -------------------------------------------------------------------------------------------


NO_LEGS = json.dumps([])
"""Legs of an errand: it asks the vault for nothing."""


def intent_values(record: IntentRecord) -> dict[str, Any]:
    """Columns of an intent; legs as JSON with integers as text."""
    intent, block = record.intent, record.intent.decided_at_block
    legs = [
        {
            "venue": leg.venue,
            "margin_delta": str(leg.margin_delta),
            "size_delta": str(leg.size_delta),
            "limit_price": str(leg.limit_price),
        }
        for leg in intent.legs
    ]
    return {
        "intent_id": intent.intent_id,
        "legs": json.dumps(legs),
        "deadline": intent.deadline,
        "is_urgent": record.is_urgent,
        "book_digest": record.book_digest,
        "decided_at_number": block.number,
        "decided_at_hash": block.hash,
        "decided_at_unix": block.timestamp,
        "decided_at_base_fee_wei": block.base_fee_wei,
        "reason": record.reason,
        "arrival_prices": json.dumps([[venue, str(price)] for venue, price in record.arrival_prices]),
    }


def intent_record(row: Row[Any], vault: Address) -> IntentRecord:
    """Intent of a row."""
    legs = tuple(
        Leg(
            venue=Address(leg["venue"]),
            margin_delta=AssetUnits(int(leg["margin_delta"])),
            size_delta=Wad(int(leg["size_delta"])),
            limit_price=Wad(int(leg["limit_price"])),
        )
        for leg in json.loads(row.legs)
    )
    block = BlockRef(
        number=row.decided_at_number,
        hash=BlockHash(row.decided_at_hash),
        timestamp=Seconds(row.decided_at_unix),
        base_fee_wei=Wei(row.decided_at_base_fee_wei),
    )
    intent = Intent(IntentId(row.intent_id), vault, legs, Seconds(row.deadline), block)
    prices = json.loads(row.arrival_prices or "[]")
    arrival_prices = tuple((Address(venue), Wad(int(price))) for venue, price in prices)
    return IntentRecord(intent, row.is_urgent, row.book_digest, row.reason, arrival_prices)


def transaction_values(signed: SignedTransaction) -> dict[str, Any]:
    """Columns of a signed transaction."""
    return {
        "transaction_hash": signed.transaction_hash,
        "intent_id": signed.intent_id,
        "purpose": signed.purpose.value,
        "sender": signed.sender,
        "nonce": signed.nonce,
        "gas_limit": signed.gas_limit,
        "max_fee_wei": signed.max_fee_wei,
        "priority_fee_wei": signed.priority_fee_wei,
        "raw": signed.raw,
    }


def transaction_record(row: Row[Any]) -> SignedTransaction:
    """Signed transaction of a row."""
    return SignedTransaction(
        transaction_hash=row.transaction_hash,
        intent_id=IntentId(row.intent_id),
        purpose=Purpose(row.purpose),
        sender=Address(row.sender),
        nonce=row.nonce,
        gas_limit=row.gas_limit,
        max_fee_wei=Wei(row.max_fee_wei),
        priority_fee_wei=Wei(row.priority_fee_wei),
        raw=row.raw,
    )


def transition_values(transition: Transition) -> dict[str, Any]:
    """Columns of a transition."""
    return {
        **block_columns(transition.block_id),
        "intent_id": transition.intent_id,
        "state": transition.state.value,
        "transaction_hash": transition.transaction_hash,
        "detail": transition.detail,
        "block_unix": transition.block_unix,
    }


# --- seen on the chain --------------------------------------------------------------------------------------------


def receipt_values(receipt: Receipt) -> dict[str, Any]:
    """Columns of a receipt."""
    return {
        **block_columns(receipt.block_id),
        "transaction_hash": receipt.transaction_hash,
        "is_success": receipt.is_success,
        "gas_used": receipt.gas_used,
        "gas_price_wei": receipt.gas_price_wei,
    }


def receipt_record(row: Row[Any]) -> Receipt:
    """Receipt of a row."""
    return Receipt(
        transaction_hash=row.transaction_hash,
        block_id=BlockId(row.block_number, BlockHash(row.block_hash)),
        is_success=row.is_success,
        gas_used=row.gas_used,
        gas_price_wei=Wei(row.gas_price_wei),
    )


def rebalance_values(record: RebalanceRecord) -> dict[str, Any]:
    """Columns of a rebalance."""
    return {
        **_event_values(record.at),
        "intent_id": record.intent_id,
        "price": record.price,
        "worst_net_delta_before": record.worst_net_delta_before,
        "worst_net_delta_after": record.worst_net_delta_after,
        "nav_before": record.nav_before,
        "nav_after": record.nav_after,
    }


def rebalance_record(row: Row[Any]) -> RebalanceRecord:
    """Rebalance of a row."""
    return RebalanceRecord(
        at=_event_place(row),
        intent_id=IntentId(row.intent_id),
        price=Wad(row.price),
        worst_net_delta_before=Wad(row.worst_net_delta_before),
        worst_net_delta_after=Wad(row.worst_net_delta_after),
        nav_before=Wad(row.nav_before),
        nav_after=Wad(row.nav_after),
    )


def fill_values(fill: FillRecord) -> dict[str, Any]:
    """Columns of a fill."""
    return {
        **_event_values(fill.at),
        "intent_id": fill.intent_id,
        "venue": fill.venue,
        "requested_size_delta": fill.requested_size_delta,
        "size_delta": fill.size_delta,
        "execution_price": fill.execution_price,
        "fee": fill.fee,
    }


def fill_record(row: Row[Any]) -> FillRecord:
    """Fill of a row."""
    return FillRecord(
        at=_event_place(row),
        intent_id=IntentId(row.intent_id),
        venue=Address(row.venue),
        requested_size_delta=Wad(row.requested_size_delta),
        size_delta=Wad(row.size_delta),
        execution_price=Wad(row.execution_price),
        fee=Wad(row.fee),
    )


def cash_flow_values(flow: CashFlowRecord) -> dict[str, Any]:
    """Columns of a cash flow."""
    return {**_event_values(flow.at), "kind": flow.kind.value, "venue": flow.venue, "assets": flow.assets}


def cash_flow_record(row: Row[Any]) -> CashFlowRecord:
    """Cash flow of a row."""
    venue = None if row.venue is None else Address(row.venue)
    return CashFlowRecord(_event_place(row), CashFlowKind(row.kind), venue, AssetUnits(row.assets))


def funding_values(record: FundingRecord) -> dict[str, Any]:
    """Columns of a funding payment."""
    return {**_event_values(record.at), "venue": record.venue, "paid": record.paid}


def funding_record(row: Row[Any]) -> FundingRecord:
    """Funding payment of a row."""
    return FundingRecord(_event_place(row), Address(row.venue), Wad(row.paid))


def order_step_values(step: OrderStep) -> dict[str, Any]:
    """Columns of an order's step."""
    return {
        **_event_values(step.at),
        "intent_id": step.intent_id,
        "venue": step.venue,
        "order_id": step.order_id,
        "state": step.state.value,
        "requested_size_delta": step.requested_size_delta,
        "filled_size_delta": step.filled_size_delta,
    }


def order_step_record(row: Row[Any]) -> OrderStep:
    """Order's step of a row."""
    return OrderStep(
        at=_event_place(row),
        intent_id=IntentId(row.intent_id),
        venue=Address(row.venue),
        order_id=row.order_id,
        state=OrderState(row.state),
        requested_size_delta=Wad(row.requested_size_delta),
        filled_size_delta=Wad(row.filled_size_delta),
    )


def account_event_values(record: AccountEventRecord) -> dict[str, Any]:
    """Columns of what somebody else did to an account."""
    return {
        **_event_values(record.at),
        "venue": record.venue,
        "kind": record.kind.value,
        "size_delta": record.size_delta,
        "cash": record.cash,
    }


def account_event_record(row: Row[Any]) -> AccountEventRecord:
    """Return what somebody else did to an account, of a row."""
    kind = AccountEventKind(row.kind)
    return AccountEventRecord(_event_place(row), Address(row.venue), kind, Wad(row.size_delta), Wad(row.cash))


def option_event_values(record: OptionEventRecord) -> dict[str, Any]:
    """Columns of what happened to an option."""
    return {
        **_event_values(record.at),
        "venue": record.venue,
        "kind": record.kind.value,
        "position_id": record.position_id,
        "size_delta": record.size_delta,
        "cash": record.cash,
        "fee": record.fee,
        "intent_id": record.intent_id,
        "strike_id": record.strike_id,
        "is_call": record.is_call,
    }


def option_event_record(row: Row[Any]) -> OptionEventRecord:
    """Return what happened to an option, of a row."""
    return OptionEventRecord(
        at=_event_place(row),
        venue=Address(row.venue),
        kind=OptionEventKind(row.kind),
        position_id=row.position_id,
        size_delta=Wad(row.size_delta),
        cash=Wad(row.cash),
        fee=Wad(row.fee),
        intent_id=None if row.intent_id is None else IntentId(row.intent_id),
        strike_id=row.strike_id,
        is_call=row.is_call,
    )


def cycle_values(cycle: CycleRecord) -> dict[str, Any]:
    """Columns of a cycle."""
    return {
        **block_columns(cycle.block_id),
        "block_unix": cycle.block_unix,
        "price": cycle.price,
        "book_delta_low": cycle.book_delta_low,
        "book_delta_high": cycle.book_delta_high,
        "hedge_size": cycle.hedge_size,
        "chain_nav_low": cycle.chain_nav_low,
        "chain_nav_high": cycle.chain_nav_high,
        "ledger_nav_low": cycle.ledger_nav_low,
        "ledger_nav_high": cycle.ledger_nav_high,
        "outcome": cycle.outcome,
        "intent_id": cycle.intent_id,
        "decision_seconds": cycle.decision_seconds,
        "reason": cycle.reason,
    }


def cycle_record(row: Row[Any]) -> CycleRecord:
    """Cycle of a row."""
    return CycleRecord(
        block_id=BlockId(row.block_number, BlockHash(row.block_hash)),
        block_unix=Seconds(row.block_unix),
        price=Wad(row.price),
        book_delta_low=Wad(row.book_delta_low),
        book_delta_high=Wad(row.book_delta_high),
        hedge_size=Wad(row.hedge_size),
        chain_nav_low=Wad(row.chain_nav_low),
        chain_nav_high=Wad(row.chain_nav_high),
        ledger_nav_low=Wad(row.ledger_nav_low),
        ledger_nav_high=Wad(row.ledger_nav_high),
        outcome=row.outcome,
        intent_id=None if row.intent_id is None else IntentId(row.intent_id),
        decision_seconds=row.decision_seconds,
        reason=row.reason,
    )


def acknowledgement_values(word: Acknowledgement) -> dict[str, Any]:
    """Columns of an operator's word."""
    return {
        "subject": word.subject.value,
        "reference": word.reference,
        "at_unix": word.at_unix,
        "reason": word.reason,
    }


def acknowledgement_record(row: Row[Any]) -> Acknowledgement:
    """Word of a row."""
    return Acknowledgement(Subject(row.subject), row.reference, Seconds(row.at_unix), row.reason)
