"""A vault's status for machines: floats with their unit in the key; null where the chain could not tell."""

from __future__ import annotations

import math
from typing import Any

from agent.guard import UINT256_MAX, effective_band, venue_leverage
from agent.option_venue import HeldOption
from agent.report.orders import order_document
from agent.status.records import KeeperStatus, VaultStatus
from agent.status.risk import liquidation_distance, worst_net_delta_of
from agent.units import AssetUnits, from_asset_units, from_wad, wei_to_eth


def as_document(status: VaultStatus) -> dict[str, Any]:
    """Return the status as JSON has it."""
    bounds, measured, block = status.bounds, status.measurement, status.block
    worst = worst_net_delta_of(status)
    return {
        "network": status.network,
        "chain_id": status.chain_id,
        "vault": status.vault,
        "block": {"number": block.number, "hash": block.hash, "unix": block.timestamp},
        "shares": _shares(status),
        "modes": {
            "paused_until_unix": status.modes.paused_until,
            "is_reduce_only": status.modes.is_reduce_only,
            "is_winding_down": status.modes.is_winding_down,
        },
        "delta": {
            "book_low": None if status.book_delta is None else from_wad(status.book_delta[0]),
            "book_high": None if status.book_delta is None else from_wad(status.book_delta[1]),
            "book_sources": status.book_sources,
            "hedge_low": sum(from_wad(venue.size_low) for venue in measured.venues),
            "hedge_high": sum(from_wad(venue.size_high) for venue in measured.venues),
            "worst": None if worst is None else from_wad(worst),
            "band": from_wad(effective_band(bounds, measured.firm_nav, measured.price)) if measured.price else None,
            "urgent": from_wad(bounds.urgent_delta),
        },
        "bounds": {
            "max_size_delta": from_wad(bounds.max_size_delta),
            "max_notional_usd": from_wad(bounds.max_notional),
            "max_leverage_ratio": from_wad(bounds.max_leverage),
            "max_slippage_bps": bounds.max_slippage_bps,
            "max_fee_bps": bounds.max_fee_bps,
            "cooldown_seconds": bounds.cooldown_seconds,
        },
        "budget_left_usd": {
            "turnover": from_wad(status.budget_left.turnover),
            "turnover_capacity": from_wad(bounds.turnover_capacity),
            "loss": from_wad(status.budget_left.loss),
            "loss_capacity_bps": bounds.loss_capacity_bps,
        },
        "is_breaker_tripped": status.is_breaker_tripped,
        "venues": [_venue(status, index) for index in range(len(measured.venues))],
        "options": None if status.options is None else [_option(option) for option in status.options],
        "oracle": {
            "price_usd": from_wad(status.oracle.price) or None,
            "age_seconds": block.timestamp - status.oracle.updated_at,
            "max_age_seconds": status.oracle.max_age_seconds,
            "faults": list(status.oracle.faults),
        },
        "keepers": [_keeper(keeper) for keeper in status.keepers],
        "scheduled": [
            {
                "operation_id": change.operation_id,
                "caller": change.caller,
                "target": change.target,
                "call": change.call,
                "ready_at_unix": change.ready_at,
                "expires_at_unix": change.expires_at,
                "worst_case": list(change.worst_case),
                "warnings": list(change.warnings),
            }
            for change in status.scheduled
        ],
    }


def _shares(status: VaultStatus) -> dict[str, Any]:
    def usd(units: int) -> float:
        return from_asset_units(AssetUnits(units), status.asset_decimals)

    shares = status.shares
    return {
        "name": shares.name,
        "nav_low_usd": usd(shares.nav_low),
        "nav_high_usd": usd(shares.nav_high),
        "share_price_usd": usd(shares.share_price),
        "idle_usd": usd(shares.idle),
        "free_for_exits_usd": usd(max(shares.idle - shares.reserved, 0)),
        "deposits_closed_by": shares.deposits_closed_by,
    }


def _venue(status: VaultStatus, index: int) -> dict[str, Any]:
    measured, market = status.measurement.venues[index], status.markets[index]
    told: dict[str, Any] = {
        "name": status.venue_names[index],
        "is_silent": measured.is_silent,
        "is_closing": measured.is_closing,
        "size_low": from_wad(measured.size_low),
        "size_high": from_wad(measured.size_high),
    }
    if measured.is_silent:
        return told
    leverage = venue_leverage(measured)
    told |= {
        "notional_usd": from_wad(measured.notional),
        "equity_usd": from_wad(measured.equity),
        "leverage_ratio": None if leverage == UINT256_MAX else from_wad(leverage),
        "max_leverage_ratio": from_wad(status.bounds.max_venue_leverage),
    }
    if (maintenance := status.maintenance[index]) is not None:
        distance = liquidation_distance(measured, maintenance)
        told["maintenance_margin_ratio"] = maintenance.ratio
        told["equity_beside_positions_usd"] = from_wad(maintenance.beside)
        told["liquidation_distance_ratio"] = distance if distance is not None and math.isfinite(distance) else None
    if market is not None:
        told |= {
            "free_margin_usd": from_asset_units(market.free_collateral, status.asset_decimals),
            "mark_price_usd": from_wad(market.mark_price),
            "index_price_usd": from_wad(market.index_price),
            "funding_rate_per_day": from_wad(market.funding_rate_per_day),
        }
        if market.order is not None:
            told["open_order"] = order_document(market.order, status.block.timestamp)
    return told


def _option(option: HeldOption) -> dict[str, Any]:
    return {
        "name": option.name,
        "position_id": str(option.position_id),
        "size": from_wad(option.size),
        "expiry_unix": option.expiry,
        "worth_low_usd": from_wad(option.worth_low),
        "worth_high_usd": from_wad(option.worth_high),
    }


def _keeper(keeper: KeeperStatus) -> dict[str, Any]:
    return {
        "address": keeper.address,
        "has_role": keeper.has_role,
        "gas_money_eth": wei_to_eth(keeper.gas_money),
        "rebalances_left": keeper.rebalances_left,
        "last_intent_block": keeper.last_intent_block,
        "turnover_left_usd": from_wad(keeper.budget_left.turnover),
        "loss_left_usd": from_wad(keeper.budget_left.loss),
    }
