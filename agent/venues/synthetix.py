"""Synthetix Perps V2: delayed orders, executed seconds later by anybody; funding accrues by the second.

Signs are those of the account. Synthetix tells no funding payment of one account: `PositionModified` names the entry of
the market's funding sequence that the account was settled at. What an order came to its adapter tells; nobody else can
trade for the account or move its margin, and a liquidation takes all of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.chain.abi import Event, Function
from agent.chain.deployment import AssetEntry
from agent.units import WAD
from agent.venues.protocol import (
    AccountChange,
    AccountEvent,
    AccountEventKind,
    BoundView,
    IndexedFunding,
    MaintenanceView,
    PythSettlement,
    VenueProtocol,
)

_SETTINGS = b"PerpsV2MarketSettings"
_RATES = b"PerpsV2ExchangeRate"


def _view(name: str, inputs: tuple[str, ...], output: str) -> Function:
    return Function.from_abi(
        {
            "name": name,
            "inputs": [{"name": "", "type": kind} for kind in inputs],
            "outputs": [{"name": "", "type": output}],
        }
    )


def _event(name: str, parameters: Mapping[str, str], indexed: frozenset[str] = frozenset()) -> Event:
    inputs = [{"name": key, "type": kind, "indexed": key in indexed} for key, kind in parameters.items()]
    return Event.from_abi({"name": name, "inputs": inputs})


_MARKET = _view("market", (), "address")
_SETTINGS_OF_MARKETS = BoundView(_view("getAddress", ("bytes32",), "address"), (_SETTINGS.ljust(32, b"\0"),))
_POSITION_MODIFIED = _event(
    "PositionModified",
    {
        "id": "uint256",
        "account": "address",
        "margin": "uint256",
        "size": "int256",
        "tradeSize": "int256",
        "lastPrice": "uint256",
        "fundingIndex": "uint256",
        "fee": "uint256",
        "skew": "int256",
    },
    frozenset({"id", "account"}),
)
_POSITION_LIQUIDATED = _event(
    "PositionLiquidated",
    {
        "id": "uint256",
        "account": "address",
        "liquidator": "address",
        "size": "int256",
        "price": "uint256",
        "flaggerFee": "uint256",
        "liquidatorFee": "uint256",
        "stakersFee": "uint256",
    },
)


def _liquidated(fields: Mapping[str, Any], _asset: AssetEntry) -> AccountChange:
    """Take position and margin: what was left of the margin went to the three, so that the account is worth nothing."""
    taken = fields["flaggerFee"] + fields["liquidatorFee"] + fields["stakersFee"]
    return AccountChange(-fields["size"], fields["size"] * fields["price"] // WAD - taken)


SYNTHETIX = VenueProtocol(
    title="Synthetix Perps V2",
    adapter="SynthetixV2Venue",
    adapter_addresses=("market", "resolver"),
    funding=IndexedFunding(
        event=_POSITION_MODIFIED,
        emitter=_MARKET,
        account="account",
        size="size",
        index="fundingIndex",
        entry=_view("fundingSequence", ("uint256",), "int128"),
    ),
    maintenance=MaintenanceView(
        holder=(_view("resolver", (), "address"), _SETTINGS_OF_MARKETS),
        ratio=_view("liquidationBufferRatio", ("bytes32",), "uint256"),
        scale=WAD,
        market=(_MARKET, _view("marketKey", (), "bytes32")),
    ),
    account_events=(
        AccountEvent(AccountEventKind.LIQUIDATION, _POSITION_LIQUIDATED, (_MARKET,), "account", _liquidated),
    ),
    settlement=PythSettlement(
        rates=(
            _view("resolver", (), "address"),
            BoundView(_view("getAddress", ("bytes32",), "address"), (_RATES.ljust(32, b"\0"),)),
        ),
        market=(_MARKET,),
        asset=_view("baseAsset", (), "bytes32"),
        feed=_view("offchainPriceFeedId", ("bytes32",), "bytes32"),
        oracle=_view("offchainOracle", (), "address"),
        update_fee=_view("getUpdateFee", ("bytes[]",), "uint256"),
        least_age_seconds=2,
    ),
    fills_later=True,
    rate_drifts=True,
)
