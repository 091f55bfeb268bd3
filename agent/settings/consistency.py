"""Numbers of a configuration file that are each in range and contradict one another across keys or sections."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from agent.chain.config import ChainSettings
from agent.execution.signer import LOCAL_CHAIN_ID
from agent.settings.contracts import BoundsSettings, OracleSettings, QueueSettings
from agent.settings.gas_tokens import GAS_TOKENS
from agent.settings.settings import Settings
from agent.units import BPS


def contradictions(settings: Settings) -> tuple[str, ...]:
    """Return a line for each pair of numbers that cannot both be meant: section, key, why, and how to mend it.

    What contradicts itself within one section is refused by that section where it can be told from it alone.
    """
    found = (
        *_trade_sizes(settings),
        *_times(settings),
        *_public_chain(settings),
        *_leverage(settings),
        *_gas(settings),
    )
    queue = queue_contradictions(settings.queue, settings.oracle, settings.bounds)
    return (*found, *queue, *_rescues(settings))


def _trade_sizes(settings: Settings) -> Iterator[str]:
    bounds, decision = settings.bounds, settings.decision
    if decision.min_trade_underlying >= bounds.band_underlying:
        yield (
            f"[decision] min_trade_underlying {decision.min_trade_underlying:g} is not below [bounds] band_underlying "
            f"{bounds.band_underlying}: inside the band nothing would ever be traded; lower it"
        )
    if decision.min_trade_underlying > bounds.max_size_delta_underlying:
        yield (
            f"[decision] min_trade_underlying {decision.min_trade_underlying:g} exceeds [bounds] "
            f"max_size_delta_underlying {bounds.max_size_delta_underlying}: no size is allowed; lower it"
        )
    if decision.delta_tolerance_underlying >= bounds.band_underlying:
        yield (
            f"[decision] delta_tolerance_underlying {decision.delta_tolerance_underlying:g} is not below [bounds] "
            f"band_underlying {bounds.band_underlying}: a wrong book would pass for the chain's; lower it"
        )
    if bounds.min_improvement_underlying > bounds.max_size_delta_underlying:
        yield (
            f"[bounds] min_improvement_underlying {bounds.min_improvement_underlying} exceeds "
            f"max_size_delta_underlying {bounds.max_size_delta_underlying}: no leg can improve so much; lower it"
        )
    of_one_keeper = bounds.turnover_capacity_usd * bounds.keeper_share_bps / BPS
    if bounds.max_notional_usd > of_one_keeper:
        yield (
            f"[bounds] max_notional_usd {bounds.max_notional_usd} exceeds {of_one_keeper:,.10g}, which is "
            f"keeper_share_bps {bounds.keeper_share_bps} of turnover_capacity_usd {bounds.turnover_capacity_usd}: no "
            "rebalance of one keeper can; lower it, or raise turnover_capacity_usd"
        )


def _times(settings: Settings) -> Iterator[str]:
    execution, keeper, slicing = settings.execution, settings.keeper, settings.slicing
    if execution.deadline_seconds < execution.receipt_timeout_seconds:
        yield (
            f"[execution] deadline_seconds {execution.deadline_seconds} is below receipt_timeout_seconds "
            f"{execution.receipt_timeout_seconds:g}: the keeper would wait for what the chain refuses; raise it"
        )
    longest = settings.observability.max_cycle_seconds
    if longest <= execution.receipt_timeout_seconds:
        yield (
            f"[observability] max_cycle_seconds {longest} is not above [execution] receipt_timeout_seconds "
            f"{execution.receipt_timeout_seconds:g}: a cycle that waits for its receipt would be taken for a hung one; "
            "raise it"
        )
    if execution.receipt_poll_seconds >= execution.receipt_timeout_seconds:
        yield (
            f"[execution] receipt_poll_seconds {execution.receipt_poll_seconds:g} is not below receipt_timeout_seconds "
            f"{execution.receipt_timeout_seconds:g}: no receipt would be looked for; lower it"
        )
    if keeper.retry_initial_seconds > keeper.retry_max_seconds:
        yield (
            f"[keeper] retry_initial_seconds {keeper.retry_initial_seconds:g} exceeds retry_max_seconds "
            f"{keeper.retry_max_seconds:g}; swap them"
        )
    if slicing is not None and slicing.interval_seconds < settings.bounds.cooldown_seconds:
        yield (
            f"[slicing] interval_seconds {slicing.interval_seconds:g} is below [bounds] cooldown_seconds "
            f"{settings.bounds.cooldown_seconds}: the guard would refuse every slice but the first; raise it"
        )


MOST_HEAD_AGE_SECONDS = 600
"""On any public chain: what is older says nothing about the market."""
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
LEAST_POLL_SECONDS = 0.1
"""Of public servers, which refuse who asks more often."""


def _is_private(chain: ChainSettings) -> bool:
    """Whether nobody else has heard of the chain: no known one, and only on this machine."""
    hosts = {urlsplit(url).hostname for url in chain.rpc_urls}
    return chain.chain_id not in GAS_TOKENS and hosts <= _LOOPBACK


def _public_chain(settings: Settings) -> Iterator[str]:
    """Refuse on a public chain what serves a local one, which replays history at any speed and limits nobody."""
    chain, execution = settings.chain, settings.execution
    if chain.chain_id == LOCAL_CHAIN_ID or _is_private(chain):
        return
    if chain.max_head_age_seconds > MOST_HEAD_AGE_SECONDS:
        yield (
            f"[chain] max_head_age_seconds {chain.max_head_age_seconds} is above {MOST_HEAD_AGE_SECONDS}: the keeper "
            "would trade on a head that is long past; lower it to some blocks"
        )
    if execution.receipt_poll_seconds < LEAST_POLL_SECONDS:
        yield (
            f"[execution] receipt_poll_seconds {execution.receipt_poll_seconds:g} is below {LEAST_POLL_SECONDS}: "
            "public servers refuse who asks so often; raise it to about a block"
        )


def _leverage(settings: Settings) -> Iterator[str]:
    bounds, margin = settings.bounds, settings.margin
    if margin.idle_reserve_bps < bounds.idle_floor_bps:
        yield (
            f"[margin] idle_reserve_bps {margin.idle_reserve_bps} is below [bounds] idle_floor_bps "
            f"{bounds.idle_floor_bps}: the guard would refuse what the keeper moves to venues; raise it"
        )
    usable = bounds.max_venue_leverage_ratio * (BPS - margin.guard_headroom_bps) / BPS
    if margin.high_leverage_ratio > usable:
        yield (
            f"[margin] high_leverage_ratio {margin.high_leverage_ratio} exceeds {usable:g}, which is [bounds] "
            f"max_venue_leverage_ratio {bounds.max_venue_leverage_ratio} less guard_headroom_bps "
            f"{margin.guard_headroom_bps}: the guard would refuse before margin is added; lower it"
        )


def _gas(settings: Settings) -> Iterator[str]:
    execution, costs = settings.execution, settings.costs
    if costs.rebalance_gas_units > execution.max_gas_units:
        yield (
            f"[costs] rebalance_gas_units {costs.rebalance_gas_units} exceeds [execution] max_gas_units "
            f"{execution.max_gas_units}: no rebalance would be sent; raise max_gas_units"
        )
    if execution.urgent_priority_fee_gwei < execution.priority_fee_gwei:
        yield (
            f"[execution] urgent_priority_fee_gwei {execution.urgent_priority_fee_gwei} is below priority_fee_gwei "
            f"{execution.priority_fee_gwei}: a risk exit would wait longest; raise it"
        )


def queue_contradictions(queue: QueueSettings, oracle: OracleSettings, bounds: BoundsSettings) -> Iterator[str]:
    """Compare with NAV's own width: the oracle's deviation d moves NAV by d x leverage to either side."""
    deviation_bps, leverage = oracle.deviation_bps, bounds.max_leverage_ratio
    half_width_bps = deviation_bps * leverage
    width_bps = 2 * half_width_bps * BPS / (BPS + half_width_bps)
    if queue.max_width_bps <= width_bps:
        yield (
            f"[queue] max_width_bps {queue.max_width_bps} is not above {width_bps:.0f}, which [oracle] "
            f"deviation_bps {deviation_bps} makes of NAV at [bounds] max_leverage_ratio {leverage}: nobody would be "
            "served; raise it"
        )


def _rescues(settings: Settings) -> Iterator[str]:
    rescue, keeper, execution = settings.rescue, settings.keeper, settings.execution
    answer_seconds = keeper.interval_seconds + keeper.retry_max_seconds + execution.deadline_seconds
    if rescue.silence_seconds <= answer_seconds:
        yield (
            f"[rescue] silence_seconds {rescue.silence_seconds} is not above {answer_seconds:g}, which [keeper] "
            "interval_seconds and retry_max_seconds and [execution] deadline_seconds leave a working keeper to answer; "
            "raise it"
        )
    if rescue.max_gas_units < settings.costs.rebalance_gas_units:
        yield (
            f"[rescue] max_gas_units {rescue.max_gas_units} is below [costs] rebalance_gas_units "
            f"{settings.costs.rebalance_gas_units}: no rescue would be paid for what it burns; raise it"
        )
