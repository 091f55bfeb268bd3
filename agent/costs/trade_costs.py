"""Cost of hedging now, from the venues' quotes, the funding rate and the price of gas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from agent.checks import require_finite
from agent.costs.quotes import Ladder, ladders_of, quoted_ratios
from agent.domain import BlockRef, TradeCosts, VenueSnapshot
from agent.errors import DataError
from agent.units import Wad, Wei, from_wad, wei_to_eth


@dataclass(frozen=True, slots=True)
class CostInputs:
    """What the chain's snapshot does not hold.

    ``eth_price_usd`` prices gas; ``priority_fee_wei`` is the tip a gas unit; ``gas_units`` what one rebalance is
    expected to burn; ``data_fee_wei`` what a rollup charges on top for one rebalance (0 on a chain of its own);
    ``funding_horizon_days`` how long a trade is expected to stand until the next one; ``leg_gas_units`` what each
    further venue in a rebalance burns, which a split over venues has to earn; ``position_horizon_days`` how long a
    position is expected to stand on its venue, whose funding such a split weighs; None is the trade's horizon.
    """

    eth_price_usd: float
    priority_fee_wei: Wei
    gas_units: int
    data_fee_wei: Wei
    funding_horizon_days: float
    leg_gas_units: int = 0
    position_horizon_days: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) is None:
                continue
            number = require_finite(getattr(self, field.name), field.name)
            if number < 0:
                raise DataError(f"{field.name} is {number}; expected no negative number")

    @property
    def split_horizon_days(self) -> float:
        """Time over which funding decides between venues, days."""
        return self.funding_horizon_days if self.position_horizon_days is None else self.position_horizon_days


def gas_cost_usd(base_fee_wei: Wei, inputs: CostInputs) -> float:
    """Return the gas of one rebalance, USD: ((base fee + priority fee) x gas units + data fee) x ETH price."""
    wei = (base_fee_wei + inputs.priority_fee_wei) * inputs.gas_units + inputs.data_fee_wei
    return require_finite(wei_to_eth(wei) * inputs.eth_price_usd, "gas_usd")


def gas_unit_usd(base_fee_wei: Wei, inputs: CostInputs) -> float:
    """Return what a unit of gas costs, USD: (base fee + priority fee) x ETH price."""
    wei = Wei(base_fee_wei + inputs.priority_fee_wei)
    return require_finite(wei_to_eth(wei) * inputs.eth_price_usd, "gas_unit_usd")


def leg_gas_cost_usd(base_fee_wei: Wei, inputs: CostInputs) -> float:
    """Return the gas of one further venue in a rebalance, USD."""
    return require_finite(gas_unit_usd(base_fee_wei, inputs) * inputs.leg_gas_units, "leg_gas_usd")


def trade_costs(
    venues: tuple[VenueSnapshot, ...],
    block: BlockRef,
    oracle_price: Wad,
    size_delta: Wad,
    inputs: CostInputs,
    ladders: Sequence[Ladder] | None = None,
) -> TradeCosts:
    """Return the cost of trading ``size_delta`` (signed) on the cheapest venue that quotes it.

    Where no venue quotes the whole size the largest size quoted stands for it; of several venues the one that quotes
    most of it comes first, then the cheapest, executions inside. What executing an order takes is in ``gas_usd``: it is
    paid whatever the size. Funding is what the added position pays over ``funding_horizon_days``: longs pay a
    positive rate, so it is a cost of buying and an income of selling. ``ladders`` are the venues' ladders of that side,
    where they have been read already.

    Raises
    ------
    DataError
        No venue quotes that side, or a quote is malformed.

    """
    is_buy = size_delta > 0
    offers: list[tuple[int, float, TradeCosts]] = []
    gas_usd, unit_usd = gas_cost_usd(block.base_fee_wei, inputs), gas_unit_usd(block.base_fee_wei, inputs)
    for venue, ladder in zip(venues, ladders_of(venues, is_buy) if ladders is None else ladders, strict=True):
        size = min(abs(size_delta), ladder.capacity)
        if size == 0:
            continue
        fee_ratio, impact_ratio = quoted_ratios(ladder, size, venue.mark_price, oracle_price)
        carry = from_wad(venue.funding_rate_per_day) * inputs.funding_horizon_days
        order_usd = venue.execution_gas(Wad(size if is_buy else -size)) * unit_usd
        costs = TradeCosts(
            fee_ratio, impact_ratio, carry if is_buy else -carry, gas_usd + order_usd, inputs.funding_horizon_days
        )
        order_ratio = order_usd / (from_wad(Wad(size)) * from_wad(oracle_price))
        offers.append((-size, costs.proportional_ratio + order_ratio, costs))
    if not offers:
        side = "buys" if is_buy else "sells"
        raise DataError(f"no venue quotes {side} of {from_wad(size_delta)}; check the venues' liquidity and the ladder")
    return min(offers, key=lambda offer: offer[:2])[2]
