"""Risk of a short book hedged with and without options: ``python -m benchmarks option_hedge``.

The book is short straddles of a month, its vault on the real Lyra v1 on a local chain. The programme plans from Lyra's
own quotes, the vault's venue executes, and cycles follow until nothing is worth its cost. Then a week passes on many
paths of price (with jumps) and volatility: book and options are marked by Black-76, the net delta is hedged by a perp
every four hours at a stated cost, with options and without. What the options cost beyond their value is in the gain.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np

from agent.backtest.jump_diffusion import JumpDiffusion
from agent.chain.client import ChainClient
from agent.chain.config import ChainSettings
from agent.decision.option_hedge import plan_options
from agent.numerics.arrays import FloatArray
from agent.optimiser.factors import Factors
from agent.option_venue import OptionVenueState
from agent.policy.multi_instrument import MultiInstrument
from agent.products.european import black76_greeks
from agent.units import BPS, SECONDS_PER_YEAR, WAD, IntentId, Seconds, Wad
from agent.venues.lyra import read_option_venue
from agent.venues.option_calls import trade_call
from benchmarks.figure import Figure
from tests.support.lyra_vault import SHORT_STRADDLES, SPOT_USD, LyraVault, Risk, open_lyra_vault

SIZES = (Wad(WAD // 2), Wad(2 * WAD), Wad(6 * WAD), Wad(12 * WAD))
BOOK_STRIKE = 1_750 * WAD
POLICY = MultiInstrument(2e-3, horizon_days=7.0, vol_annual=1.0, vol_of_vol_annual=1.5, spot_vol_correlation=-0.3)
MOST_CYCLES = 6
PATHS, SEED = 20_000, 20_240_801
STEPS_PER_DAY, DAYS = 6, 7
PERP_COST_BPS = 10.0
"""Of the notional traded: a taker's fee and half the spread."""
MOVES = JumpDiffusion(0.0, 0.95, jumps_per_year=12.0, jump_mean_log=0.0, jump_std_log=0.08)
STEP_SECONDS = Seconds(86_400 // STEPS_PER_DAY)
LEAST_IV = 0.2


@dataclass(frozen=True)
class Holdings:
    """Options by row: quantity is signed, long positive."""

    is_call: np.ndarray
    strike_usd: FloatArray
    years: FloatArray
    iv: FloatArray
    quantity: FloatArray


def run() -> list[Figure]:
    """Return risk, cost and caps used, with options against without."""
    with open_lyra_vault() as vault:
        before, first, last, cost_usd, gas = _hedged_on_chain(vault)
        after = vault.risk()
    plain = _gains(_holdings(first, with_held=False))
    hedged = _gains(_holdings(last, with_held=True)) - cost_usd
    tail = PATHS // 100
    worst_plain, worst_hedged = (float(-np.sort(gains - gains.mean())[:tail].mean()) for gains in (plain, hedged))
    return [
        Figure.against(
            "variance of a week's gain, with options", float(hedged.var()), "USD^2", "perp alone", float(plain.var())
        ),
        Figure.against(
            "stdev of a week's gain, with options", float(hedged.std()), "USD", "perp alone", float(plain.std())
        ),
        Figure.against("worst percent, from the mean, with options", worst_hedged, "USD", "perp alone", worst_plain),
        Figure("options' price beyond their value", cost_usd, "USD"),
        Figure("mean gain with options less without", float(hedged.mean() - plain.mean()), "USD"),
        Figure.against(
            "gamma as the chain measures it", after.gamma / WAD, "delta over 2 %", "before", before.gamma / WAD
        ),
        Figure.against("vega as the chain measures it", after.vega / WAD, "USD/vol", "before", before.vega / WAD),
        Figure("gas of the first trade of options", float(gas), "gas"),
    ]


def _hedged_on_chain(vault: LyraVault) -> tuple[Risk, OptionVenueState, OptionVenueState, float, int]:
    settings = ChainSettings(
        chain_id=31_337,
        rpc_urls=(vault.chain.rpc.url,),
        rpc_quorum=1,
        rpc_timeout_seconds=10.0,
        max_head_age_seconds=10**9,
    )
    risk, gas, paid = vault.risk(), 0, 0
    with contextlib.closing(ChainClient(settings)) as client:

        def state() -> OptionVenueState:
            return read_option_venue(client, vault.venue, client.head(vault.now()), SIZES)

        first = state()
        for _ in range(MOST_CYCLES):
            seen = state()
            hedge = plan_options(_factors(_holdings(seen, with_held=True)), seen, SPOT_USD, POLICY)
            if not hedge.orders:
                break
            vault.mine_one()
            identity = IntentId(f"0x{seen.block.number:064x}")
            deadline = Seconds(seen.block.timestamp + 300)
            call = trade_call(vault.venue, identity, seen.block, deadline, hedge.orders)
            cash = vault.cash()
            used = vault.send_data(vault.keeper, call.to, call.data)
            paid += cash - vault.cash()
            gas = gas or used
        last = state()
    held = _holdings(last, with_held=True)
    # What is held is worth what the volatility was before the purchases moved it.
    fair = _values(_with_iv_of(held, first), SPOT_USD, 0.0, 0.0)
    return risk, first, last, paid / WAD - float(fair[_HELD:].sum()), gas


_HELD = 2
"""Rows of the book come first: a call and a put."""


def _with_iv_of(held: Holdings, state: OptionVenueState) -> Holdings:
    return Holdings(held.is_call, held.strike_usd, held.years, _holdings(state, True, held).iv, held.quantity)


def _holdings(state: OptionVenueState, with_held: bool, like: Holdings | None = None) -> Holdings:
    """Return the short book, and what is held; ``like`` asks for the rows of another state."""
    book = [offer for offer in state.offers if offer.strike == BOOK_STRIKE]
    rows = [(offer, -float(SHORT_STRADDLES)) for offer in book]
    if like is not None:
        wanted = zip(like.is_call[_HELD:], like.strike_usd[_HELD:], strict=True)
        found = {(offer.is_call, offer.strike / WAD): offer for offer in state.offers}
        rows += [(found[bool(is_call), float(strike)], 1.0) for is_call, strike in wanted]
    elif with_held:
        rows += [(offer, offer.held / WAD) for offer in state.offers if offer.held]
    return Holdings(
        np.array([offer.is_call for offer, _ in rows]),
        np.array([offer.strike / WAD for offer, _ in rows]),
        np.array([(offer.expiry - state.block.timestamp) / SECONDS_PER_YEAR for offer, _ in rows]),
        np.array([offer.iv / WAD for offer, _ in rows]),
        np.array([quantity for _, quantity in rows]),
    )


def _factors(held: Holdings) -> Factors:
    greeks = black76_greeks(held.is_call, SPOT_USD, held.strike_usd, held.years, held.iv)
    columns = (greeks.delta, greeks.gamma, greeks.vega, greeks.vanna, greeks.volga)
    return Factors(*(float(held.quantity @ column) for column in columns))


def _values(held: Holdings, spot_usd: float, iv_shift: float, years_passed: float) -> FloatArray:
    iv = np.maximum(held.iv + iv_shift, LEAST_IV)
    greeks = black76_greeks(held.is_call, spot_usd, held.strike_usd, held.years - years_passed, iv)
    return np.asarray(held.quantity * greeks.value)


def _gains(held: Holdings) -> FloatArray:
    """Gain of a week on every path: options at their marks, and a perp that takes the net delta to 0 at its cost."""
    generator = np.random.default_rng(SEED)
    step_years = 1.0 / (365.0 * STEPS_PER_DAY)
    spot, shift = np.full((PATHS, 1), SPOT_USD), np.zeros((PATHS, 1))
    hedge, gain = np.zeros(PATHS), np.zeros(PATHS)
    worth = np.zeros(PATHS)
    steps = DAYS * STEPS_PER_DAY
    for step in range(steps + 1):
        iv = np.maximum(held.iv + shift, LEAST_IV)
        greeks = black76_greeks(held.is_call, spot, held.strike_usd, held.years - step * step_years, iv)
        value = np.asarray(greeks.value @ held.quantity)
        gain += value - worth if step else 0.0
        worth = value
        target = np.zeros(PATHS) if step == steps else -np.asarray(greeks.delta @ held.quantity)
        gain -= np.abs(target - hedge) * spot[:, 0] * PERP_COST_BPS / BPS
        hedge = target
        if step < steps:
            moved = spot * np.exp(MOVES.log_increments(generator, STEP_SECONDS, PATHS))[:, None]
            gain += hedge * (moved - spot)[:, 0]
            shift = shift + _iv_moves(generator, np.log(moved / spot), step_years)
            spot = moved
    return gain


def _iv_moves(generator: np.random.Generator, returns: FloatArray, years: float) -> FloatArray:
    """Draw moves of the volatility, part of which come with those of the price."""
    correlation, vol_of_vol = POLICY.spot_vol_correlation, POLICY.vol_of_vol_annual
    own = np.sqrt(1.0 - correlation**2) * np.sqrt(years) * generator.standard_normal((PATHS, 1))
    return np.asarray(vol_of_vol * (correlation * returns / MOVES.vol_annual + own))
