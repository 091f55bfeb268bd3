"""What the ledger holds, as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from agent.chain.block_id import BlockId
from agent.domain import Intent
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei
from agent.venues.protocol import AccountEventKind


@dataclass(frozen=True, slots=True)
class VaultIdentity:
    """One vault in one history of one chain."""

    chain_id: int
    address: Address
    first_block: int
    first_block_hash: BlockHash


class IntentState(Enum):
    """How far an intent has come; the last transition counts."""

    DECIDED = "decided"
    SIGNED = "signed"
    SENT = "sent"
    """Handed to a server; whether it arrived is known from the chain alone."""
    MINED = "mined"
    EXECUTED = "executed"
    """Mined, accepted, and its fills are in the ledger."""
    REVERTED = "reverted"
    """Mined and refused by the vault."""
    CANCELLED = "cancelled"
    """Its nonce was taken by our own cancellation."""
    SUPERSEDED = "superseded"
    """Its nonce was taken by a transaction this ledger does not know."""
    EXPIRED = "expired"
    """Its deadline has passed unmined: the chain refuses it from now on."""
    ABANDONED = "abandoned"
    """Never signed: no transaction of it can exist."""

    @property
    def is_final(self) -> bool:
        """True when nothing of the intent can happen any more, unless a reorganisation undoes the block it rests on."""
        return self in _FINAL


_FINAL = frozenset(
    {
        IntentState.EXECUTED,
        IntentState.REVERTED,
        IntentState.CANCELLED,
        IntentState.SUPERSEDED,
        IntentState.EXPIRED,
        IntentState.ABANDONED,
    }
)


class Purpose(Enum):
    """What a transaction of an intent is for."""

    REBALANCE = "rebalance"
    CANCEL = "cancel"
    """Takes the nonce, so that the intent can never be mined."""
    ORDER = "order"
    """Settles, reconciles or cancels a venue's order, or moves a venue's affairs on."""
    OPTION = "option"
    """Trades or settles options."""


_NO_TRANSACTION = "0x" + "00" * 32
_FIRST_OF_OURS = 1 << 40

VenuePrices = tuple[tuple[Address, Wad], ...]
"""Mark prices by venue, WAD USD."""


@dataclass(frozen=True, slots=True)
class IntentRecord:
    """An intent with what it was decided for, and the venues' mark prices on which it was."""

    intent: Intent
    is_urgent: bool
    book_digest: str
    reason: str
    arrival_prices: VenuePrices = ()

    @property
    def is_errand(self) -> bool:
        """Whether it asks the vault for nothing, but has a venue care for an order, or trade or settle options."""
        return not self.intent.legs


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction as signed; ``raw`` is 0x-prefixed and ready to be sent, now or again."""

    transaction_hash: str
    intent_id: IntentId
    purpose: Purpose
    sender: Address
    nonce: int
    gas_limit: int
    max_fee_wei: Wei
    priority_fee_wei: Wei
    raw: str


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of an intent, with the block it was observed at."""

    intent_id: IntentId
    state: IntentState
    block_id: BlockId
    transaction_hash: str | None = None
    detail: str = ""
    block_unix: Seconds | None = None
    """Time of the block, where it is known."""


@dataclass(frozen=True, slots=True)
class ClosedIntent:
    """How an intent ended; ``deadline`` was its own."""

    intent_id: IntentId
    state: IntentState
    deadline: Seconds
    detail: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Outcome of a mined transaction. ``gas_price_wei`` is what a unit of gas came to, a rollup's data included."""

    transaction_hash: str
    block_id: BlockId
    is_success: bool
    gas_used: int
    gas_price_wei: Wei


@dataclass(frozen=True, slots=True)
class LogId:
    """Where an event stands on the chain."""

    block: BlockId
    transaction_hash: str
    log_index: int

    @classmethod
    def of_ours(cls, block: BlockId, index: int) -> LogId:
        """Return the place of an entry that no event tells: beyond every log of the block that it was found at."""
        return cls(block, _NO_TRANSACTION, _FIRST_OF_OURS + index)


@dataclass(frozen=True, slots=True)
class RebalanceRecord:
    """A rebalance the vault accepted, as its event reports it."""

    at: LogId
    intent_id: IntentId
    price: Wad
    worst_net_delta_before: Wad
    worst_net_delta_after: Wad
    nav_before: Wad
    nav_after: Wad


@dataclass(frozen=True, slots=True)
class FillRecord:
    """A trade on a venue; price without fee."""

    at: LogId
    intent_id: IntentId
    venue: Address
    requested_size_delta: Wad
    size_delta: Wad
    execution_price: Wad
    fee: Wad


class CashFlowKind(Enum):
    """Why collateral moved."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    MARGIN = "margin"


@dataclass(frozen=True, slots=True)
class CashFlowRecord:
    """Collateral that moved: into idle (+) or out of it (-); margin: into the venue (+) or back from it (-)."""

    at: LogId
    kind: CashFlowKind
    venue: Address | None
    assets: AssetUnits


@dataclass(frozen=True, slots=True)
class FundingRecord:
    """Funding settled on a venue; positive was paid by the position, USD."""

    at: LogId
    venue: Address
    paid: Wad


class OrderState(Enum):
    """How far an order has come."""

    REQUESTED = "requested"
    PARTLY = "partly"
    """A part is executed, the rest may be."""
    EXECUTED = "executed"
    CANCELLED = "cancelled"
    FROZEN = "frozen"
    """The venue has tried and failed, and keeps the order."""
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class OrderStep:
    """What one event says of an order; ``filled_size_delta`` is of the whole order so far, not of this event."""

    at: LogId
    intent_id: IntentId
    venue: Address
    order_id: str
    state: OrderState
    requested_size_delta: Wad
    filled_size_delta: Wad


@dataclass(frozen=True, slots=True)
class AccountEventRecord:
    """What somebody else did to a venue account: ``size_delta`` WAD underlying, ``cash`` WAD USD received by it."""

    at: LogId
    venue: Address
    kind: AccountEventKind
    size_delta: Wad
    cash: Wad


class OptionEventKind(Enum):
    """What happened to an option that the vault holds, or to what it paid."""

    TRADED = "traded"
    """Bought or sold by a keeper; cash and fee are what the venue took or gave."""
    SETTLED = "settled"
    """Paid out after its expiry, into the venue's account, by whoever settled it."""
    BROUGHT_HOME = "brought_home"
    """Let go of by the venue; what it had paid went to the vault as a cash flow of the same log."""


@dataclass(frozen=True, slots=True)
class OptionEventRecord:
    """One event of an option: ``size_delta`` WAD underlying, ``cash`` WAD USD received by the venue's account.

    A fee is inside ``cash``. Only a trade tells of its intent and of strike and kind.
    """

    at: LogId
    venue: Address
    kind: OptionEventKind
    position_id: int
    size_delta: Wad
    cash: Wad
    fee: Wad = Wad(0)  # noqa: RUF009 - a plain integer
    intent_id: IntentId | None = None
    strike_id: int | None = None
    is_call: bool | None = None


class Subject(Enum):
    """What an operator can have looked at and answer for, so that the keeper goes on."""

    REVERTS = "reverts"
    """Rebalances that reverted in a row."""
    NAV = "nav"
    """The ledger's NAV that is not the chain's."""
    ORDERS = "orders"
    """Orders that failed in a row on one venue."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An operator's word. ``reference`` says up to where it holds: what comes later was not looked at.

    Of reverts the newest intent that reverted; of NAV what the ledger had more than the chain, WAD USD; of orders the
    newest that failed, venue and id.
    """

    subject: Subject
    reference: str
    at_unix: Seconds
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """All events from one block to another, read from the chain."""

    from_block: int
    to: BlockId
    rebalances: tuple[RebalanceRecord, ...] = ()
    fills: tuple[FillRecord, ...] = ()
    cash_flows: tuple[CashFlowRecord, ...] = ()
    funding: tuple[FundingRecord, ...] = ()
    order_steps: tuple[OrderStep, ...] = ()
    account_events: tuple[AccountEventRecord, ...] = ()
    option_events: tuple[OptionEventRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """One cycle's figures."""

    block_id: BlockId
    block_unix: Seconds
    price: Wad
    book_delta_low: Wad
    book_delta_high: Wad
    hedge_size: Wad
    chain_nav_low: Wad
    chain_nav_high: Wad
    ledger_nav_low: Wad
    ledger_nav_high: Wad
    outcome: str
    intent_id: IntentId | None
    decision_seconds: float
    reason: str
    mark_prices: VenuePrices = ()
    """For the trades that are settled by now; not kept with the cycle."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One fill with the venue's mark prices around it; a price or a time that was not noted is None."""

    fill: FillRecord
    arrival_price: Wad | None
    decided_unix: Seconds
    executed_unix: Seconds | None
    settled_price: Wad | None
    settled_unix: Seconds | None
