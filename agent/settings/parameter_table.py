"""Every parameter of the contracts in one table: a plan lists it, governance changes it, docs/parameters.md shows it.

Names and units are those of ``config/<network>.toml``; hard limits those of the contracts (`agent.settings.contracts`).
"""

from __future__ import annotations

from functools import partial

from agent.settings.contracts import (
    HARD_LIMITS,
    MAX_DAILY_LOSS_BPS,
    MAX_DELAY_SECONDS,
    MAX_MANAGEMENT_BPS,
    MAX_PERFORMANCE_BPS,
    MAX_PRICE_AGE_SECONDS,
    MAX_PRICE_USD,
    MAX_QUEUE_WIDTH_BPS,
    MAX_RESCUE_GAS_UNITS,
    MAX_SEQUENCER_GRACE_SECONDS,
    MAX_SILENCE_SECONDS,
    MAX_WIDTH_BPS,
    MIN_COOLDOWN_SECONDS,
    MIN_DELAY_SECONDS,
    MIN_SILENCE_SECONDS,
)
from agent.settings.parameter import TEXT, Authority, Group, Parameter, Tighter
from agent.units import Rounding, to_units

_UINT64, _UINT96, _UINT128, _UINT256 = (2**bits - 1 for bits in (64, 96, 128, 256))
MAX_SHARE_LOCK_SECONDS = 7 * 86_400
"""``MemberShares.MAX_SHARE_LOCK``."""
_WAD_DECIMALS = 18
_LOWER, _HIGHER, _NEITHER = Tighter.LOWER, Tighter.HIGHER, Tighter.NEITHER


def _parameter(
    name: str,
    unit: str,
    tighter: Tighter,
    consequence: str,
    *,
    group: Group,
    most: int,
    least: int = 0,
    decimals: int | None = 0,
    authority: Authority | None = None,
    limited_with: str = "",
) -> Parameter:
    """Return a row; who may change it follows from whether it has a tighter side, unless it is said."""
    usual = Authority.GOVERNOR if tighter is _NEITHER else Authority.GUARDIAN_TIGHTENS
    return Parameter(
        name, group, unit, decimals, least, most, tighter, authority or usual, consequence, limited_with
    )  # fmt: skip


def _wad(number: int) -> int:
    return to_units(number, _WAD_DECIMALS, Rounding.DOWN)


def _bound(
    name: str, unit: str, tighter: Tighter, consequence: str, least: int = 0, most: int | None = None,
    limited_with: str = "",
) -> Parameter:  # fmt: skip
    """Return a field of ``Bounds``: WAD unless it is in whole bps or seconds."""
    is_whole = "bps" in name or name.endswith("_seconds")
    limit = HARD_LIMITS[name] if most is None else most
    return _parameter(
        name, unit, tighter, consequence, group=Group.BOUNDS, least=least, most=limit if is_whole else _wad(limit),
        decimals=0 if is_whole else _WAD_DECIMALS, limited_with=limited_with,
    )  # fmt: skip


BOUNDS: tuple[Parameter, ...] = (
    _bound("band_underlying", "underlying", _LOWER, "worst-case net delta W that keepers may leave or reach"),
    _bound("min_improvement_underlying", "underlying", _HIGHER, "least by which a trade outside the band lowers W"),
    _bound(
        "urgent_delta_underlying", "underlying", _HIGHER,
        "W from which the cooldown is waived, the reserve opens and anyone may rescue",
    ),
    _bound("max_size_delta_underlying", "underlying", _LOWER, "largest trade of one leg"),
    _bound(
        "min_notional_usd", "USD", _HIGHER, "least trade of one rebalance: smaller ones waste fees and gas",
        most=HARD_LIMITS["max_notional_usd"],
    ),
    _bound("max_notional_usd", "USD", _LOWER, "largest trade of one rebalance"),
    _bound("max_gross_notional_usd", "USD", _LOWER, "positions on all venues together, not netted"),
    _bound("turnover_capacity_usd", "USD", _LOWER, "most that is traded at once, before the refill"),
    _bound("turnover_refill_usd_per_day", "USD a day", _LOWER, "most that is traded day after day"),
    _bound("max_venue_leverage_ratio", "x equity", _LOWER, "leverage on one venue: nearer to liquidation when higher"),
    _bound("max_leverage_ratio", "x NAV", _LOWER, "leverage of the whole vault"),
    _bound("max_slippage_bps", "bps", _LOWER, "execution worse than the oracle price by more reverts"),
    _bound("max_fee_bps", "bps of notional", _LOWER, "a venue's fee above it reverts"),
    _bound("max_nav_loss_bps", "bps of NAV", _LOWER, "a rebalance that costs more of NAV reverts"),
    _bound(
        "loss_capacity_bps", "bps of NAV", _LOWER, "most that keepers lose at once",
        most=MAX_DAILY_LOSS_BPS, limited_with="loss_refill_bps_per_day",
    ),
    _bound(
        "loss_refill_bps_per_day", "bps of NAV a day", _LOWER, "most that keepers lose day after day",
        most=MAX_DAILY_LOSS_BPS, limited_with="loss_capacity_bps",
    ),
    _bound(
        "max_drawdown_bps", "bps of NAV", _NEITHER,
        "unexplained loss of a day that lets positions only be closed: later when raised, more easily when lowered",
    ),
    _bound("idle_floor_bps", "bps of NAV", _HIGHER, "stays in the vault for exits"),
    _bound("urgent_reserve_bps", "bps of turnover", _HIGHER, "turnover that only an urgent W may use"),
    _bound("keeper_share_bps", "bps of the budgets", _LOWER, "part of turnover and losses that one key uses up"),
    _bound(
        "cooldown_seconds", "seconds", _HIGHER, "least time between two rebalances of one keeper",
        least=MIN_COOLDOWN_SECONDS,
    ),
)  # fmt: skip
"""In the order of ``Bounds`` (``contracts/types/Rebalance.sol``)."""

_price_limit = partial(_parameter, group=Group.PRICE_LIMITS)
_age = partial(_price_limit, least=1, most=MAX_PRICE_AGE_SECONDS)
_width = partial(_price_limit, least=1, most=MAX_WIDTH_BPS)
_price = partial(_price_limit, most=_wad(MAX_PRICE_USD), decimals=_WAD_DECIMALS)
PRICE_LIMITS: tuple[Parameter, ...] = (
    _age("max_age_seconds", "seconds", _LOWER, "an older price counts as none: no deposit, no trade that needs it"),
    _age("secondary_max_age_seconds", "seconds", _LOWER, "the same for the second source, where there is one"),
    _age("collateral_max_age_seconds", "seconds", _LOWER, "the same for the collateral's price, where there is one"),
    _price_limit(
        "sequencer_grace_seconds", "seconds", _HIGHER, "no price counts for this long after a sequencer came back",
        most=MAX_SEQUENCER_GRACE_SECONDS,
    ),
    _width(
        "deviation_bps", "bps", _NEITHER,
        "distance of the true price assumed: losses go unseen when lowered, leavers are paid less when raised",
    ),
    _width("max_disagreement_bps", "bps", _LOWER, "two sources farther apart give no price"),
    _width("max_confidence_bps", "bps", _LOWER, "a source less certain of itself gives no price"),
    _width("max_depeg_bps", "bps", _LOWER, "collateral farther from 1 USD stops deposits"),
    _price("min_price_usd", "USD", _HIGHER, "a lower price counts as none", least=1),
    _price("max_price_usd", "USD", _LOWER, "a higher price counts as none", least=2),
)  # fmt: skip
"""In the order of ``PriceLimits`` (``contracts/types/Prices.sol``)."""

DELAY = _parameter(
    "delay_seconds", "seconds", _NEITHER, "time in which the guardian vetoes and members leave; a shorter one waits "
    "the difference first", group=Group.DELAY, least=MIN_DELAY_SECONDS, most=MAX_DELAY_SECONDS,
)  # fmt: skip
DEPOSIT_CAP = _parameter(
    "deposit_cap", "of the asset", _LOWER, "most NAV that a deposit leads to", group=Group.DEPOSIT_CAP,
    most=_UINT128, decimals=None,
)  # fmt: skip
SHARE_LOCK = _parameter(
    "share_lock_seconds", "seconds", _NEITHER, "new shares stay with their owner: exits wait when raised, entries just "
    "before a price update pay when lowered", group=Group.SHARE_LOCK, most=MAX_SHARE_LOCK_SECONDS,
)  # fmt: skip
VENUE_CAP = _parameter(
    "venue_cap_usd", "USD", _LOWER, "most equity on the venue: all of it is at the venue's mercy",
    group=Group.VENUE_CAP, most=_UINT64,
)  # fmt: skip

_token = partial(_parameter, unit=TEXT, tighter=_NEITHER, group=Group.TOKEN, most=_UINT256, authority=Authority.NOBODY)
TOKEN: tuple[Parameter, ...] = (
    _token("name", consequence="name of the share token"),
    _token("symbol", consequence="symbol of the share token"),
)
QUEUE: tuple[Parameter, ...] = (
    _parameter(
        "max_width_bps", "bps of NAV", _LOWER, "while NAV is less certain than this, the queue serves nobody",
        group=Group.QUEUE, least=1, most=MAX_QUEUE_WIDTH_BPS, authority=Authority.NOBODY,
    ),
)  # fmt: skip
_rescue = partial(_parameter, group=Group.RESCUE)
RESCUE: tuple[Parameter, ...] = (
    _rescue(
        "silence_seconds", "seconds", _HIGHER, "time without a keeper's trade after which anyone may rebalance when it "
        "is urgent", least=MIN_SILENCE_SECONDS, most=MAX_SILENCE_SECONDS,
    ),
    _rescue("max_gas_units", "gas", _LOWER, "most gas of a rescue that is paid", most=MAX_RESCUE_GAS_UNITS),
    _rescue("max_payment_eth", "ether", _LOWER, "most that one rescue is paid", most=_UINT96, decimals=_WAD_DECIMALS),
    _rescue(
        "max_payment_eth_per_day", "ether a day", _LOWER, "most that all rescues of a day are paid", most=_UINT96,
        decimals=_WAD_DECIMALS,
    ),
    _parameter(
        "tank_eth", "ether", _LOWER, "what rescues are paid from; the deployer pays it in", group=Group.TANK,
        most=_UINT256, decimals=_WAD_DECIMALS, authority=Authority.TANK,
    ),
)  # fmt: skip
_fee = partial(_parameter, tighter=_LOWER, group=Group.FEES)
FEES: tuple[Parameter, ...] = (
    _fee(
        "management_bps_per_year", "bps of NAV a year", consequence="new shares for the fee's recipient, by time",
        most=MAX_MANAGEMENT_BPS,
    ),
    _fee(
        "performance_bps", "bps of the gain", consequence="part of a gain over the highest share price so far that "
        "the fee's recipient gets", most=MAX_PERFORMANCE_BPS,
    ),
)  # fmt: skip

SECTIONS: dict[str, tuple[Parameter, ...]] = {
    "vault": TOKEN,
    "governance": (DELAY,),
    "oracle": PRICE_LIMITS,
    "bounds": BOUNDS,
    "queue": QUEUE,
    "rescue": RESCUE,
    "fees": FEES,
}
"""By section of ``config/<network>.toml``, in its order; a deployment gives them all."""
UNCONFIGURED: tuple[tuple[Parameter, int], ...] = ((DEPOSIT_CAP, _UINT128), (SHARE_LOCK, 0), (VENUE_CAP, _UINT64))
"""In no file: each starts as the contracts have it, a chain integer, and is governance's from there."""
