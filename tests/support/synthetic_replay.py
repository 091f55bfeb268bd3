"""A replay with known figures, made without a chain: a short call book hedged once an hour at fixed cost."""

from __future__ import annotations

import numpy as np

from agent.backtest.jump_diffusion import JumpDiffusion, jump_diffusion_path
from agent.domain import Book, HoldingLeg, OptionLeg, OptionType
from agent.report.effectiveness import hedge_effectiveness
from agent.report.replay_report import (
    Closing,
    DepthQuote,
    HedgingCosts,
    MarginUse,
    OutsideReason,
    ReplayReport,
    StepAction,
    StepRecord,
    Summary,
    Trade,
)
from agent.risk.exposure import book_exposure
from agent.vol.iv_move import HELD

START_UNIX = 1_722_470_400  # 2024-08-01T00:00:00Z
BOOK = Book(
    "ETH",
    (
        OptionLeg(OptionType.CALL, 3250.0, START_UNIX + 30 * 86_400, -100.0, 0.6, 0.55, 0.65, "short <calls> & co"),
        HoldingLeg(1.5, "treasury"),
    ),
)
MODEL = JumpDiffusion(0.0, 0.6, 250.0, -0.005, 0.02)
BAND = 2.5


def synthetic_report(count: int = 288, seed: int = 3) -> ReplayReport:
    """Return a report of ``count`` five-minute steps whose hedge is exact to the hour."""
    prices = jump_diffusion_path(MODEL, 3232.0, np.random.default_rng(seed), START_UNIX, 300, count)
    first = book_exposure(BOOK, prices.prices_usd[0], START_UNIX, 0.0).book_value_usd
    size, hedge_pnl_usd, costs, last_price, turnover_usd = 0.0, 0.0, HedgingCosts(), prices.prices_usd[0], 0.0
    steps = []
    for number, (unix, price_usd) in enumerate(zip(prices.times_unix, prices.prices_usd, strict=True)):
        hedge_pnl_usd += size * (price_usd - last_price)
        last_price = price_usd
        exposure = book_exposure(BOOK, price_usd, int(unix), size)
        trades = number % 12 == 0 or abs(exposure.net_delta) > BAND
        size_delta = -exposure.net_delta if trades else 0.0
        trade = _trade(size_delta, float(price_usd)) if trades else None
        steps.append(
            StepRecord(
                unix=int(unix),
                price_usd=float(price_usd),
                book_delta=exposure.book_delta,
                net_delta=exposure.net_delta,
                net_delta_after=exposure.net_delta + size_delta,
                band_low=-BAND / 2,
                band_high=BAND / 2,
                action=StepAction.HEDGED if trades else StepAction.HOLD,
                hedge_size_delta=size_delta,
                hedge_size=size + size_delta,
                pnl_unhedged_usd=exposure.book_value_usd - first,
                pnl_hedged_usd=exposure.book_value_usd - first + hedge_pnl_usd - costs.total_usd,
                costs=costs,
                reason="synthetic",
                worst_before=abs(exposure.net_delta),
                worst_after=abs(exposure.net_delta + size_delta),
                governed_band=BAND,
                margin=_margin(size + size_delta, float(price_usd)),
                trade=trade,
                iv_move=HELD,
                outside_reason=None if trades or abs(exposure.net_delta) <= BAND / 2 else OutsideReason.POLICY,
            )
        )
        turnover_usd += abs(size_delta) * price_usd
        costs = costs.plus(_paid(trade))
        size += size_delta
    return ReplayReport(
        title="Seeded day",
        underlying="ETH",
        steps=tuple(steps),
        closing=Closing(steps[-1].unix, steps[-1].price_usd),
        interval_seconds=300,
        book=BOOK,
        guard_band=BAND,
        iv_rule=None,
        depth=tuple(DepthQuote("venue", sign * size, size / 2.5, 10.0) for size in (5.0, 50.0) for sign in (-1, 1)),
        market_note="Depth is made up.",
        turnover_usd=turnover_usd,
        ended_early=None,
        inputs={},
        unexplained_usd=0.0,
        summary=_summary(steps, costs),
        provenance={
            "Prices": {"Source": "seeded jump diffusion", "Seed": "3"},
            "Contracts": {"HedgeVault": "0x5FbDB2315678afecb367f032d93F642f64180aa3"},
        },
    )


def _trade(size_delta: float, price_usd: float) -> Trade:
    """Fee of 10 bps, impact of 4 bps, and 300,000 gas at 1 gwei of a $3,000 coin: $0.90."""
    notional = abs(size_delta) * price_usd
    bought_at = price_usd * (1.0 + (0.0004 if size_delta > 0 else -0.0004))
    return Trade(size_delta, bought_at, 0.001 * notional, 0.0004 * notional, 300_000, 0.9, 3_000.0)


def _paid(trade: Trade | None) -> HedgingCosts:
    """What a step cost, with $0.40 of funding received."""
    if trade is None:
        return HedgingCosts(funding_usd=-0.4)
    return HedgingCosts(trade.fee_usd, trade.slippage_usd, -0.4, trade.gas_usd)


def _margin(size: float, price_usd: float) -> MarginUse:
    notional = abs(size) * price_usd
    return MarginUse(400_000.0, 100_000.0, notional, notional / 400_000.0, notional / 100_000.0, 0.5)


def _summary(steps: list[StepRecord], costs: HedgingCosts) -> Summary:
    return Summary(
        steps=len(steps),
        rebalances=sum(step.action is StepAction.HEDGED for step in steps),
        rejected=0,
        effectiveness=hedge_effectiveness(
            np.array([step.pnl_hedged_usd for step in steps]),
            np.array([step.pnl_unhedged_usd for step in steps]),
            300,
        ),
        pnl_unhedged_usd=steps[-1].pnl_unhedged_usd,
        pnl_hedged_usd=steps[-1].pnl_hedged_usd + steps[-1].costs.total_usd - costs.total_usd,
        costs=costs,
        max_abs_net_delta=max(abs(step.net_delta) for step in steps[1:]),
        band_breaches_after_rebalance=0,
        guard_mirror_mismatches=0,
        vault_nav_usd=399_000.0,
        ledger_nav_error_bps=0.0,
        wall_s=12.0,
        p99_decision_ms=3.2,
    )
