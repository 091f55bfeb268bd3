"""From a chain with nothing of ours to a governed vault and back: every step by the commands that people run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from agent.chain.abi import load_abi
from agent.deploy.deployer_key import DEPLOYER_KEY_VARIABLE
from agent.localnet.anvil import free_port
from agent.units import WAD, Address
from tests.support.keeper_world import BOOK
from tests.support.public_testnet import public_testnet
from tests.support.story import (
    VOTING_DELAY_SECONDS,
    VOTING_PERIOD_SECONDS,
    CommandLine,
    network_text,
)

pytestmark = pytest.mark.chain

CHAIN_ID = 84_004
DAY, HALF_AN_HOUR = 86_400, 1_900
USDC = 10**6
EQUITY_LOW = 9  # place in `VenueMeasurement`
MEMBERS = {"depositor": 300_000 * USDC, "spare": 100_000 * USDC}
POSITION = "((int256,uint256,int256,int256,int256))"
REDEEM_WITH_UNWIND = "redeemWithUnwind(uint256,uint256,address,address,(address,int256,int256,uint256)[])"


@pytest.fixture
def people(tmp_path, repository):
    with public_testnet(free_port(), CHAIN_ID, tmp_path) as testnet:
        config, book = tmp_path / "story.toml", tmp_path / "book.toml"
        config.write_text(network_text((repository / "config" / "localnet.toml").read_text(), testnet, tmp_path))
        book.write_text(BOOK)
        yield CommandLine(testnet, config, book)


# HEDGE-062, HEDGE-065, HEDGE-069
def test_story__from_an_empty_chain_to_an_empty_vault__by_commands(people, repository):
    market_is_put_up(people)
    digest = plan_is_shown(people)
    applied_though_killed_at_every_step(people, digest, repository)
    verified_without_power_of_the_deployer(people)
    members_deposit(people)
    with people.keeper() as keeper:
        hedged_as_far_as_the_bound_allows(people, keeper)
        loosened_by_a_vote(people, keeper)
        second_proposal_is_vetoed(people, keeper)
        tightened_by_the_guardian(people, keeper)
        paused(people, keeper)
        assert keeper.stop() == 0
    everybody_leaves(people)


# --- deployment ---------------------------------------------------------------------------------------------------


def market_is_put_up(people):
    assert "Stand-in market deployed" in people.deploy("market")
    people.testnet.wait(HALF_AN_HOUR)
    assert "Stand-in market opened" in people.deploy("market")
    people.testnet.wait(60)


def plan_is_shown(people):
    planned = json.loads(people.deploy("plan", "--json"))
    assert planned["findings"] == []
    assert planned["chain_id"] == CHAIN_ID
    held = {(one["role"], one["what"]) for one in planned["holders"]}
    assert {("governor", "VaultGovernor"), ("votes", "6,000, 60.00 % of all")} <= held
    return planned["plan"]


def applied_though_killed_at_every_step(people, digest, repository):
    """Each run is killed with its one transaction mined and nobody told; the last finds all done."""
    command = ["--network", people.config.stem, "--config", str(people.config), "--book", str(people.book)]
    order = json.dumps([*command, "--plan", digest]) + "\n"
    steps = len(json.loads(people.deploy("status", "--json"))["steps"])
    manifest = people.config.parent / "deployed.json"
    zygote = subprocess.Popen(
        [sys.executable, "-m", "tests.support.deploy_zygote"],
        cwd=repository,
        env=people.environment(DEPLOYER_KEY_VARIABLE, "deployer"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with zygote:
        for done in range(steps):
            assert not manifest.exists(), done
            zygote.stdin.write(order)
            zygote.stdin.flush()
            assert json.loads(zygote.stdout.readline())["exit"] == -signal.SIGKILL, done
        zygote.stdin.close()
    left = json.loads(people.deploy("status", "--json"))
    assert (left["next"], left["handed_over"]) == (None, True)
    before = people.testnet.chain.nonce(people.testnet.accounts["deployer"])
    people.deploy("apply", "--plan", digest)
    assert people.testnet.chain.nonce(people.testnet.accounts["deployer"]) == before
    assert manifest.exists()


def verified_without_power_of_the_deployer(people):
    verified = json.loads(people.deploy("verify", "--json"))
    assert verified["differing"] == 0
    found = {check["subject"]: check["found"] for check in verified["checks"]}
    (powers,) = [
        subject for subject in found if subject.startswith("power of the deployer over") and "votes" not in subject
    ]
    assert found[powers] == "none: as any stranger"
    assert found["power of the deployer over the votes"] == "none: no vote, no role"
    assert found["holders of ADMIN_ROLE"] == people.deployment().contract("VaultGovernor")


# --- a hedged vault -----------------------------------------------------------------------------------------------


def members_deposit(people):
    asset, vault = Address(people.deployment().asset.address), people.deployment().contract("HedgeVault")
    for member, assets in MEMBERS.items():
        people.testnet.send(member, asset, "mint(address,uint256)", people.testnet.accounts[member], assets)
        people.testnet.send(member, asset, "approve(address,uint256)", vault, assets)
        people.testnet.send(member, vault, "deposit(uint256,address)", assets, people.testnet.accounts[member])
    people.testnet.wait(300)


def size(people):
    """Hedge on the venue, ETH."""
    (venue,) = people.deployment().venues
    return people.testnet.chain.call(Address(venue.address), "position()", returns=POSITION)[0][0] / WAD


def hedged_as_far_as_the_bound_allows(people, keeper):
    traded = keeper.next(lambda cycle: cycle["outcome"] == "executed")
    assert traded["fills"][0]["size_delta"] > 20
    assert "GrossNotionalExceeded" in keeper.next(lambda cycle: cycle["outcome"] == "held")["reason"]
    assert size(people) * people.testnet.price_usd <= 100_000


# --- governance ---------------------------------------------------------------------------------------------------


def loosened_by_a_vote(people, keeper):
    """The keeper, which held at the bound, trades on by itself once the vote is executed, and not before."""
    for voter in ("depositor", "spare"):
        people.gov(voter, "delegate", people.testnet.accounts[voter])
    number = passed(people, "--set", "max_gross_notional_usd=400000")
    (waiting,) = people.status()["scheduled"]
    status, _, err = people.try_gov("attacker", "execute", number)
    assert (status, "too early" in err) == (2, True)
    wait_and_follow(people, waiting["ready_at_unix"] - people.testnet.chain.head().timestamp)
    keeper.settle()
    before = size(people)
    assert before * people.testnet.price_usd <= 100_000
    people.gov("attacker", "execute", number)
    traded = keeper.next(lambda cycle: cycle["outcome"] == "executed")
    assert size(people) == pytest.approx(before + traded["fills"][0]["size_delta"])
    assert size(people) * people.testnet.price_usd > 150_000


def passed(people, *sets):
    """Propose, vote and queue; return the proposal's number."""
    proposed = people.gov("depositor", "propose", *sets)
    assert proposed["simulation"]["refusals"] == []
    number = proposed["proposal_id"]
    wait_and_follow(people, VOTING_DELAY_SECONDS + 1)
    people.gov("depositor", "vote", number, "--support", "for")
    people.gov("spare", "vote", number, "--support", "against")
    wait_and_follow(people, VOTING_PERIOD_SECONDS)
    people.gov("attacker", "queue", number)
    return number


def wait_and_follow(people, seconds, price_usd=None):
    people.testnet.wait(seconds, price_usd)
    people.deploy("market")


def second_proposal_is_vetoed(people, keeper):
    number = passed(people, "--set", "max_slippage_bps=300")
    people.gov("guardian", "veto", number)
    assert people.status()["scheduled"] == []
    assert "canceled" in people.gov("spare", "show", number, "--no-simulation")["status"]
    wait_and_follow(people, DAY)
    status, _, err = people.try_gov("attacker", "execute", number)
    assert (status, "canceled" in err) == (2, True), err
    assert people.status()["bounds"]["max_slippage_bps"] == 60


def tightened_by_the_guardian(people, keeper):
    """What the market now asks for comes in pieces of the new size."""
    keeper.settle()
    people.gov("guardian", "tighten", "--set", "max_size_delta_underlying=2", "--set", "band_underlying=0.5")
    wait_and_follow(people, 300, price_usd=3_300.0)
    traded = keeper.next(lambda cycle: cycle["outcome"] == "executed")
    assert 0 < abs(traded["fills"][0]["size_delta"]) <= 2


def paused(people, keeper):
    people.gov("guardian", "pause")
    wait_and_follow(people, 300, price_usd=3_400.0)
    before = size(people)
    assert keeper.settle()["reason"] == "the vault is paused"
    assert size(people) == before


# --- the end ------------------------------------------------------------------------------------------------------


def everybody_leaves(people):
    """Nobody but the members acts: they close their parts of the hedge and take its margin home, in three turns.

    While a position is open, shares are paid by the least that it may be worth. What that leaves behind the next turns
    pay out, but for a rest.
    """
    asset, vault = Address(people.deployment().asset.address), people.deployment().contract("HedgeVault")
    worth = {
        member: people.testnet.number(vault, "previewRedeem(uint256)", shares(people, member)) for member in MEMBERS
    }
    assert margin_usd(people) > 50_000
    for part_percent in (95, 95, 100):
        for member in MEMBERS:
            leave(people, member, part_percent)
    assert people.testnet.number(vault, "totalSupply()") == 0
    assert size(people) == 0
    assert margin_usd(people) + people.testnet.number(asset, "balanceOf(address)", vault) / USDC < 100
    for member, at_least in worth.items():
        paid = people.testnet.number(asset, "balanceOf(address)", people.testnet.accounts[member])
        assert paid > at_least * 0.99, member


def margin_usd(people):
    """What the account on the venue is worth."""
    (venue,) = people.status()["venues"]
    return venue["equity_usd"]


def shares(people, member):
    return people.testnet.number(
        people.deployment().contract("HedgeVault"), "balanceOf(address)", people.testnet.accounts[member]
    )


def leave(people, member, part_percent):
    """Redeem a part of one's shares with the part of the hedge that goes with what idle does not pay of it."""
    vault, account = people.deployment().contract("HedgeVault"), people.testnet.accounts[member]
    (venue,) = people.deployment().venues
    part = shares(people, member) * part_percent // 100
    worth, idle = (
        people.testnet.number(vault, "previewRedeem(uint256)", part),
        people.testnet.number(vault, "idleAssets()"),
    )
    paid = part * idle // worth if worth > idle else part
    rest, supply = part - paid, people.testnet.number(vault, "totalSupply()") - paid
    margin = equity_low(people) * rest // supply
    hedge = people.testnet.chain.call(Address(venue.address), "position()", returns=POSITION)[0][0]
    closed = hedge * rest // supply
    if rest != supply:  # what a share is worth moves from block to block
        margin, closed = margin + worth // 500, closed * 99 // 100
    leg = (venue.address, -margin, -closed, 0)
    people.testnet.send(member, vault, REDEEM_WITH_UNWIND, part, 0, account, account, [leg])


def equity_low(people):
    """Least that the account on the venue is worth, asset units: what shares are paid by."""
    vault, measure = people.deployment().contract("HedgeVault"), load_abi("HedgeVault").function("measureHedge")
    answer = people.testnet.chain.rpc.request("eth_call", {"to": vault, "data": measure.encode()}, "latest")
    *_, (venue,) = measure.decode(answer)[0]
    return venue[EQUITY_LOW] // (WAD // USDC)
