"""The report as one self-contained HTML file: no request leaves the page."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from string import Template

from agent.extras import extra
from agent.report import figures
from agent.report.accounting_section import accounting_section
from agent.report.attribution_section import attribution_sections
from agent.report.band_section import band_section
from agent.report.effectiveness import SECONDS_PER_HOUR, is_nothing, variance_name, verdict
from agent.report.formatting import counted, duration, money, money_change, noun, percent, signed, utc_minute
from agent.report.gas_section import gas_section
from agent.report.html_parts import book_table, card, pairs, picture, section, text
from agent.report.iv_section import iv_section
from agent.report.margin_section import margin_section
from agent.report.market_section import depth_section, expiry_section
from agent.report.narrative import span_seconds, story
from agent.report.option_section import option_section
from agent.report.replay_report import ReplayReport
from agent.report.trade_section import trade_section
from agent.report.venue_section import venue_section

with extra("report", "The HTML report"):
    from plotly.offline import get_plotlyjs

PICTURES = (
    (
        "The price",
        "The oracle's price at each step. Dots are the moments at which the keeper traded; crosses "
        "and red circles, where there are any, those at which it was refused or held back.",
        figures.price_figure,
    ),
    (
        "Net delta against its band",
        "How many {underlying} the book and its hedge together are long (above zero) or short. Inside the shaded band "
        "the keeper leaves it: a trade would cost more than it is worth. The dashed lines are the governed band: no "
        "rebalance may leave the worst case farther out than it was, and outside them.",
        figures.net_delta_figure,
    ),
    (
        "The hedge mirrors the book",
        "The position on the venue follows the book's sensitivity with the opposite sign.",
        figures.mirror_figure,
    ),
    (
        "Profit and loss",
        "The book alone, marked to its model at the oracle price, and the book with its hedge after every cost.",
        figures.pnl_figure,
    ),
    (
        "Change by change",
        "Each bar is the gain or loss of {period}. The hedge {verdict}.",
        figures.hourly_figure,
    ),
    (
        "What it cost",
        "Venue fees, the difference between execution and oracle price, funding paid (negative: received) and gas.",
        figures.cost_figure,
    ),
)


def render_html(report: ReplayReport) -> str:
    """Return the page: headline figures, the story, the pictures, the book, and where everything comes from."""
    template = Template(files("agent.report").joinpath("report.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(report.title),
        subtitle=escape(_subtitle(report)),
        plotly_js=get_plotlyjs(),
        cards="\n".join(_cards(report)),
        story="\n".join(f"<p>{text(paragraph)}</p>" for paragraph in story(report)),
        pictures="\n".join([*_pictures(report), *_risk_sections(report)]),
        book=book_table(report.book),
        provenance="\n".join(
            f"<div><h3>{escape(title)}</h3>{pairs(named.items())}</div>" for title, named in report.provenance.items()
        ),
    )


def _subtitle(report: ReplayReport) -> str:
    first, last = report.steps[0], report.steps[-1]
    return (
        f"{utc_minute(first.unix)} to {utc_minute(last.unix)} UTC ({duration(span_seconds(report))}), "
        f"{counted(report.summary.steps, 'step')} of {duration(report.interval_seconds)}"
    )


def _cards(report: ReplayReport) -> list[str]:
    summary = report.summary
    breaches = summary.band_breaches_after_rebalance
    return [
        _effectiveness_card(report),
        card("", money_change(summary.pnl_hedged_usd), "book with hedge, after all costs"),
        card("alone", money_change(summary.pnl_unhedged_usd), "book alone"),
        card("", money(summary.costs.total_usd), f"cost of hedging, {counted(summary.rebalances, 'rebalance')}"),
        card(
            "bad" if breaches else "good",
            f"{breaches:,}",
            f"{noun(breaches, 'rebalance')} that left the worst case outside "
            f"{signed(report.guard_band, 2)} {report.underlying}",
        ),
        *_mirror_cards(summary.guard_mirror_mismatches),
        card(
            "",
            f"{signed(summary.max_abs_net_delta, 2)} {report.underlying}",
            "largest net delta " + ("after the first step" if summary.rebalances else "of a book without a hedge"),
        ),
        card("", f"{summary.p99_decision_ms:.1f} ms", "99 of 100 decisions took less"),
    ]


def _mirror_cards(mismatches: int | None) -> list[str]:
    """Return none where no chain judged."""
    if mismatches is None:
        return []
    words = f"{noun(mismatches, 'time')} the keeper's forecast and the chain's judgement differed"
    return [card("bad" if mismatches else "good", f"{mismatches:,}", words)]


def _effectiveness_card(report: ReplayReport) -> str:
    effectiveness, name = report.summary.effectiveness, variance_name(report.interval_seconds)
    if effectiveness is None:
        return card("", "n/a", f"of the {name} removed by the hedge")
    if effectiveness >= 0.0 or is_nothing(effectiveness):
        removed = 0.0 if is_nothing(effectiveness) else effectiveness
        return card("", percent(removed), f"of the {name} removed by the hedge")
    added = percent(-effectiveness) if effectiveness >= -1.0 else f"over {percent(1.0, 0)}"
    return card("bad", added, f"added to the {name} by the hedge")


def _pictures(report: ReplayReport) -> list[str]:
    told = {
        "underlying": report.underlying,
        "period": duration(max(report.interval_seconds, SECONDS_PER_HOUR)),
        "verdict": verdict(report.summary.effectiveness, report.interval_seconds),
    }
    return [section(title, words.format(**told), picture(draw(report))) for title, words, draw in PICTURES]


def _risk_sections(report: ReplayReport) -> list[str]:
    """Return what a risk manager asks for, in the order of the questions."""
    return [
        *attribution_sections(report),
        accounting_section(report),
        iv_section(report),
        band_section(report),
        trade_section(report),
        gas_section(report),
        venue_section(report.venues, report.underlying),
        option_section(report.options, report.option_positions),
        margin_section(report),
        expiry_section(report),
        depth_section(report),
    ]
