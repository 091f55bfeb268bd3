"""Governance of a vault on the local chain by the command line itself: real contracts, real forks."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from eth_account import Account

from agent.execution.config import GOVERNANCE_KEY_VARIABLE
from agent.governance.governors import GovernorKind
from agent.governance.node_relay import relayed
from agent.localnet.artifacts import NODE_MODULES
from agent.localnet.codec import encode_call
from agent.localnet.deployer import Deployer
from agent.localnet.evm import Transaction
from agent.localnet.rpc import JsonRpc
from agent.settings import config_path, load_settings
from agent.units import Seconds
from tests.support.gov_commands import DAY, governed_afresh, governed_world
from tests.support.vault_governor import VOTING_DELAY_SECONDS, VOTING_PERIOD_SECONDS, appoint, appoint_dao, wait

pytestmark = pytest.mark.chain

MNEMONIC = "test test test test test test test test test test test junk"  # Anvil's own


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with governed_world(tmp_path_factory.mktemp("governance")) as world:
        yield world


@pytest.fixture
def gov(world, monkeypatch, capsys):
    with governed_afresh(world, monkeypatch, capsys) as gov:
        yield gov


TIGHTER = ("--set", "max_slippage_bps=40", "--set", "loss_capacity_bps=100")


# --- an account as governor -----------------------------------------------------------------------------------------


def test_gov__account__from_proposal_to_execution(gov, tmp_path):
    saved = tmp_path / "proposal.json"
    proposed = gov.send("governor", "propose", *TIGHTER, "--save", saved)
    assert [(one["name"], one["old"], one["new"], one["effect"]) for one in proposed["changes"]] == [
        ("max_slippage_bps", "60", "40", "tightens"),
        ("loss_capacity_bps", "150", "100", "tightens"),
    ]
    before, after = proposed["simulation"]["before"], proposed["simulation"]["after"]
    assert proposed["simulation"]["refusals"] == []
    assert before["all_keeper_keys_usd"] == pytest.approx(12_000.0)  # 3 % of 400,000
    assert after["all_keeper_keys_usd"] == pytest.approx(10_000.0)
    assert after["worst_net_delta"] == pytest.approx(before["worst_net_delta"])
    (waiting,) = gov.read("list")
    assert waiting["checksum"] == proposed["checksum"]
    assert waiting["seconds_left"] == DAY
    assert waiting["ready_unix"] - proposed["ready_unix"] in (0, 1)  # it was scheduled in the next block
    shown = gov.read("show", waiting["id"], "--no-simulation")
    assert (shown["checksum"], shown["changes"]) == (proposed["checksum"], proposed["changes"])
    assert gov.read("show", saved, "--no-simulation")["checksum"] == proposed["checksum"]
    status, _, err = gov.run("execute", waiting["id"][:12], "--from", gov.accounts["governor"], "--yes")
    assert (status, gov.slippage_bps()) == (2, 60)
    assert "too early: it runs from" in err
    told = gov.read("execute", saved, "--calldata")
    assert told["ready_unix"] == waiting["ready_unix"], "as it was scheduled, not a delay from now"
    wait(gov.localnet, DAY)
    status, out, _ = gov.run("execute", saved, "--calldata")
    assert status == 0
    assert "Takes effect with the transaction: it has waited until" in out
    gov.send("governor", "execute", saved)
    assert gov.slippage_bps() == 40
    assert gov.read("list") == []


def test_gov__several_groups__go_as_one_transaction_and_are_cancelled_as_one(gov, tmp_path):
    saved = tmp_path / "proposal.json"
    sets = ("--set", "deposit_cap=2000000", "--set", "venue_cap_usd:curie=300000", "--set", "max_age_seconds=1800")
    proposed = gov.send("governor", "propose", *sets, "--save", saved)
    assert len(proposed["calls"]) == 3
    assert len(proposed["transactions"]) == 1
    assert proposed["simulation"]["refusals"] == []
    assert len(gov.read("list")) == 3
    gov.send("governor", "cancel", saved)
    assert gov.read("list") == []


def test_gov__key_of_the_environment__signs(gov, monkeypatch):
    Account.enable_unaudited_hdwallet_features()
    key = Account.from_mnemonic(MNEMONIC, account_path="m/44'/60'/0'/0/10").key.hex()
    monkeypatch.setenv(GOVERNANCE_KEY_VARIABLE, key)
    status, out, err = gov.run("propose", "--set", "max_fee_bps=10", "--no-simulation", "--yes")
    assert status == 0, err
    assert "Sent: 0x" in out
    assert key not in out
    assert len(gov.read("list")) == 1


def test_gov_propose__refused_by_the_chain__is_found_on_the_fork(gov):
    venue = gov.accounts["attacker"]
    document = gov.read("propose", "--call", f'VenueRegistry.addVenue ["{venue}"]', "--calldata")
    (refusal,) = document["simulation"]["refusals"]
    assert "execution is refused" in refusal
    assert "believed about what it holds" in " ".join(document["worst_case"])
    status, _, err = gov.run("propose", "--call", f'VenueRegistry.addVenue ["{venue}"]', "--yes")
    assert status == 2
    assert "on the fork, so nothing is sent" in err
    assert gov.read("list") == []


def test_gov_propose__bounds__are_lived_through_on_a_day(gov):
    sets = ("--set", "band_underlying=12", "--set", "urgent_delta_underlying=20", "--set", "max_slippage_bps=0")
    day = gov.read("propose", *sets, "--calldata")["day"]
    before, after = day["before"], day["after"]
    assert day["missing"] is None
    assert before["effectiveness"] > 0.9
    assert before["seconds_outside"] == 0 < after["seconds_outside"]
    assert after["rebalances"] < before["rebalances"]
    assert after["cost_usd"] < before["cost_usd"]


def test_gov_propose__nothing_of_the_keepers__says_that_no_day_is_replayed(gov):
    status, out, err = gov.run("propose", "--set", "deposit_cap=2000000", "--calldata")
    assert status == 0, err
    assert "No day is replayed: nothing here is what a keeper's trades are judged by" in out


def test_gov_propose__price_file__is_the_day(gov, tmp_path):
    path, start = tmp_path / "prices.parquet", datetime(2024, 8, 5, tzinfo=UTC)
    rows = {
        "open_ts": [start + number * timedelta(hours=1) for number in range(24)],
        "symbol": ["ETHUSDT"] * 24,
        "open": [3_000.0 + 100.0 * (number % 2) for number in range(24)],
    }
    schema = {"open_ts": pl.Datetime("ms", "UTC"), "symbol": pl.String(), "open": pl.Float64}
    pl.DataFrame(rows, schema=schema).write_parquet(path)
    asked = ("propose", "--set", "band_underlying=4", "--calldata", "--prices", path)
    day = gov.read(*asked, "--day", "2024-08-05")["day"]
    assert day["prices"]["source"] == "prices.parquet"
    assert day["before"]["steps"] == 24
    for wrong, words in (((), "add --day"), (("--day", "2023-01-01"), "prices.parquet: ETHUSDT")):
        status, out, err = gov.run(*asked, *wrong)
        assert (status, out) == (2, "")
        assert words in err


def test_gov__not_a_governor__is_one_line(gov):
    status, _, err = gov.run("propose", "--set", "max_fee_bps=10", "--governor", gov.accounts["attacker"])
    assert status == 2
    assert err.count("\n") == 1
    assert "does not govern the vault" in err


def test_gov__nobody_confirms__nothing_is_sent(gov):
    status, out, err = gov.run(
        "propose", "--set", "max_fee_bps=10", "--no-simulation", "--from", gov.accounts["governor"]
    )
    assert status == 0
    assert "Nothing sent." in out
    assert "--yes" in err
    assert gov.read("list") == []


def test_relayed__url_with_a_token__is_hidden_and_leads_to_the_node(gov):
    secret = f"{gov.localnet.rpc_url}/?key=secret"
    with relayed(secret) as plain:
        assert "secret" not in plain
        with closing(JsonRpc(plain)) as rpc:
            assert rpc.request("eth_chainId") == hex(31_337)
    with relayed(gov.localnet.rpc_url) as plain:
        assert plain == gov.localnet.rpc_url


# --- the guardian ---------------------------------------------------------------------------------------------------


def test_gov_veto__guardian__nothing_runs_any_more(gov):
    gov.send("governor", "propose", "--set", "max_slippage_bps=300")
    (waiting,) = gov.read("list")
    status, _, err = gov.run("veto", waiting["id"], "--from", gov.accounts["attacker"], "--yes")
    assert status == 1
    assert "AccessManagerUnauthorizedCancel" in err
    gov.send("guardian", "veto", waiting["id"])
    assert gov.read("list") == []
    wait(gov.localnet, DAY)
    status, _, err = gov.run("execute", waiting["id"], "--from", gov.accounts["governor"], "--yes")
    assert status == 2
    assert "no scheduled operation" in err
    assert gov.slippage_bps() == 60


def test_gov_tighten__guardian__at_once_and_fully(gov):
    done = gov.send("guardian", "tighten", "--set", "max_slippage_bps=0", "--set", "max_age_seconds=600")
    assert (done["wait_seconds"], len(done["sent"])) == (0, 2)
    assert gov.slippage_bps() == 0
    status, _, err = gov.run("tighten", "--set", "max_slippage_bps=10", "--from", gov.accounts["guardian"], "--yes")
    assert status == 2
    assert "max_slippage_bps from 0 to 10 does not tighten" in err


def test_gov_pause__guardian__at_once_and_the_governor_resumes_later(gov, tmp_path):
    gov.send("guardian", "pause")
    assert gov.is_paused()
    saved = tmp_path / "resume.json"
    resumed = gov.send("governor", "resume", "--save", saved)
    assert resumed["simulation"]["refusals"] == []
    assert gov.is_paused()
    wait(gov.localnet, DAY)
    gov.send("governor", "execute", saved)
    assert not gov.is_paused()


def test_gov_dismiss__guardian__key_has_no_role_from_then_on(gov):
    keeper = gov.accounts["keeper"]
    assert "NotGuardian" in gov.refused("attacker", "dismiss", keeper)
    gov.send("guardian", "dismiss", keeper)
    assert not gov.localnet.chain.call(
        gov.deployment.contract("VaultAccess"), "isKeeper(address)", keeper, returns="(bool)"
    )[0]
    assert "NotKeeper" in gov.refused("guardian", "dismiss", keeper)


def test_gov_close__guardian__venue_may_only_shrink(gov):
    venue = gov.deployment.venues[0]
    gov.send("guardian", "close", venue.name)
    registry, returns = gov.deployment.contract("VenueRegistry"), "((int128,uint64,bool,bool,bool,int128))"
    state = gov.localnet.chain.call(registry, "venueState(address)", venue.address, returns=returns)[0]
    assert state[2]  # isClosing


def test_gov_call__what_anyone_may__is_sent_and_what_reverts_is_not(gov):
    venue = gov.deployment.venues[0].address
    assert "MarginNotNeeded" in gov.refused("attacker", "call", f'HedgeVault.bringMarginHome ["{venue}", 1]')
    assert "AccessManagedUnauthorized" in gov.refused("guardian", "call", f'VenueRegistry.reopenVenue ["{venue}"]')
    gov.send("guardian", "call", "HedgeVault.setReduceOnly []")
    assert gov.localnet.chain.call(gov.deployment.contract("HedgeVault"), "isReduceOnly()", returns="(bool)")[0]


# --- what is poisoned -----------------------------------------------------------------------------------------------


def test_gov_show__poisoned_proposal__every_warning(gov):
    attacker, contracts = gov.accounts["attacker"], gov.deployment.contract
    access, guard, vault = contracts("VaultAccess"), contracts("RebalanceGuard"), contracts("HedgeVault")
    proposed = gov.read("propose", "--set", "max_slippage_bps=300", "--calldata", "--no-simulation")
    loosening = bytes.fromhex(proposed["calls"][0]["data"][2:])
    grant = bytes.fromhex(encode_call("grantRole(uint64,address,uint32)", 1, attacker, 0)[2:])
    schedule = "schedule(address,bytes,uint48)"
    parts = [(access, grant), (vault, bytes.fromhex("deadbeef")), (guard, loosening), (attacker, grant)]
    batch = [bytes.fromhex(encode_call(schedule, to, data, 0)[2:]) for to, data in parts]
    poisoned = encode_call("multicall(bytes[])", batch)
    shown = gov.read("show", poisoned, "--target", access, "--no-simulation")
    warnings = " ".join(shown["warnings"])
    assert "HedgeVault has no function with selector 0xdeadbeef" in warnings
    assert f"target {attacker} is no contract of this vault" in warnings
    assert "it appoints a keeper and loosens parameters in one" in warnings
    worst = " ".join(shown["worst_case"])
    assert f"{attacker} trades within the bounds" in worst
    assert "max_slippage_bps 300 bps" in worst
    assert "anything that the target lets" in worst
    assert [one["name"] for one in shown["changes"]] == ["max_slippage_bps"]


# --- a Safe ---------------------------------------------------------------------------------------------------------


def test_gov_propose__safe_file__is_shown_with_the_same_checksum(gov, tmp_path):
    path = tmp_path / "safe.json"
    proposed = gov.read("propose", *TIGHTER, "--safe", path, "--no-simulation")
    assert proposed["sent"] == []
    assert gov.read("show", path, "--no-simulation")["checksum"] == proposed["checksum"]
    batch = json.loads(path.read_text())
    data = batch["transactions"][0]["data"]
    batch["transactions"][0]["data"] = data[:-1] + ("1" if data[-1] != "1" else "2")
    path.write_text(json.dumps(batch))
    status, _, err = gov.run("show", path)
    assert status == 2
    assert "its checksum is" in err


# --- a DAO ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def dao(gov):
    return appoint_dao(gov.localnet, gov.deployment, "depositor")


def _passed(gov, dao, *sets):
    proposed = gov.send("depositor", "propose", *sets, "--governor", dao)
    assert proposed["governor"]["kind"] == GovernorKind.VOTES.value
    assert proposed["simulation"]["refusals"] == []
    wait(gov.localnet, VOTING_DELAY_SECONDS + 1)
    number = proposed["proposal_id"]
    (row,) = gov.read("list", "--governor", dao)
    assert (row["id"], row["state"], row["checksum"]) == (number, "active", proposed["checksum"])
    voted = gov.send("depositor", "vote", number, "--support", "for", "--reason", "deep pool", "--governor", dao)
    assert voted["checksum"] == proposed["checksum"]
    wait(gov.localnet, VOTING_PERIOD_SECONDS)
    gov.send("attacker", "queue", number, "--governor", dao)
    return number


def test_gov__dao__whole_life_by_votes(gov, dao):
    number = _passed(gov, dao, "--set", "max_slippage_bps=70", "--set", "deposit_cap=900000")
    shown = gov.read("show", number, "--governor", dao)
    assert "queued" in shown["status"]
    assert shown["simulation"]["refusals"] == []
    status, _, err = gov.run("execute", number, "--governor", dao, "--from", gov.accounts["attacker"], "--yes")
    assert status == 2
    assert "too early: it runs from" in err
    wait(gov.localnet, DAY)
    _, out, _ = gov.run("execute", number, "--governor", dao, "--calldata")
    assert "Takes effect with the transaction: it has waited until" in out
    gov.send("attacker", "execute", number, "--governor", dao)
    assert gov.slippage_bps() == 70


def test_gov__daos_own_settings__wait_and_are_shown_too(gov, dao):
    number = _passed(gov, dao, "--call", "VaultGovernor.setVotingPeriod [7200]")
    shown = gov.read("show", number, "--governor", dao)
    assert "only a vote can change them" in shown["simulation"]["left_out"][0]
    assert shown["worst_case"] == ["VaultGovernor.setVotingPeriod: the DAO has as long to vote"]
    assert shown["warnings"] == []
    wait(gov.localnet, DAY)
    gov.send("attacker", "execute", number, "--governor", dao)
    assert gov.localnet.chain.call(dao, "votingPeriod()", returns="(uint256)") == (7_200,)


def test_gov__dao_vetoed__proposal_is_cancelled(gov, dao):
    number = _passed(gov, dao, "--set", "max_slippage_bps=300")
    gov.send("guardian", "veto", number, "--governor", dao)
    assert "canceled" in gov.read("show", number, "--governor", dao, "--no-simulation")["status"]
    wait(gov.localnet, DAY)
    status, _, err = gov.run("execute", number, "--governor", dao, "--from", gov.accounts["attacker"], "--yes")
    assert status == 2
    assert "is canceled: nothing can be done with it" in err
    assert gov.slippage_bps() == 60


# --- a timelock -----------------------------------------------------------------------------------------------------


def test_gov__timelock__one_proposal_schedules_and_executes(gov, tmp_path):
    localnet, proposer = gov.localnet, gov.accounts["spare"]
    artifact = NODE_MODULES / "@openzeppelin" / "contracts" / "build" / "contracts" / "TimelockController.json"
    deployer = Deployer(localnet.chain, proposer)
    timelock = deployer.create(
        "TimelockController", json.loads(artifact.read_text())["bytecode"], "(uint256,address[],address[],address)",
        3_600, [proposer], ["0x" + "00" * 20], "0x" + "00" * 20,
    )  # fmt: skip
    deployer.flush()
    appoint(localnet, gov.deployment, timelock)
    saved = tmp_path / "proposal.json"
    proposed = gov.send("spare", "propose", *TIGHTER, "--governor", timelock, "--save", saved)
    assert (proposed["governor"]["kind"], len(proposed["sent"])) == ("timelock", 2)
    first, second = gov.read("execute", saved, "--governor", timelock, "--calldata")["transactions"]
    for transaction, seconds in ((first, 3_600), (second, DAY)):
        wait(localnet, seconds)
        call = Transaction(transaction["what"], proposer, transaction["to"], transaction["data"], 3_000_000)
        localnet.chain.mine([call])
    assert gov.slippage_bps() == 40


# --- a rescue -------------------------------------------------------------------------------------------------------


def test_gov__rescue__stranger_hedges_for_silent_keepers_and_the_tank_pays(world, gov):
    localnet, deployment, manifest = world
    silence = load_settings(config_path("localnet")).rescue.silence_seconds
    book, desk = manifest.parent / "book.toml", deployment.contract("RescueDesk")
    price_usd, venue = localnet.manifest.start_price_usd, deployment.venues[0].address

    def tank() -> int:
        return int(localnet.chain.rpc.request("eth_getBalance", desk, "latest"), 16)

    def size() -> int:
        return int(localnet.chain.call(venue, "size()", returns="(int256)")[0])

    assert "KeepersNotSilent" in gov.refused("attacker", "rescue", "--book", book)
    localnet.step(price_usd, Seconds(localnet.chain.head().timestamp + silence))
    before = tank()
    assert size() == 0
    gov.send("attacker", "rescue", "--book", book)
    assert size() > 0
    assert 0 < tank() < before
    localnet.step(price_usd, Seconds(localnet.chain.head().timestamp + 300))
    assert "there is nothing to rescue" in gov.refused("attacker", "rescue", "--book", book)
