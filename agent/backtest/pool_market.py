"""A market of one pool that follows the oracle, as on the local chain: real depth, real funding, and a gas history."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agent.backtest.gas_model import GasModel, RebalanceKind
from agent.backtest.mean_gas import MeanGas
from agent.backtest.pool_funding import PoolFunding
from agent.backtest.price_series import PriceSeries
from agent.backtest.surroundings import Gas
from agent.checks import require_above, require_at_least
from agent.costs.curves.base import ladder
from agent.costs.curves.constant_product import ConstantProduct
from agent.costs.trade_costs import CostInputs
from agent.domain import LADDER_RUNGS, Decision, QuotePoint, Snapshot
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.units import BPS, WEI_PER_GWEI, Rounding, Seconds, Wad, Wei, from_wad, to_wad, wei_to_eth


@dataclass(frozen=True, slots=True)
class PoolDepth:
    """A pool of constant product in one range of liquidity, opened at a price.

    Selling ``depth_size_underlying`` at the opening executes ``depth_slippage_bps`` below the price, fee excluded.
    """

    opening_price_usd: float
    depth_size_underlying: float
    depth_slippage_bps: float
    exchange_fee_bps: float
    low_ratio: float
    high_ratio: float

    def __post_init__(self) -> None:
        require_above(self.opening_price_usd, "opening_price_usd", 0.0)
        require_above(self.depth_size_underlying, "depth_size_underlying", 0.0)
        require_above(self.depth_slippage_bps, "depth_slippage_bps", 0.0)
        require_at_least(self.exchange_fee_bps, "exchange_fee_bps", 0.0)

    def curve(self, price_usd: float) -> ConstantProduct:
        """Return the curve at another price; beyond the range `DataError`."""
        low, high = (self.opening_price_usd * ratio for ratio in (self.low_ratio, self.high_ratio))
        if not low < price_usd < high:
            raise DataError(f"the price of {price_usd:g} is outside the pool's range of {low:g} to {high:g}")
        slippage = self.depth_slippage_bps / BPS
        liquidity = self.depth_size_underlying * (1.0 - slippage) / slippage * math.sqrt(self.opening_price_usd)
        return ConstantProduct.of_range(price_usd, low, high, liquidity, self.exchange_fee_bps / BPS)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What is known of each step beside its price; arrays of shape (steps,)."""

    base_fees_gwei: FloatArray
    funding_per_day: FloatArray | None = None
    """Rate over the time since the step before; None: what the pool's own averages give."""

    def __post_init__(self) -> None:
        if not np.all(np.isfinite(self.base_fees_gwei) & (self.base_fees_gwei >= 0.0)):
            raise DataError("a base fee is negative or not a number")
        if self.funding_per_day is not None and not np.all(np.isfinite(self.funding_per_day)):
            raise DataError("a funding rate is not a number")


class PoolMarket:
    """Surroundings of a vault whose one venue is a pool; the vault's prices are those of the path.

    Parameters
    ----------
    depth, prices, history
        The pool, the path that it follows, and what else is known of each step.
    largest
        Largest size asked for, underlying units.
    gas, costs
        What a rebalance burns, and the token price and tip at an oracle price.
    lead_seconds
        How long before each price's instant the pool reaches that price.
    urgent_tip_wei
        Tip of an urgent rebalance; that of a usual one where it is left out.

    """

    def __init__(
        self,
        depth: PoolDepth,
        prices: PriceSeries,
        history: History,
        largest: Wad,
        gas: GasModel,
        costs: Callable[[Wad], CostInputs],
        lead_seconds: Seconds = Seconds(15),
        urgent_tip_wei: Wei | None = None,
    ) -> None:
        if len(history.base_fees_gwei) != len(prices):
            raise DataError(f"{len(history.base_fees_gwei)} base fees for {len(prices)} prices")
        self._depth, self._gas, self._costs = depth, gas, costs
        self._base_fees = [Wei(round(fee * WEI_PER_GWEI)) for fee in history.base_fees_gwei]
        self._rates = history.funding_per_day
        self._funding = PoolFunding(prices.prices_usd, prices.interval_seconds, lead_seconds)
        self._means = MeanGas(prices, lead_seconds)
        self._times, self._urgent_tip_wei = prices.times_unix, urgent_tip_wei
        self._is_settled = True
        self._sizes = [from_wad(largest) / 2**halvings for halvings in reversed(range(LADDER_RUNGS))]
        self._price = Wad(0)
        self._curve: ConstantProduct | None = None

    def quotes(self, step: int, price: Wad) -> Sequence[tuple[QuotePoint, ...]]:
        """Return the ladder of the pool at the price."""
        self._means.follow(step)
        self._price, self._curve = price, self._depth.curve(from_wad(price))
        return [ladder(self._curve, self._sizes)]

    def funding_rates(self, step: int) -> Sequence[Wad]:
        """Return the history's rate, or that of the pool's averages."""
        if self._rates is not None:
            return [to_wad(float(self._rates[step]), Rounding.UP)]
        return [self._funding.rate_per_day(step)]

    def base_fee(self, step: int) -> Wei:
        """Return the history's."""
        return self._base_fees[step]

    def gas(self, step: int, snapshot: Snapshot, decision: Decision) -> Gas:
        """Price the units of this kind of rebalance in the block after the step's, what its means burn included."""
        inputs, kind = self._costs(self._price), RebalanceKind.of(snapshot, decision)
        tip_wei = inputs.priority_fee_wei
        if decision.urgent and self._urgent_tip_wei is not None:
            tip_wei = self._urgent_tip_wei
        fee_wei = self._base_fees[step] * self._gas.next_base_fee_ratio + tip_wei
        own = self._gas.units.of(kind, is_settled=self._is_settled)
        units = own + self._means.units(kind, self._mined_unix(step))
        return Gas(units, wei_to_eth(round(fee_wei * units) + inputs.data_fee_wei) * inputs.eth_price_usd)

    def traded(self, step: int, snapshot: Snapshot, decision: Decision) -> None:
        """Move the pool until it follows the next price."""
        kind = RebalanceKind.of(snapshot, decision)
        self._is_settled = kind.comes_home or (self._is_settled and (kind.is_opening or not kind.is_trade))
        size = from_wad(sum(fill.size_delta for fill in decision.expected_fills))
        if self._curve is not None and size != 0.0:
            base = self._curve.base_reserve
            price_ratio = (base / (base - size)) ** 2
            self._funding.moved(step, price_ratio)
            self._means.trade(price_ratio, self._mined_unix(step))

    def _mined_unix(self, step: int) -> Seconds:
        """Return when the block comes that takes a step's rebalance: a second after the step."""
        return Seconds(int(self._times[step]) + 1)
