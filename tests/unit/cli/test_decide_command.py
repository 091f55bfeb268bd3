"""``evenkeel decide --explain`` shows what else could be done, from the very snapshot that was decided on."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from agent.cli import decide as command
from agent.cli.main import main
from agent.decision.decide import decide
from agent.keeper.planner import CycleView
from agent.settings import load_settings
from tests.support.decision_builders import NOW, short_calls, snapshot_of, wad
from tests.support.listed_chain import chain_at

BOOK = short_calls()


class FakePlanner:
    """A desk without a chain: one snapshot, nothing simulated refuses."""

    def __init__(self, settings, book):
        self.settings, self.book = settings, book
        self.keeper = "0x00000000000000000000000000000000000000C3"
        self.deployment = SimpleNamespace(venues=[], option_venue=None)
        self.client = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def head(self):
        return snapshot_of(BOOK).block

    def look(self, block):
        snapshot, settings = snapshot_of(BOOK), self.settings
        costs = settings.costs.to_cost_inputs(snapshot.measurement.price, settings.execution.priority_fee_gwei)
        decision = decide(snapshot, BOOK, settings.policy.build(), costs, settings.to_decision_parameters(6))
        venue = SimpleNamespace(max_funding_rate_per_day=wad("0.1"), open_order=None)
        state = SimpleNamespace(venues=[venue], settlement_window_seconds=0)
        return CycleView(snapshot, state, decision, 0.001, costs)

    def intent(self, view):
        return None

    def simulate(self, intent, sender, block):
        return None


@pytest.fixture
def evenkeel(monkeypatch, capsys, repository):
    settings = load_settings(repository / "config" / "localnet.toml")
    monkeypatch.setattr(command, "load_inputs", lambda network, book: (settings, BOOK))
    monkeypatch.setattr(command, "Planner", SimpleNamespace(open=FakePlanner))

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["evenkeel", "decide", "--book", "book.toml", *arguments])
        with pytest.raises(SystemExit) as exited:
            main()
        captured = capsys.readouterr()
        return exited.value.code or 0, captured.out, captured.err

    return run


def test_decide__not_asked_to_explain__says_what_and_why_alone(evenkeel):
    status, out, _ = evenkeel()
    assert status == 0
    assert "Rebalance" in out
    assert "Alternative" not in out
    assert "explanation" not in json.loads(evenkeel("--json")[1])


def test_decide__budgets__what_is_left_and_what_keys_can_lose(evenkeel):
    document = json.loads(evenkeel("--json")[1])
    assert document["budget_left_usd"] == {"turnover": 1_000_000.0, "loss": 15_000.0}
    loss = {"keeper_key": 20_000.0, "all_keeper_keys": 20_000.0, "funding": 0.0, "total": 20_000.0}
    assert document["loss_at_most_24h_usd"] == loss
    assert "one stolen key costs at most $20,000, all together $20,000, funding $0" in evenkeel()[1]


def test_decide__explain__alternatives_beside_the_decision(evenkeel):
    status, out, err = evenkeel("--explain")
    assert (status, err) == (0, "")
    for words in ("whalley_wilmott", "full neutralisation", "hold", "Left out: minimum_variance"):
        assert words in out


def test_decide__explain_json__one_document_whose_choice_is_the_decision(evenkeel):
    document = json.loads(evenkeel("--explain", "--json")[1])
    explanation = document["explanation"]
    assert explanation["why"] == document["reason"]
    (chosen,) = [own for own in explanation["alternatives"] if own["is_chosen"]]
    assert chosen["size_delta"] == pytest.approx(sum(leg["size_delta"] for leg in document["legs"]))
    assert explanation["yardstick"]["risk_aversion_per_usd"] == 0.002
    assert explanation["yardstick"]["horizon_days"] == 1.0


def test_decide__yardstick_given__used(evenkeel):
    given = ("--horizon-days", "0.5", "--vol-annual", "0.9", "--risk-aversion-per-usd", "0.01")
    document = json.loads(evenkeel("--explain", "--json", *given)[1])
    assert document["explanation"]["yardstick"] == {
        "horizon_days": 0.5,
        "vol_annual": 0.9,
        "risk_aversion_per_usd": 0.01,
    }


def test_decide__options__hedge_with_them_among_the_alternatives(evenkeel, monkeypatch):
    monkeypatch.setattr(command, "load_chain", lambda path: chain_at(3_000.0, NOW))
    status, out, _ = evenkeel("--explain", "--options", "chain.json", "--options-size", "20", "--json")
    assert status == 0
    (mixed,) = [own for own in json.loads(out)["explanation"]["alternatives"] if own["kind"] == "options"]
    assert mixed["option_trades"]
    assert {trade["venue"] for trade in mixed["option_trades"]} == {"deribit"}
    _, text, _ = evenkeel("--explain", "--options", "chain.json", "--options-size", "20")
    assert "Perps and options: buy" in text
    assert "The chain does not see options held elsewhere" in " ".join(text.split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--options", "chain.json"), "--options is for the alternatives; add --explain"),
        (("--options-size", "5"), "--options-size belongs to a chain; add --options CHAINFILE"),
        (("--explain", "--options", "chain.json"), "chain.json: a chain does not say how much is quoted"),
        (
            ("--explain", "--options", "chain.json", "--options-size", "0"),
            "--options-size is 0; it must be a number above 0",
        ),
        (("--explain", "--options", "absent.json", "--options-size", "5"), "absent.json: no such file"),
        (("--horizon-days", "1"), "--horizon-days measures alternatives; add --explain"),
        (("--explain", "--horizon-days", "0"), "--horizon-days is 0; it must be above 0"),
        (("--explain", "--vol-annual", "-0.5"), "--vol-annual is -0.5; it must be above 0"),
        (("--explain", "--risk-aversion-per-usd", "nan"), "--risk-aversion-per-usd is nan; it must be above 0"),
        (("--explain", "--vol-annual", "inf"), "vol_annual"),
    ],
)
def test_decide__bad_yardstick__one_line_and_status_2(evenkeel, arguments, expected):
    status, out, err = evenkeel(*arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert expected in err
