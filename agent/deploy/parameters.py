"""Every parameter of a deployment as a plan shows it: number, unit, the contracts' limit, and what it brings about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agent.config import Section
from agent.deploy import dao
from agent.deploy.network import Network
from agent.settings import contracts as limits

_UNITS = {
    "_underlying": "underlying",
    "_usd_per_day": "USD a day",
    "_usd": "USD",
    "_ratio": "times",
    "_bps_per_day": "bps a day",
    "_bps_per_year": "bps a year",
    "_bps": "bps",
    "_seconds": "seconds",
    "_gas_units": "gas",
    "_eth_per_day": "ether a day",
    "_eth": "ether",
    "_blocks": "blocks",
    "_votes": "votes",
    "_percent": "percent",
    "_decimals": "decimals",
}

_CONSEQUENCES: dict[str, dict[str, str]] = {
    "vault": {
        "name": "name of the share token; fixed for good",
        "symbol": "its symbol; fixed for good",
    },
    "governance": {"delay_seconds": "every loosening waits this long in public, and the guardian can cancel it"},
    "oracle": {
        "max_age_seconds": "an older price counts as none: no deposit, no trade that needs it",
        "secondary_max_age_seconds": "the same for the second source, where there is one",
        "collateral_max_age_seconds": "the same for the collateral's price, where there is one",
        "sequencer_grace_seconds": "no price counts for this long after a rollup's sequencer came back",
        "deviation_bps": "widens NAV to either side: entries pay it, exits leave it",
        "max_disagreement_bps": "farther apart, two sources give no price",
        "max_confidence_bps": "a wider interval of a source gives no price",
        "max_depeg_bps": "farther from 1 USD, the collateral stops entries",
        "min_price_usd": "a lower price counts as none",
        "max_price_usd": "a higher price counts as none",
    },
    "bounds": {
        "band_underlying": "worst-case net delta that is always acceptable",
        "min_improvement_underlying": "least by which a rebalance outside the band must better it",
        "urgent_delta_underlying": "from here the cooldown is waived, the reserve opens, and anyone may rescue",
        "max_size_delta_underlying": "largest size of one leg",
        "min_notional_usd": "smaller trades are refused, so that gas is not burnt on crumbs",
        "max_notional_usd": "largest notional of one rebalance",
        "max_gross_notional_usd": "largest notional of all venues after a rebalance that raises it",
        "turnover_capacity_usd": "most that can be traded at once before it refills",
        "turnover_refill_usd_per_day": "what is given back of it in a day",
        "max_venue_leverage_ratio": "notional over equity on one venue: nearer to liquidation above",
        "max_leverage_ratio": "notional of all venues over NAV",
        "max_slippage_bps": "a fill farther from the oracle's price reverts",
        "max_fee_bps": "a dearer fill reverts",
        "max_nav_loss_bps": "a rebalance that costs more of NAV reverts",
        "loss_capacity_bps": "most of NAV that keepers can lose at once",
        "loss_refill_bps_per_day": "and what they can lose again in a day",
        "max_drawdown_bps": "an unexplained loss of so much in a day lets positions only be closed",
        "idle_floor_bps": "part of NAV that stays in the vault for exits",
        "urgent_reserve_bps": "part of the turnover that only urgent rebalances may use",
        "keeper_share_bps": "part of turnover and losses that one keeper's key may use",
        "cooldown_seconds": "least time between two trades of one keeper",
    },
    "queue": {"max_width_bps": "while NAV is less certain than this, the queue serves nobody; fixed for good"},
    "rescue": {
        "silence_seconds": "after so long without a keeper's trade anyone may rebalance when it is urgent",
        "max_gas_units": "most gas of a rescue that is paid",
        "max_payment_eth": "most that one rescue is paid",
        "max_payment_eth_per_day": "most that all rescues of a day are paid",
        "tank_eth": "paid in by the deployer; the governor can take it out",
    },
    "fees": {
        "management_bps_per_year": "part of NAV that the recipient gets in shares, a year",
        "performance_bps": "part of the gain over the highest share price that the recipient gets",
    },
    "dao": {
        "name": "name of the Governor; fixed for good",
        "token": "whose votes govern; fixed for good",
        "token_decimals": "by which votes become the token's units",
        "voting_delay_seconds": "from a proposal to the snapshot of votes: time to delegate, and to see it coming",
        "voting_period_seconds": "how long is voted after that",
        "voting_delay_blocks": "from a proposal to the snapshot of votes, by a token that counts blocks",
        "voting_period_blocks": "how long is voted after that, by a token that counts blocks",
        "proposal_threshold_votes": "votes that proposing needs: with too few, anyone floods the DAO",
        "quorum_percent": "part of the supply that must vote for or abstain, or nothing passes",
    },
}
_LIMITS: Mapping[tuple[str, str], str] = {
    ("governance", "delay_seconds"): f"{limits.MIN_DELAY_SECONDS} to {limits.MAX_DELAY_SECONDS}",
    **{
        ("oracle", key): f"at most {limits.MAX_PRICE_AGE_SECONDS}"
        for key in ("max_age_seconds", "secondary_max_age_seconds", "collateral_max_age_seconds")
    },
    **{
        ("oracle", key): f"at most {limits.MAX_WIDTH_BPS}"
        for key in ("deviation_bps", "max_disagreement_bps", "max_confidence_bps", "max_depeg_bps")
    },
    ("oracle", "sequencer_grace_seconds"): f"at most {limits.MAX_SEQUENCER_GRACE_SECONDS}",
    ("oracle", "max_price_usd"): f"at most {limits.MAX_PRICE_USD}",
    **{("bounds", key): f"at most {limit}" for key, limit in limits.HARD_LIMITS.items()},
    ("bounds", "cooldown_seconds"): f"{limits.MIN_COOLDOWN_SECONDS} to {limits.HARD_LIMITS['cooldown_seconds']}",
    **{
        ("bounds", key): f"at most {limits.MAX_DAILY_LOSS_BPS} together"
        for key in ("loss_capacity_bps", "loss_refill_bps_per_day")
    },
    ("queue", "max_width_bps"): f"at most {limits.MAX_QUEUE_WIDTH_BPS}",
    ("rescue", "silence_seconds"): f"{limits.MIN_SILENCE_SECONDS} to {limits.MAX_SILENCE_SECONDS}",
    ("rescue", "max_gas_units"): f"at most {limits.MAX_RESCUE_GAS_UNITS}",
    ("fees", "management_bps_per_year"): f"at most {limits.MAX_MANAGEMENT_BPS}",
    ("fees", "performance_bps"): f"at most {limits.MAX_PERFORMANCE_BPS}",
    ("dao", "voting_delay_seconds"): f"at most {dao.MAX_VOTING_SECONDS}",
    ("dao", "voting_period_seconds"): f"{dao.MIN_VOTING_SECONDS} to {dao.MAX_VOTING_SECONDS}",
    ("dao", "voting_delay_blocks"): f"at most {dao.MAX_VOTING_BLOCKS}",
    ("dao", "voting_period_blocks"): f"{dao.MIN_VOTING_BLOCKS} to {dao.MAX_VOTING_BLOCKS}",
    ("dao", "proposal_threshold_votes"): f"at most {dao.THRESHOLD_PERCENT} % of the supply",
    ("dao", "quorum_percent"): f"1 to {dao.MAX_QUORUM_PERCENT}",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number that goes to the chain. ``limit`` is empty where the contracts have none."""

    section: str
    key: str
    value: str
    unit: str
    limit: str
    consequence: str


def parameters(network: Network) -> Iterator[Parameter]:
    """Yield every parameter of the contracts in the file's order."""
    for name, consequences in _CONSEQUENCES.items():
        section: Section | None = getattr(network, name)
        if section is None:
            continue
        for key in type(section).model_fields:
            number = getattr(section, key)
            if number is None or isinstance(number, Section):
                continue
            limit = _LIMITS.get((name, key), "")
            yield Parameter(name, key, f"{number}", _unit(key), limit, consequences[key])


def _unit(key: str) -> str:
    return next((unit for suffix, unit in _UNITS.items() if key.endswith(suffix)), "text")
