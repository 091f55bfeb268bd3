"""The vault's NAV from the ledger alone: double entry over recorded events, marked at the venues' prices.

What a venue account is worth at price P, in WAD USD:

    cash + size P + funding accrued,
    cash = margin in - sum(fill size x execution price) - fees - funding paid + what others' acts brought.

The lower equity is its worth at the worst price of the range that the chain values it over (`agent.prediction`), the
higher one at the best; a venue under water counts 0, and so does one that does not answer. Options count at their
venue's own bid and ask of each, for the sizes recorded. NAV is idle collateral plus the
venues. None of these numbers is the chain's own NAV: sizes and cash come from events, prices and funding not yet
settled from the venues' getters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from agent.chain.state import ChainState
from agent.ledger.records import (
    AccountEventRecord,
    CashFlowKind,
    CashFlowRecord,
    FillRecord,
    FundingRecord,
    OptionEventRecord,
    Scan,
)
from agent.option_venue import HeldOption
from agent.prediction import PriceRange
from agent.units import BPS, WAD, Address, AssetUnits, Wad, asset_units_to_wad


@dataclass(frozen=True, slots=True)
class OptionAccount:
    """Options of one venue: ``cash`` is what they brought less what they cost, fees inside, WAD USD."""

    cash: int = 0
    sizes: Mapping[int, int] = field(default_factory=dict)
    """WAD underlying by position; one that is gone is not among them."""

    def after(self, event: OptionEventRecord) -> OptionAccount:
        """Return the account with an event booked."""
        size = self.sizes.get(event.position_id, 0) + event.size_delta
        sizes = {**self.sizes, event.position_id: size}
        return OptionAccount(self.cash + event.cash, {key: own for key, own in sizes.items() if own})

    def worths(self, held: Iterable[HeldOption]) -> tuple[int, int]:
        """Return what the recorded sizes are worth at the venue's own bid and ask of each, WAD USD, rounded down."""
        low = high = 0
        for option in held:
            size = self.sizes.get(option.position_id, 0)
            if option.size:
                low += option.worth_low * size // option.size
                high += option.worth_high * size // option.size
        return low, high


@dataclass(frozen=True, slots=True)
class VenueAccount:
    """One venue's running totals; ``traded`` is the sum of size x execution price, in 1e-36 USD, never rounded."""

    size: int = 0
    margin_assets: int = 0
    traded: int = 0
    fees: int = 0
    funding_paid: int = 0
    others_cash: int = 0
    """WAD USD that liquidations, strangers and the venue itself brought, or took."""
    options: OptionAccount = OptionAccount()

    def worth(self, price: Wad, funding_accrued: Wad, asset_decimals: int) -> Wad:
        """Return the account's value at ``price``, WAD USD, rounded down."""
        margin = asset_units_to_wad(AssetUnits(self.margin_assets), asset_decimals)
        position = (self.size * price - self.traded) // WAD
        cash = self.others_cash + self.options.cash
        return Wad(margin + position - self.fees - self.funding_paid + cash + funding_accrued)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Idle collateral and venue accounts, as recorded."""

    idle_assets: int = 0
    venues: Mapping[Address, VenueAccount] = field(default_factory=dict)

    def after(self, scan: Scan) -> Accounts:
        """Return the accounts with a scan's events booked."""
        return self.booked(scan.fills, scan.cash_flows, scan.funding, scan.account_events, scan.option_events)

    def booked(
        self,
        fills: Iterable[FillRecord],
        cash_flows: Iterable[CashFlowRecord],
        funding: Iterable[FundingRecord],
        account_events: Iterable[AccountEventRecord] = (),
        option_events: Iterable[OptionEventRecord] = (),
    ) -> Accounts:
        """Return the accounts with these events booked; their order does not matter."""
        idle, venues = self.idle_assets, dict(self.venues)
        for flow in cash_flows:
            idle += -flow.assets if flow.kind is CashFlowKind.MARGIN else flow.assets
            if flow.venue is not None:
                account = venues.get(flow.venue, VenueAccount())
                venues[flow.venue] = replace(account, margin_assets=account.margin_assets + flow.assets)
        for fill in fills:
            account = venues.get(fill.venue, VenueAccount())
            venues[fill.venue] = replace(
                account,
                size=account.size + fill.size_delta,
                traded=account.traded + fill.size_delta * fill.execution_price,
                fees=account.fees + fill.fee,
            )
        for payment in funding:
            account = venues.get(payment.venue, VenueAccount())
            venues[payment.venue] = replace(account, funding_paid=account.funding_paid + payment.paid)
        for event in account_events:
            account = venues.get(event.venue, VenueAccount())
            size, cash = account.size + event.size_delta, account.others_cash + event.cash
            venues[event.venue] = replace(account, size=size, others_cash=cash)
        for traded in option_events:
            account = venues.get(traded.venue, VenueAccount())
            venues[traded.venue] = replace(account, options=account.options.after(traded))
        return Accounts(idle, venues)


@dataclass(frozen=True, slots=True)
class NavCheck:
    """NAV by the ledger and by the chain at one block, WAD USD; what was sent to the vault unasked is in neither."""

    ledger_low: Wad
    ledger_high: Wad
    chain_low: Wad
    chain_high: Wad

    @property
    def error_bps(self) -> float:
        """Larger of the two distances, over the chain's lower NAV, 1e-4."""
        distance = max(abs(self.ledger_low - self.chain_low), abs(self.ledger_high - self.chain_high))
        return distance * BPS / self.chain_low if self.chain_low > 0 else float(distance > 0) * BPS

    @property
    def excess(self) -> Wad:
        """What the ledger has more than the chain at the lower end."""
        return Wad(self.ledger_low - self.chain_low)


def check_nav(accounts: Accounts, state: ChainState, asset_decimals: int) -> NavCheck:
    """Compare the ledger's NAV with the chain's at the state's block; what an order may still come to is in neither.

    What the chain holds idle beyond its own count of flows, less the margin recorded, was sent to the vault unasked.
    """
    idle = asset_units_to_wad(AssetUnits(accounts.idle_assets), asset_decimals)
    low = high = int(idle)
    margin = sum(account.margin_assets for account in accounts.venues.values())
    unasked = asset_units_to_wad(AssetUnits(state.idle_assets - state.net_flows + margin), asset_decimals)
    chain_low = chain_high = asset_units_to_wad(state.idle_assets, asset_decimals) - unasked
    for venue, measured in zip(state.venues, state.measurement.venues, strict=True):
        if measured.is_silent:
            continue
        account = accounts.venues.get(venue.address, VenueAccount())
        if venue.options is not None:
            cash = account.worth(measured.price, venue.funding_accrued, asset_decimals)
            bid, ask = account.options.worths(venue.options)
            low, high = low + max(cash + bid, 0), high + max(cash + ask, 0)
            chain_low, chain_high = chain_low + max(measured.equity_low, 0), chain_high + max(measured.equity_high, 0)
            continue
        if measured.size_low != measured.size_high:
            # An order waits: the ends are what it may come to, so both sides are taken at the price judged.
            worth = max(account.worth(measured.price, venue.funding_accrued, asset_decimals), 0)
            low, high = low + worth, high + worth
            chain_low, chain_high = chain_low + max(measured.equity, 0), chain_high + max(measured.equity, 0)
            continue
        prices = PriceRange.of(measured, venue.mark_price, venue.index_price, state.deviation_bps)
        worths = [account.worth(price, venue.funding_accrued, asset_decimals) for price in (prices.low, prices.high)]
        low += max(min(worths), 0)
        high += max(*worths, 0)
        chain_low += max(measured.equity_low, 0)
        chain_high += max(measured.equity_high, 0)
    return NavCheck(Wad(low), Wad(high), Wad(chain_low), Wad(chain_high))


class Correction(NamedTuple):
    """What an account of the ledger lacks to be the chain's: position and cash, WAD."""

    size_delta: Wad
    cash: Wad


def corrections(accounts: Accounts, state: ChainState, asset_decimals: int) -> dict[Address, Correction]:
    """Return what brings each account that differs to the chain's, at every price; silent venues are left alone."""
    found = {}
    for venue, measured in zip(state.venues, state.measurement.venues, strict=True):
        if measured.is_silent:
            continue
        account = accounts.venues.get(venue.address, VenueAccount())
        size_delta = venue.size - account.size
        if venue.options is not None:
            # Sizes of options are their venue's own events; what is to be answered for is cash, at the bid.
            bid, _ = account.options.worths(venue.options)
            lacks = measured.equity_low - bid - account.worth(measured.price, venue.funding_accrued, asset_decimals)
            if lacks:
                found[venue.address] = Correction(Wad(0), Wad(lacks))
            continue
        worth = account.worth(measured.price, venue.funding_accrued, asset_decimals)
        cash = measured.equity - worth - size_delta * measured.price // WAD
        if size_delta or cash:
            found[venue.address] = Correction(Wad(size_delta), Wad(cash))
    return found
