"""Hyperliquid through HyperEVM: orders and margin that HyperCore moves seconds later, without an event of either.

HyperCore tells nobody on HyperEVM of funding, fills or liquidations: the adapter works out what an order came to, and
the rest is what the account is worth. Margin goes over a bridge leg by leg, by anyone's hand, and nothing is opened
before a canary order has come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from agent.chain.abi import Function, load_abi
from agent.chain.client import ChainClient
from agent.config import Exact, Section, Whole
from agent.domain import BlockRef
from agent.units import BPS, WAD, Address, Rounding, Seconds, Wad, to_wad
from agent.venues.protocol import (
    BoundView,
    GovernedFunction,
    MaintenanceView,
    OpeningMargin,
    OwnMarket,
    UntoldFunding,
    VenueProtocol,
)

_MARKET = "HyperEvmMarket"
_ONE_USD = (WAD,)
"""The maintenance margin of the first tier is the same part of any notional in it."""


def _function(name: str, inputs: tuple[str, ...] = (), *outputs: str) -> Function:
    return Function.from_abi(
        {
            "name": name,
            "inputs": [{"name": "", "type": kind} for kind in inputs],
            "outputs": [{"name": "", "type": kind} for kind in outputs],
        }
    )


_ACCOUNT_OF = _function("accountOf", ("address",), "(int256,uint256,int256,int256,uint256)")


def _beside(client: ChainClient, venue: Address, market: Address, block: BlockRef) -> Wad:
    """Return what of the equity HyperCore does not count as margin: cash, spot, what is on its way between them."""
    equity = load_abi("IPerpVenue").function("equity").at(venue)
    [(low, _), ((_, _, margin, _, _),)] = client.read([equity, _ACCOUNT_OF.at(market, venue)], block)
    return Wad(low - margin)


class MarginTier(Section):
    """A tier of the market's margin table."""

    from_usd: Exact = Field(ge=0, description="notional from which it holds")
    max_leverage: Whole = Field(ge=1, le=100, description="of a position in it")


class HyperEvmTerms(Section):
    """``[venue.live.terms]`` of a market: what HyperEVM cannot read of it, so that the governor sets it."""

    asset: Whole = Field(ge=0, le=2**32 - 1, description="index of the market on Hyperliquid's own exchange")
    taker_fee_bps: Exact = Field(ge=0, le=100, description="highest fee of a trade")
    margin_factor: Exact = Field(gt=0, le=1, description="margin kept on HyperCore, ratio of notional")
    canary_size_underlying: Exact = Field(gt=0, description="size of the order that is tried before any other")
    max_order_size_underlying: Exact = Field(gt=0, description="largest order: the book's depth cannot be read")
    settle_seconds: Whole = Field(ge=10, le=3_600, description="after that what left no trace was refused")
    late_seconds: Whole = Field(ge=10, le=604_800, description="after that margin on the bridge is late")
    tiers: tuple[MarginTier, ...] = Field(min_length=1, max_length=8, description="the market's margin table")

    def arguments(self, access: Address, addresses: Mapping[str, Address]) -> tuple[Any, ...]:
        """Return the arguments of the constructor of ``HyperEvmMarket``."""
        limits = (
            to_wad(self.taker_fee_bps / BPS, Rounding.UP),
            to_wad(self.margin_factor, Rounding.UP),
            to_wad(self.canary_size_underlying, Rounding.UP),
            to_wad(self.max_order_size_underlying, Rounding.DOWN),
            self.settle_seconds,
            self.late_seconds,
        )
        tiers = [(to_wad(tier.from_usd, Rounding.UP), tier.max_leverage) for tier in self.tiers]
        return access, self.asset, addresses["deposit_wallet"], limits, tiers


HYPEREVM = VenueProtocol(
    title="Hyperliquid",
    adapter="HyperEvmVenue",
    adapter_addresses=(),
    market=OwnMarket(_MARKET, ("deposit_wallet",), HyperEvmTerms),
    funding=UntoldFunding(Seconds(3_600), slack_bps=100),
    maintenance=MaintenanceView(
        holder=(_function("market", (), "address"),),
        ratio=BoundView(_function("maintenanceMargin", ("uint256",), "uint256"), _ONE_USD),
        scale=WAD,
        beside=_beside,
    ),
    account_events=(),
    opening_margin=OpeningMargin(
        (_function("market", (), "address"),),
        _function("limits", (), "uint64", "uint64", "uint128", "uint128", "uint32", "uint32"),
        at=1,
    ),
    fills_later=True,
    reads_differ=True,
    governed=(
        GovernedFunction(_MARKET, "setLimits", "orders may be as large, on as little margin, and count as cheap"),
        GovernedFunction(_MARKET, "setTiers", "positions count as safe as the new margin table says"),
        GovernedFunction(_MARKET, "setDepositWallet", "margin for HyperCore goes to {wallet}, which is believed"),
        GovernedFunction(
            _MARKET,
            "writeOffLate",
            "what is late on the bridge counts in no price; who deposits has a part in what still comes",
        ),
        GovernedFunction(
            _MARKET, "distrust", "nothing is opened there before a canary order has come back again", tightens=True
        ),
    ),
    waits_for_margin=frozenset({"MarginTooLow", "CanaryMissing"}),
    errands=(_function("advance"), _function("canary")),
)
