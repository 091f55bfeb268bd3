"""What a replay took for implied volatility, in a sentence."""

from __future__ import annotations

from agent.report.attribution import attribute_replay
from agent.report.formatting import MINUS, money, money_change, percent
from agent.report.iv_assumption import SHOCK_ANNUAL, IvAssumption, iv_assumption
from agent.report.replay_report import ReplayReport

SHOCK_POINTS = f"{100 * SHOCK_ANNUAL:g}"


def iv_sentence(report: ReplayReport) -> str:
    """Say what IV was through the replay, and what a shock would have done, or what its path did."""
    found = iv_assumption(report)
    if found is None:
        return ""
    levels = _levels(found)
    if found.rule is None:
        up_usd = found.at_start.up_usd
        return (
            f"IV was held at {levels} through the whole replay: no part of the result comes from it. {SHOCK_POINTS} "
            f"points more at the start would have {_moved(up_usd)}, beside a result with hedge of "
            f"{money_change(report.summary.pnl_hedged_usd)}."
        )
    vega_usd = float(attribute_replay(report).hedged["vega"][-1])
    low, high, last = (
        _shift(shift) for shift in (found.lowest_shift_annual, found.highest_shift_annual, found.last_shift_annual)
    )
    how = "every leg moved in parallel" if found.is_parallel else "each leg moved by its expiry and its strike"
    end = "ended" if found.is_parallel else "ended on average"
    return (
        f"IV follows {found.rule}. From the book's own {levels} {how}, between {low} and {high} points, and {end} "
        f"{last} points from where it began. That {_moved(vega_usd)} (vega, with vanna and volga)."
    )


def iv_in_brief(report: ReplayReport) -> str:
    """Say the same in a line of a terminal."""
    found = iv_assumption(report)
    if found is None:
        return "the book holds no options"
    if found.rule is None:
        shock = money_change(found.at_start.up_usd)
        return f"held at {_levels(found)}; {SHOCK_POINTS} points more at the start would have been {shock}"
    return f"follows {found.rule}: vega {money_change(float(attribute_replay(report).hedged['vega'][-1]))}"


def _levels(found: IvAssumption) -> str:
    low, high = percent(found.lowest_iv_annual), percent(found.highest_iv_annual)
    return low if low == high else f"{low} to {high}"


def _shift(shift_annual: float) -> str:
    return f"{100.0 * shift_annual:+.1f}".replace("-", MINUS)


def _moved(usd: float) -> str:
    return f"gained {money(usd)}" if usd >= 0.0 else f"cost {money(-usd)}"
