"""What the agent must know of a venue's protocol; one record a protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol, Self

from agent.chain.abi import Call, Event, Function
from agent.chain.client import ChainClient
from agent.chain.deployment import AssetEntry
from agent.domain import BlockRef
from agent.option_venue import HeldOption, OptionVenueState
from agent.units import Address, Seconds, Wad


class View(Protocol):
    """What can be asked of any contract: a function without arguments, or with all of them given."""

    def at(self, contract: Address, /) -> Call:
        """Return the call of this view on ``contract``."""
        ...


@dataclass(frozen=True, slots=True)
class BoundView:
    """A view with its arguments."""

    function: Function
    arguments: tuple[object, ...]

    def at(self, contract: Address, /) -> Call:
        """Return the call of this view on ``contract``."""
        return self.function.at(contract, *self.arguments)


@dataclass(frozen=True, slots=True)
class FundingEvent:
    """The event that tells that funding was settled, where its emitter is found, and the names of its parameters.

    ``emitter`` is a view of the adapter. ``paid`` holds WAD USD and is positive when the account named by ``account``
    pays.
    """

    event: Event
    emitter: Function
    account: str
    paid: str


@dataclass(frozen=True, slots=True)
class IndexedFunding:
    """Funding of a protocol that tells nobody what one account paid, only which entry of a sequence it was settled at.

    What an account paid between two of its events is -size x (entry - entry before), for the size that it held in
    between. ``event`` tells of every change of an account, its parameters ``size`` (after it) and ``index`` of the
    entry; ``entry`` is the emitter's view of an entry, which never changes once it is there. WAD USD per underlying,
    positive when a long receives.
    """

    event: Event
    emitter: Function
    account: str
    size: str
    index: str
    entry: Function


@dataclass(frozen=True, slots=True)
class UntoldFunding:
    """Funding that nothing tells: what an account comes to beside its margin and its fills.

    ``period_seconds``: how often it is settled. ``slack_bps``: share of what was traded by which fills may be told
    worse than they were, 1e-4. ``other_bps_per_day``: what is charged beside the highest rate of funding, 1e-4 of
    notional.
    """

    period_seconds: Seconds
    slack_bps: int
    other_bps_per_day: int = 0


class AccountEventKind(Enum):
    """What happened to a venue account beside what the vault did there."""

    TRADE = "trade"
    """Its position was changed: what a liquidation took, or a trade that the vault did not report."""
    LIQUIDATION = "liquidation"
    """A liquidator took a position over; the cash is the penalty."""
    CLOSED = "closed"
    """The market was closed and its position paid out."""
    DEPOSIT = "deposit"
    """Collateral from somebody else."""
    COLLATERAL_SOLD = "collateral_sold"
    """Collateral of another token was sold for the account's debt."""
    BAD_DEBT = "bad_debt"
    """The venue wrote a debt off."""
    CORRECTION = "correction"
    """No event: an operator answers for what the ledger and the chain differed by."""


class AccountChange(NamedTuple):
    """What an event did to an account; what it was worth before and after is no matter of it.

    ``size_delta``: WAD underlying. ``cash``: WAD USD, received when positive; a trade's is what its size was paid with.
    ``own_size_delta`` and ``own_margin_delta``: what the vault reports where it is the cause, WAD and asset units.
    """

    size_delta: int
    cash: int
    own_size_delta: int | None = None
    own_margin_delta: int | None = None


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """An event that changes an account: ``emitter`` are views, each of what the one before answered, adapter first.

    ``account`` names the parameter that holds the account. ``change_of`` reads the other parameters, given the vault's
    collateral.
    """

    kind: AccountEventKind
    event: Event
    emitter: tuple[View, ...]
    account: str
    change_of: Callable[[Mapping[str, Any], AssetEntry], AccountChange]


@dataclass(frozen=True, slots=True)
class MaintenanceView:
    """Where the protocol keeps its maintenance margin, a ratio over ``scale``; ``holder`` is found as an emitter is.

    ``ratio`` may take the market's name, which the last view of ``market`` tells, found in the same way. ``beside``
    reads, given the adapter and the holder, what of an account's equity stands behind no position, WAD USD; None where
    all of it does.
    """

    holder: tuple[View, ...]
    ratio: Function | BoundView
    scale: int
    market: tuple[View, ...] = ()
    beside: Callable[[ChainClient, Address, Address, BlockRef], Wad] | None = None


@dataclass(frozen=True, slots=True)
class PythSettlement:
    """Anybody may have an order executed with an update of Pyth's, published a given time after it was asked for.

    ``rates`` leads from the adapter to the contract whose views ``feed`` (given the market's ``asset``) and ``oracle``
    tell Pyth's feed and Pyth's contract; ``market`` leads to the one that tells ``asset``. ``least_age_seconds``:
    how much younger than the order a price has to be at least.
    """

    rates: tuple[View, ...]
    market: tuple[View, ...]
    asset: Function
    feed: Function
    oracle: Function
    update_fee: Function
    least_age_seconds: int


@dataclass(frozen=True, slots=True)
class ExecutionEther:
    """Ether of the account that orders are executed with, by the gas price of the transaction that asks for them.

    ``too_low``: the error by which the adapter says that there is too little. ``holder``, found as an emitter is, has
    ``worth``: from wei to WAD USD; and ``fee``: from whether an order opens to wei, by the price of gas of the call.
    """

    too_low: str
    holder: tuple[View, ...]
    worth: Function
    fee: Function


@dataclass(frozen=True, slots=True)
class DelayedCollateral:
    """Collateral that a protocol pays back after a delay, and keeps by the hour in which it came to be owed.

    ``holder``, found as an emitter is, tells the ``hour`` of a block, the ``tokens`` (the collateral first), what is
    ``owed`` to an account of a token and an hour, and the ``worth`` of an account with hours, cash and wei: size, WAD
    USD, price. The adapter has ``note`` of an hour, which counts from then on, and ``claim`` of a token and an hour,
    which reverts before it is due.
    """

    holder: tuple[View, ...]
    tokens: tuple[View, ...]
    hour: Function
    owed: Function
    worth: Function
    note: Function
    claim: Function


@dataclass(frozen=True, slots=True)
class Claim:
    """A call of the adapter without arguments that pays out what an account has coming, and reverts for no want of it.

    ``worth``: what it would bring now, given the adapter and the holder, WAD USD; ``holder`` is found as an emitter is.
    """

    call: Function
    holder: tuple[View, ...]
    worth: Callable[[ChainClient, Address, Address, BlockRef], Wad]


@dataclass(frozen=True, slots=True)
class OpeningMargin:
    """Equity that an account must have after a trade that opens, or the adapter refuses it: a ratio of notional, WAD.

    ``holder``, found as an emitter is, tells it as ``limits``, the output ``at`` so many.
    """

    holder: tuple[View, ...]
    limits: View
    at: int


@dataclass(frozen=True, slots=True)
class GovernedFunction:
    """A function of a protocol's own contracts for governor or guardian, and what it allows at worst, in one line.

    ``line`` may name arguments in braces.
    """

    contract: str
    function: str
    line: str
    tightens: bool = False


class MarketTerms(Protocol):
    """What a deployment's inputs say of a market beyond addresses; a pydantic model."""

    @classmethod
    def model_validate(cls, obj: Any) -> Self:
        """Read it; raises pydantic's `ValidationError`."""

    def arguments(self, access: Address, addresses: Mapping[str, Address]) -> tuple[Any, ...]:
        """Return the constructor's arguments."""


@dataclass(frozen=True, slots=True)
class OwnMarket:
    """A contract of ours that reads the protocol for one vault and keeps governed limits.

    It is deployed before the adapter, which takes it after the vault. ``addresses``: those it is made with, by name.
    """

    contract: str
    addresses: tuple[str, ...]
    terms: type[MarketTerms]


@dataclass(frozen=True, slots=True)
class VenueProtocol:
    """One protocol: its adapter contract and its events."""

    title: str
    """As people know it."""
    adapter: str
    """Name of the adapter contract; its constructor takes the vault, then the addresses below."""
    adapter_addresses: tuple[str, ...]
    """The protocol's own contracts by their name among a deployment's inputs, in the constructor's order."""
    _: KW_ONLY
    market: OwnMarket | None = None
    """What the adapter takes before them."""
    funding: FundingEvent | IndexedFunding | UntoldFunding
    maintenance: MaintenanceView
    """Equity over notional below which an account is liquidated."""
    account_events: tuple[AccountEvent, ...]
    """All else that changes an account."""
    settlement: PythSettlement | None = None
    """How anybody has an order executed; None where nobody but the venue's own keepers can."""
    fills_later: bool = False
    """Whether its adapter leaves orders, which it tells of by `IPerpVenue.OrderRequested` and `OrderUpdated`."""
    fills_by_notional: bool = False
    """Whether its orders are set by their notional: filled whole, the size is what that came to at the price."""
    opening_margin: OpeningMargin | None = None
    """What it asks for where that is more than it liquidates below."""
    opens_from_cash: bool = False
    """Whether what opens takes its margin along from cash that waits, so that equity in positions opens nothing."""
    rate_drifts: bool = False
    """Whether its funding rate drifts with the market's imbalance, as ``IFundingSpeed`` tells."""
    governed: tuple[GovernedFunction, ...] = ()
    """What governor and guardian may do on its contracts."""
    reads_differ: bool = False
    """Whether honest servers tell its accounts differently at one block, so that no two of them can be compared."""
    ether: ExecutionEther | None = None
    """What orders are executed with, where the account has to hold ether for it."""
    delayed_collateral: DelayedCollateral | None = None
    """What it pays back later, where it does."""
    claims: tuple[Claim, ...] = ()
    """What it pays out when asked to."""
    waits_for_margin: frozenset[str] = frozenset()
    """Errors by which its adapter refuses a trade whose margin has yet to arrive."""
    errands: tuple[Function, ...] = ()
    """Calls of the adapter without arguments that move its affairs on, of use exactly when they do not revert."""


@dataclass(frozen=True, slots=True)
class OptionSettlementEvent:
    """The event by which a protocol tells that an option was paid out after its expiry, and names of its parameters.

    ``emitter`` are views, each of what the one before answered, adapter first. ``holder`` names who was paid,
    ``position`` which option, ``size`` how much of it (WAD), ``paid`` what it brought (WAD USD).
    """

    event: Event
    emitter: tuple[View, ...]
    holder: str
    position: str
    size: str
    paid: str


@dataclass(frozen=True, slots=True)
class OptionProtocol:
    """One protocol of options: its adapter contract, an `IOptionVenue`, and what that interface does not tell.

    ``read_state`` reads what may be bought at a block, each option quoted at the sizes given. ``read_volatilities``
    tells the protocol's own volatility of each option held, WAD per year.
    """

    title: str
    """As people know it."""
    adapter: str
    """Name of the adapter contract."""
    read_state: Callable[[ChainClient, Address, BlockRef, Sequence[Wad]], OptionVenueState]
    read_volatilities: Callable[[ChainClient, Address, Sequence[HeldOption], BlockRef], tuple[Wad, ...]]
    settled: OptionSettlementEvent
