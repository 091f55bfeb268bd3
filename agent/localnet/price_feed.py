"""The local chain's price feed: answers in the decimals of a Chainlink USD feed."""

from __future__ import annotations

from dataclasses import dataclass

from agent.localnet.codec import encode_call
from agent.localnet.evm import PUBLISHER_TIP_WEI, Transaction
from agent.units import Address, AssetUnits, Rounding, Seconds, Wad, asset_units_to_wad, to_asset_units

PRICE_FEED_DECIMALS = 8
"""Decimals of a Chainlink USD feed."""
_UPDATE_GAS = 200_000


@dataclass(frozen=True, slots=True)
class PriceMove:
    """One publication of a step."""

    at_unix: Seconds
    answer: AssetUnits
    """Price in the decimals of the feed."""


def feed_answer(price_usd: float) -> AssetUnits:
    """Price in the decimals of the feed, rounded down."""
    return to_asset_units(price_usd, PRICE_FEED_DECIMALS, Rounding.DOWN)


def answer_to_wad(answer: AssetUnits) -> Wad:
    """Price of a feed answer."""
    return asset_units_to_wad(answer, PRICE_FEED_DECIMALS)


def publish(publisher: Address, aggregator: Address, answer: AssetUnits) -> Transaction:
    """Publish ``answer``, ahead of every trade of the block."""
    data = encode_call("updateAnswer(int256)", answer)
    return Transaction("price update", publisher, aggregator, data, _UPDATE_GAS, PUBLISHER_TIP_WEI)
