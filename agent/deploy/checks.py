"""What is looked at before the first transaction: everything a deployment stands on must be what it is taken for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agent.deploy.blueprint import Blueprint
from agent.deploy.dao_checks import token_faults
from agent.deploy.digest import standing_on
from agent.deploy.state import ChainState
from agent.deploy.token_fee import transfer_fee
from agent.deploy.views import BALANCE_OF, DECIMALS, DESCRIPTION, LATEST_ROUND, SYMBOL
from agent.errors import DataError
from agent.localnet.deployer import CREATE2_FACTORY
from agent.units import BPS, WAD, Address, Wad

MAX_ASSET_DECIMALS = 24
"""``TwoSidedVault.MAX_ASSET_DECIMALS``."""
MAX_SCALED_DECIMALS = 36
"""More of a feed or of the underlying than ``DecimalScale`` takes."""


@dataclass(frozen=True, slots=True)
class FeedReading:
    """What a feed says now."""

    description: str
    decimals: int
    price: Wad
    age_seconds: int


def read_feed(state: ChainState, feed: Address) -> FeedReading:
    """Return what a Chainlink feed says now; `DataError` where it is none."""
    _, answer, _, updated_at, _ = state.ask(LATEST_ROUND, feed)
    decimals = state.ask(DECIMALS, feed)
    if decimals > MAX_SCALED_DECIMALS:
        raise DataError(f"{feed} answers with {decimals} decimals; check the address")
    price = Wad(answer * WAD // 10**decimals)
    return FeedReading(state.ask(DESCRIPTION, feed), decimals, price, state.head().timestamp - updated_at)


def faults(blueprint: Blueprint, state: ChainState) -> list[str]:
    """Return a line for everything that is not what it is taken for; asks the chain and sends nothing."""
    if not state.code(CREATE2_FACTORY):
        return [
            f"chain {blueprint.network.chain.chain_id} has no deterministic-deployment proxy at {CREATE2_FACTORY}; "
            "send its well-known creation transaction first"
        ]
    absent = [
        f"{name} {address} has no code on chain {blueprint.network.chain.chain_id}; check the address"
        for name, address in standing_on(blueprint).items()
        if not state.code(address)
    ]
    if absent:
        return absent
    found: list[str] = []
    for check in (_asset, _underlying, _price, _secondary, _collateral, _sequencer, token_faults):
        try:
            found += check(blueprint, state)
        except DataError as refusal:
            found.append(_with_key(str(refusal), blueprint))
    return found


def _with_key(line: str, blueprint: Blueprint) -> str:
    """Return a line about an address with the key that it is written under."""
    named = (key for key, address in standing_on(blueprint).items() if line.startswith(address))
    key = next(named, None)
    return line if key is None else f"{key} {line}"


def _asset(blueprint: Blueprint, state: ChainState) -> Iterator[str]:
    asset = Address(blueprint.inputs.asset)
    decimals, expected = state.ask(DECIMALS, asset), blueprint.inputs.asset_decimals
    if expected is None:
        expected = blueprint.network.deploy.asset_decimals
    if decimals > MAX_ASSET_DECIMALS:
        yield f"asset {asset} has {decimals} decimals, above {MAX_ASSET_DECIMALS}; choose another"
    elif decimals != expected:
        yield f"asset {asset} has {decimals} decimals, not [deploy] asset_decimals {expected}; check the address"
    symbol = state.ask(SYMBOL, asset)
    fee = transfer_fee(state, asset, 10**decimals)
    if fee:
        yield f"asset {asset} ({symbol}) takes {fee} of {10**decimals} sent; the vault refuses such a token"


def _underlying(blueprint: Blueprint, state: ChainState) -> Iterator[str]:
    token, pair = Address(blueprint.inputs.underlying_token), blueprint.network.deploy.price_pair
    symbol = state.ask(SYMBOL, token)
    base = pair.partition("/")[0].strip()
    if base.lower() not in symbol.lower():
        yield f"underlying_token {token} is {symbol}, but the price is of {pair}; check the address"
    decimals = state.ask(DECIMALS, token)
    if decimals > MAX_SCALED_DECIMALS:
        yield f"underlying_token {token} has {decimals} decimals; check the address"


def _price(blueprint: Blueprint, state: ChainState) -> Iterator[str]:
    oracle, feed = blueprint.network.oracle, Address(blueprint.inputs.price_feed)
    reading = read_feed(state, feed)
    yield from _feed_faults(reading, f"price_feed {feed}", blueprint.network.deploy.price_pair, oracle.max_age_seconds)
    if reading.price > 0 and not oracle.min_price <= reading.price <= oracle.max_price:
        yield (
            f"price_feed {feed} says {reading.price / WAD:g}, outside [oracle] min_price_usd {oracle.min_price_usd} to "
            f"max_price_usd {oracle.max_price_usd}; check the address"
        )


def _secondary(blueprint: Blueprint, state: ChainState) -> Iterator[str]:
    inputs, oracle = blueprint.inputs, blueprint.network.oracle
    if inputs.secondary_feed is None:
        return
    feed, pair = Address(inputs.secondary_feed), blueprint.network.deploy.price_pair
    reading = read_feed(state, feed)
    yield from _feed_faults(reading, f"secondary_feed {feed}", pair, oracle.secondary_max_age_seconds)
    first, second = read_feed(state, Address(inputs.price_feed)).price, reading.price
    apart_bps = abs(first - second) * BPS // max(min(first, second), 1)
    if apart_bps > oracle.max_disagreement_bps:
        yield (
            f"price_feed and secondary_feed are {apart_bps} bps apart, above [oracle] max_disagreement_bps "
            f"{oracle.max_disagreement_bps}; check both addresses"
        )


def _collateral(blueprint: Blueprint, state: ChainState) -> Iterator[str]:
    inputs, oracle = blueprint.inputs, blueprint.network.oracle
    if inputs.collateral_feed is None:
        return
    feed, pair = Address(inputs.collateral_feed), blueprint.network.deploy.collateral_pair
    reading = read_feed(state, feed)
    yield from _feed_faults(reading, f"collateral_feed {feed}", pair, oracle.collateral_max_age_seconds)
    off_bps = abs(reading.price - WAD) * BPS // WAD
    if off_bps > oracle.max_depeg_bps:
        yield f"collateral_feed {feed} is {off_bps} bps from 1 USD, above [oracle] max_depeg_bps {oracle.max_depeg_bps}"


def _sequencer(blueprint: Blueprint, state: ChainState) -> Iterator[str]:
    feed = blueprint.inputs.sequencer_feed
    if feed is None:
        return
    _, answer, started_at, *_ = state.ask(LATEST_ROUND, Address(feed))
    if answer not in (0, 1) or started_at == 0:
        yield f"sequencer_feed {feed} answers {answer}, which is no sequencer's status; check the address"
    elif answer == 1:
        yield f"sequencer_feed {feed} says that the sequencer is down; wait until it is up"


def _feed_faults(reading: FeedReading, feed: str, pair: str, max_age_seconds: int) -> Iterator[str]:
    if not reading.description.replace(" ", "").startswith(pair.replace(" ", "")):
        yield f"{feed} is of {reading.description!r}, not of {pair}; check the address"
    if reading.price <= 0:
        yield f"{feed} answers {reading.price}; wait until it answers a price"
    if not 0 <= reading.age_seconds <= max_age_seconds:
        yield f"{feed} answered {reading.age_seconds} s ago; [oracle] allows {max_age_seconds} s; check the feed"


def holdings_fault(blueprint: Blueprint, state: ChainState, expected: int) -> str | None:
    """Return a line where the holder has another balance of the underlying than the book says."""
    token, holder = Address(blueprint.inputs.underlying_token), Address(blueprint.inputs.underlying_holder)
    held: Any = state.ask(BALANCE_OF, token, holder)
    decimals = state.ask(DECIMALS, token)
    if held * WAD // 10**decimals == expected:
        return None
    return (
        f"the book's holdings add up to {expected} wei of the underlying, but {holder} holds {held}; mend the book's "
        "[[holding]] entries or move the tokens"
    )
