"""How long one decision takes: exposure, costs, band, route and the guard's verdict for a small book."""

from __future__ import annotations

import time

import numpy as np

from agent.decide import DecisionSettings, decide
from agent.domain import (
    Action,
    BlockRef,
    Book,
    Bounds,
    Budget,
    Measurement,
    OptionLeg,
    OptionType,
    QuotePoint,
    Snapshot,
    VenueMeasurement,
    VenueSnapshot,
)
from agent.policy.whalley_wilmott import WhalleyWilmott
from agent.risk.costs import CostInputs
from agent.risk.exposure import book_exposure
from agent.risk.margin import MarginSettings
from agent.routing import RoutingSettings
from agent.units import Address, AssetUnits, BlockHash, Rounding, Seconds, Wad, Wei, to_wad
from benchmarks.figure import Figure

DECISIONS = 5_000
WARM_UP = 200
LEGS = 10
NOW = Seconds(1_722_500_000)
SPOT_USD = 3_200.0
LADDER_SIZES = ("0.1", "0.5", "2", "5", "10", "20", "40", "80")


def run() -> list[Figure]:
    """Time a decision that trades and one that holds."""
    book = _book()
    figures = []
    for name, hedge, expected in (("decide_trading", "0", Action.REBALANCE), ("decide_holding", None, Action.HOLD)):
        durations_ms = _durations_ms(book, _snapshot(book, hedge), expected)
        for label, percentile in (("p50", 50), ("p99", 99)):
            figures.append(Figure(f"{name}_{label}", float(np.percentile(durations_ms, percentile)), "ms", None, None))
    return figures


def _durations_ms(book: Book, snapshot: Snapshot, expected: Action) -> list[float]:
    policy = WhalleyWilmott(risk_aversion_per_usd=0.01, static_horizon_days=1.0, static_vol_annual=0.65)
    costs = CostInputs(SPOT_USD, Wei(10**9), 1_500_000, Wei(0), 1.0)
    margin = MarginSettings(_wad("0.5"), _wad("1.5"), _wad("2.5"), 2_000, 1_000, AssetUnits(10**8))
    settings = DecisionSettings(0.001, 1_000, 0.25, RoutingSettings(10, margin))
    durations_ms = []
    for _ in range(WARM_UP + DECISIONS):
        start = time.perf_counter_ns()
        decision = decide(snapshot, book, policy, costs, settings)
        durations_ms.append((time.perf_counter_ns() - start) / 1e6)
        if decision.action is not expected:
            raise AssertionError(f"timed the wrong case: {decision.reason}")
    return durations_ms[WARM_UP:]


def _book() -> Book:
    expiry = Seconds(NOW + 30 * 86_400)
    legs = tuple(
        OptionLeg(OptionType.CALL, 2_800.0 + 80.0 * index, expiry, -100.0 / LEGS, 0.65, 0.64, 0.66, f"leg {index}")
        for index in range(LEGS)
    )
    return Book("ETH", legs)


def _snapshot(book: Book, hedge: str | None) -> Snapshot:
    """Return one venue with a ladder of both sides; a hedge of None is exactly neutral."""
    delta = book_exposure(book, SPOT_USD, NOW, 0.0).book_delta
    size = to_wad(-delta, Rounding.DOWN) if hedge is None else _wad(hedge)
    price, book_delta = _wad(str(SPOT_USD)), to_wad(delta, Rounding.DOWN)
    notional = Wad(size * price // 10**18)
    venue = VenueMeasurement(size, size, notional, Wad(notional // 2), Wad(notional // 2))
    nav = Wad(_wad("400000") + venue.equity_low)
    return Snapshot(
        chain_id=31_337,
        block=BlockRef(1, BlockHash("0x" + "00" * 32), NOW, Wei(10**9)),
        vault=Address("0x" + "00" * 20),
        asset_decimals=6,
        idle_assets=AssetUnits(400_000 * 10**6),
        measurement=Measurement(price, Wad(book_delta - 10**18), Wad(book_delta + 10**18), nav, nav, (venue,)),
        bounds=_bounds(),
        budget=Budget(_wad("350000"), NOW, Seconds(0)),
        venues=(
            VenueSnapshot(Address("0x" + "11" * 20), "venue", size, price, price, Wad(0), AssetUnits(0), _ladder()),
        ),
        paused=False,
    )


def _ladder() -> tuple[QuotePoint, ...]:
    """Return quotes of a pool 70 million dollars deep with a fee of 10 bps."""
    points = []
    for sign in (-1, 1):
        for size in LADDER_SIZES:
            price = SPOT_USD * (1.0 + sign * float(size) * SPOT_USD / 7e7)
            points.append(
                QuotePoint(
                    Wad(sign * _wad(size)),
                    to_wad(price, Rounding.DOWN),
                    to_wad(float(size) * price / 1_000.0, Rounding.DOWN),
                )
            )
    return tuple(points)


def _bounds() -> Bounds:
    return Bounds(
        band=_wad("5"),
        min_improvement=_wad("0.1"),
        urgent_delta=_wad("15"),
        max_size_delta=_wad("80"),
        max_notional=_wad("300000"),
        turnover_capacity=_wad("350000"),
        turnover_refill_per_day=_wad("180000"),
        max_venue_leverage=_wad("4"),
        max_leverage=_wad("2"),
        max_slippage_bps=60,
        max_fee_bps=15,
        max_nav_loss_bps=100,
        cooldown_seconds=Seconds(240),
    )


def _wad(number: str) -> Wad:
    return to_wad(number, Rounding.DOWN)
