"""Curie on the local chain: how it is deployed, made liquid, and found again."""

from __future__ import annotations

from dataclasses import asdict, fields

from agent.localnet.curie.actors import FundingPoker, LiquidityMaker, deposit_margin, record_price
from agent.localnet.curie.contracts import CurieAddresses, deploy
from agent.localnet.curie.market import CurieMarket
from agent.localnet.curie.pool_math import (
    LiquidityRange,
    liquidity_for_slippage,
    range_for_liquidity,
    sqrt_price_x96,
)
from agent.localnet.deployer import Deployer
from agent.localnet.evm import LocalChain, Transaction
from agent.localnet.market import Addresses, MarketOpening
from agent.localnet.price_feed import answer_to_wad
from agent.units import BPS, Address, AssetUnits, Rounding, from_wad, to_asset_units

COLLATERAL_DECIMALS = 6
_FEE_RATIO_PER_BPS = 100  # Curie counts fees in 1e-6
_MARGIN_MULTIPLE = 3.0
"""Margin of each actor, in multiples of all the maker provides at the top of its range: covers any inventory."""


class CurieProtocol:
    """Perpetual Protocol v2 with one ETH market."""

    address_names = frozenset(field.name for field in fields(CurieAddresses))

    def deploy(
        self, chain: LocalChain, deployer: Deployer, collateral: Address, aggregator: Address, opening: MarketOpening
    ) -> dict[str, Address]:
        """Deploy the protocol and its market at the opening price."""
        sqrt_x96 = sqrt_price_x96(answer_to_wad(opening.answer))
        fee_ratio = round(opening.exchange_fee_bps * _FEE_RATIO_PER_BPS)
        return asdict(deploy(chain, deployer, collateral, aggregator, sqrt_x96, fee_ratio))

    def populate(
        self, accounts: Addresses, addresses: Addresses, collateral: Address, opening: MarketOpening
    ) -> list[Transaction]:
        """Give margin to everybody who trades, the maker's liquidity, and the position that lets funding settle."""
        curie = CurieAddresses(**addresses)
        position = _maker_position(opening)
        margin = _margin(opening, position)
        maker = LiquidityMaker(accounts["liquidity_maker"], curie)
        poker = FundingPoker(accounts["funding_poker"], curie)
        work = [record_price(accounts["publisher"], curie)]
        for account in (maker.account, accounts["arbitrageur"], poker.account):
            work += deposit_margin(account, collateral, curie.vault, margin)
        return work + maker.provide(position) + poker.open()

    def market(self, chain: LocalChain, accounts: Addresses, addresses: Addresses) -> CurieMarket:
        """Return the market of a running chain."""
        return CurieMarket(chain, accounts, CurieAddresses(**addresses))


def _maker_position(opening: MarketOpening) -> LiquidityRange:
    price_usd = opening.start_price_usd
    slippage_ratio = opening.depth_slippage_bps / BPS
    liquidity = liquidity_for_slippage(price_usd, opening.depth_size_underlying, slippage_ratio)
    return range_for_liquidity(price_usd, price_usd * opening.low_ratio, price_usd * opening.high_ratio, liquidity)


def _margin(opening: MarketOpening, position: LiquidityRange) -> AssetUnits:
    highest_usd = opening.start_price_usd * opening.high_ratio
    provided_usd = from_wad(position.base) * highest_usd + from_wad(position.quote)
    return to_asset_units(_MARGIN_MULTIPLE * provided_usd, COLLATERAL_DECIMALS, Rounding.UP)
