"""Steps of governance at the wrong time, by the wrong account or on the wrong thing: one line, and no transaction."""

from __future__ import annotations

import json

import pytest

from agent.execution.config import GOVERNANCE_KEY_VARIABLE
from tests.support.gov_commands import DAY, governed_afresh, governed_world
from tests.support.vault_governor import VOTING_DELAY_SECONDS, VOTING_PERIOD_SECONDS, appoint_dao, wait

pytestmark = pytest.mark.chain

WEEK = 7 * DAY


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with governed_world(tmp_path_factory.mktemp("states")) as world:
        yield world


@pytest.fixture
def gov(world, monkeypatch, capsys):
    with governed_afresh(world, monkeypatch, capsys) as gov:
        yield gov


@pytest.fixture
def dao(gov):
    return appoint_dao(gov.localnet, gov.deployment, "depositor")


def pending(gov, dao):
    sets = ("--set", "max_slippage_bps=70", "--no-simulation", "--governor", dao)
    return gov.send("depositor", "propose", *sets)["proposal_id"]


def active(gov, dao):
    number = pending(gov, dao)
    wait(gov.localnet, VOTING_DELAY_SECONDS + 1)
    return number


def defeated(gov, dao):
    number = active(gov, dao)
    assert gov.call("depositor", dao, "castVote(uint256,uint8)", int(number), 0)
    wait(gov.localnet, VOTING_PERIOD_SECONDS)
    return number


def succeeded(gov, dao):
    number = active(gov, dao)
    assert gov.call("depositor", dao, "castVote(uint256,uint8)", int(number), 1)
    wait(gov.localnet, VOTING_PERIOD_SECONDS)
    return number


def queued(gov, dao):
    number = succeeded(gov, dao)
    gov.send("attacker", "queue", number, "--governor", dao)
    return number


def expired(gov, dao):
    number = queued(gov, dao)
    wait(gov.localnet, DAY + WEEK)
    return number


def executed(gov, dao):
    number = queued(gov, dao)
    wait(gov.localnet, DAY)
    gov.send("attacker", "execute", number, "--governor", dao)
    return number


STATES = {
    pending: ("is pending until", {"cancel"}),
    active: ("is active until", {"vote"}),
    defeated: ("is defeated: nothing can be done with it any more", set()),
    succeeded: ("is succeeded: it can only be queued", {"queue"}),
    queued: ("is queued: it can only be executed, or vetoed", {"execute", "veto"}),
    expired: ("is expired: nothing can be done", set()),
    executed: ("is executed: nothing can be done", set()),
}


@pytest.mark.parametrize("bring", STATES, ids=lambda bring: bring.__name__)
def test_gov__proposal_in_another_state__is_one_line(gov, dao, bring):
    words, allowed = STATES[bring]
    number = bring(gov, dao)
    for step in ("vote", "queue", "execute", "cancel", "veto"):
        if step in allowed:
            continue
        options = ("--support", "for") if step == "vote" else ()
        assert words in gov.refused("depositor", step, number, *options, "--governor", dao)


def test_gov__too_early__is_one_line_with_the_time(gov, dao):
    number = queued(gov, dao)
    assert "too early: it runs from" in gov.refused("attacker", "execute", number, "--governor", dao)
    gov.send("governor", "propose", "--set", "max_slippage_bps=50", "--no-simulation")
    row = next(row for row in gov.read("list") if row["caller"] == gov.accounts["governor"])
    assert "too early: it runs from" in gov.refused("governor", "execute", row["id"])


def test_gov_vote__twice_or_without_votes__is_one_line(gov, dao):
    number = active(gov, dao)
    vote = ("vote", number, "--support", "against", "--governor", dao)
    assert "had no votes at" in gov.refused("attacker", *vote)
    gov.send("depositor", *vote)
    assert "has voted on proposal" in gov.refused("depositor", *vote)


def test_gov__not_the_one_who_may__is_one_line(gov, dao, tmp_path):
    saved = tmp_path / "proposal.json"
    sets = ("--set", "max_slippage_bps=50", "--no-simulation")
    assert "GovernorInsufficientProposerVotes" in gov.refused("attacker", "propose", *sets, "--governor", dao)
    assert "AccessManagerUnauthorized" in gov.refused("attacker", "propose", *sets)
    gov.send("governor", "propose", *sets, "--save", saved)
    for role in ("attacker", "keeper"):
        assert "AccessManagerUnauthorizedCancel" in gov.refused(role, "veto", saved)
        assert "AccessManagerUnauthorizedCancel" in gov.refused(role, "cancel", saved)
        assert "NotGuardian" in gov.refused(role, "pause")
        assert "NotGuardian" in gov.refused(role, "tighten", "--set", "max_slippage_bps=10")
    wait(gov.localnet, DAY)
    assert gov.refused("attacker", "execute", saved)
    number = pending(gov, dao)
    assert "GovernorUnableToCancel" in gov.refused("attacker", "cancel", number, "--governor", dao)


def test_gov__of_calls_that_do_not_wait__is_one_line(gov, dao, tmp_path):
    saved, votes = tmp_path / "account.json", tmp_path / "votes.json"
    sets = ("--set", "max_slippage_bps=50", "--no-simulation", "--calldata")
    gov.read("propose", *sets, "--save", saved)
    gov.read("propose", *sets, "--save", votes, "--governor", dao)
    for step in ("execute", "cancel", "veto"):
        assert "1 of 1 calls are not scheduled by" in gov.refused("governor", step, saved)
    for step in ("queue", "execute", "cancel"):
        assert "has no proposal" in gov.refused("depositor", step, votes, "--governor", dao)
    gov.send("governor", "propose", *sets[:3])
    wait(gov.localnet, DAY + WEEK)
    assert "void" in gov.refused("governor", "execute", saved)


@pytest.mark.parametrize(
    ("key", "words"),
    [(None, GOVERNANCE_KEY_VARIABLE), ("0x1234", GOVERNANCE_KEY_VARIABLE), ("00" * 32, GOVERNANCE_KEY_VARIABLE)],
)
def test_gov__no_key_or_a_bad_one__is_one_line_that_does_not_show_it(gov, monkeypatch, key, words):
    if key is not None:
        monkeypatch.setenv(GOVERNANCE_KEY_VARIABLE, key)
    status, _, err = gov.run("propose", "--set", "max_slippage_bps=50", "--no-simulation", "--yes")
    assert status == 2
    assert err.count("\n") == 1
    assert words in err
    assert key is None or key not in err


def test_gov__account_that_the_node_does_not_hold__is_one_line(gov):
    nobody = "0x000000000000000000000000000000000000dEaD"
    status, _, err = gov.run("pause", "--from", nobody, "--yes")
    assert status in (1, 2)
    assert err.count("\n") == 1


# --- what is written wrong ------------------------------------------------------------------------------------------

WRONG = {
    "no such number": (("show", "5"), "has no proposal 5"),
    "number too long": (("show", "9" * 90), "is no whole number"),
    "no such operation": (("show", "0x123456"), "no scheduled operation begins with"),
    "call data without a target": (("show", "0x" + "12" * 40), "needs --target"),
    "target that is none": (("show", "0x12345678", "--target", "0x12"), "is not an address"),
    "call data that is none": (("show", "0x1", "--target", "0x" + "11" * 20), "is not call data"),
    "no such file": (("show", "nowhere.json"), "nowhere.json: no such file"),
    "a directory": (("show", "."), "a directory"),
    "a device": (("show", "/dev/null"), "a pipe or a device"),
    "a long name": (("show", "a" * 5_000), "cannot be read"),
    "no such parameter": (("propose", "--set", "max_slipage_bps=4"), "did you mean max_slippage_bps?"),
    "no value": (("propose", "--set", "max_slippage_bps"), "write name=value"),
    "no number": (("propose", "--set", "max_slippage_bps=NaN"), "write a plain number"),
    "a part of a basis point": (("propose", "--set", "max_slippage_bps=4.5"), "finer than the chain keeps"),
    "twice": (("propose", "--set", "max_fee_bps=4", "--set", "max_fee_bps=5"), "is given twice"),
    "as it is": (("propose", "--set", "max_slippage_bps=60"), "already"),
    "no such venue": (("propose", "--set", "venue_cap_usd:gmx=5"), "venues: curie"),
    "nothing": (("propose",), "nothing is proposed"),
    "no such contract": (("propose", "--call", "Vault.pause []"), "no contract Vault"),
    "no such function": (("propose", "--call", "HedgeVault.drain []"), "has no function 'drain'"),
    "too few arguments": (("propose", "--call", "HedgeVault.sweep []"), "takes 2 arguments, not 0"),
    "arguments that are none": (("propose", "--call", "HedgeVault.sweep {"), "are not JSON"),
    "arguments of other types": (("propose", "--call", "HedgeVault.setDepositCap [null]"), "setDepositCap"),
    "a number too large": (("propose", "--call", f"HedgeVault.setDepositCap [{2**256}]"), "setDepositCap"),
    "an argument with a point": (("propose", "--call", "HedgeVault.setDepositCap [1.5]"), "is no whole number"),
    "lists without end": (("propose", "--call", "HedgeVault.setDepositCap " + "[" * 9_000), "are not JSON"),
    "title that is no text": (("propose", "--set", "max_fee_bps=4", "--title", "\udcff"), "is no UTF-8 text"),
    "governor that is none": (("propose", "--set", "max_fee_bps=4", "--governor", "0x1"), "is not an address"),
    "save to nowhere": (("propose", "--set", "max_fee_bps=4", "--save", "/nowhere/at/all"), "/nowhere/at/all"),
    "safe file to a directory": (("propose", "--set", "max_fee_bps=4", "--safe", "/tmp"), "/tmp"),
    "nothing to tighten": (("tighten",), "nothing is tightened"),
    "loosened at once": (("tighten", "--set", "max_slippage_bps=70"), "does not tighten"),
}


@pytest.mark.parametrize("name", WRONG)
def test_gov__written_wrong__is_one_line(gov, name):
    arguments, words = WRONG[name]
    governor = (
        () if "--governor" in arguments or arguments[0] == "tighten" else ("--governor", gov.accounts["governor"])
    )
    offline_kind = ("--no-simulation",) if arguments[0] in ("propose", "show") else ()
    if name in ("no such number", "number too long"):
        governor = ()
    status, _, err = gov.run(*arguments, *offline_kind, *governor)
    assert status in (1, 2)
    assert err.count("\n") == 1, err
    assert words in err


def test_gov_show__files_that_were_changed__are_refused(gov, tmp_path):
    saved, safe = tmp_path / "saved.json", tmp_path / "safe.json"
    sets = ("--set", "max_slippage_bps=40", "--no-simulation")
    gov.read("propose", *sets, "--save", saved, "--safe", safe)
    document, batch = json.loads(saved.read_text()), json.loads(safe.read_text())
    tried = {
        "another call": ({**document, "calls": document["calls"] * 2}, "its checksum does not fit its calls"),
        "another chain": ({**document, "chain_id": 1}, "chain_id is 1, not 31337"),
        "another vault": ({**document, "vault": gov.accounts["attacker"]}, "it is for another vault"),
        "another format": ({**document, "format": "2"}, "is neither a batch"),
        "no calls": ({**document, "calls": 5}, "calls are damaged"),
        "a call without data": ({**document, "calls": [{}]}, "calls are damaged"),
        "a batch of another chain": ({**batch, "chainId": "1"}, "is for chain 1, not 31337"),
        "a batch with more in it": ({**batch, "transactions": batch["transactions"] * 2}, "its checksum is"),
        "a batch without transactions": ({**batch, "transactions": None}, "is no batch"),
    }
    for name, (changed, words) in tried.items():
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(changed))
        for step in ("show", "execute"):
            status, _, err = gov.run(step, path)
            assert (status, err.count("\n")) == (2, 1), name
            assert words in err, name
