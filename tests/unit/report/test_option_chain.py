"""A chain in words: every row of it, within 120 columns, and in JSON no number that is none."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import DataError
from agent.files.deribit_chain import load_chain
from agent.report.option_chain import SIDES, chain_document, chain_lines, chain_rows
from agent.vol.chain_values import value_chain
from tests.support.listed_chain import summaries, write_json

WIDTH = 120


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return load_chain(write_json(tmp_path_factory.mktemp("chain") / "chain.json", summaries()))


@pytest.fixture(scope="module")
def values(chain):
    return value_chain(chain)


@pytest.fixture(scope="module")
def real(market_data):
    return value_chain(load_chain(market_data / "deribit_eth_chain_20240108.parquet"))


def assert_every_null_has_its_reason(document):
    for row in document["rows"]:
        for side in SIDES:
            assert (row[f"{side}_iv_annual"] is None) == (row[f"{side}_iv_reason"] is not None), row
        assert (row["mark_error_bps_of_a_coin"] is None) == (row["valued_at"] != "mark"), row
        for name, number in row.items():
            if number is None:
                side = name.split("_")[0]
                assert side in (*SIDES, "model", "quoted", "open"), name


def test_chain_document__whole__strict_json_with_a_reason_beside_every_null(values):
    document = json.loads(json.dumps(chain_document(values), allow_nan=False))
    assert_every_null_has_its_reason(document)
    assert document["now"] == "2024-01-08T11:19:41.423Z"
    assert [expiry["rows"] for expiry in document["expiries"]] == [10, 10]
    assert document["summary"]["with_vol"] == {"bid": 13, "mark": 20, "ask": 20}
    assert document["summary"]["without_vol"]["bid"] == {"no quote": 4, "below intrinsic": 3}
    assert document["summary"]["largest_difference_to_quoted_mark_iv_vol_points"] < 1e-6


def test_chain_document__real_chain__684_rows_and_the_summary_of_them(real):
    document = json.loads(json.dumps(chain_document(real), allow_nan=False))
    assert_every_null_has_its_reason(document)
    assert len(document["rows"]) == 684
    summary = document["summary"]
    for side in SIDES:
        assert summary["with_vol"][side] + sum(summary["without_vol"][side].values()) == 684
    inside = [row["model_is_inside"] for row in document["rows"] if row["model_is_inside"] is not None]
    assert len(inside) == summary["liquid_quotes"]
    assert sum(inside) / len(inside) == pytest.approx(summary["inside_share"], abs=0.004)
    assert summary["quoted_mark_iv_reason"] == "the file does not say"
    assert summary["largest_mark_error_bps_of_a_coin"] < 1e-6


def test_chain_rows__units__are_those_of_the_keys(values):
    rows, greeks, chain = chain_rows(values), values.greeks, values.chain
    row = rows[3]
    assert row["instrument_name"] == "ETH-26JAN24-1900-P"
    assert (row["option_type"], row["strike_usd"], row["expiry"]) == ("put", 1_900.0, "2024-01-26T08:00:00Z")
    assert row["mark_usd"] == pytest.approx(chain.mark_coin[3] * chain.forward_usd[3])
    assert row["vega_usd_per_vol_point"] == pytest.approx(greeks.vega[3] / 100)
    assert row["theta_usd_per_day"] == pytest.approx(greeks.theta[3] / 365)
    assert row["volga_usd_per_vol_point2"] == pytest.approx(greeks.volga[3] / 1e4)
    assert row["delta_deribit"] - row["delta_premium_adjusted_coin"] == pytest.approx(row["value_coin"])


def test_chain_summary__nothing_to_judge__null_with_the_reason(chain):
    one = np.zeros(20, dtype=bool)
    one[:10] = True
    fields = {
        name: getattr(chain, name)[one]
        for name in ("is_call", "strike_usd", "expiry_unix", "forward_usd", "ask_coin", "mark_coin", "rate_annual")
    }
    nothing = np.full(10, np.nan)
    bare = replace(
        chain,
        **fields,
        instrument_name=chain.instrument_name[:10],
        bid_coin=nothing,
        open_interest=nothing,
        quoted_mark_vol_annual=nothing,
        index_usd=None,
    )
    found = value_chain(bare)
    document = json.loads(json.dumps(chain_document(found), allow_nan=False))
    summary = document["summary"]
    assert summary["inside_share"] is None
    assert "no row has" in summary["inside_share_reason"]
    assert summary["least_calendar_rise"] is None
    assert summary["least_calendar_rise_reason"] == "the chain has one expiry"
    assert document["index_usd_reason"] == "the file does not say"
    text = "\n".join(chain_lines(found))
    assert "10 options, 1 expiry" in text
    assert "no row has the vol of a bid" in text


def test_chain_lines__every_row_and_expiry__within_the_width(values):
    lines = chain_lines(values)
    assert max(map(len, lines)) <= WIDTH
    text = "\n".join(lines)
    assert "2024-01-26, 17.9 days, forward $2,240.00, at the money" in text
    for strike in ("1,600 C", "1,600 P", "2,900 C", "2,900 P"):
        assert text.count(strike) == 2
    assert "13 with a vol; without: 4 no quote, 3 below intrinsic" in text
    assert "Arbitrage: none" in text
    assert "nan" not in text


def test_chain_lines__real_chain__within_the_width(real):
    lines = chain_lines(real)
    assert max(map(len, lines)) <= WIDTH
    assert sum("days, forward" in line for line in lines) == 11
    assert any("684 options, 11 expiries" in line for line in lines)


def test_chain_lines__coin_of_a_hundred_thousand_dollars__within_the_width(chain):
    dear = replace(chain, forward_usd=chain.forward_usd * 50, strike_usd=chain.strike_usd * 50, underlying="BTC")
    assert max(map(len, chain_lines(value_chain(dear)))) <= WIDTH


STRANGE = st.sampled_from(
    [
        None,
        "",
        0,
        -1,
        1e-12,
        1e-300,
        1e300,
        math.nan,
        math.inf,
        "x",
        True,
        [1],
        0.5,
        2,
        "ETH-26JAN24-1-P",
        "ETH-9JAN24-2200-C",
    ]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 19), st.sampled_from(sorted(summaries()[0])), STRANGE)
def test_chain_document__any_cell_spoilt__one_line_or_strict_json(tmp_path, row, field, strange):
    rows = summaries()
    rows[row][field] = strange
    path, refusal = write_json(tmp_path / "chain.json", rows), None
    try:
        found = value_chain(load_chain(path))
    except DataError as error:
        refusal = str(error)
    if refusal is not None:
        assert refusal.startswith(f"{path}: ")
        assert "\n" not in refusal
        return
    document = json.loads(json.dumps(chain_document(found), allow_nan=False))
    assert_every_null_has_its_reason(document)
    assert max(map(len, chain_lines(found))) <= WIDTH
