"""Books what a venue tells nobody: funding, and trades of others, by what an account is worth.

Equity is linear in the price by `IPerpVenue`, so at the price judged an account that nothing but funding has moved is
worth what the ledger says less that funding:

    funding paid = cash + size P - equity at P,

cash as in `agent.ledger.accounting`. That is taken for funding up to what funding can have been since the last booking,

    |paid| <= rate max |size| P t + fees + slack x traded notional,

``rate`` the venue's own highest per day and what it charges beside, ``size`` each that was held, ``t`` the time since
and one settlement; fees and trades are those since, for what they came to is worked out by the adapter. Ether that an
account holds for its orders moves with the price, by a tenth of its worth at most; what is gained beyond is ether that
somebody gave, as far as the account holds that much. Anything else stays a difference of NAV, at which the keeper
stops. A size that is not the ledger's, while no order is open, is a trade of somebody else's: a liquidation or a
deleveraging.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.chain.state import ChainState, VenueState
from agent.domain import BlockRef, VenueMeasurement
from agent.ledger.accounting import corrections
from agent.ledger.orders import is_final
from agent.ledger.records import AccountEventRecord, FundingRecord, LogId, Scan
from agent.ledger.store import VaultLedger
from agent.rounding import mul_div_up
from agent.units import BPS, SECONDS_PER_DAY, WAD, Address, BlockHash, Seconds, Wad
from agent.venues.execution_ether import ether_accounts, held_ether
from agent.venues.protocol import AccountEventKind, UntoldFunding
from agent.venues.registry import venue_protocol

_LEAST_PART = 1_000_000
"""Less than this part of an account's equity is not booked yet: a row a cycle would say nothing."""
_ETHER_PART = 10
"""Of the worth of ether that an account holds for its orders, what its price may have made of it since."""


@dataclass(frozen=True, slots=True)
class _Since:
    """When an account was booked last."""

    number: int
    unix: Seconds


class UntoldEntries:
    """Entries of one vault's venues that tell nothing; ``first_unix``: time of the vault's first block.

    What it remembers is the time of its own bookings. What was booked before it began is taken to be as old as the
    newest cycle on record.
    """

    def __init__(self, client: ChainClient, ledger: VaultLedger, deployment: Deployment, first_unix: Seconds) -> None:
        self._client = client
        self._ledger = ledger
        self._asset_decimals = deployment.asset.decimals
        self._ethers = ether_accounts(deployment)
        self._fundings: dict[Address, UntoldFunding] = {}
        for entry in deployment.venues:
            funding = venue_protocol(entry.kind, f"venue {entry.name}").funding
            if isinstance(funding, UntoldFunding):
                self._fundings[Address(entry.address)] = funding
        newest = ledger.last_cycle()
        self._start = _Since(0, first_unix) if newest is None else _Since(newest.block_id.number, newest.block_unix)
        self._times: dict[BlockHash, Seconds] = {}

    def book(self, state: ChainState, tell: Callable[[Sequence[AccountEventRecord]], None]) -> None:
        """Book what the accounts of a look at the chain have come to; ``tell`` hears of others' acts before that.

        Raises
        ------
        TransientError
            How much ether an account holds is wanted, and nobody says.

        """
        if not self._fundings:
            return
        funding: list[FundingRecord] = []
        acts: list[AccountEventRecord] = []
        block_id = BlockId.of(state.block)
        found = corrections(self._ledger.accounts, state, self._asset_decimals)
        for index, (venue, measured) in enumerate(zip(state.venues, state.measurement.venues, strict=True)):
            lacking = found.get(venue.address)
            if lacking is None or venue.address not in self._fundings or self._is_waiting(venue, measured):
                continue
            at = LogId.of_ours(block_id, index)
            if lacking.size_delta:
                kind = AccountEventKind.TRADE
                acts.append(AccountEventRecord(at, venue.address, kind, lacking.size_delta, lacking.cash))
            elif abs(lacking.cash) * _LEAST_PART > abs(measured.equity):
                most = self._most(venue, measured, state.block.timestamp)
                ether = self._ether(venue.address, state.block) if abs(lacking.cash) > most else 0
                if abs(lacking.cash) <= most + ether // _ETHER_PART:
                    funding.append(FundingRecord(at, venue.address, Wad(-lacking.cash)))
                elif 0 < lacking.cash <= most + ether:
                    acts.append(AccountEventRecord(at, venue.address, AccountEventKind.DEPOSIT, Wad(0), lacking.cash))
        if acts:
            tell(acts)
        if acts or funding:
            scan = Scan(block_id.number, block_id, funding=tuple(funding), account_events=tuple(acts))
            self._ledger.add_scan(scan)
            self._times[block_id.hash] = state.block.timestamp

    def _is_waiting(self, venue: VenueState, measured: VenueMeasurement) -> bool:
        """Return whether an order is on its way, or has filled and is not in the ledger yet."""
        is_open = venue.open_order is not None or measured.size_low != measured.size_high
        return is_open or any(
            order.venue == venue.address and not is_final(order.state) for order in self._ledger.orders()
        )

    def _most(self, venue: VenueState, measured: VenueMeasurement, now: Seconds) -> int:
        """Return the most that funding can have been since the last booking, WAD USD."""
        terms, since = self._fundings[venue.address], self._since(venue.address)
        fills = [f for f in self._ledger.fills() if f.venue == venue.address and f.at.block.number > since.number]
        traded = sum(mul_div_up(abs(fill.size_delta), fill.execution_price, WAD) for fill in fills)
        before = accumulate((-fill.size_delta for fill in reversed(fills)), initial=int(venue.size))
        seconds = now - since.unix + terms.period_seconds
        notional_wad = max(abs(size) for size in before) * measured.price
        rate = venue.max_funding_rate_per_day + terms.other_bps_per_day * WAD // BPS
        of_time = notional_wad * rate * seconds // (SECONDS_PER_DAY * WAD**2)
        return of_time + sum(fill.fee for fill in fills) + mul_div_up(traded, terms.slack_bps, BPS)

    def _ether(self, venue: Address, block: BlockRef) -> int:
        """Return the worth of the ether that an account holds for its orders, WAD USD."""
        ether = self._ethers.get(venue)
        return 0 if ether is None else held_ether(self._client, venue, ether, block).worth

    def _since(self, venue: Address) -> _Since:
        booked = [payment.at.block for payment in self._ledger.funding() if payment.venue == venue]
        newest = max(booked, key=lambda block: block.number, default=None)
        if newest is None or newest.hash not in self._times:
            return self._start
        return _Since(newest.number, self._times[newest.hash])
