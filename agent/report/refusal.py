"""What a replay leaves behind that never came to its first step: why, and what it was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template

from agent.domain import Book
from agent.report.formatting import counted
from agent.report.html_parts import book_table, pairs, text


def render_refusal(title: str, inputs: Mapping[str, str], book: Book, reasons: Sequence[str]) -> str:
    """Return the page: every reason as it was told, the book, and what was to be replayed."""
    template = Template(files("agent.report").joinpath("report.html").read_text(encoding="utf-8"))
    found = "".join(f"<li>{text(reason)}</li>" for reason in reasons)
    words = f"Nothing was traded and no step was taken: {counted(len(reasons), 'reason')}."
    return template.substitute(
        title=escape(title),
        subtitle="Ended before the first step",
        plotly_js="",
        cards="",
        story=f"<p>{words}</p><ul>{found}</ul>",
        pictures="",
        book=book_table(book),
        provenance=f"<div><h3>What was to be replayed</h3>{pairs(inputs.items())}</div>",
    )


def refusal_json(inputs: Mapping[str, str], reasons: Sequence[str]) -> str:
    """Return the same for a program: the summary's ``steps``, ``ended_early`` and ``inputs``, and ``reasons``."""
    fields = {"steps": 0, "ended_early": "; ".join(reasons), "reasons": list(reasons), "inputs": dict(inputs)}
    return json.dumps(fields, indent=2) + "\n"
