"""The page is one file that asks nothing of the network, escapes what it shows, and tells the truth about breaches."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from agent.report.html import render_html
from agent.report.narrative import story
from tests.support.synthetic_replay import synthetic_report


class Page(HTMLParser):
    """Collect element names, text outside scripts, and addresses a browser would fetch."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.fetched, self.text, self._in_script = [], [], "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._in_script = tag in ("script", "style")
        self.fetched += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        if not self._in_script:
            self.text += data


@pytest.fixture(scope="module")
def report():
    return synthetic_report()


@pytest.fixture(scope="module")
def page(report):
    return Page(render_html(report))


def test_html__self_contained__fetches_nothing(page):
    assert page.fetched == []
    assert "link" not in page.tags


def test_html__every_promised_picture__is_there(report, page):
    for title in ("The price", "Net delta against its band", "Profit and loss", "Hour by hour", "What it cost"):
        assert title in page.text
    assert len(re.findall(r"Plotly\.newPlot\(", render_html(report).split("</head>")[1])) == 6


def test_html__text_of_the_book__escaped(report, page):
    assert "short <calls> & co" in page.text
    assert "<calls>" not in render_html(report).split("</head>")[1].replace("&lt;calls&gt;", "")


def test_html__provenance__shown(page):
    assert "0x5FbDB2315678afecb367f032d93F642f64180aa3" in page.text
    assert "seeded jump diffusion" in page.text


def test_html__no_placeholder_left(report):
    body = render_html(report).split("</script>", 1)[1]
    assert not re.search(r"\$[a-z_]+\b", body)


def test_html__breaches__shown_in_red_and_told(report):
    broken = replace(report, summary=replace(report.summary, band_breaches_after_rebalance=3))
    assert '<div class="card bad"><div class="figure">3</div>' in render_html(broken)
    assert "after 3 of them the worst case still exceeded the governed band" in " ".join(story(broken))
    assert "after none of them" in " ".join(story(report))


def test_story__refusals_and_mismatches__told(report):
    told = " ".join(story(replace(report, summary=replace(report.summary, rejected=2, guard_mirror_mismatches=4))))
    assert "2 were refused" in told
    assert "disagreed with the chain's answer 4 times" in told


def test_story__too_short_for_hours__says_no_variance():
    short = synthetic_report(10)
    assert "hourly variance" not in " ".join(story(short))
    assert "too short to compare" in render_html(short)


def test_story__residuals__to_the_cent_or_in_dollars(report):
    told = " ".join(story(report))
    assert "explain the hedge's result on chain to the cent" in told
    assert "met the chain's to the cent" in told
    off = replace(report, unexplained_usd=-3.5, summary=replace(report.summary, ledger_nav_error_bps=1.0))
    told = " ".join(story(off))
    assert "on chain to within $3.50" in told
    assert "met the chain's to within $39.90" in told
