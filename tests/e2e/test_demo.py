"""The demonstration as a person runs it: the installed command, a real Anvil, the real venue, real files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.localnet.anvil import free_port

EVENKEEL = Path(sys.executable).with_name("evenkeel")
JUDGED_EFFECTIVENESS = 0.95

pytestmark = pytest.mark.chain


@pytest.fixture
def directory(tmp_path, repository):
    """A working directory of its own, so that a chain someone has running is left alone."""
    shutil.copytree(repository / "config", tmp_path / "config")
    return tmp_path


def evenkeel(directory, *arguments):
    return subprocess.run(
        [EVENKEEL, *[str(argument) for argument in arguments]],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=1_500,
        check=False,
    )


def assert_chain_is_gone(directory):
    assert not (directory / ".evenkeel" / "demo" / "manifest.json").exists()


def assert_kept_its_promises(summary):
    assert summary["band_breaches_after_rebalance"] == 0
    assert summary["guard_mirror_mismatches"] == 0
    assert summary["ledger_nav_error_bps"] <= 1
    assert summary["effectiveness"] >= JUDGED_EFFECTIVENESS
    assert summary["rebalances"] > 0
    costs = summary["cost_usd"]
    assert costs["fee"] > 0
    assert costs["gas"] > 0
    hedge_pnl_usd = summary["pnl_hedged_usd"] - summary["pnl_unhedged_usd"]
    nav_change_usd = hedge_pnl_usd + costs["gas"]
    assert summary["vault_nav_usd"] == pytest.approx(400_000 + nav_change_usd, abs=0.01)
    for cost in ("fee", "slippage", "funding"):
        of_venues = sum(venue[f"{cost}_usd"] for venue in summary["venues"])
        assert of_venues == pytest.approx(summary["cost_usd"][cost], abs=0.01), cost
    assert sum(venue["turnover_usd"] for venue in summary["venues"]) == pytest.approx(summary["turnover_usd"])


def test_demo__no_arguments__hedges_the_seeded_day_and_reports_it(directory):
    finished = evenkeel(directory, "demo")
    assert finished.returncode == 0, finished.stderr

    (html,) = (directory / ".evenkeel" / "reports").glob("*.html")
    (summary_path,) = (directory / ".evenkeel" / "reports").glob("*.json")
    summary = json.loads(summary_path.read_text())
    assert summary["steps"] == 288
    assert summary["rejected"] == 0
    assert_kept_its_promises(summary)
    page = html.read_text()
    assert page.count("Plotly.newPlot(") >= 6
    deployed = json.loads((directory / ".evenkeel" / "demo" / "deployment.json").read_text())
    assert deployed["contracts"]["HedgeVault"] in page
    assert "288/288" in finished.stdout
    assert_chain_is_gone(directory)


@pytest.mark.market_data
def test_demo__crash_week_of_august_2024__keeps_every_promise(directory, market_data):
    finished = evenkeel(
        directory,
        *("demo", "--prices", market_data / "binance_spot_5m_2024.parquet"),
        *("--from", "2024-08-01", "--to", "2024-08-08", "--json", "--html", "week.html"),
    )
    assert finished.returncode == 0, finished.stderr

    summary = json.loads(finished.stdout)
    assert summary["steps"] == 2016
    assert_kept_its_promises(summary)
    assert summary["pnl_unhedged_usd"] > 15_000
    assert "8a9da37fa7eee2e7ce5983f862a3fb42860c09c4a064f7c677fe52f8c2f8c16b" in (directory / "week.html").read_text()
    assert_chain_is_gone(directory)


def test_demo__two_venues_over_the_generated_day__keep_the_promises(directory):
    finished = evenkeel(directory, "demo", "--venue", "curie,synthetix", "--json", "--html", "day.html")
    assert finished.returncode == 0, finished.stderr
    summary = json.loads(finished.stdout)
    assert summary["rejected"] == 0
    assert_kept_its_promises(summary)
    assert [venue["orders"]["filled"] > 0 for venue in summary["venues"]] == [False, True]


def test_demo__own_book_from_csv__registered_on_the_chain_and_hedged(directory, repository):
    finished = evenkeel(directory, "demo", "--book", repository / "examples" / "book.csv", "--summary", "summary.json")
    assert finished.returncode == 0, finished.stderr
    summary = json.loads((directory / "summary.json").read_text())
    assert summary["rebalances"] > 0
    assert summary["band_breaches_after_rebalance"] == 0


EXPIRING = """
[book]
underlying = "ETH"

[[option]]
label = "noon calls"
type = "call"
strike_usd = 3200
expiry = "2024-08-01T12:00:00Z"
quantity = -12
iv_annual = 0.60
iv_low_annual = 0.55
iv_high_annual = 0.65

[[option]]
label = "August calls"
type = "call"
strike_usd = 3300
expiry = "2024-08-31T08:00:00Z"
quantity = -30
iv_annual = 0.60
iv_low_annual = 0.55
iv_high_annual = 0.65
"""


def test_demo__legs_expire_on_the_way__settled_and_the_hedge_follows(directory):
    (directory / "book.toml").write_text(EXPIRING)
    (directory / "iv.csv").write_text("time,iv\n2024-08-01,0.6\n2024-08-01T06:00:00Z,0.7\n")
    finished = evenkeel(directory, "demo", "--book", "book.toml", "--iv", "iv.csv", "--html", "day.html", "--json")
    assert finished.returncode == 0, finished.stderr

    summary = json.loads(finished.stdout)
    (expiry,) = summary["expiries"]
    noon = next(step for step in summary["step_records"] if step["unix"] == expiry["unix"])
    assert [leg["payoff_usd"] for leg in expiry["settled"]] == [pytest.approx(-12 * max(noon["price_usd"] - 3_200, 0))]
    assert expiry["legs_left"] == 1
    assert expiry["seconds_to_inside"] <= 900
    found = summary["attribution_usd"]["hedged"]
    assert sum(usd for cause, usd in found.items() if cause != "total") == pytest.approx(summary["pnl_hedged_usd"])
    # 30 August calls of about $3.60 a point each, by ten points, and what the noon calls had left
    assert -1_400 < found["vega"] < -900
    assert "noon calls" in (directory / "day.html").read_text()


def test_demo__interrupted__stops_anvil_and_says_so(directory):
    process = subprocess.Popen(
        [EVENKEEL, "demo"],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    for line in process.stdout:
        if "Local chain" in line:
            break
    pid = json.loads((directory / ".evenkeel" / "demo" / "manifest.json").read_text())["pid"]
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "the local chain is stopped" in output
    assert "Traceback" not in output
    assert_chain_is_gone(directory)
    assert not Path(f"/proc/{pid}").exists()
    assert list((directory / ".evenkeel" / "reports").iterdir()) == []


def test_greeks__bad_book__one_line_and_status_2(directory):
    (directory / "book.toml").write_text('[book]\nunderlying = "ETH"\n[[holding]]\nquantity_btc = 1\n')
    (directory / "market.toml").write_text('spot_usd = 3000\nnow = "2024-08-01"\n')
    finished = evenkeel(directory, "greeks", "book.toml", "--market", "market.toml")
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr == (
        "evenkeel: book.toml: [[holding]] 1: unknown key 'quantity_btc'; did you mean 'quantity'? "
        "known: quantity, label\n"
    )


def test_greeks__market_of_the_local_chain__valued_at_its_price_and_time(directory, repository):
    started = evenkeel(
        directory, "localnet", "up", "--without-vault", "--port", str(free_port()), "--start-price", "3210.5", "--json"
    )
    assert started.returncode == 0, started.stderr
    try:
        book = repository / "examples" / "book.toml"
        finished = evenkeel(directory, "greeks", book, "--market", "localnet", "--json")
        assert finished.returncode == 0, finished.stderr
        valued = json.loads(finished.stdout)
    finally:
        evenkeel(directory, "localnet", "down")
    assert valued["market"]["spot_usd"] == pytest.approx(3210.5, abs=1e-8)
    assert valued["market"]["now_unix"] >= 1_722_470_400
    assert valued["positions"][-1]["value_usd"] == pytest.approx(12.5 * 3210.5)


def test_greeks__no_local_chain__says_how_to_start_one(directory, repository):
    finished = evenkeel(directory, "greeks", repository / "examples" / "book.toml", "--market", "localnet")
    assert finished.returncode == 2
    assert "evenkeel localnet up" in finished.stderr
    assert finished.stderr.count("\n") == 1
