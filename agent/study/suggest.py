"""Bounds for a book: the cheapest band that hedges it well enough, and every other bound from what that band needs.

Bands from a fiftieth to an eighth of the book's largest delta, beside what its IV interval leaves uncertain, are
replayed with budgets that bind nothing. The cheapest is taken that removes enough, of all variance together and of the
median replay's; the most effective where none does; wider ones are tried where all of them add variance. Budgets are
a quarter more than its replays used, or than a wick of one look would use, and the bounds so made are replayed once
more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from agent.domain import Book, Bounds
from agent.errors import DataError
from agent.policy.risk_aversion import suggest_risk_aversion
from agent.settings import Settings
from agent.settings.contracts import HARD_LIMITS, MAX_DAILY_LOSS_BPS, MAX_PRICE_USD, least_drawdown_bps
from agent.settings.decision import PolicySettings
from agent.study.bounds_needed import PRICE_RATIOS, Extremes, Needs, NeedsWatch, extremes, together
from agent.study.case import Case, Outcome, live, run, sum_up
from agent.study.cases import with_changes
from agent.study.comparison import pooled_effectiveness
from agent.study.free_hedge import FreeHedge, removable
from agent.units import BPS, Rounding, Seconds, Wad, to_wad

BAND_PARTS = (0.02, 0.03, 0.045, 0.065, 0.09, 0.125)
"""Of the largest delta, beside the half width of the IV interval."""
WIDER_PARTS = (0.18, 0.25, 0.35, 0.5)
"""Tried one by one where all of those add variance, because gas outweighs what the book moves."""
DEAREST_SLIPPAGE = 0.003
"""Farthest from the oracle that one trade is to execute; a larger hedge goes in parts."""
HEADROOM = 1.25
"""Budgets over what the replays used."""
_FAR_SHORT = 2.0
"""Times the variance that is to be left, by one replay alone."""
_MUCH_GAS = 0.01
"""Of the variance."""
_MUCH_UNCERTAIN = 0.5
"""Of the band."""
_LOOSE = Wad(10**36)
_LOOSE_BPS = 10**9


@dataclass(frozen=True, slots=True)
class Line:
    """A number of the configuration, and why it is that."""

    section: str
    key: str
    value: float
    why: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Numbers for a configuration, and what they gave when replayed."""

    lines: tuple[Line, ...]
    settings: Settings
    outcomes: tuple[Outcome, ...]
    tried: Mapping[float, tuple[float, float | None]]
    """Of each band: cost of a replay, USD, and variance removed, with budgets that bind nothing."""
    warnings: tuple[str, ...]

    @property
    def effectiveness(self) -> float | None:
        """Share of the variance of all replays that the suggestion removed."""
        return pooled_effectiveness(self.outcomes)


def suggest(cases: Sequence[Case], least_effectiveness: float, most_daily_loss_bps: int) -> Suggestion:
    """Return bounds for the book of the cases, which differ in their prices alone.

    Parameters
    ----------
    cases
        Replays to size by, at least one; their settings are where the search starts.
    least_effectiveness
        Share of the hourly variance that is to be removed.
    most_daily_loss_bps
        What all keepers' keys may lose in a day, 1e-4 of NAV, within the contract's limit.

    Raises
    ------
    DataError
        The book has nothing to hedge, or a replay cannot take its first step.

    """
    first = cases[0]
    price_usd, at_unix = float(first.prices.prices_usd[0]), first.prices.start_unix
    of_book = extremes(first.book, price_usd, at_unix)
    if of_book.largest <= 0.0:
        raise DataError("the book has no delta at any price; there is nothing to hedge")
    settings = _with_policy(first.settings, first.book, price_usd, at_unix)
    tried, band = _search(cases, settings, of_book, least_effectiveness)
    needs = _of_a_trade(tried[band][1], settings, band, price_usd)
    lines, warnings = _lines(first, settings, of_book, needs, band, most_daily_loss_bps)
    lines = (*lines, *_price_range(cases, settings))
    final = _apply(settings, lines)
    free = [FreeHedge(case.prices.interval_seconds) for case in cases]
    lived = tuple(run(replace(case, settings=final), watch) for case, watch in zip(cases, free, strict=True))
    costs = {own: (_mean_cost(found), pooled_effectiveness(found)) for own, (found, _) in tried.items()}
    shortfalls = _shortfalls(lived, least_effectiveness, free, of_book.half_width / band)
    return Suggestion(lines, final, lived, costs, (*warnings, *shortfalls))


def round_up(number: float, digits: int = 2) -> float:
    """Return the number rounded up to so many significant digits."""
    if number <= 0.0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(number)) - digits + 1)
    return float(f"{math.ceil(number / step - 1e-9) * step:.12g}")


def round_down(number: float, digits: int = 3) -> float:
    """Return a positive number rounded down to so many significant digits; never 0, however small it is."""
    step = 10.0 ** (math.floor(math.log10(number)) - digits + 1)
    return float(f"{math.floor(number / step + 1e-9) * step:.12g}")


def _with_policy(settings: Settings, book: Book, price_usd: float, at_unix: Seconds) -> Settings:
    """Return the settings with a risk aversion in units of the book's own risk, where the policy has one."""
    numbers = dict(settings.policy.parameters)
    if "risk_aversion_per_usd" in numbers:
        vol = numbers.get("static_vol_annual", 0.65)
        numbers["risk_aversion_per_usd"] = round_up(suggest_risk_aversion(book, price_usd, at_unix, vol))
    policy = PolicySettings(name=settings.policy.name, parameters=numbers)
    return settings.model_copy(update={"policy": policy})


def _search(
    cases: Sequence[Case], settings: Settings, of_book: Extremes, least_effectiveness: float
) -> tuple[dict[float, tuple[tuple[Outcome, ...], Needs]], float]:
    """Return what each band came to, and the one to take; wider ones are tried while all add variance."""
    tried: dict[float, tuple[tuple[Outcome, ...], Needs]] = {}
    for part in (*BAND_PARTS, *WIDER_PARTS):
        band = round_up(of_book.half_width + part * of_book.largest)
        tried[band] = _try(cases, settings, of_book, band)
        chosen = _chosen({own: found[0] for own, found in tried.items()}, least_effectiveness)
        if part >= BAND_PARTS[-1] and _removed(tried[chosen][0]) > 0.0:
            break
    return tried, chosen


def _try(
    cases: Sequence[Case], settings: Settings, of_book: Extremes, band: float
) -> tuple[tuple[Outcome, ...], Needs]:
    """Replay a band with budgets that bind nothing."""
    bounds = _unlimited(settings.bounds.to_bounds(), of_book, band)
    small = {"min_trade_underlying": band / 30.0, "delta_tolerance_underlying": band / 5_000.0}
    margin = {"min_margin_move_usd": _least_margin_move_usd(cases[0])}
    settings = with_changes(settings, {"decision": small, "margin": margin})
    outcomes, needs = [], []
    for case in cases:
        own, watch = replace(case, settings=settings), NeedsWatch()
        day = live(own, watch, bounds)
        outcomes.append(sum_up(own, day))
        needs.append(watch.needs(day))
    return tuple(outcomes), together(needs)


def _unlimited(bounds: Bounds, of_book: Extremes, band: float) -> Bounds:
    return replace(
        bounds,
        band=to_wad(band, Rounding.DOWN),
        min_improvement=to_wad(band / 50.0, Rounding.UP),
        urgent_delta=to_wad(3.0 * band, Rounding.UP),
        max_size_delta=to_wad(2.1 * of_book.largest, Rounding.UP),
        min_notional=Wad(0),
        max_notional=_LOOSE,
        max_gross_notional=_LOOSE,
        turnover_capacity=_LOOSE,
        turnover_refill_per_day=_LOOSE,
        max_slippage_bps=HARD_LIMITS["max_slippage_bps"],
        max_fee_bps=HARD_LIMITS["max_fee_bps"],
        max_nav_loss_bps=_LOOSE_BPS,
        loss_capacity_bps=_LOOSE_BPS,
        loss_refill_bps_per_day=_LOOSE_BPS,
        max_drawdown_bps=_LOOSE_BPS,
    )


def _mean_cost(outcomes: Sequence[Outcome]) -> float:
    return sum(outcome.cost_usd for outcome in outcomes) / len(outcomes)


def _removed(outcomes: Sequence[Outcome]) -> float:
    """Return the lesser of what is removed of all variance together and of the median replay's own."""
    own = [0.0 if outcome.effectiveness is None else outcome.effectiveness for outcome in outcomes]
    return min(pooled_effectiveness(outcomes) or 0.0, median(own))


def _chosen(tried: Mapping[float, Sequence[Outcome]], least_effectiveness: float) -> float:
    """Return the cheapest band that removes enough, or the one that removes most."""
    removed = {band: _removed(outcomes) for band, outcomes in tried.items()}
    enough = [band for band in tried if removed[band] >= least_effectiveness]
    if enough:
        return min(enough, key=lambda band: _mean_cost(tried[band]))
    return max(removed, key=lambda band: removed[band])


def _of_a_trade(needs: Needs, settings: Settings, band: float, price_usd: float) -> Needs:
    """Return the needs of one trade from the band's edge where no replay traded, whatever the guard charges for it."""
    if needs.largest_trade > 0.0:
        return needs
    bounds, usd = settings.bounds, band * price_usd
    charged = (settings.oracle.deviation_bps + bounds.max_fee_bps) / BPS + DEAREST_SLIPPAGE
    return replace(
        needs,
        first_turnover_usd=usd,
        day_turnover_usd=usd,
        largest_trade=band,
        largest_trade_usd=usd,
        charged_ratio=charged,
    )


def _price_range(cases: Sequence[Case], settings: Settings) -> tuple[Line, ...]:
    """Return what the oracle is to believe, where what is configured leaves out a third to three times the price."""
    oracle, now_usd = settings.oracle, float(cases[0].prices.prices_usd[0])
    low_usd = min(float(case.prices.prices_usd.min()) for case in cases)
    high_usd = max(float(case.prices.prices_usd.max()) for case in cases)
    lines = []
    if float(oracle.min_price_usd) > min(low_usd, now_usd * float(PRICE_RATIOS[0])):
        lowest = round_down(min(low_usd * 0.8, now_usd * 0.1), 1)
        lines.append(Line("oracle", "min_price_usd", lowest, f"a tenth of {now_usd:,.10g}, and below the replays"))
    if float(oracle.max_price_usd) < max(high_usd, now_usd * float(PRICE_RATIOS[-1])):
        highest = min(round_up(max(high_usd * 1.25, now_usd * 10.0), 1), float(MAX_PRICE_USD))
        lines.append(Line("oracle", "max_price_usd", highest, f"ten times {now_usd:,.10g}, and above the replays"))
    return tuple(lines)


def _lines(
    case: Case, settings: Settings, of_book: Extremes, needs: Needs, band: float, most_daily_loss_bps: int
) -> tuple[tuple[Line, ...], tuple[str, ...]]:
    wick_usd = of_book.wick_turnover * float(case.prices.prices_usd[0])
    capacity_usd = _turnover_capacity_usd(settings, needs, wick_usd)
    budgets, warnings = _budgets(case, settings, needs, capacity_usd, wick_usd, most_daily_loss_bps)
    lines = (*_sizes(case, settings, of_book, needs, band, capacity_usd), *budgets, *_agent(case, settings, band))
    return lines, warnings


def _largest_size(of_book: Extremes, needs: Needs) -> tuple[float, float, str]:
    """Return the largest size of a trade, how far from the oracle it executes, and why it is that."""
    slippage = needs.slippage_ratio
    if slippage <= DEAREST_SLIPPAGE:
        size = round_up(max(of_book.largest, needs.largest_trade) * 1.05)
        return size, slippage, f"delta reaches {of_book.largest:.4g} at some price"
    size = round_up(needs.largest_trade * DEAREST_SLIPPAGE / slippage)
    why = f"one of {needs.largest_trade:.4g} executes {slippage * BPS:.0f} bps from the price; parts let it recover"
    return size, DEAREST_SLIPPAGE, why


def _turnover_capacity_usd(settings: Settings, needs: Needs, wick_usd: float) -> float:
    bounds = settings.bounds
    used_usd = max(needs.largest_trade_usd, needs.first_turnover_usd, needs.day_turnover_usd, wick_usd)
    return round_up(HEADROOM * used_usd * BPS / (BPS - bounds.urgent_reserve_bps) * BPS / bounds.keeper_share_bps)


def _sizes(
    case: Case, settings: Settings, of_book: Extremes, needs: Needs, band: float, capacity_usd: float
) -> list[Line]:
    price_usd = float(case.prices.prices_usd[0])
    largest, slippage_ratio, why_largest = _largest_size(of_book, needs)
    largest_usd = min(largest * price_usd * HEADROOM, capacity_usd * settings.bounds.keeper_share_bps / BPS)
    slippage = min(5 * math.ceil((2.0 * slippage_ratio * BPS + 30.0) / 5.0), HARD_LIMITS["max_slippage_bps"])
    gross = round_up(float(settings.bounds.max_leverage_ratio) * case.deposit_usd)
    urgent = round_up(max(2.0 * band, needs.hour_swing))
    uncertain = f"{of_book.half_width:.3g} of it is what the IV intervals leave uncertain"
    return [
        Line("bounds", "band_underlying", band, f"the cheapest that hedges enough; {uncertain}"),
        Line("bounds", "min_improvement_underlying", round_up(band / 50.0), "a fiftieth of the band"),
        Line(
            "bounds", "urgent_delta_underlying", urgent, f"twice the band, or an hour's swing of {needs.hour_swing:.3g}"
        ),
        Line("bounds", "max_size_delta_underlying", largest, why_largest),
        Line("bounds", "min_notional_usd", round_up(band * price_usd / 50.0), "a fiftieth of the band, in USD"),
        Line("bounds", "max_notional_usd", round_down(largest_usd), "that size, as far as one keeper's turnover goes"),
        Line("bounds", "max_gross_notional_usd", gross, "what the leverage allows on the deposit"),
        Line(
            "bounds",
            "max_slippage_bps",
            slippage,
            f"twice the {slippage_ratio * BPS:.0f} of the largest trade, and 30",
        ),
    ]


def _budgets(
    case: Case, settings: Settings, needs: Needs, capacity_usd: float, wick_usd: float, most_bps: int
) -> tuple[list[Line], tuple[str, ...]]:
    bounds = settings.bounds
    share = bounds.keeper_share_bps / BPS
    first, day = needs.first_turnover_usd, needs.day_turnover_usd
    refill = round_up(HEADROOM * day / share)
    to_bps = needs.charged_ratio * BPS * HEADROOM / share / case.deposit_usd
    wanted = max(first, 0.6 * day) * to_bps, max(0.6 * day * to_bps, 10.0)
    most = min(most_bps, MAX_DAILY_LOSS_BPS)
    scale = min(most / sum(wanted), 1.0)
    loss, loss_refill = (max(math.floor(own * scale), 1) if scale < 1.0 else math.ceil(own) for own in wanted)
    at_once = math.ceil(max(first, day, wick_usd) * to_bps)
    loss = max(loss, min(at_once, most - loss_refill))
    warnings: tuple[str, ...] = ()
    if scale < 1.0:
        warnings = (
            f"the replays' trades would use {sum(wanted):.0f} bps of NAV a day and {most} are allowed, so that the "
            f"loss budget will hold trades back; deposit ${round_up(case.deposit_usd / scale):,.0f}, or trade less",
        )
    drawdown = max(least_drawdown_bps(loss, loss_refill) + 50, bounds.max_drawdown_bps)
    charged = f"trades are charged {needs.charged_ratio * BPS:.0f} bps"
    reach = f", as far as {most} bps a day go" if loss < at_once else ""
    return [
        Line(
            "bounds",
            "turnover_capacity_usd",
            capacity_usd,
            f"the first hedge of ${first:,.0f}, a day's ${day:,.0f}, a wick's ${wick_usd:,.0f}",
        ),
        Line("bounds", "turnover_refill_usd_per_day", refill, "a quarter more than the busiest day"),
        Line("bounds", "loss_capacity_bps", loss, f"{charged}: the first hedge, or a day or a wick at once{reach}"),
        Line("bounds", "loss_refill_bps_per_day", loss_refill, f"{charged}: most of the busiest day"),
        Line("bounds", "max_drawdown_bps", drawdown, "above what keys may lose, and no lower than it was"),
    ], warnings


def _agent(case: Case, settings: Settings, band: float) -> list[Line]:
    lines = [
        Line("decision", "min_trade_underlying", round_up(band / 30.0), "a thirtieth of the band"),
        Line("decision", "delta_tolerance_underlying", round_up(band / 5_000.0), "far inside the band"),
        Line("margin", "min_margin_move_usd", _least_margin_move_usd(case), "of the deposit"),
    ]
    aversion = settings.policy.parameters.get("risk_aversion_per_usd")
    if aversion is not None:
        lines.append(Line("policy", "risk_aversion_per_usd", aversion, "in units of the book's own risk of a day"))
    return lines


def _least_margin_move_usd(case: Case) -> float:
    return round_up(case.deposit_usd / 4_000.0)


def _apply(settings: Settings, lines: Sequence[Line]) -> Settings:
    """Return the settings with the lines' numbers; those of the policy are in them already."""
    changes: dict[str, dict[str, object]] = {}
    for line in lines:
        number = int(line.value) if line.key.endswith(("_bps", "_bps_per_day")) else line.value
        changes.setdefault(line.section, {})[line.key] = number
    changes.pop("policy", None)
    return with_changes(settings, changes)


def _shortfalls(
    outcomes: Sequence[Outcome], least_effectiveness: float, free: Sequence[FreeHedge], uncertain_ratio: float
) -> list[str]:
    """Say what ended early, and where too little is removed, how much that is and what would mend it."""
    found = [f"{own.names.period}: ended early: {own.error}" for own in outcomes if own.error is not None]
    removed = pooled_effectiveness(outcomes)
    if removed is None:
        return found
    if removed >= least_effectiveness:
        return [*found, *_quiet_shortfalls(outcomes, least_effectiveness, free)]
    told = f"the variance removed is {removed:.1%}, less than the {least_effectiveness:.1%} wanted"
    if removed < 0.0:
        told = f"the hedge adds to the variance instead of removing {least_effectiveness:.1%} of it"
    most, before_gas = removable(free) or (1.0, removed)
    reasons = []
    if most < least_effectiveness:
        reasons.append(f"a hedge at every look, free of charge, would remove {most:.1%}: look more often")
    if before_gas - removed >= _MUCH_GAS:
        reasons.append(f"before gas it would be {before_gas:.1%}: hedge a larger book, or on a chain with cheaper gas")
    if uncertain_ratio >= _MUCH_UNCERTAIN:
        reasons.append(f"the IV intervals leave {uncertain_ratio:.0%} of the band uncertain: narrow them")
    return [*found, "; ".join([told, *reasons])]


def _quiet_shortfalls(
    outcomes: Sequence[Outcome], least_effectiveness: float, free: Sequence[FreeHedge]
) -> Iterator[str]:
    """Tell the replays that alone keep far more variance than wanted: beside stormy ones theirs weighs nothing."""
    for own, watched in zip(outcomes, free, strict=True):
        alone = own.effectiveness
        if alone is None or 1.0 - alone <= _FAR_SHORT * (1.0 - least_effectiveness):
            continue
        told = "adds to the variance" if alone < 0.0 else f"removes {alone:.1%}"
        most, before_gas = removable([watched]) or (1.0, alone)
        reach = (
            f"{name} {f'{share:.1%}' if share >= 0.0 else 'none'}"
            for name, share in (("before gas", before_gas), ("a free hedge at every look", most))
        )
        yield f"{own.names.period} alone: the hedge {told} ({', '.join(reach)}); the share wanted is of all replays"
