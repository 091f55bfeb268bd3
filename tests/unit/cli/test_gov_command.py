"""``evenkeel gov`` without a node: everything can be built, shown and handed on, and bad input is one line."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace

import pytest

from agent.chain.config import MANIFEST_PATH_VARIABLE
from agent.cli import gov_output
from agent.cli.main import main
from agent.governance.calls import checksum
from agent.governance.changes import calls_of, parse_changes
from agent.governance.desk import Node
from agent.localnet.codec import encode_call
from tests.support.governance import GOVERNOR, GUARDIAN, STRANGER, VENUE, deployment
from tests.support.governance import desk as plain_desk


@pytest.fixture
def gov(monkeypatch, capsys, tmp_path, repository):
    manifest = tmp_path / "deployment.json"
    manifest.write_text(deployment().model_dump_json())
    monkeypatch.setenv(MANIFEST_PATH_VARIABLE, str(manifest))
    monkeypatch.chdir(repository)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["evenkeel", "gov", *map(str, arguments)])
        with pytest.raises(SystemExit) as exited:
            main()
        captured = capsys.readouterr()
        return exited.value.code or 0, captured.out, captured.err

    return run


def test_gov_propose__offline__diff_with_limit_unit_who_and_when(gov):
    status, out, err = gov("propose", "--set", "max_slippage_bps=80", "--offline")
    assert (status, err) == (0, "")
    for words in (
        "max_slippage_bps: 60 -> 80 bps (loosens)",
        "hard limit at most 300",
        "governor after the delay",
        "Takes effect 1 day after it is scheduled; void 7 days later.",
        "not with the chain",
        f"from {GOVERNOR}",
        "Nothing sent.",
    ):
        assert words in out


def test_gov_propose__offline_json__transactions_and_exact_numbers(gov):
    document = json.loads(gov("propose", "--set", "band_underlying=4.5", "--offline", "--json")[1])
    (change,) = document["changes"]
    assert (change["old_raw"], change["new_raw"]) == (str(7 * 10**18), str(45 * 10**17))
    assert change["who_may"].startswith("guardian at once")
    (transaction,) = document["transactions"]
    assert transaction["to"] == deployment().contract("VaultAccess")
    assert document["sent"] == []


def test_gov__saved_file__carries_one_checksum_through_every_step(gov, tmp_path):
    path = tmp_path / "proposal.json"
    proposed = json.loads(gov("propose", "--set", "max_fee_bps=10", "--offline", "--json", "--save", path)[1])
    for command in ("show", "execute", "cancel", "veto"):
        document = json.loads(gov(command, path, "--offline", "--json")[1])
        assert document["checksum"] == proposed["checksum"], command
        assert command == "show" or len(document["transactions"]) == 1
    for command in ("queue", "execute", "cancel"):
        document = json.loads(gov(command, path, "--offline", "--kind", "votes", "--json")[1])
        assert document["transactions"][0]["to"] == GOVERNOR
        assert document["checksum"] == proposed["checksum"], command


@pytest.mark.parametrize("damage", ["data", "chain_id", "vault", "format", "calls"])
def test_gov_show__file_changed_after_it_was_saved__is_refused(gov, tmp_path, damage):
    path = tmp_path / "proposal.json"
    gov("propose", "--set", "max_fee_bps=10", "--offline", "--save", path)
    document = json.loads(path.read_text())
    if damage == "data":
        document["calls"][0]["data"] = document["calls"][0]["data"][:-1] + "e"
    else:
        document[damage] = 1
    path.write_text(json.dumps(document))
    status, _, err = gov("show", path, "--offline")
    assert status == 2
    assert err.count("\n") == 1


def test_gov_show__guardians_safe_file__takes_effect_with_the_transaction(gov, tmp_path):
    path = tmp_path / "safe.json"
    gov("tighten", "--set", "max_fee_bps=10", "--offline", "--safe", path)
    document = json.loads(gov("show", path, "--offline", "--json")[1])
    assert (document["wait_seconds"], document["expires_unix"]) == (0, None)
    gov("propose", "--set", "max_fee_bps=10", "--offline", "--safe", path)
    assert json.loads(gov("show", path, "--offline", "--json")[1])["wait_seconds"] == 86_400


def test_gov_vote__offline__call_data_alone(gov):
    document = json.loads(gov("vote", "7", "--support", "against", "--offline", "--json")[1])
    assert document["transactions"][0]["data"].startswith("0x56781388")
    assert document["transactions"][0]["data"].endswith("0" * 64)


@pytest.mark.parametrize(("command", "role"), [("pause", "a guardian"), ("resume", GOVERNOR)])
def test_gov__pause_and_resume__by_whom(gov, command, role):
    document = json.loads(gov(command, "--offline", "--json")[1])
    assert document["transactions"][0]["sender"] == role


@pytest.mark.parametrize(
    ("arguments", "contract", "signature", "account"),
    [
        (("dismiss", STRANGER), "VaultAccess", "dismissKeeper(address)", STRANGER),
        (("dismiss", STRANGER, "--relay"), "VaultAccess", "dismissRelay(address)", STRANGER),
        (("close", "curie"), "VenueRegistry", "closeVenue(address)", VENUE),
        (("close", VENUE.lower()), "VenueRegistry", "closeVenue(address)", VENUE),
        (("call", f'VenueRegistry.closeVenue ["{VENUE}"]'), "VenueRegistry", "closeVenue(address)", VENUE),
    ],
)
def test_gov__act_without_a_delay__is_one_call_of_its_contract(gov, arguments, contract, signature, account):
    document = json.loads(gov(*arguments, "--offline", "--json")[1])
    (transaction,) = document["transactions"]
    assert transaction["to"] == deployment().contract(contract)
    assert transaction["data"] == encode_call(signature, account)
    assert (document["wait_seconds"], document["expires_unix"]) == (0, None)


@pytest.mark.parametrize("venue", ["curie", VENUE, VENUE.lower()])
def test_gov_call__venue_by_name_or_address__is_a_call_of_its_adapter(gov, venue):
    document = json.loads(gov("call", f"{venue}.maxFundingRate", "--offline", "--json")[1])
    (transaction,) = document["transactions"]
    assert (transaction["to"], transaction["data"]) == (VENUE, encode_call("maxFundingRate()"))
    assert transaction["sender"] == "whoever may"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("dismiss", "0x1"), "account '0x1' is not an address"),
        (("close", "gmx"), "no venue is called 'gmx'; venues: curie"),
        (("close", "0x1"), "venue '0x1' is not an address"),
        (("call", "closeVenue"), "write Contract.function"),
        (("call", "curie.cancell []"), "CurieVenue has no function 'cancell'"),
        (("call", "gmx.cancel []"), "gmx"),
        (("rescue", "--book", "examples/book.toml"), "this needs a node"),
        (("propose",), "nothing is proposed"),
        (("propose", "--set", "max_slipage_bps=40"), "did you mean max_slippage_bps"),
        (("propose", "--set", "max_slippage_bps=60"), "it is 60 bps already"),
        (("propose", "--set", "max_slippage_bps=999"), "above 300 bps, the contract's hard limit"),
        (("propose", "--set", "max_slippage_bps"), "write name=value"),
        (("propose", "--set", "max_slippage_bps=40", "--set", "max_slippage_bps=41"), "given twice"),
        (("propose", "--set", "max_slippage_bps:curie=40"), "is not a venue's"),
        (("propose", "--set", "venue_cap_usd:gmx=40"), "venues: curie"),
        (("propose", "--set", "max_fee_bps=10", "--governor", "0x1"), "--governor '0x1' is not an address"),
        (("propose", "--set", "max_fee_bps=10", "--network", "nowhere"), "no such file"),
        (("tighten",), "nothing is tightened"),
        (("tighten", "--set", "max_slippage_bps=80"), "does not tighten"),
        (("tighten", "--set", "max_drawdown_bps=360"), "does not tighten (no guardian may set it)"),
        (("tighten", "--set", "share_lock_seconds=60"), "no guardian may set it"),
        (("show", "12"), "this needs a node"),
        (("show", "0x1234567890"), "this needs a node"),
        (("show", "0x" + "12" * 40), "needs --target"),
        (("show", "nowhere.json"), "no such file"),
        (("show", "config/localnet.toml"), "is not JSON"),
        (("show", "0x123", "--target", STRANGER), "is not call data"),
        (("vote", "x", "--support", "for"), "proposal 'x' is no whole number"),
        (("show", "9" * 5_000), "is no whole number of at most 256 bits"),
        (("queue", "nowhere.json"), "no such file"),
    ],
)
def test_gov__bad_input__one_line_and_status_2(gov, arguments, line):
    status, out, err = gov(*arguments, "--offline")
    assert (status, out) == (2, "")
    assert line in err
    assert err.count("\n") == 1


def test_gov_execute__operation_of_a_dao__names_the_proposal_instead(gov, tmp_path):
    path = tmp_path / "proposal.json"
    gov("propose", "--set", "max_fee_bps=10", "--offline", "--save", path)
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "description": ""}))
    status, _, err = gov("execute", path, "--offline", "--kind", "votes")
    assert status == 2
    assert "whole proposals alone" in err


# --- confirmation ---------------------------------------------------------------------------------------------------


class Terminal:
    """Standard input of a person."""

    def isatty(self):
        return True


@pytest.mark.parametrize(("typed", "is_sent"), [("{words}", True), ("{words} zulu", None), ("", False)])
def test_deliver__at_a_terminal__sends_for_the_right_words_alone(gov, monkeypatch, capsys, typed, is_sent):

    own = plain_desk()
    calls = calls_of(parse_changes(["max_fee_bps=10"], own.state, own.deployment), own.state, own.deployment)
    words = checksum(own.deployment, calls)
    monkeypatch.setattr("agent.cli.gov_command.desk_at", lambda *_: _online(own))
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("typer.prompt", lambda *_, **__: typed.format(words=words.upper()))
    sent = []
    monkeypatch.setattr(gov_output, "send_and_wait", lambda *given: sent.append(given) or "0xabc")
    status, out, err = gov("propose", "--set", "max_fee_bps=10", "--no-simulation", "--from", GUARDIAN)
    assert len(sent) == (1 if is_sent else 0)
    if is_sent is None:
        assert status == 2
        assert "other words than the checksum's" in err
    else:
        assert ("Sent: 0xabc" if is_sent else "Nothing sent.") in out


def _online(own):

    return nullcontext(replace(own, node=Node(None, None)))
