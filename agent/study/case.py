"""One replay of a study, and what came of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version

import numpy as np

from agent.backtest.gas_model import LOCAL_CHAIN_GAS, GasModel
from agent.backtest.opening import Opening, opening_snapshot
from agent.backtest.pool_market import History, PoolDepth, PoolMarket
from agent.backtest.price_series import PriceSeries
from agent.backtest.vault_day import KeeperModel, Step, VaultDay, replay_vault
from agent.domain import Book, Bounds, Snapshot
from agent.errors import AgentError
from agent.numerics.arrays import FloatArray
from agent.report.effectiveness import hourly_changes
from agent.risk.effectiveness import FEWEST_CHANGES
from agent.settings import Settings
from agent.units import WEI_PER_GWEI, Rounding, Seconds, Wei, from_wad, gwei_to_wei
from agent.vol.iv_move import IvMove

ASSET_DECIMALS = 6
"""USDC, the collateral of a backtest."""
_ROOM = 0.5
"""Of the lowest price: where a pool begins whose path leaves its usual range; so far it lets a trade push the price."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """The market's pool; the defaults are the local chain's. Depth: what a sale of that size costs at the opening."""

    depth_size_underlying: float = 50.0
    depth_slippage_bps: float = 20.0
    exchange_fee_bps: float = 10.0
    low_ratio: float = 0.25
    high_ratio: float = 4.0

    def over(self, prices_usd: FloatArray) -> PoolSettings:
        """Return the same pool, its range as wide as a path from its first price needs; depth and fee stay."""
        ratios = prices_usd / prices_usd[0]
        low, high = _ROOM * float(ratios.min()), float(ratios.max()) / _ROOM
        return replace(self, low_ratio=min(self.low_ratio, low), high_ratio=max(self.high_ratio, high))

    def depth(self, opening_price_usd: float) -> PoolDepth:
        """Return the pool opened at a price."""
        return PoolDepth(
            opening_price_usd=opening_price_usd,
            depth_size_underlying=self.depth_size_underlying,
            depth_slippage_bps=self.depth_slippage_bps,
            exchange_fee_bps=self.exchange_fee_bps,
            low_ratio=self.low_ratio,
            high_ratio=self.high_ratio,
        )


@dataclass(frozen=True, slots=True)
class Names:
    """What tells one case of a study from the others."""

    period: str
    book: str
    policy: str
    bounds: str


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """All that one replay depends on."""

    names: Names
    prices: PriceSeries
    book: Book
    settings: Settings
    deposit_usd: float
    history: History
    pool: PoolSettings = PoolSettings()
    gas: GasModel = LOCAL_CHAIN_GAS

    @property
    def key(self) -> str:
        """Return a digest of everything that the outcome depends on, this program's version among it."""
        parts = {
            "version": version("evenkeel"),
            "names": asdict(self.names),
            "book": repr(self.book),
            "settings": self.settings.model_dump(mode="json", exclude={"chain", "ledger", "observability", "network"}),
            "deposit_usd": self.deposit_usd,
            "pool": asdict(self.pool),
            "gas": asdict(self.gas),
        }
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode())
        funding = self.history.funding_per_day
        for array in (self.prices.times_unix, self.prices.prices_usd, self.history.base_fees_gwei, funding):
            digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one case; money in USD, sizes in underlying units. ``error``: why it ended early, if it did."""

    key: str
    names: Names
    steps: int = 0
    rebalances: int = 0
    breaches: int = 0
    steps_outside: int = 0
    refusals: Mapping[str, int] = field(default_factory=dict)
    largest_worst: float = 0.0
    turnover_usd: float = 0.0
    fee_usd: float = 0.0
    slippage_usd: float = 0.0
    funding_usd: float = 0.0
    gas_usd: float = 0.0
    pnl_unhedged_usd: float = 0.0
    pnl_hedged_usd: float = 0.0
    variance_unhedged: float = 0.0
    """Of hourly changes, USD^2."""
    variance_hedged: float = 0.0
    error: str | None = None

    @property
    def cost_usd(self) -> float:
        """Fee, slippage, funding and gas."""
        return self.fee_usd + self.slippage_usd + self.funding_usd + self.gas_usd

    @property
    def effectiveness(self) -> float | None:
        """Share of the hourly variance that the hedge removed; None where there was none."""
        return 1.0 - self.variance_hedged / self.variance_unhedged if self.variance_unhedged > 0.0 else None


def live(
    case: Case,
    watch: Callable[[Step], None] | None = None,
    bounds: Bounds | None = None,
    iv_move: Callable[[int], IvMove] | None = None,
    is_stopped: Callable[[], bool] | None = None,
) -> VaultDay:
    """Replay a case, as far as it goes; an error of its first step is raised.

    ``bounds``: in place of its own. ``iv_move``, ``is_stopped``: as in `replay_vault`.
    """
    settings, prices = case.settings, case.prices
    bounds, tip_gwei = bounds or settings.bounds.to_bounds(), settings.execution.priority_fee_gwei
    keeper = KeeperModel(
        settings.policy.build(),
        settings.to_decision_parameters(ASSET_DECIMALS),
        lambda price: settings.costs.to_cost_inputs(price, tip_gwei),
    )
    depth = case.pool.over(prices.prices_usd).depth(float(prices.prices_usd[0]))
    market = PoolMarket(
        depth,
        prices,
        case.history,
        bounds.max_size_delta,
        case.gas,
        keeper.costs,
        urgent_tip_wei=gwei_to_wei(settings.execution.urgent_priority_fee_gwei, Rounding.UP),
    )
    return replay_vault(
        _start(case, bounds),
        case.book,
        keeper,
        prices,
        market,
        watch,
        iv_move=iv_move,
        may_end_early=True,
        is_stopped=is_stopped,
    )


def _start(case: Case, bounds: Bounds) -> Snapshot:
    settings, price_usd = case.settings, float(case.prices.prices_usd[0])
    opening = Opening(
        chain_id=settings.chain.chain_id,
        book=case.book,
        bounds=bounds,
        deposit_usd=case.deposit_usd,
        asset_decimals=ASSET_DECIMALS,
        deviation_bps=settings.oracle.deviation_bps,
        venue="pool",
    )
    base_fee = Wei(round(float(case.history.base_fees_gwei[0]) * WEI_PER_GWEI))
    return opening_snapshot(opening, price_usd, case.prices.start_unix, base_fee, ())


def run(case: Case, watch: Callable[[Step], None] | None = None) -> Outcome:
    """Replay a case and sum it up; one that cannot take its first step is an outcome too, with its error."""
    try:
        day = live(case, watch)
    except AgentError as error:
        return Outcome(key=case.key, names=case.names, error=str(error))
    return sum_up(case, day)


def sum_up(case: Case, day: VaultDay) -> Outcome:
    """Return what a replay came to."""
    return Outcome(
        key=case.key,
        names=case.names,
        steps=day.steps,
        rebalances=day.rebalances,
        breaches=day.breaches,
        steps_outside=day.steps_outside,
        refusals=dict(day.refusals),
        largest_worst=from_wad(day.largest_worst),
        turnover_usd=day.turnover_usd,
        fee_usd=day.fee_usd,
        slippage_usd=day.slippage_usd,
        funding_usd=day.funding_usd,
        gas_usd=day.gas_usd,
        pnl_unhedged_usd=float(day.pnl_unhedged_usd[-1]),
        pnl_hedged_usd=float(day.pnl_hedged_usd[-1]),
        variance_unhedged=_hourly_variance(day.pnl_unhedged_usd, day.interval_seconds),
        variance_hedged=_hourly_variance(day.pnl_hedged_usd, day.interval_seconds),
        error=day.ended_early,
    )


def _hourly_variance(pnl_usd: FloatArray, interval_seconds: Seconds) -> float:
    """Return the variance of hourly changes, the state after the last trade left out."""
    changes = hourly_changes(pnl_usd[:-1], interval_seconds)
    return float(np.var(changes)) if changes.size >= FEWEST_CHANGES else 0.0
