"""The frontier's page, paths and pictures: what its figures are made of."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from agent.backtest.frontier import FrontierStatistics
from agent.backtest.schedule import HedgedOption
from agent.backtest.simulator import Outcomes
from agent.errors import DataError
from benchmarks.frontier import BEGIN, DOCS, END, eth_cases
from benchmarks.frontier_cases import MARKET_DATA, PERP_1H, SPOT_5M, simulated_paths
from benchmarks.svg_chart import Axis, Curve, chart

AXIS = Axis(0.0, 10.0, (0.0, 5.0, 10.0), "USD")
SVG = "{http://www.w3.org/2000/svg}"


def test_simulated_paths__antithetic_pairs__cancel_in_the_log():
    option = HedgedOption(100.0, 0.25, 1.0, 50, is_short=True)
    logs = np.log(simulated_paths(option, 20, seed=3))
    drift = -0.5 * option.total_variance * np.arange(51) / 50
    np.testing.assert_allclose(0.5 * (logs[::2] + logs[1::2]), np.broadcast_to(drift, (10, 51)), atol=1e-14)


def test_simulated_paths__many__are_a_martingale_with_the_options_variance():
    option = HedgedOption(100.0, 0.4, 0.5, 10, is_short=True)
    ends = simulated_paths(option, 40_000, seed=5)[:, -1]
    assert ends.mean() == pytest.approx(1.0, abs=0.003)
    assert np.log(ends).std() == pytest.approx(math.sqrt(option.total_variance), rel=0.02)


@pytest.mark.market_data
@pytest.mark.skipif(not (SPOT_5M.is_file() and PERP_1H.is_file()), reason=f"no prices in {MARKET_DATA.name} beside us")
def test_eth_cases__real_prices__are_weeks_that_begin_at_the_strike_and_overlap():
    for case in eth_cases():
        (paths,) = case.blocks()
        assert paths.shape[1] == case.option.looks + 1
        assert paths.shape[0] > 2_000
        assert np.all(paths[:, 0] == 100.0)
        realised = np.sqrt(np.mean(np.diff(np.log(paths), axis=1) ** 2) * case.option.looks / case.option.life_years)
        assert realised == pytest.approx(case.option.vol_annual, rel=0.05)


def outcomes_of(costs: dict[str, float], sds: dict[str, float]) -> Outcomes:
    generator = np.random.default_rng(11)
    noise = generator.standard_normal(400)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    pnl = np.stack([sds[name] * noise for name in costs])
    paid = np.stack([np.full(400, cost) for cost in costs.values()])
    return Outcomes(tuple(costs), paid, pnl, np.zeros_like(pnl))


def test_mean_excess__one_family_a_tenth_dearer__is_a_tenth_without_error():
    costs = {"a1": 4.0, "a2": 2.0, "a3": 1.0, "b1": 4.4, "b2": 2.2, "b3": 1.1}
    sds = {"a1": 1.0, "a2": 2.0, "a3": 4.0, "b1": 1.0, "b2": 2.0, "b3": 4.0}
    statistics = FrontierStatistics(outcomes_of(costs, sds), groups=10)
    excess = statistics.mean_excess([3, 4, 5], [0, 1, 2], (1.5, 2.0, 3.0))
    assert excess.value == pytest.approx(0.1, rel=1e-9)
    assert excess.standard_error < 1e-9


def test_mean_excess__beyond_a_frontier__is_refused_with_the_risk():
    costs, sds = {"a1": 2.0, "a2": 1.0}, {"a1": 1.0, "a2": 2.0}
    statistics = FrontierStatistics(outcomes_of(costs, sds), groups=10)
    with pytest.raises(DataError, match=r"2\.5"):
        statistics.mean_excess([0, 1], [0, 1], (2.5,))


def test_chart__curves__are_drawn_where_they_are_inside_and_named_once():
    curves = [
        Curve("kept <1>", "#112233", [(0.0, 10.0), (5.0, 5.0), (20.0, 0.0)]),
        Curve("outside", "#445566", [(20.0, 20.0)]),
    ]
    root = ET.fromstring(chart("A & B", AXIS, AXIS, curves))
    lines = root.findall(f"{SVG}polyline")
    assert [line.get("stroke") for line in lines] == ["#112233"]
    assert len(lines[0].get("points").split()) == 2
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count("kept <1>") == 1
    assert "outside" not in texts


def test_page__pictures_and_markers__are_there():
    page = (DOCS / "frontier.md").read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    pictures = re.findall(r"\]\((images/frontier-[^)]+\.svg)\)", page)
    assert pictures
    for picture in pictures:
        assert ET.parse(DOCS / picture).getroot().tag == f"{SVG}svg"
