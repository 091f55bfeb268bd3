"""A valued chain of options for people and for machines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.report.formatting import MINUS, percent, signed, utc_minute
from agent.report.text_table import Column, table_lines
from agent.units import DAYS_PER_YEAR
from agent.vol.chain_values import ChainValues, QuoteStatus

SIDES = ("bid", "mark", "ask")
_POINT = 100.0
"""Vol or rate points in 1.00."""
_SHORT_REASONS = {
    QuoteStatus.ABSENT: "·",
    QuoteStatus.AT_INTRINSIC: "intr",
    QuoteStatus.BELOW_INTRINSIC: "<intr",
    QuoteStatus.ABOVE_BOUND: "high",
    QuoteStatus.UNDETERMINED: "tiny",
}
_LEGEND = (
    "IV in %; in place of one: · no quote, <intr below intrinsic value, intr at it, high above any vol's price, tiny",
    "no time value. Delta: Deribit's holds the USD value, coin (premium-adjusted) the coin value, smile the USD value",
    "when the smile moves along. Gamma: deltas for 1 % of the forward. Vega, theta and volga in USD, vanna in deltas;",
    "a pt is a vol point.",
)
_COLUMNS = (
    Column(("Strike", "USD")),
    Column(("", "")),
    Column(("Bid", "IV")),
    Column(("Mark", "IV")),
    Column(("Ask", "IV")),
    Column(("Model", "IV")),
    Column(("Mark", "coin")),
    Column(("Mark", "USD")),
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
        "expiry": [_iso(unix) for unix in chain.expiry_unix],
        "option_type": ["call" if is_call else "put" for is_call in chain.is_call],
        "strike_usd": _numbers(chain.strike_usd),
        "tau_years": _numbers(chain.tau_years),
        "forward_usd": _numbers(chain.forward_usd),
        "open_interest": _numbers(chain.open_interest),
    }
    for side, coin in (("bid", chain.bid_coin), ("mark", chain.mark_coin), ("ask", chain.ask_coin)):
        columns[f"{side}_coin"] = _numbers(coin)
        columns[f"{side}_usd"] = _numbers(coin * chain.forward_usd)
        columns[f"{side}_iv_annual"] = _numbers(values.vol_annual[side])
        columns[f"{side}_iv_reason"] = [_reason(status) for status in values.status[side]]
    columns |= {
        "model_iv_annual": _numbers(values.model_vol_annual),
        "model_is_inside": [_is_inside(*row) for row in _bounds(values)],
        "quoted_mark_iv_annual": _numbers(chain.quoted_mark_vol_annual),
        "valued_at": ["mark" if is_marked else "surface" for is_marked in values.is_marked],
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
                "expiry": _iso(expiry_unix),
                "tau_years": tau,
                "forward_usd": float(chain.forward_usd[first]),
                "rows": int(np.count_nonzero(chain.expiry_unix == expiry_unix)),
                "at_the_money_iv_annual": float(surface.vol_annual(0.0, tau)),
                "skew_per_log_moneyness": float(surface.vol_slope(0.0, tau)),
            }
        )
    return documents


def _numbers(column: FloatArray) -> list[float | None]:
    """Return a column with null where there is no number."""
    return [None if math.isnan(number) else number for number in column.tolist()]


def _reason(status: int) -> str | None:
    return None if status == QuoteStatus.OK else QuoteStatus(status).words


def _reasons(statuses: NDArray[np.uint8]) -> dict[str, int]:
    found, counts = np.unique(statuses[statuses != QuoteStatus.OK], return_counts=True)
    return {QuoteStatus(int(status)).words: int(count) for status, count in zip(found, counts, strict=True)}


def _is_liquid(values: ChainValues) -> NDArray[np.bool_]:
    return np.isfinite(values.vol_annual["bid"]) & np.isfinite(values.vol_annual["ask"])


def _bounds(values: ChainValues) -> zip[tuple[float, float, float]]:
    bid, ask = values.vol_annual["bid"].tolist(), values.vol_annual["ask"].tolist()
    return zip(bid, values.model_vol_annual.tolist(), ask, strict=True)


def _is_inside(bid: float, model: float, ask: float) -> bool | None:
    """Return whether the model's vol is inside bid and ask; None where a side has no vol, whose reason stands there."""
    return None if np.isnan(bid) or np.isnan(ask) else bid <= model <= ask


def _quoted_difference(values: ChainValues) -> FloatArray:
    return np.asarray((values.vol_annual["mark"] - values.chain.quoted_mark_vol_annual) * _POINT)


def _largest(numbers: FloatArray) -> float | None:
    present = numbers[np.isfinite(numbers)]
    return float(np.max(np.abs(present))) if present.size else None


def _iso(unix: int | np.int64) -> str:
    return datetime.fromtimestamp(int(unix), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- for people ---------------------------------------------------------------------------------------------------


def chain_lines(values: ChainValues) -> list[str]:
    """Return a valued chain for people: a table an expiry within 120 columns, then what the rows come to."""
    chain = values.chain
    lines: list[str] = []
    for expiry_unix, document in zip(np.unique(chain.expiry_unix), _expiry_documents(values), strict=True):
        rows = np.flatnonzero(chain.expiry_unix == expiry_unix)
        lines += [_expiry_title(document), "", *table_lines(_COLUMNS, _cells(values, rows), gap=" "), ""]
    return [*lines, *_LEGEND, "", *_summary_lines(values)]


def _expiry_title(document: dict[str, Any]) -> str:
    days = document["tau_years"] * DAYS_PER_YEAR
    return (
        f"{document['expiry'][:10]}, {days:,.1f} days, forward ${document['forward_usd']:,.2f}, "
        f"at the money {percent(document['at_the_money_iv_annual'])}"
    )


def _cells(values: ChainValues, rows: NDArray[np.intp]) -> list[list[str]]:
    chain, greeks = values.chain, values.greeks
    forward = chain.forward_usd
    figures: list[tuple[FloatArray, int]] = [
        (values.model_vol_annual * _POINT, 1),
        (values.value_coin, 6),
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
    columns += [_vol_cells(values, side, rows) for side in SIDES]
    columns += [[signed(number, decimals) for number in column[rows].tolist()] for column, decimals in figures]
    return [list(row) for row in zip(*columns, strict=True)]


def _vol_cells(values: ChainValues, side: str, rows: NDArray[np.intp]) -> list[str]:
    vols, statuses = (values.vol_annual[side][rows] * _POINT).tolist(), values.status[side][rows].tolist()
    return [
        signed(vol, 1) if status == QuoteStatus.OK else _SHORT_REASONS[QuoteStatus(status)]
        for vol, status in zip(vols, statuses, strict=True)
    ]


def _summary_lines(values: ChainValues) -> list[str]:
    summary, chain = chain_summary(values), values.chain
    index = "" if chain.index_usd is None else f", index ${chain.index_usd:,.2f}"
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
    lines.append(_arbitrage_line(summary))
    if summary["largest_mark_error_bps_of_a_coin"] is None:
        lines.append(f"  Marks: {summary['largest_mark_error_reason']}")
    else:
        error = summary["largest_mark_error_bps_of_a_coin"]
        lines.append(f"  Marks reproduced to {error:.1e} bp of a coin at most")
    difference = summary["largest_difference_to_quoted_mark_iv_vol_points"]
    if difference is not None:
        lines.append(f"  Mark IVs differ from the venue's own by {difference:.2f} vol points at most")
    return lines


def _arbitrage_line(summary: dict[str, Any]) -> str:
    verdict = "none" if summary["is_free_of_arbitrage"] else "FOUND"
    rise = summary["least_calendar_rise"]
    calendar = "" if rise is None else f", total variance rises by {100 * rise:.3f} % at least between expiries"
    density = f"{summary['least_density']:.4f}".replace("-", MINUS)
    return f"  Arbitrage: {verdict} (Durrleman's g is {density} at least{calendar})"
