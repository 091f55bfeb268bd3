"""Perpetual Protocol v2 ("Curie"): trades settle at once, funding is paid when a position is touched.

Signs are those of the account: ``exchangedPositionNotional`` is quote received and contains no fee, a penalty and a fee
are paid. A liquidation is told twice: as a change of the position at the index price, and with its penalty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.chain.abi import Event, Function
from agent.chain.deployment import AssetEntry
from agent.units import AssetUnits, asset_units_to_wad
from agent.venues.protocol import (
    AccountChange,
    AccountEvent,
    AccountEventKind,
    FundingEvent,
    MaintenanceView,
    VenueProtocol,
)


def _event(name: str, indexed: Mapping[str, str], plain: Mapping[str, str]) -> Event:
    inputs = [{"name": key, "type": kind, "indexed": True} for key, kind in indexed.items()]
    inputs += [{"name": key, "type": kind, "indexed": False} for key, kind in plain.items()]
    return Event.from_abi({"name": name, "inputs": inputs})


def _view(name: str, kind: str) -> Function:
    return Function.from_abi({"name": name, "inputs": [], "outputs": [{"name": "", "type": kind}]})


def _address_view(name: str) -> Function:
    return _view(name, "address")


_CLEARING_HOUSE = (_address_view("clearingHouse"),)
_MARGIN_VAULT = (*_CLEARING_HOUSE, _address_view("getVault"))
_TRADER_AND_MARKET = {"trader": "address", "baseToken": "address"}
_POSITION_CHANGED = _event(
    "PositionChanged",
    _TRADER_AND_MARKET,
    {
        "exchangedPositionSize": "int256",
        "exchangedPositionNotional": "int256",
        "fee": "uint256",
        "openNotional": "int256",
        "realizedPnl": "int256",
        "sqrtPriceAfterX96": "uint256",
    },
)
_POSITION_LIQUIDATED = _event(
    "PositionLiquidated",
    _TRADER_AND_MARKET,
    {"positionNotional": "uint256", "positionSize": "uint256", "liquidationFee": "uint256", "liquidator": "address"},
)
_POSITION_CLOSED = _event(
    "PositionClosed",
    _TRADER_AND_MARKET,
    {
        "closedPositionSize": "int256",
        "closedPositionNotional": "int256",
        "openNotional": "int256",
        "realizedPnl": "int256",
        "closedPrice": "uint256",
    },
)
_DEPOSITED = _event("Deposited", {"collateralToken": "address", "trader": "address"}, {"amount": "uint256"})
_COLLATERAL_LIQUIDATED = _event(
    "CollateralLiquidated",
    {"trader": "address", "collateralToken": "address", "liquidator": "address"},
    {
        "collateral": "uint256",
        "repaidSettlementWithoutInsuranceFundFeeX10_S": "uint256",
        "insuranceFundFeeX10_S": "uint256",
        "discountRatio": "uint24",
    },
)
_BAD_DEBT_SETTLED = _event("BadDebtSettled", {"trader": "address"}, {"amount": "uint256"})


def _traded(fields: Mapping[str, Any], _asset: AssetEntry) -> AccountChange:
    size = int(fields["exchangedPositionSize"])
    return AccountChange(size, fields["exchangedPositionNotional"] - fields["fee"], own_size_delta=size)


def _penalised(fields: Mapping[str, Any], _asset: AssetEntry) -> AccountChange:
    return AccountChange(0, -fields["liquidationFee"])


def _paid_out(fields: Mapping[str, Any], _asset: AssetEntry) -> AccountChange:
    return AccountChange(-fields["closedPositionSize"], fields["closedPositionNotional"])


def _deposited(fields: Mapping[str, Any], asset: AssetEntry) -> AccountChange:
    """Collateral of another token counts for nothing, as in the adapter."""
    if fields["collateralToken"] != asset.address:
        return AccountChange(0, 0)
    return AccountChange(0, _wad(fields["amount"], asset), own_margin_delta=int(fields["amount"]))


def _repaid(fields: Mapping[str, Any], asset: AssetEntry) -> AccountChange:
    return AccountChange(0, _wad(fields["repaidSettlementWithoutInsuranceFundFeeX10_S"], asset))


def _written_off(fields: Mapping[str, Any], asset: AssetEntry) -> AccountChange:
    return AccountChange(0, _wad(fields["amount"], asset))


def _wad(units: int, asset: AssetEntry) -> int:
    return asset_units_to_wad(AssetUnits(units), asset.decimals)


CURIE = VenueProtocol(
    title="Perpetual Protocol v2",
    adapter="CurieVenue",
    adapter_addresses=("clearing_house", "base_token"),
    funding=FundingEvent(
        event=_event("FundingPaymentSettled", _TRADER_AND_MARKET, {"fundingPayment": "int256"}),
        emitter=_CLEARING_HOUSE[0],
        account="trader",
        paid="fundingPayment",
    ),
    maintenance=MaintenanceView(
        holder=(*_CLEARING_HOUSE, _address_view("getClearingHouseConfig")),
        ratio=_view("getMmRatio", "uint24"),
        scale=10**6,
    ),
    account_events=tuple(
        AccountEvent(kind, event, emitter, "trader", change_of)
        for kind, event, emitter, change_of in (
            (AccountEventKind.TRADE, _POSITION_CHANGED, _CLEARING_HOUSE, _traded),
            (AccountEventKind.LIQUIDATION, _POSITION_LIQUIDATED, _CLEARING_HOUSE, _penalised),
            (AccountEventKind.CLOSED, _POSITION_CLOSED, _CLEARING_HOUSE, _paid_out),
            (AccountEventKind.DEPOSIT, _DEPOSITED, _MARGIN_VAULT, _deposited),
            (AccountEventKind.COLLATERAL_SOLD, _COLLATERAL_LIQUIDATED, _MARGIN_VAULT, _repaid),
            (AccountEventKind.BAD_DEBT, _BAD_DEBT_SETTLED, _MARGIN_VAULT, _written_off),
        )
    ),
)
