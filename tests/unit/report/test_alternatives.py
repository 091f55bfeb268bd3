"""Alternatives in words and for machines: complete, marked, within the width."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from agent.alternatives import Alternative, Explanation, Kind, RebalanceCosts, VenueTrade, Yardstick
from agent.report.alternatives import WIDTH, explanation_document, explanation_lines
from agent.report.formatting import MINUS

HOLD = Alternative(
    "hold", Kind.HOLD, (), RebalanceCosts(), -4.0, -0.03, 5.3, None, "do nothing this cycle", 649.0, 0.0, 210.7
)
CHOSEN = Alternative(
    name="whalley_wilmott",
    kind=Kind.POLICY,
    trades=(VenueTrade("perp", "curie", 4.3725, 3_304.12, 14.45),),
    costs=RebalanceCosts(14.45, 3.75, -4.2, 103.95),
    net_delta_after=-0.34,
    gamma_after_per_usd=-0.03,
    worst_net_delta_after=0.97,
    refused_by=None,
    reason="Whalley-Wilmott: outside, land inside; " * 4,
    risk_after_usd=417.0,
    risk_removed_usd=232.0,
    objective_usd=213.2,
    is_chosen=True,
)
REFUSED = replace(
    CHOSEN,
    name="full neutralisation",
    is_chosen=False,
    refused_by="LeverageExceeded",
    reason="land at 0; the guard would refuse: LeverageExceeded(leverage=3)",
    objective_usd=190.0,
)
EXPLANATION = Explanation(
    Yardstick(1.0, 0.614, 1e-3), 649.0, (HOLD, CHOSEN, REFUSED), {"minimum_variance": "needs hedge_ratio"}
)


def test_explanation_lines__whole__fits_and_names_everything():
    lines = explanation_lines(EXPLANATION)
    assert max(map(len, lines)) <= WIDTH == 120
    text = "\n".join(lines)
    (marked,) = [line for line in lines if line.startswith("▶ ") and "accepts" in line]
    assert "whalley_wilmott" in marked
    assert "+4.3725" in marked
    for words in ("over 1 day at 61.4", "now it is $649", "Left out: minimum_variance needs hedge_ratio"):
        assert words in text.replace("\n", " ")
    assert "Refused: full neutralisation: land at 0; the guard would refuse" in text
    assert next(line for line in lines if "refuses" in line).strip().startswith("full neutralisation")


@pytest.mark.parametrize(("objective_usd", "is_said"), [(210.0, False), (213.2, True)])
def test_explanation_lines__objective_prefers_another__said_when_it_matters(objective_usd, is_said):
    chosen = replace(CHOSEN, objective_usd=objective_usd)
    lines = explanation_lines(replace(EXPLANATION, alternatives=(HOLD, chosen)))
    assert ("By the objective alone, hold would be better by $2.50" in "\n".join(lines)) is is_said


def test_explanation_lines__sizes_of_a_large_book__fit():
    large = replace(
        CHOSEN,
        trades=(VenueTrade("perp", "curie", -4_321.1234, 100_000.0, 1.0),),
        costs=RebalanceCosts(43_210.12, 12_345.67, -1_234.56, 103.95),
        risk_after_usd=1_234_567.0,
        risk_removed_usd=2_345_678.0,
        worst_net_delta_after=1_234.567,
        objective_usd=9_876_543.0,
    )
    lines = explanation_lines(replace(EXPLANATION, alternatives=(large,)))
    assert any(f"{MINUS}4,321.1234" in line for line in lines)
    assert any("9,876,543" in line for line in lines)
    assert max(map(len, lines)) <= WIDTH


def test_explanation_document__whole__strict_json_with_a_reason_beside_every_null():
    document = json.loads(json.dumps(explanation_document(EXPLANATION), allow_nan=False))
    assert document["chosen"] == CHOSEN.name
    hold, chosen, refused = document["alternatives"]
    assert (hold["cost_per_risk_removed"], hold["cost_per_risk_removed_reason"]) == (None, "it removes no risk")
    assert chosen["cost_per_risk_removed"] == pytest.approx((14.45 + 3.75 - 4.2 + 103.95) / 232.0)
    assert chosen["trades"] == [
        {
            "instrument": "perp",
            "venue": "curie",
            "size_delta": 4.3725,
            "execution_price_usd": 3_304.12,
            "fee_usd": 14.45,
        }
    ]
    assert (refused["is_accepted"], refused["refused_by"]) == (False, "LeverageExceeded")
    assert document["left_out"] == {"minimum_variance": "needs hedge_ratio"}
    assert document["yardstick"] == {"horizon_days": 1.0, "vol_annual": 0.614, "risk_aversion_per_usd": 1e-3}


@pytest.mark.parametrize(
    ("times", "verdict"), [(1.0, "close to it"), (0.01, "100 times above it"), (50.0, "50 times below")]
)
def test_lines__suggested_risk_aversion__says_how_far_the_one_in_use_is(times, verdict):
    used = EXPLANATION.yardstick.risk_aversion_per_usd
    suggested = replace(EXPLANATION, suggested_risk_aversion_per_usd=times * used)
    assert verdict in " ".join(" ".join(explanation_lines(suggested)).split())
    assert explanation_document(suggested)["suggested_risk_aversion_per_usd"] == times * used
    assert not any("Risk aversion:" in line for line in explanation_lines(EXPLANATION))
