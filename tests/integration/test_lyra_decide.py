"""HEDGE-635: ``evenkeel decide`` of a vault on the real Lyra shows what it would trade in options, and why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.units import WAD
from tests.support.keeper_world import REPOSITORY
from tests.support.lyra_keeper import OPTIONS, POLICY, write_book, write_settings
from tests.support.lyra_vault import CAPS, LyraVault, Order, afresh, open_lyra_vault

pytestmark = pytest.mark.chain

MAIN = [sys.executable, "-c", "from agent.cli.main import main; main()"]
TIMEOUT_SECONDS = 120
WHALLEY_WILMOTT = {
    "name": "whalley_wilmott",
    "risk_aversion_per_usd": 2e-3,
    "static_horizon_days": 1,
    "static_vol_annual": 1.0,
}


@pytest.fixture(scope="module")
def opened() -> Iterator[LyraVault]:
    with open_lyra_vault(has_perp=True) as vault:
        yield vault


@pytest.fixture
def vault(opened: LyraVault) -> Iterator[LyraVault]:
    with afresh(opened):
        yield opened


def decide(vault: LyraVault, directory: Path, *arguments: str, **sections: dict[str, object] | None) -> str:
    """What the command prints."""
    settings = write_settings(vault, directory, **sections)
    book = write_book(vault, directory)
    command = [*MAIN, "decide", "--network", str(settings), "--book", str(book), *arguments]
    told = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


# HEDGE-635
def test_decide__short_gamma_book__shows_the_whole_plan_and_the_delta_leg(vault, tmp_path) -> None:
    told = json.loads(decide(vault, tmp_path, "--json"))["options"]
    before, after = told["greeks"], told["greeks_after"]
    assert before["gamma_per_usd"] < after["gamma_per_usd"] <= 0
    assert before["vega_usd_per_vol"] < after["vega_usd_per_vol"] <= 0
    assert told["caps_left"]["gamma_of_one_percent"] == CAPS[0] / WAD
    assert told["caps_left"]["premium_usd"] == pytest.approx(vault.budgets()[0] / WAD)
    asked = {offer["name"]: [quote["cost_usd"] for quote in offer["asks"]] for offer in told["offers"]}
    assert len(asked) == 6
    assert told["orders"]
    for order in told["orders"]:
        assert order["size_delta"] > 0
        assert None not in asked[order["name"]]
    leg = told["delta_leg"]
    assert leg["net_delta"] == pytest.approx(after["delta"])
    assert leg["net_delta"] + leg["size_delta"] == pytest.approx(leg["target_net_delta"])
    assert told["chain_refuses"] is None
    assert vault.holdings() == []


# HEDGE-635
def test_decide__people__read_the_plan_line_by_line(vault, tmp_path) -> None:
    lines = decide(vault, tmp_path).splitlines()
    [first] = [at for at, line in enumerate(lines) if line.startswith("Options at options: ")]
    told = lines[first:]
    assert "gamma" in told[0]
    assert any(line.startswith("  Greeks of book, hedge and options held: delta") for line in told)
    assert any(line.startswith("  Caps leave gamma") for line in told)
    assert any(line.startswith("  1750-C-") and "asks" in line for line in told)
    assert any(line.startswith("  buy ") and "for at most $" in line for line in told)
    assert any(line.startswith("  Then the delta leg: ") for line in told)
    assert told[-1].startswith("  The chain would accept it")


# HEDGE-635
@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"options": None}, "no [options]"),
        ({"policy": WHALLEY_WILMOTT}, "multi_instrument alone weighs options"),
        ({"policy": POLICY | {"risk_aversion_per_usd": 1e-9}}, "no option is worth what it costs"),
    ],
)
def test_decide__nothing_to_trade__says_why(vault, tmp_path, sections, said) -> None:
    told = json.loads(decide(vault, tmp_path, "--json", **sections))["options"]
    assert said in told["reason"]
    assert told["orders"] == []


# HEDGE-635
def test_decide__options_held__are_in_the_book_as_the_chain_sees_it(vault, tmp_path) -> None:
    vault.trade(Order(vault.near_the_money(0), True, 5 * WAD), Order(vault.near_the_money(0), False, 5 * WAD))
    told = json.loads(decide(vault, tmp_path, "--json", options=OPTIONS))
    assert "book and chain" not in told["reason"]
    held = [offer for offer in told["options"]["offers"] if offer["held"]]
    assert [offer["held"] for offer in held] == [5.0, 5.0]
    for offer in held:
        assert 0 < offer["bid_usd"] < offer["asks"][0]["cost_usd"] / offer["asks"][0]["size"] * offer["held"]


# HEDGE-635
def test_decide__reduce_only__offers_sales_alone(vault, tmp_path) -> None:
    vault.trade(Order(vault.near_the_money(0), True, 5 * WAD))
    vault.act(vault.guardian, vault.vault, "setReduceOnly()")
    told = json.loads(decide(vault, tmp_path, "--json"))["options"]
    assert told["sells_only"]
    assert all(order["size_delta"] < 0 for order in told["orders"])
    assert all(offer["asks"] == [] for offer in told["offers"])
