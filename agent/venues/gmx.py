"""GMX v2: market orders that GMX's own keepers execute seconds later, each paid for with ether of the account.

GMX tells of fills, fees and liquidations in events of its own for every account of every market; the adapter works out
what an order came to, and the rest is what the account is worth. Margin on GMX goes with the order that opens, and
waits in the adapter as cash until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak
from pydantic import Field

from agent.chain.abi import Function, load_abi
from agent.chain.client import ChainClient
from agent.config import Exact, Section, Whole
from agent.domain import BlockRef
from agent.units import WAD, Address, Rounding, Seconds, Wad, eth_to_wei, to_wad
from agent.venues.protocol import (
    Claim,
    DelayedCollateral,
    ExecutionEther,
    GovernedFunction,
    MaintenanceView,
    OwnMarket,
    UntoldFunding,
    VenueProtocol,
)
from agent.venues.views import BALANCE_OF

_MARKET = "GmxV2Market"
_PERIOD_SECONDS = Seconds(3_600)
"""Funding and borrowing accrue by the second. An hour of them leaves room for what moves with the price though the size
does not hold it: ether, and price impact that GMX keeps in index tokens."""
_SLACK_BPS = 50
"""Of what was traded. Price impact is what a fill is told without: GMX stores it where a position grows, which is told
at the price before impact, and takes it, at most 0.5 % in its market of ETH, where the position shrinks. The fee of a
close is told at the worse of two rates, but its price from what it brought, so that the two together are right; and
ether that comes back of an execution is less than the fee that was told."""
_BORROWING_BPS_PER_DAY = 50
"""For what a position reserves of GMX's pool, beside funding. The settings of GMX's own `config/borrowingRates.ts` that
were at hand end at 100 % a year, 27 bps a day, where the pool is used up."""


def _function(name: str, inputs: tuple[str, ...], *outputs: str) -> Function:
    return Function.from_abi(
        {
            "name": name,
            "inputs": [{"name": "", "type": kind} for kind in inputs],
            "outputs": [{"name": "", "type": kind} for kind in outputs],
        }
    )


_VIEW_OF_MARKET = _function("market", (), "address")
_COLLATERAL_UNIT = _function("collateralUnit", (), "uint256")
_SIDE_OF = _function("sideOf", ("address", "bool"), "(uint256,uint256,uint256)")
_DATA_STORE, _COLLATERAL, _LONG_TOKEN, _WNT = (
    _function(name, (), "address") for name in ("dataStore", "collateral", "longToken", "wnt")
)
_GET_UINT = _function("getUint", ("bytes32",), "uint256")
_ETHER_USD = _function("etherUsd", ("uint256",), "uint256")
_CLAIMABLE_FUNDING = keccak(encode(["string"], ["CLAIMABLE_FUNDING_AMOUNT"]))
_KEY_TYPES = ("bytes32", "address", "address", "address")
_OWED_FEES = _function("owedFees", ("address", "bool"), "int256")


class GmxTerms(Section):
    """``[venue.live.terms]`` of a market: how GMX counts its index token, and the governed limits."""

    index_decimals: Whole = Field(ge=0, le=30, description="decimals that GMX counts the index token in")
    max_execution_fee_eth: Exact = Field(gt=0, le=1, description="most ether that one of GMX's orders may be given")
    margin_factor: Exact = Field(gt=0, le=1, description="margin sent with what an order opens, ratio of notional")
    callback_gas: Whole = Field(ge=200_000, le=5_000_000, description="gas that GMX is asked to call back with")

    def arguments(self, access: Address, addresses: Mapping[str, Address]) -> tuple[Any, ...]:
        """Return the arguments of the constructor of ``GmxV2Market``."""
        release = tuple(addresses[name] for name in ("exchange_router", "order_handler", "reader"))
        limits = (
            eth_to_wei(self.max_execution_fee_eth, Rounding.DOWN),
            to_wad(self.margin_factor, Rounding.UP),
            self.callback_gas,
        )
        core = (addresses["data_store"], addresses["router"], addresses["market"])
        return access, *core, self.index_decimals, release, limits


def _beside(client: ChainClient, venue: Address, market: Address, block: BlockRef) -> Wad:
    """Return what of the equity is no margin of a position: cash, ether, what is on its way or can be claimed.

    GMX liquidates a position on its own margin with its profit, the price impact stored and less the fees owed.
    """
    abi = load_abi("IPerpVenue")
    [(low, _), (position,), (unit,)] = client.read(
        [abi.function("equity").at(venue), abi.function("position").at(venue), _COLLATERAL_UNIT.at(market)], block
    )
    size, _, _, profit, _ = position
    side, owed = (view.at(market, venue, size > 0) for view in (_SIDE_OF, _OWED_FEES))
    [((_, _, margin),), (fees,)] = client.read([side, owed], block)
    return Wad(low - (margin * WAD // unit + profit - fees))


def _claimable_funding(client: ChainClient, venue: Address, market: Address, block: BlockRef) -> Wad:
    """Return what GMX owes of funding that is settled, as far as it is of use: long tokens as ether alone."""
    views = (_DATA_STORE, _VIEW_OF_MARKET, _COLLATERAL, _LONG_TOKEN, _WNT, _COLLATERAL_UNIT)
    [(store,), (token,), (collateral,), (long_token,), (wnt,), (unit,)] = client.read(
        [view.at(market) for view in views], block
    )
    keys = [keccak(encode(_KEY_TYPES, [_CLAIMABLE_FUNDING, token, of, venue])) for of in (collateral, long_token)]
    [(assets,), (long_tokens,)] = client.read([_GET_UINT.at(store, key) for key in keys], block)
    [(ether_usd,)] = client.read([_ETHER_USD.at(market, long_tokens if long_token == wnt else 0)], block)
    return Wad(assets * WAD // unit + ether_usd)


def _wrapped_ether(client: ChainClient, venue: Address, market: Address, block: BlockRef) -> Wad:
    """Return what the account's wrapped native token is worth, of which it can make ether for executions."""
    [(wnt,)] = client.read([_WNT.at(market)], block)
    [(held,)] = client.read([BALANCE_OF.at(wnt, venue)], block)
    [(ether_usd,)] = client.read([_ETHER_USD.at(market, held)], block)
    return Wad(ether_usd)


GMX = VenueProtocol(
    title="GMX v2",
    adapter="GmxV2Venue",
    adapter_addresses=(),
    market=OwnMarket(
        _MARKET, ("data_store", "router", "market", "exchange_router", "order_handler", "reader"), GmxTerms
    ),
    funding=UntoldFunding(_PERIOD_SECONDS, slack_bps=_SLACK_BPS, other_bps_per_day=_BORROWING_BPS_PER_DAY),
    maintenance=MaintenanceView(
        holder=(_VIEW_OF_MARKET,), ratio=_function("liquidationFactor", (), "uint256"), scale=WAD, beside=_beside
    ),
    account_events=(),
    fills_later=True,
    fills_by_notional=True,
    opens_from_cash=True,
    governed=(
        GovernedFunction(
            _MARKET, "addRelease", "orders and their margin go through the new release, which is believed"
        ),
        GovernedFunction(_MARKET, "dropRelease", "orders go through the releases that are left"),
        GovernedFunction(_MARKET, "setLimits", "an order may cost as much to execute, an opening takes as much margin"),
    ),
    ether=ExecutionEther(
        too_low="EtherTooLow",
        holder=(_VIEW_OF_MARKET,),
        worth=_ETHER_USD,
        fee=_function("executionFee", ("bool",), "uint256"),
    ),
    delayed_collateral=DelayedCollateral(
        holder=(_VIEW_OF_MARKET,),
        tokens=(_COLLATERAL, _LONG_TOKEN),
        hour=_function("hour", (), "uint256"),
        owed=_function("owedOf", ("address", "address", "uint256"), "uint256"),
        worth=_function("valueOf", ("address", "uint256[]", "uint256", "uint256"), "int256", "int256", "uint256"),
        note=_function("noteCollateral", ("uint256",)),
        claim=_function("claimCollateral", ("address", "uint256")),
    ),
    claims=(
        Claim(_function("claimFunding", ()), (_VIEW_OF_MARKET,), _claimable_funding),
        Claim(_function("unwrap", ()), (_VIEW_OF_MARKET,), _wrapped_ether),
    ),
)
