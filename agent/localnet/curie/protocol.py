"""Curie on the local chain: how it is deployed, made liquid, and found again."""

from __future__ import annotations

from dataclasses import asdict, fields

from agent.localnet.curie.actors import FundingPoker, LiquidityMaker, put_margin, record_price
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
from agent.localnet.market import Addresses, Dollar, MarketOpening
from agent.localnet.price_feed import answer_to_wad
from agent.units import BPS, Address, AssetUnits, Rounding, from_wad, to_asset_units

_FEE_RATIO_PER_BPS = 100  # Curie counts fees in 1e-6
_MARGIN_MULTIPLE = 3.0
"""Margin of each actor, in multiples of all the maker provides at the top of its range: covers any inventory."""


class CurieProtocol:
    """Perpetual Protocol v2 with one ETH market."""

    address_names = frozenset(field.name for field in fields(CurieAddresses))
    dollar = None

    def deploy(
        self, chain: LocalChain, deployer: Deployer, collateral: Address, aggregator: Address, opening: MarketOpening
    ) -> dict[str, Address]:
        """Deploy the protocol and its market at the opening price."""
        sqrt_x96 = sqrt_price_x96(answer_to_wad(opening.answer))
        fee_ratio = round(opening.exchange_fee_bps * _FEE_RATIO_PER_BPS)
        return asdict(deploy(chain, deployer, collateral, aggregator, sqrt_x96, fee_ratio))

    def populate(
        self, accounts: Addresses, addresses: Addresses, dollar: Dollar, opening: MarketOpening
    ) -> list[Transaction]:
        """Give margin to everybody who trades, the maker's liquidity, and the position that lets funding settle."""
        curie = CurieAddresses(**addresses)
        position = _maker_position(opening)
        margin = _margin(opening, position, dollar.decimals)
        maker = LiquidityMaker(accounts["liquidity_maker"], curie)
        poker = FundingPoker(accounts["funding_poker"], curie)
        work = [record_price(accounts["publisher"], curie)]
        for account in (maker.account, accounts["arbitrageur"], poker.account):
            work += [dollar.mint(account, margin), *put_margin(account, dollar.address, curie.vault, margin)]
        return work + maker.provide(position) + poker.open()

    def market(self, chain: LocalChain, accounts: Addresses, addresses: Addresses) -> CurieMarket:
        """Return the market of a running chain."""
        return CurieMarket(chain, accounts, CurieAddresses(**addresses))

    def depth_note(self, opening: MarketOpening, underlying: str) -> str:
        """Say what the pool is made of."""
        size = f"{opening.depth_size_underlying:g} {underlying}"
        return (
            f"The venue is a local pool whose liquidity is fixed before the first step: a sale of {size} there "
            f"executes {opening.depth_slippage_bps:g} bps below the price, and its fee is "
            f"{opening.exchange_fee_bps:g} bps. The liquidity lies between {opening.low_ratio:g} and "
            f"{opening.high_ratio:g} times the first price and neither leaves nor grows, whatever the market does. "
            "Before each step an arbitrageur trades the pool back to the index, so that no trade's impact outlives its "
            "step. Real depth falls in a stressed market."
        )


def _maker_position(opening: MarketOpening) -> LiquidityRange:
    price_usd = opening.start_price_usd
    slippage_ratio = opening.depth_slippage_bps / BPS
    liquidity = liquidity_for_slippage(price_usd, opening.depth_size_underlying, slippage_ratio)
    return range_for_liquidity(price_usd, price_usd * opening.low_ratio, price_usd * opening.high_ratio, liquidity)


def _margin(opening: MarketOpening, position: LiquidityRange, decimals: int) -> AssetUnits:
    highest_usd = opening.start_price_usd * opening.high_ratio
    provided_usd = from_wad(position.base) * highest_usd + from_wad(position.quote)
    return to_asset_units(_MARGIN_MULTIPLE * provided_usd, decimals, Rounding.UP)
