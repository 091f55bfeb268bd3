"""Reads a vault's status at one block, whatever of it does not answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from agent.budgets import Available, available, settled
from agent.chain.abi import Call, load_abi
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.chain.orders import VenueOrder, read_orders
from agent.chain.rollup import Rollup, RollupKind
from agent.chain.state import held_options, measurement_of, require_one_each
from agent.domain import BlockRef, Bounds, Budget, Measurement, Track, Usage
from agent.errors import DataError
from agent.option_venue import HeldOption
from agent.rounding import mul_div_down, share
from agent.settings import Settings
from agent.status.records import KeeperStatus, ModeStatus, OracleStatus, ShareStatus, VaultStatus, VenueMarket
from agent.status.scheduled import scheduled_changes
from agent.units import BPS, WAD, Address, AssetUnits, Rounding, Seconds, Wad, Wei, gwei_to_wei
from agent.venues.maintenance import maintenance_of
from agent.venues.registry import ORDER_KINDS

DEPOSIT_BLOCKS = (
    None,
    "a venue does not answer",
    "a venue is under water",
    "a mode of the vault",
    "the price or the collateral's price has a fault",
)
"""``IHedgeVault.DepositBlock``, in its order."""
SOURCE_FAULTS = ("no answer", "too old", "from the future", "out of range", "too uncertain")
FAULTS = (
    *SOURCE_FAULTS,
    *(f"second source: {fault}" for fault in SOURCE_FAULTS),
    "the two sources disagree",
    "sequencer feed: no answer",
    "sequencer is down",
    "sequencer came back too lately",
    *(f"collateral: {fault}" for fault in ("no answer", "too old", "from the future", "off its peg", "too uncertain")),
)
"""``PriceFaults``, bit by bit."""
_VAULT_READS = (
    "name", "decimals", "navBounds", "idleAssets", "reservedAssets", "depositBlock", "pausedUntil", "isReduceOnly",
    "isWindingDown", "measureHedge",
)  # fmt: skip
_MARKET_READS = ("markPrice", "indexPrice", "fundingRate", "freeCollateral")
_NO_TRACK = Track(Wad(0), Wad(0), Wad(0), 0, Wad(0), (0, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class StatusReader:
    """Reads one vault."""

    settings: Settings
    client: ChainClient
    deployment: Deployment

    def read(self, block: BlockRef) -> VaultStatus:
        """Read everything at ``block``.

        Raises
        ------
        RejectedError, DataError
            A contract of the vault itself does not answer as it must.
        TransientError
            The servers do not answer.

        """
        deployment = self.deployment
        vault = dict(zip(_VAULT_READS, self._all("HedgeVault", _VAULT_READS, block), strict=True))
        [sources] = self._all("DeltaBook", ["sources"], block)
        oracle = self._oracle(block)
        bounds_fields, total = self._all("RebalanceGuard", ["bounds", "totalBudget"], block)
        bounds, everyone, measurement = Bounds(*bounds_fields), Budget(*total), measurement_of(vault["measureHedge"])
        venues = self._venues(block)
        require_one_each(venues, measurement)
        maintenance = maintenance_of(self.client, deployment.venues, block)
        book = self._call("DeltaBook", "deltaInterval", measurement.price)
        [interval, tripped] = self.client.read_or_none([book, self._call("RebalanceGuard", "isBreakerTripped")], block)
        return VaultStatus(
            network=self.settings.network,
            chain_id=deployment.chain_id,
            vault=deployment.contract("HedgeVault"),
            asset_decimals=deployment.asset.decimals,
            block=block,
            shares=self._shares(vault, block),
            modes=_modes(vault, block),
            bounds=bounds,
            budget_left=_left_of_all(bounds, everyone, measurement, block.timestamp),
            is_breaker_tripped=None if tripped is None else bool(tripped[0]),
            measurement=measurement,
            book_delta=None if interval is None or measurement.price == 0 else (Wad(interval[0]), Wad(interval[1])),
            book_sources=len(sources),
            venue_names=tuple(self._venue_name(venue) for venue in venues),
            markets=self._markets(venues, measurement, block),
            maintenance=tuple(maintenance.get(venue) for venue in venues),
            oracle=oracle,
            keepers=tuple(
                self._keeper(Address(address), bounds, everyone, measurement, block)
                for role, address in deployment.roles.items()
                if role.startswith("keeper")
            ),
            scheduled=scheduled_changes(self.client, deployment, block),
            options=self._options(venues, block),
        )

    def _call(self, contract: str, function: str, *arguments: object) -> Call:
        return load_abi(contract).function(function).at(self.deployment.contract(contract), *arguments)

    def _all(self, contract: str, functions: Sequence[str], block: BlockRef) -> list[Any]:
        """Return the outputs of functions without arguments; one that has several gives them together."""
        outputs = self.client.read([self._call(contract, function) for function in functions], block)
        return [output[0] if len(output) == 1 else output for output in outputs]

    def _oracle(self, block: BlockRef) -> OracleStatus:
        reading, limits = self._all("PriceOracle", ["read", "priceLimits"], block)
        price, _, _, updated_at, _, faults = reading
        words = tuple(word for bit, word in enumerate(FAULTS) if faults >> bit & 1)
        return OracleStatus(Wad(price), Seconds(updated_at), int(limits[0]), words)

    def _shares(self, vault: dict[str, Any], block: BlockRef) -> ShareStatus:
        [(share_price,)] = self.client.read(
            [self._call("HedgeVault", "convertToAssets", 10 ** vault["decimals"])], block
        )
        low, high = vault["navBounds"]
        if vault["depositBlock"] >= len(DEPOSIT_BLOCKS):
            raise DataError(
                f"the vault names reason {vault['depositBlock']} for closing deposits, which this agent does not know: "
                "use the version that the vault was deployed with"
            )
        return ShareStatus(
            name=str(vault["name"]),
            nav_low=AssetUnits(low),
            nav_high=AssetUnits(high),
            share_price=AssetUnits(share_price),
            idle=AssetUnits(vault["idleAssets"]),
            reserved=AssetUnits(vault["reservedAssets"]),
            deposits_closed_by=DEPOSIT_BLOCKS[vault["depositBlock"]],
        )

    def _venues(self, block: BlockRef) -> tuple[Address, ...]:
        [listed] = self._all("VenueRegistry", ["venues"], block)
        return tuple(Address(to_checksum_address(venue)) for venue in listed)

    def _venue_name(self, venue: Address) -> str:
        names = {entry.address: entry.name for entry in self.deployment.all_venues}
        return names.get(venue, venue)

    def _options(self, venues: Sequence[Address], block: BlockRef) -> tuple[HeldOption, ...] | None:
        entry = self.deployment.option_venue
        if entry is None or entry.address not in venues:
            return None
        view = load_abi("IOptionVenue").function("holdings")
        [held] = self.client.read_or_none([view.at(Address(entry.address))], block)
        return None if held is None else held_options(held[0])

    def _markets(
        self, venues: Sequence[Address], measurement: Measurement, block: BlockRef
    ) -> tuple[VenueMarket | None, ...]:
        abi, width = load_abi("IPerpVenue"), len(_MARKET_READS)
        calls = [abi.function(name).at(venue) for venue in venues for name in _MARKET_READS]
        answers = self.client.read_or_none(calls, block)
        rows = [answers[start : start + width] for start in range(0, len(answers), width)]
        orders = self._open_orders(venues, measurement, block)
        return tuple(
            _market([], True) if measured.is_silent else _market(row, False, orders.get(venue))
            for venue, row, measured in zip(venues, rows, measurement.venues, strict=True)
        )

    def _open_orders(
        self, venues: Sequence[Address], measurement: Measurement, block: BlockRef
    ) -> dict[Address, VenueOrder]:
        """Return the open orders of the venues that fill later and answer."""
        later = {entry.address for entry in self.deployment.venues if entry.kind in ORDER_KINDS}
        silent = {venue for venue, measured in zip(venues, measurement.venues, strict=True) if measured.is_silent}
        asked = [venue for venue in venues if venue in later and venue not in silent]
        view = load_abi("IPerpVenue").function("openOrder")
        ids = self.client.read_or_none([view.at(venue) for venue in asked], block)
        keys = [
            (venue, "0x" + found[0].hex()) for venue, found in zip(asked, ids, strict=True) if found and any(found[0])
        ]
        return {order.venue: order for order in read_orders(self.client, keys, block)}

    def _keeper(
        self, keeper: Address, bounds: Bounds, everyone: Budget, measurement: Measurement, block: BlockRef
    ) -> KeeperStatus:
        is_keeper, (_, last_block), own = self.client.read(
            [
                self._call("VaultAccess", "isKeeper", keeper),
                self._call("HedgeVault", "lastIntent", keeper),
                self._call("RebalanceGuard", "keeperBudget", keeper),
            ],
            block,
        )
        usage = Usage(everyone, Budget(*own[0]), _NO_TRACK)
        balance = self.client.balance_at(keeper, block)
        cost = rebalance_cost(self.settings, self.client, self.deployment.contract("HedgeVault"), block)
        return KeeperStatus(
            address=keeper,
            has_role=bool(is_keeper[0]),
            gas_money=balance,
            rebalances_left=balance // cost,
            last_intent_block=int(last_block) or None,
            budget_left=available(bounds, usage, measurement.firm_nav, block.timestamp, is_urgent=False),
        )


def rebalance_cost(settings: Settings, client: ChainClient, vault: Address, block: BlockRef) -> Wei:
    """Return what a rebalance costs at the base fee of ``block``, a rollup's charge for data included; at least 1."""
    costs, execution = settings.costs, settings.execution
    tip = gwei_to_wei(execution.priority_fee_gwei, Rounding.UP)
    rollup = Rollup(client, RollupKind(settings.chain.rollup))
    live = rollup.usual_fee(vault, costs.rebalance_gas_units, block)
    data_fee = gwei_to_wei(costs.data_fee_gwei, Rounding.UP) if live is None else live
    return Wei(max(costs.rebalance_gas_units * (block.base_fee_wei + tip) + data_fee, 1))


def _modes(vault: dict[str, Any], block: BlockRef) -> ModeStatus:
    until = Seconds(vault["pausedUntil"])
    is_paused = block.timestamp < until
    return ModeStatus(until if is_paused else None, bool(vault["isReduceOnly"]), bool(vault["isWindingDown"]))


def _market(
    answers: Sequence[tuple[Any, ...] | None], is_silent: bool, order: VenueOrder | None = None
) -> VenueMarket | None:
    told = [answer[0] for answer in answers if answer is not None]
    if is_silent or len(told) < len(_MARKET_READS):
        return None
    mark, index, funding, free = told
    return VenueMarket(Wad(mark), Wad(index), Wad(funding), AssetUnits(free), order)


def _left_of_all(bounds: Bounds, everyone: Budget, measurement: Measurement, timestamp: Seconds) -> Available:
    """Return what all keepers together may still trade and lose, outside the reserve."""
    turnover_used, loss_used = settled(bounds, everyone, BPS, timestamp)
    capacity = share(bounds.turnover_capacity, BPS - bounds.urgent_reserve_bps)
    loss = max(bounds.loss_capacity_bps * (WAD // BPS) - loss_used, 0)
    return Available(Wad(max(capacity - turnover_used, 0)), Wad(mul_div_down(loss, measurement.firm_nav, WAD)))
