"""The vault's state at one block hash: what the guard would measure, and what the NAV is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from agent.chain.abi import Call, checksummed, load_abi
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment, VenueEntry
from agent.domain import BlockRef, Bounds, Budget, FundingSpeed, Measurement, OrderTerms, Track, Usage, VenueMeasurement
from agent.errors import DataError, TransientError
from agent.option_venue import HeldOption
from agent.result_track import PERIOD_SECONDS
from agent.units import Address, AssetUnits, Seconds, Wad

_VENUE_READS = ("position", "markPrice", "indexPrice", "fundingRate", "freeCollateral", "maxFundingRate")
_NO_ORDER = bytes(32)


class OwnViews(NamedTuple):
    """Kinds of venues that have views beyond `IPerpVenue`'s: ``IOrderTerms`` and an open order, ``IFundingSpeed``."""

    orders: frozenset[str] = frozenset()
    funding_speed: frozenset[str] = frozenset()
    untold_funding: frozenset[str] = frozenset()
    """Whose funding is booked while it accrues, by what the account is worth: none of it is told as accrued."""
    opens_from_cash: frozenset[str] = frozenset()
    """Where what opens takes its margin from ``freeCollateral`` alone."""


PLAIN_VIEWS = OwnViews()
"""None has."""


class VenuesChangedError(TransientError):
    """The vault's venues are not those that were asked; they are from now on."""


@dataclass(frozen=True, slots=True)
class VenueState:
    """One venue account; ``funding_accrued`` is not settled yet and owed to the position when positive.

    Of a venue that does not answer only the size last known is told: prices are 0, as is all else. ``order_terms`` and
    ``open_order`` (the id of the order open now, 0x-prefixed) are of venues that fill later, ``funding_speed`` of those
    whose rate drifts; ``options`` is what a venue of options holds, None of any other. ``opens_from_cash``: whether
    what opens takes its margin from ``free_collateral`` alone.
    """

    address: Address
    name: str
    size: Wad
    mark_price: Wad
    index_price: Wad
    funding_accrued: Wad
    funding_rate_per_day: Wad
    free_collateral: AssetUnits
    max_funding_rate_per_day: Wad
    order_terms: OrderTerms | None = None
    open_order: str | None = None
    funding_speed: FundingSpeed | None = None
    options: tuple[HeldOption, ...] | None = None
    opens_from_cash: bool = False


@dataclass(frozen=True, slots=True)
class ChainState:
    """One vault at one block, with what one keeper and all of them have used of the guard's budgets.

    ``is_keeper``: whether that keeper still has the role.
    """

    block: BlockRef
    measurement: Measurement
    usage: Usage
    bounds: Bounds
    idle_assets: AssetUnits
    net_flows: AssetUnits
    """Deposits less exits since deployment."""
    deviation_bps: int
    """How far the price feed may lag, 1e-4 of the price."""
    oracle_updated_at: Seconds
    """When the price was told."""
    is_paused: bool
    is_keeper: bool
    venues: tuple[VenueState, ...]
    settlement_window_seconds: Seconds = Seconds(0)
    """Time before expiry over whose average the book's options settle; 0 for the price at expiry."""


class StateCalls:
    """The reads of one vault's state, encoded once for the venues it had at the last look.

    ``keeper`` is whose budget is read; by default the manifest's. ``own_views``: what to ask of which kinds of venues.
    ``is_without_book`` leaves out what needs the book or a healthy price: the measurement's book delta is 0 then, and
    its price may be.
    """

    def __init__(
        self,
        deployment: Deployment,
        keeper: Address | None = None,
        own_views: OwnViews = PLAIN_VIEWS,
        *,
        is_without_book: bool = False,
    ) -> None:
        self._deployment = deployment
        self._own_views = own_views
        self._entries: dict[Address, VenueEntry] = {Address(entry.address): entry for entry in deployment.all_venues}
        own_options = deployment.option_venue
        self._option_venue = None if own_options is None else Address(own_options.address)
        vault, guard = deployment.contract("HedgeVault"), deployment.contract("RebalanceGuard")
        registry, oracle = deployment.contract("VenueRegistry"), deployment.contract("PriceOracle")
        vault_abi, guard_abi, oracle_abi = load_abi("HedgeVault"), load_abi("RebalanceGuard"), load_abi("PriceOracle")
        own = keeper or deployment.role("keeper")
        price, measure = ("read", "measureHedge") if is_without_book else ("price", "measure")
        # The oracle's price first: where it is not healthy its own error says why, before the book's.
        self._vault_calls = (
            oracle_abi.function(price).at(oracle),
            oracle_abi.function("read").at(oracle),
            load_abi("VenueRegistry").function("venues").at(registry),
            vault_abi.function(measure).at(vault),
            guard_abi.function("totalBudget").at(guard),
            guard_abi.function("keeperBudget").at(guard, own),
            guard_abi.function("track").at(guard),
            guard_abi.function("bounds").at(guard),
            vault_abi.function("idleAssets").at(vault),
            vault_abi.function("netFlows").at(vault),
            vault_abi.function("paused").at(vault),
            load_abi("VaultAccess").function("isKeeper").at(deployment.contract("VaultAccess"), own),
            *self._settlement_calls(deployment),
        )
        self.venues: tuple[Address, ...] = tuple(self._entries)
        self.calls: tuple[Call, ...] = self._encode()

    @staticmethod
    def _settlement_calls(deployment: Deployment) -> tuple[Call, ...]:
        if "OptionBook" not in deployment.contracts:
            return ()
        return (load_abi("OptionBook").function("settlementWindow").at(deployment.contract("OptionBook")),)

    def _encode(self) -> tuple[Call, ...]:
        return (*self._vault_calls, *(call for address in self.venues for call in self._venue_calls(address)))

    def _venue_calls(self, address: Address) -> list[Call]:
        abi = load_abi("IPerpVenue")
        calls = [abi.function(name).at(address) for name in _VENUE_READS]
        if address == self._option_venue:
            calls.append(load_abi("IOptionVenue").function("holdings").at(address))
        kind = self._entries[address].kind
        if kind in self._own_views.orders:
            calls.append(abi.function("openOrder").at(address))
            calls.append(load_abi("IOrderTerms").function("orderTerms").at(address))
        if kind in self._own_views.funding_speed:
            calls.append(load_abi("IFundingSpeed").function("fundingSpeed").at(address))
        return calls

    @property
    def vault_call_count(self) -> int:
        """How many of ``calls`` are the vault's own; the rest are its venues', which may fail to answer."""
        return len(self._vault_calls)

    def trades_options(self, venue: Address) -> bool:
        """Return whether a venue is the one where options are bought."""
        return venue == self._option_venue

    def decode(self, block: BlockRef, outputs: Sequence[tuple[Any, ...] | None]) -> ChainState:
        """Build the state from the outputs of ``calls``, None where a venue did not answer.

        Raises
        ------
        TransientError
            The vault's venues have changed since the calls were encoded; they are encoded anew for the next read. Or
            what was answered does not belong together.
        DataError
            The vault has a venue the manifest does not name.

        """
        vault_outputs = [output for output in outputs[: len(self._vault_calls)] if output is not None]
        _, reading, listed, measured, total, own, track, bounds, idle, flows, paused, keeper, *window = vault_outputs
        self._follow_venues(listed[0])
        measurement = measurement_of(measured[0])
        require_one_each(self.venues, measurement)
        moved = _track(track[0])
        if moved.period > block.timestamp // PERIOD_SECONDS:
            raise TransientError(f"the guard's track is of a later time than block {block.number}: read anew")
        venue_outputs = iter(outputs[len(self._vault_calls) :])
        answers = [list(islice(venue_outputs, len(self._venue_calls(address)))) for address in self.venues]
        return ChainState(
            block=block,
            measurement=measurement,
            usage=Usage(Budget(*total[0]), Budget(*own[0]), moved),
            bounds=Bounds(*bounds[0]),
            idle_assets=AssetUnits(idle[0]),
            net_flows=AssetUnits(flows[0]),
            deviation_bps=int(reading[0][4]),
            oracle_updated_at=Seconds(reading[0][3]),
            is_paused=bool(paused[0]),
            is_keeper=bool(keeper[0]),
            venues=tuple(
                self._venue(address, measured_venue, own_answers)
                for address, measured_venue, own_answers in zip(self.venues, measurement.venues, answers, strict=True)
            ),
            settlement_window_seconds=Seconds(window[0][0] if window else 0),
        )

    def _follow_venues(self, listed: Sequence[str]) -> None:
        addresses = tuple(checksummed(address) for address in listed)
        for address in addresses:
            if address not in self._entries:
                raise DataError(
                    f"the vault has venue {address}, which the manifest of chain {self._deployment.chain_id} does not "
                    "name; add it under venues, or as option_venue, with its name and kind"
                )
        if addresses != self.venues:
            self.venues = addresses
            self.calls = self._encode()
            raise VenuesChangedError("the vault's venues have changed; reading them anew")

    def _venue(
        self, address: Address, measured: VenueMeasurement, outputs: Sequence[tuple[Any, ...] | None]
    ) -> VenueState:
        name, answers = self._entries[address].name, [output for output in outputs if output is not None]
        trades_options = self.trades_options(address)
        if measured.is_silent:
            # One end is 0 unless an order waited when it was last seen: then the end that is farther from 0.
            last_size = max(measured.size_low, measured.size_high, key=abs)
            nothing = (Wad(0),) * 4
            silent = VenueState(address, name, last_size, *nothing, AssetUnits(0), Wad(0))
            return replace(silent, options=()) if trades_options else silent
        if len(answers) < len(outputs):
            raise TransientError(f"venue {name} answers the vault but not all of its views; reading it anew")
        position, mark, index, funding_rate, free_collateral, max_funding_rate, *own = answers
        kind = self._entries[address].kind
        held = own.pop(0) if trades_options else None
        open_order, terms = (own.pop(0), own.pop(0)) if kind in self._own_views.orders else (None, None)
        speed = own.pop(0) if kind in self._own_views.funding_speed else None
        size, _, _, _, funding_accrued = position[0]
        return VenueState(
            address=address,
            name=name,
            size=Wad(size),
            mark_price=Wad(mark[0]),
            index_price=Wad(index[0]),
            funding_accrued=Wad(0 if kind in self._own_views.untold_funding else funding_accrued),
            funding_rate_per_day=Wad(funding_rate[0]),
            free_collateral=AssetUnits(free_collateral[0]),
            max_funding_rate_per_day=Wad(max_funding_rate[0]),
            order_terms=None if terms is None else OrderTerms(*(Wad(term) for term in terms)),
            funding_speed=None if speed is None else FundingSpeed(*(Wad(part) for part in speed)),
            open_order=None if open_order is None or open_order[0] == _NO_ORDER else "0x" + open_order[0].hex(),
            options=None if held is None else held_options(held[0]),
            opens_from_cash=kind in self._own_views.opens_from_cash,
        )


def held_options(rows: Sequence[Sequence[Any]]) -> tuple[HeldOption, ...]:
    """Return the records of decoded ``OptionHolding``s."""
    return tuple(
        HeldOption(position_id, strike_id, bool(is_call), Wad(size), Wad(strike), Seconds(expiry), Wad(low), Wad(high))
        for position_id, strike_id, is_call, size, strike, expiry, low, high in rows
    )


def read_state(client: ChainClient, calls: StateCalls, block: BlockRef) -> ChainState:
    """Read the vault's state at ``block``, once more where its venues are others, or in another order, than was known.

    Raises
    ------
    RejectedError
        A view reverts, for instance because the oracle's price is stale.
    TransientError
        See `ChainClient.read`.
    DataError
        See `StateCalls.decode`.

    """
    try:
        return _read_state(client, calls, block)
    except VenuesChangedError:
        return _read_state(client, calls, block)


def _read_state(client: ChainClient, calls: StateCalls, block: BlockRef) -> ChainState:
    own = calls.vault_call_count
    outputs = client.read_or_none(calls.calls, block)
    if any(output is None for output in outputs[:own]):
        outputs = [*client.read(calls.calls[:own], block), *outputs[own:]]
    return calls.decode(block, outputs)


def measurement_of(fields: Sequence[Any]) -> Measurement:
    """Return the record of a decoded ``Measurement``."""
    price, is_reduce_only, book_delta_low, book_delta_high, idle, nav, firm_nav, net_flows, venues = fields
    return Measurement(
        price=Wad(price),
        is_reduce_only=bool(is_reduce_only),
        book_delta_low=Wad(book_delta_low),
        book_delta_high=Wad(book_delta_high),
        idle=Wad(idle),
        nav=Wad(nav),
        firm_nav=Wad(firm_nav),
        net_flows=Wad(net_flows),
        venues=tuple(VenueMeasurement(*venue) for venue in venues),
    )


def require_one_each(venues: Sequence[Address], measurement: Measurement) -> None:
    """Raise `TransientError` unless every venue that is listed is measured: else the two are of different states."""
    if len(venues) != len(measurement.venues):
        raise TransientError(
            f"the vault lists {len(venues)} venues and measures {len(measurement.venues)}: a server's answers do not "
            "belong together"
        )


def _track(fields: Sequence[Any]) -> Track:
    size, explained, price, period, flows, (first, second, third, fourth) = fields
    return Track(Wad(size), Wad(explained), Wad(price), period, Wad(flows), (first, second, third, fourth))
