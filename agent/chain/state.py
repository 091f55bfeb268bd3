"""The vault's state at one block hash: what the guard would measure, and what the NAV is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from agent.chain.abi import Call, load_abi
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment, VenueEntry
from agent.domain import BlockRef, Bounds, Budget, Measurement, VenueMeasurement
from agent.errors import DataError, TransientError
from agent.units import Address, AssetUnits, Seconds, Wad

_VENUE_READS = ("position", "markPrice", "indexPrice", "fundingRate", "freeCollateral")


@dataclass(frozen=True, slots=True)
class VenueState:
    """One venue account; ``funding_accrued`` is not settled yet and owed to the position when positive."""

    address: Address
    name: str
    size: Wad
    mark_price: Wad
    index_price: Wad
    funding_accrued: Wad
    funding_rate_per_day: Wad
    free_collateral: AssetUnits


@dataclass(frozen=True, slots=True)
class ChainState:
    """One vault at one block; ``pending_donation`` was sent to the vault outside a deposit and not absorbed."""

    block: BlockRef
    measurement: Measurement
    budget: Budget
    bounds: Bounds
    idle_assets: AssetUnits
    pending_donation: AssetUnits
    is_paused: bool
    venues: tuple[VenueState, ...]


class StateCalls:
    """The reads of one vault's state, encoded once for the venues it had at the last look."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._entries: dict[Address, VenueEntry] = {Address(entry.address): entry for entry in deployment.venues}
        vault, guard = deployment.contract("HedgeVault"), deployment.contract("RebalanceGuard")
        vault_abi, guard_abi = load_abi("HedgeVault"), load_abi("RebalanceGuard")
        self._vault_calls = (
            vault_abi.function("venues").at(vault),
            vault_abi.function("measure").at(vault),
            guard_abi.function("budget").at(guard),
            guard_abi.function("bounds").at(guard),
            vault_abi.function("idleAssets").at(vault),
            vault_abi.function("paused").at(vault),
            load_abi("IERC20").function("balanceOf").at(Address(deployment.asset.address), vault),
        )
        self.venues: tuple[Address, ...] = tuple(self._entries)
        self.calls: tuple[Call, ...] = self._encode()

    def _encode(self) -> tuple[Call, ...]:
        abi = load_abi("IPerpVenue")
        venue_calls = [abi.function(name).at(address) for address in self.venues for name in _VENUE_READS]
        return (*self._vault_calls, *venue_calls)

    def decode(self, block: BlockRef, outputs: Sequence[tuple[Any, ...]]) -> ChainState:
        """Build the state from the outputs of ``calls``.

        Raises
        ------
        TransientError
            The vault's venues have changed since the calls were encoded; they are encoded anew for the next read.
        DataError
            The vault has a venue the manifest does not name.

        """
        listed, measured, budget, bounds, idle, paused, balance = outputs[: len(self._vault_calls)]
        self._follow_venues(listed[0])
        venue_outputs = outputs[len(self._vault_calls) :]
        width = len(_VENUE_READS)
        return ChainState(
            block=block,
            measurement=_measurement(measured[0]),
            budget=Budget(Wad(budget[0][0]), Seconds(budget[0][1]), Seconds(budget[0][2])),
            bounds=Bounds(*bounds[0]),
            idle_assets=AssetUnits(idle[0]),
            pending_donation=AssetUnits(balance[0] - idle[0]),
            is_paused=bool(paused[0]),
            venues=tuple(
                self._venue(address, venue_outputs[index * width : (index + 1) * width])
                for index, address in enumerate(self.venues)
            ),
        )

    def _follow_venues(self, listed: Sequence[str]) -> None:
        addresses = tuple(Address(to_checksum_address(address)) for address in listed)
        for address in addresses:
            if address not in self._entries:
                raise DataError(
                    f"the vault has venue {address}, which deployments/{self._deployment.chain_id}.json does not name; "
                    "add it under venues with its name and kind"
                )
        if addresses != self.venues:
            self.venues = addresses
            self.calls = self._encode()
            raise TransientError("the vault's venues have changed; reading them anew")

    def _venue(self, address: Address, outputs: Sequence[tuple[Any, ...]]) -> VenueState:
        position, mark, index, funding_rate, free_collateral = outputs
        size, _, _, _, funding_accrued = position[0]
        return VenueState(
            address=address,
            name=self._entries[address].name,
            size=Wad(size),
            mark_price=Wad(mark[0]),
            index_price=Wad(index[0]),
            funding_accrued=Wad(funding_accrued),
            funding_rate_per_day=Wad(funding_rate[0]),
            free_collateral=AssetUnits(free_collateral[0]),
        )


def read_state(client: ChainClient, calls: StateCalls, block: BlockRef) -> ChainState:
    """Read the vault's state at ``block``.

    Raises
    ------
    RejectedError
        A view reverts, for instance because the oracle's price is stale.
    TransientError
        See `ChainClient.read`, or the vault's venues have just changed.
    DataError
        See `StateCalls.decode`.

    """
    return calls.decode(block, client.read(calls.calls, block))


def _measurement(fields: Sequence[Any]) -> Measurement:
    price, book_delta_low, book_delta_high, nav_low, nav_high, venues = fields
    return Measurement(
        price=Wad(price),
        book_delta_low=Wad(book_delta_low),
        book_delta_high=Wad(book_delta_high),
        nav_low=Wad(nav_low),
        nav_high=Wad(nav_high),
        venues=tuple(VenueMeasurement(*venue) for venue in venues),
    )
