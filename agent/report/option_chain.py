"""A valued chain of options for people and for machines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.formatting import figure, iso_utc
from agent.numerics.arrays import FloatArray
from agent.report.formatting import narrow, percent, price, signed, utc_minute
from agent.report.text_table import Column, table_lines
from agent.units import DAYS_PER_YEAR
from agent.vol.chain_values import ChainValues, QuoteStatus

SIDES = ("bid", "mark", "ask")
_POINT = 100.0
"""Vol or rate points in 1.00."""
_COIN_DECIMALS, _COIN_DIGITS, _IV_DIGITS = 6, 7, 4
_WIDTH = 120
"""Characters of a line."""
_LEAST_SHOWN = 0.05
"""Vol points that round to 0.1."""
_SHORT_REASONS = {
    QuoteStatus.ABSENT: "·",
    QuoteStatus.AT_INTRINSIC: "intr",
    QuoteStatus.BELOW_INTRINSIC: "<intr",
    QuoteStatus.ABOVE_BOUND: "high",
    QuoteStatus.UNDETERMINED: "tiny",
}
_LEGEND = (
    "IV in %; in place of one: · no quote, <intr below intrinsic value, intr at it, high above any vol's price, tiny",
    "no time value; ≤ or ≥ the one bound, 62-95 the range left by so coarse a tick. ± is half the range that a mark's",
    "tick leaves. * valued at the model's IV: the mark tells too little. Delta: Deribit's holds the USD value, coin",
    "(premium-adjusted) the coin value, smile the USD value when the smile moves along. Gamma: deltas for 1 % of",
    "the forward. Vega, theta and volga in USD, vanna in deltas; a pt is a vol point.",
)
_COLUMNS = (
    Column(("Strike", "USD")),
    Column(("", "")),
    Column(("Bid", "IV")),
    Column(("Mark", "IV")),
    Column(("", "±")),
    Column(("Ask", "IV")),
    Column(("Model", "IV")),
    Column(("Value", "coin")),
    Column(("Value", "USD")),
    Column(("Delta", "Deribit")),
    Column(("Delta", "coin")),
    Column(("Delta", "smile")),
    Column(("Gamma", "per 1%")),
    Column(("Vega", "per pt")),
    Column(("Theta", "per day")),
    Column(("Vanna", "per pt")),
    Column(("Volga", "per pt²")),
)


# --- for machines -------------------------------------------------------------------------------------------------


def chain_document(values: ChainValues) -> dict[str, Any]:
    """Return a valued chain for machines: summary, one entry an expiry, one a row; null where a reason stands beside.

    Floats carry their unit in the key; derivatives are of the USD value of one option in its forward.
    """
    chain = values.chain
    return {
        "underlying": chain.underlying,
        "now": datetime.fromtimestamp(chain.now_unix, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "now_unix": chain.now_unix,
        "index_usd": chain.index_usd,
        "index_usd_reason": "the file does not say" if chain.index_usd is None else None,
        "summary": chain_summary(values),
        "expiries": _expiry_documents(values),
        "rows": chain_rows(values),
    }


def chain_summary(values: ChainValues) -> dict[str, Any]:
    """Return what the rows come to; keys name units, a figure that the chain cannot give is null with its reason."""
    arbitrage, error = values.arbitrage, values.mark_error_bps
    liquid = int(np.count_nonzero(_is_liquid(values)))
    return {
        "rows": len(values.chain.instrument_name),
        "with_vol": {side: int(np.count_nonzero(values.status[side] == QuoteStatus.OK)) for side in SIDES},
        "without_vol": {side: _reasons(values.status[side]) for side in SIDES},
        "liquid_quotes": liquid,
        "inside_share": values.fit.inside_share if liquid else None,
        "inside_share_reason": None if liquid else "no row has the vol of a bid and of an ask",
        "is_free_of_arbitrage": arbitrage.is_free,
        "least_density": float(np.min(arbitrage.density)),
        "least_calendar_rise": float(np.min(arbitrage.calendar_rise)) if arbitrage.calendar_rise.size else None,
        "least_calendar_rise_reason": None if arbitrage.calendar_rise.size else "the chain has one expiry",
        "least_wing_margin": float(np.min(arbitrage.wing_margin)),
        "largest_mark_error_bps_of_a_coin": _largest(error),
        "largest_mark_error_reason": None if np.isfinite(error).any() else "no mark has a vol",
        "largest_difference_to_quoted_mark_iv_vol_points": _largest(_quoted_difference(values)),
        "quoted_mark_iv_reason": None if np.isfinite(_quoted_difference(values)).any() else "the file does not say",
    }


def chain_rows(values: ChainValues) -> list[dict[str, Any]]:
    """Return one record an option, every one with the same keys."""
    chain, greeks = values.chain, values.greeks
    columns: dict[str, Sequence[object]] = {
        "instrument_name": chain.instrument_name,
        "expiry": [iso_utc(unix) for unix in chain.expiry_unix],
        "option_type": ["call" if is_call else "put" for is_call in chain.is_call],
        "strike_usd": _numbers(chain.strike_usd),
        "tau_years": _numbers(chain.tau_years),
        "forward_usd": _numbers(chain.forward_usd),
        "open_interest": _numbers(chain.open_interest),
    }
    for side, coin in (("bid", chain.bid_coin), ("mark", chain.mark_coin), ("ask", chain.ask_coin)):
        columns[f"{side}_coin"] = _numbers(coin)
        columns[f"{side}_usd"] = _numbers(coin * chain.forward_usd)
        columns[f"{side}_tick_coin"] = _numbers(values.tick_coin[side])
        columns[f"{side}_iv_annual"] = _numbers(values.vol_annual[side])
        columns[f"{side}_iv_low_annual"] = _numbers(values.vol_low_annual[side])
        columns[f"{side}_iv_high_annual"] = _numbers(values.vol_high_annual[side])
        columns[f"{side}_iv_reason"] = [_reason(status) for status in values.status[side]]
    columns |= {
        "model_iv_annual": _numbers(values.model_vol_annual),
        "model_is_inside": [_is_inside(*row) for row in zip(*(side.tolist() for side in _bounds(values)), strict=True)],
        "quoted_mark_iv_annual": _numbers(chain.quoted_mark_vol_annual),
        "valued_at": _valued_at(values),
        "mark_is_stale": values.is_stale.tolist(),
        "value_coin": _numbers(values.value_coin),
        "value_usd": _numbers(greeks.value),
        "mark_error_bps_of_a_coin": _numbers(values.mark_error_bps),
        "delta_deribit": _numbers(greeks.delta),
        "delta_premium_adjusted_coin": _numbers(values.premium_adjusted_delta),
        "delta_smile": _numbers(values.sticky_delta),
        "gamma_per_usd": _numbers(greeks.gamma),
        "vega_usd_per_vol_point": _numbers(greeks.vega / _POINT),
        "theta_usd_per_day": _numbers(greeks.theta / DAYS_PER_YEAR),
        "rho_usd_per_rate_point": _numbers(greeks.rho / _POINT),
        "vanna_per_vol_point": _numbers(greeks.vanna / _POINT),
        "volga_usd_per_vol_point2": _numbers(greeks.volga / _POINT**2),
        "charm_per_day": _numbers(greeks.charm / DAYS_PER_YEAR),
        "speed_per_usd2": _numbers(greeks.speed),
        "zomma_per_usd_per_vol_point": _numbers(greeks.zomma / _POINT),
        "color_per_usd_per_day": _numbers(greeks.color / DAYS_PER_YEAR),
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _expiry_documents(values: ChainValues) -> list[dict[str, Any]]:
    chain, surface = values.chain, values.fit.surface
    documents = []
    for expiry_unix in np.unique(chain.expiry_unix):
        first = int(np.argmax(chain.expiry_unix == expiry_unix))
        tau = float(chain.tau_years[first])
        documents.append(
            {
                "expiry": iso_utc(expiry_unix),
                "tau_years": tau,
                "forward_usd": float(chain.forward_usd[first]),
                "rows": int(np.count_nonzero(chain.expiry_unix == expiry_unix)),
                "at_the_money_iv_annual": float(surface.vol_annual(0.0, tau)),
                "skew_per_log_moneyness": float(surface.vol_slope(0.0, tau)),
            }
        )
    return documents


def _numbers(column: FloatArray) -> list[float | None]:
    """Return a column with null where there is no finite number: an interval without an upper end has none."""
    return [number if math.isfinite(number) else None for number in column.tolist()]


def _reason(status: int) -> str | None:
    return None if status == QuoteStatus.OK else QuoteStatus(status).words


def _reasons(statuses: NDArray[np.uint8]) -> dict[str, int]:
    found, counts = np.unique(statuses[statuses != QuoteStatus.OK], return_counts=True)
    return {QuoteStatus(int(status)).words: int(count) for status, count in zip(found, counts, strict=True)}


def _is_liquid(values: ChainValues) -> NDArray[np.bool_]:
    """Return rows with a bid that bounds the vol from below and an ask that does from above."""
    bid, ask, _ = _bounds(values)
    return np.isfinite(bid) & np.isfinite(ask)


def _bounds(values: ChainValues) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return vols of bid and ask at the outer ends of their ticks, NaN where they bound nothing, and the model's."""
    low, high = values.vol_low_annual["bid"], values.vol_high_annual["ask"]
    bid, ask = np.where(low > 0.0, low, np.nan), np.where(np.isfinite(high), high, np.nan)
    return bid, ask, values.model_vol_annual


def _is_inside(bid: float, ask: float, model: float) -> bool | None:
    """Return whether the model's vol is inside bid and ask; None where a side bounds nothing, with its reason there."""
    return None if math.isnan(bid) or math.isnan(ask) else bid <= model <= ask


def _quoted_difference(values: ChainValues) -> FloatArray:
    return np.asarray((values.vol_annual["mark"] - values.chain.quoted_mark_vol_annual) * _POINT)


def _largest(numbers: FloatArray) -> float | None:
    present = numbers[np.isfinite(numbers)]
    return float(np.max(np.abs(present))) if present.size else None


# --- for people ---------------------------------------------------------------------------------------------------


def chain_lines(values: ChainValues) -> list[str]:
    """Return a valued chain for people: a table an expiry within 120 columns, then what the rows come to."""
    chain = values.chain
    lines: list[str] = []
    for expiry_unix, document in zip(np.unique(chain.expiry_unix), _expiry_documents(values), strict=True):
        rows = np.flatnonzero(chain.expiry_unix == expiry_unix)
        cells = _cells(values, rows)
        table = table_lines(_COLUMNS, cells, gap=" ")
        if max(map(len, table)) > _WIDTH:
            table = table_lines(_COLUMNS, cells, gap=" ", align_points=False)
        lines += [_expiry_title(document), "", *table, ""]
    return [*lines, *_LEGEND, "", *_summary_lines(values)]


def _expiry_title(document: dict[str, Any]) -> str:
    days = document["tau_years"] * DAYS_PER_YEAR
    return (
        f"{document['expiry'][:10]}, {days:,.1f} days, forward {price(document['forward_usd'])}, "
        f"at the money {percent(document['at_the_money_iv_annual'])}"
    )


def _cells(values: ChainValues, rows: NDArray[np.intp]) -> list[list[str]]:
    chain, greeks = values.chain, values.greeks
    forward = chain.forward_usd
    figures: list[tuple[FloatArray, int]] = [
        (greeks.value, 2),
        (greeks.delta, 3),
        (values.premium_adjusted_delta, 3),
        (values.sticky_delta, 3),
        (greeks.gamma * forward / _POINT, 4),
        (greeks.vega / _POINT, 2),
        (greeks.theta / DAYS_PER_YEAR, 2),
        (greeks.vanna / _POINT, 4),
        (greeks.volga / _POINT**2, 3),
    ]
    columns = [[f"{strike:,.10g}" for strike in chain.strike_usd[rows].tolist()]]
    columns.append(["C" if is_call else "P" for is_call in chain.is_call[rows]])
    bids, marks, asks = (_vol_cells(values, side, rows) for side in SIDES)
    columns += [bids, marks, _half_width_cells(values, rows), asks, _model_cells(values, rows)]
    columns.append([narrow(coin, _COIN_DECIMALS, _COIN_DIGITS) for coin in values.value_coin[rows].tolist()])
    columns += [[narrow(number, decimals) for number in column[rows].tolist()] for column, decimals in figures]
    return [list(row) for row in zip(*columns, strict=True)]


def _vol_cells(values: ChainValues, side: str, rows: NDArray[np.intp]) -> list[str]:
    vols, low, high = (
        (column[side][rows] * _POINT).tolist()
        for column in (values.vol_annual, values.vol_low_annual, values.vol_high_annual)
    )
    return [
        narrow(vol, 1, _IV_DIGITS) if status == QuoteStatus.OK else _without_vol(QuoteStatus(status), lowest, highest)
        for vol, lowest, highest, status in zip(vols, low, high, values.status[side][rows].tolist(), strict=True)
    ]


def _without_vol(status: QuoteStatus, lowest: float, highest: float) -> str:
    """Write what stands in place of a vol: the bounds in %, where there are any, or the reason."""
    if status in _SHORT_REASONS:
        return _SHORT_REASONS[status]
    if math.isinf(highest):
        return f"≥{narrow(lowest, 0)}" if lowest > 0.0 else "any"
    return f"{narrow(lowest, 0)}-{narrow(highest, 0)}" if lowest > 0.0 else f"≤{narrow(highest, 0)}"


def _half_width_cells(values: ChainValues, rows: NDArray[np.intp]) -> list[str]:
    """Write half the widths of the marks' intervals in vol points; nothing where the mark's vol is not told."""
    half = (0.5 * _POINT * (values.vol_high_annual["mark"] - values.vol_low_annual["mark"]))[rows].tolist()
    return [
        "" if status != QuoteStatus.OK else "<0.1" if 0.0 < width < _LEAST_SHOWN else f"{width:.1f}"
        for width, status in zip(half, values.status["mark"][rows].tolist(), strict=True)
    ]


def _valued_at(values: ChainValues) -> list[str]:
    """Name what each row is valued at: its own mark, its twin's out of the money, or the surface."""
    return [
        "mark" if is_marked else "twin" if is_twinned else "surface"
        for is_marked, is_twinned in zip(values.is_marked.tolist(), values.is_twinned.tolist(), strict=True)
    ]


def _model_cells(values: ChainValues, rows: NDArray[np.intp]) -> list[str]:
    """Write the surface's vols, with a star where the row is valued at it."""
    is_own = values.is_marked | values.is_twinned
    vols, is_marked = (values.model_vol_annual[rows] * _POINT).tolist(), is_own[rows].tolist()
    return [
        f"{narrow(vol, 1, _IV_DIGITS)}{' ' if marked else '*'}" for vol, marked in zip(vols, is_marked, strict=True)
    ]


def _summary_lines(values: ChainValues) -> list[str]:
    summary, chain = chain_summary(values), values.chain
    index = "" if chain.index_usd is None else f", index {price(chain.index_usd)}"
    expiries = np.unique(chain.expiry_unix).size
    lines = [
        f"{chain.underlying} chain at {utc_minute(int(chain.now_unix))} UTC{index}: {summary['rows']:,} options, "
        f"{expiries} {'expiry' if expiries == 1 else 'expiries'}"
    ]
    for side in SIDES:
        without = ", ".join(f"{count:,} {reason}" for reason, count in summary["without_vol"][side].items())
        lines.append(f"  {side:<5}{summary['with_vol'][side]:>6,} with a vol; without: {without or 'none'}")
    if summary["inside_share"] is None:
        lines.append(f"  Surface: {summary['inside_share_reason']}")
    else:
        lines.append(
            f"  Surface inside bid and ask at {percent(summary['inside_share'])} of {summary['liquid_quotes']:,} "
            "liquid quotes"
        )
    lines += [_arbitrage_line(summary), *_tick_lines(values)]
    if summary["largest_mark_error_bps_of_a_coin"] is None:
        lines.append(f"  Marks: {summary['largest_mark_error_reason']}")
    else:
        error = summary["largest_mark_error_bps_of_a_coin"]
        lines.append(f"  Marks reproduced to {signed(error, 1)} bp of a coin at most")
    difference = summary["largest_difference_to_quoted_mark_iv_vol_points"]
    if difference is not None:
        lines.append(f"  Mark IVs differ from the venue's own by {signed(difference, 2)} vol points at most")
    return lines


def _tick_lines(values: ChainValues) -> list[str]:
    """Say what the prices were rounded to, and what that takes from them."""
    lines = []
    for name, sides in (("Marks", ("mark",)), ("Bids and asks", ("bid", "ask"))):
        ticks = np.concatenate([values.tick_coin[side] for side in sides])
        status = np.concatenate([values.status[side] for side in sides])
        ticks = ticks[ticks > 0.0]
        if not ticks.size:
            continue
        least, most = figure(float(ticks.min()), 0), figure(float(ticks.max()), 0)
        span = least if least == most else f"{least} to {most}"
        lost = int(np.count_nonzero((status == QuoteStatus.WITHIN_TICK) | (status == QuoteStatus.COARSE)))
        lines.append(
            f"  {name} are printed in ticks of {span} of a coin; for {lost:,} that is too coarse to tell an IV"
        )
    return lines


def _arbitrage_line(summary: dict[str, Any]) -> str:
    verdict = "none" if summary["is_free_of_arbitrage"] else "FOUND"
    rise = summary["least_calendar_rise"]
    calendar = "" if rise is None else f", total variance rises by {percent(rise, 3)} at least between expiries"
    density = signed(summary["least_density"], 4)
    return f"  Arbitrage: {verdict} (Durrleman's g is {density} at least{calendar})"
