"""Where every figure of a report comes from: enough to run the replay again."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version

from agent.backtest.seeded_day import SEEDED_MODEL
from agent.demo.scenario import Scenario
from agent.demo.world import World
from agent.domain import Bounds
from agent.formatting import iso_utc
from agent.localnet.registry import DEFAULT_KINDS, MARKET_PROTOCOLS
from agent.localnet.world import LocalnetSettings
from agent.report.formatting import duration, money, percent, signed
from agent.units import from_wad, wei_to_gwei


def provenance(scenario: Scenario, world: World, bounds: Bounds) -> Mapping[str, Mapping[str, str]]:
    """Return sections of names and texts, in the order they are shown."""
    return {
        "Prices": prices_told(scenario),
        "Bounds the chain enforced": bounds_told(bounds, scenario.book.underlying),
        "Policy and run": _run(scenario, world),
        "Contracts": _contracts(world),
    }


def inputs(scenario: Scenario) -> Mapping[str, str]:
    """Return what was replayed, for a program: enough to replay it again."""
    prices = scenario.prices
    return {
        "source": prices.source,
        "sha256": prices.sha256 or "",
        "symbol": prices.symbol,
        "from": iso_utc(prices.start_unix),
        "last": iso_utc(prices.end_unix),
        "interval_seconds": str(prices.interval_seconds),
        "book": scenario.book_origin,
        "iv": "held" if scenario.iv_path is None else scenario.iv_path.rule,
        "seed": str(scenario.seed),
        "deposit_usd": f"{scenario.deposit_usd:.2f}",
    }


def market_note(
    scenario: Scenario, kinds: tuple[str, ...] = DEFAULT_KINDS, range_ratios: tuple[float, float] | None = None
) -> str:
    """Return what the local markets are made of, beyond what their quotes show; ``range_ratios`` if not the usual."""
    opening = LocalnetSettings(start_price_usd=float(scenario.prices.prices_usd[0]), kinds=kinds).opening
    if range_ratios is not None:
        opening = replace(opening, low_ratio=range_ratios[0], high_ratio=range_ratios[1])
    return " ".join(MARKET_PROTOCOLS[kind].depth_note(opening, scenario.book.underlying) for kind in kinds)


def prices_told(scenario: Scenario) -> dict[str, str]:
    """Return where the prices come from."""
    prices = scenario.prices
    known = {
        "Source": prices.source,
        "Symbol": prices.symbol,
        "From": iso_utc(prices.start_unix),
        "Last price": iso_utc(prices.end_unix),
        "Step": duration(prices.interval_seconds),
    }
    if prices.sha256 is not None:
        return known | {"SHA-256 of the file": prices.sha256}
    model = SEEDED_MODEL
    return known | {
        "Diffusion": f"{percent(model.diffusion_vol_annual, 0)} a year",
        "Jumps": f"{model.jumps_per_year:g} a year, {percent(model.jump_std_log)} in standard deviation",
    }


def bounds_told(bounds: Bounds, underlying: str) -> dict[str, str]:
    """Return the bounds in words, by name."""

    def in_underlying(wad: int) -> str:
        return f"{signed(from_wad(wad), 2)} {underlying}"

    return {
        "Band": in_underlying(bounds.band),
        "Urgent from": in_underlying(bounds.urgent_delta),
        "Largest leg": in_underlying(bounds.max_size_delta),
        "Smallest rebalance": money(from_wad(bounds.min_notional)),
        "Largest rebalance": money(from_wad(bounds.max_notional)),
        "Gross notional": money(from_wad(bounds.max_gross_notional)),
        "Turnover bucket": money(from_wad(bounds.turnover_capacity)),
        "Refill a day": money(from_wad(bounds.turnover_refill_per_day)),
        "Leverage": f"{from_wad(bounds.max_leverage):g}x, {from_wad(bounds.max_venue_leverage):g}x on one venue",
        "Slippage": f"{bounds.max_slippage_bps} bps",
        "Venue fee": f"{bounds.max_fee_bps} bps",
        "NAV loss of one rebalance": f"{bounds.max_nav_loss_bps} bps",
        "Loss budget": f"{bounds.loss_capacity_bps} bps of NAV, {bounds.loss_refill_bps_per_day} bps a day",
        "Breaker": f"{bounds.max_drawdown_bps} bps of NAV below the day's high",
        "Idle floor": f"{bounds.idle_floor_bps} bps of NAV",
        "Urgent reserve": f"{bounds.urgent_reserve_bps} bps of the turnover bucket",
        "Share of one keeper": f"{bounds.keeper_share_bps} bps",
        "Cooldown": duration(bounds.cooldown_seconds),
    }


def _run(scenario: Scenario, world: World) -> dict[str, str]:
    policy = world.settings.policy
    parameters = {name.replace("_", " "): f"{number:g}" for name, number in policy.parameters.items()}
    return {
        "Policy": policy.name.replace("_", " "),
        **parameters,
        "Book": scenario.book_origin,
        "IV": "held at the book's own" if scenario.iv_path is None else scenario.iv_path.rule,
        "Deposit": money(scenario.deposit_usd),
        "Base fee": f"{wei_to_gwei(world.localnet.manifest.base_fee_wei):g} gwei",
        "Seed": str(scenario.seed),
        "Evenkeel": version("evenkeel"),
        "Python": platform.python_version(),
    }


def _contracts(world: World) -> dict[str, str]:
    deployment = world.deployment
    venues = {f"Venue {venue.name}": venue.address for venue in deployment.venues}
    return {"Chain": f"{deployment.network}, id {deployment.chain_id}", **deployment.contracts, **venues}
