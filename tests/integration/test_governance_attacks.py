"""Governance as attacker: a majority of votes or a stolen governor's key, against real contracts on a local chain.

What would drain, brick or free the vault is refused by the contracts, or waits the whole delay where all can read what
it would allow, and is vetoed until the moment it runs.
"""

from __future__ import annotations

import json

import pytest

from agent.chain.abi import load_abi
from agent.localnet.codec import encode_call
from tests.support.gov_commands import DAY, governed_afresh, governed_world
from tests.support.vault_governor import VOTING_DELAY_SECONDS, VOTING_PERIOD_SECONDS, appoint_dao, wait

pytestmark = pytest.mark.chain

LOOSEST = (
    "max_slippage_bps=300", "max_fee_bps=100", "max_nav_loss_bps=250", "band_underlying=1000000000000",
    "urgent_delta_underlying=1000000000000", "max_size_delta_underlying=1000000000000",
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with governed_world(tmp_path_factory.mktemp("attacks")) as world:
        yield world


@pytest.fixture
def gov(world, monkeypatch, capsys):
    with governed_afresh(world, monkeypatch, capsys) as gov:
        yield gov


@pytest.fixture
def dao(gov):
    """A governor by votes, all of which one account holds: here the attacker's."""
    return appoint_dao(gov.localnet, gov.deployment, "depositor")


def venue_of_ones_own(gov):
    """Another contract with the code of the vault's own venue: it names the vault and its asset, and holds nothing."""
    rpc = gov.localnet.chain.rpc
    code = rpc.request("eth_getCode", gov.deployment.venues[0].address, "latest")[2:]
    creation = f"0x61{len(code) // 2:04x}80600a3d393df3{code}"
    sent = rpc.request(
        "eth_sendTransaction", {"from": gov.accounts["attacker"], "data": creation, "gas": hex(8_000_000)}
    )
    rpc.request("evm_mine")
    return rpc.request("eth_getTransactionReceipt", sent)["contractAddress"]


def named(gov, dao, written):
    """Fill in the addresses that a call names."""
    known = {
        "attacker": gov.accounts["attacker"], "guardian": gov.accounts["guardian"], "dao": dao,
        "venue": gov.deployment.venues[0].address, "asset": gov.deployment.asset.address,
        "book": gov.deployment.contract("OptionBook"), "oracle": gov.deployment.contract("PriceOracle"),
        "source": gov.deployment.contract("ChainlinkSource"), "nobody": "0x" + "00" * 20,
        "own_venue": venue_of_ones_own(gov) if "own_venue" in written else "",
    }  # fmt: skip
    for name, address in known.items():
        written = written.replace(f"<{name}>", address)
    return written


def proposed(gov, dao, *changes, title=None):
    """Propose, by the attacker's votes, and return the document."""
    options = [
        part for change in changes for part in (("--call" if " " in change else "--set"), named(gov, dao, change))
    ]
    titled = [] if title is None else ["--title", title]
    return gov.send("depositor", "propose", *options, *titled, "--no-simulation", "--governor", dao)


def queued(gov, dao, *changes, title=None):
    """Bring a proposal through its vote and return its number."""
    number = proposed(gov, dao, *changes, title=title)["proposal_id"]
    wait(gov.localnet, VOTING_DELAY_SECONDS + 1)
    assert gov.call("depositor", dao, "castVote(uint256,uint8)", int(number), 1)
    wait(gov.localnet, VOTING_PERIOD_SECONDS)
    gov.send("attacker", "queue", number, "--governor", dao)
    return number


def proposal_state(gov, dao, number):
    return gov.localnet.chain.call(dao, "state(uint256)", int(number), returns="(uint8)")[0]


def now(gov):
    return gov.localnet.chain.head().timestamp


# --- refused by the contracts, whatever was voted -------------------------------------------------------------------

REFUSED = {
    "own account as venue": ('VenueRegistry.addVenue ["<attacker>"]', "execution is refused"),
    "source that is no contract": ('DeltaBook.addSource ["<attacker>"]', "execution is refused"),
    "asset swept away": ('HedgeVault.sweep ["<asset>","<attacker>"]', "AssetNotSweepable"),
    "another queue": ('HedgeVault.setRedemptionQueue ["<book>"]', "QueueAlreadySet"),
    "fees after the first deposit": ('HedgeVault.setShareFees ["<book>"]', "ShareFeesFixed"),
    "another vault for the registry": ('VenueRegistry.bindVault ["<book>"]', "VaultAlreadyBound"),
    "another vault for the guard": ('RebalanceGuard.bindVault ["<book>"]', "VaultAlreadyBound"),
    "another authority": ('VaultAccess.updateAuthority ["<venue>","<attacker>"]', "AccessManagerLockedFunction"),
    "authority of the vault": ('HedgeVault.setAuthority ["<attacker>"]', "AuthorityIsFixed"),
    "role of a function": (
        'VaultAccess.setTargetFunctionRole ["<venue>",["0x12345678"],1]', "AccessManagerLockedFunction"
    ),
    "guardian's veto taken": ("VaultAccess.setRoleGuardian [0, 7]", "AccessManagerLockedFunction"),
    "governor without a delay": ('VaultAccess.grantRole [0, "<attacker>", 0]', "DelayOutOfRange"),
    "own delay to nothing": ('VaultAccess.grantRole [0, "<dao>", 0]', "DelayOutOfRange"),
    "governor for ever frozen": ('VaultAccess.grantRole [0, "<dao>", 4294967295]', "DelayOutOfRange"),
    "governor and guardian in one": ('VaultAccess.grantRole [2, "<dao>", 0]', "GovernorIsGuardian"),
    "handed over again": ('VaultAccess.handOver ["<attacker>", 86400, "<attacker>", [], []]', "NotDeployer"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_attack__refused_by_the_contracts__is_found_on_the_fork(gov, name):
    call, error = REFUSED[name]
    err = gov.refused("governor", "propose", "--call", named(gov, gov.accounts["governor"], call))
    assert error in err
    assert "on the fork, so nothing is sent" in err


HARD_LIMITS = (
    "max_slippage_bps=301",
    "max_leverage_ratio=101",
    "delay_seconds=3600",
    "loss_capacity_bps=501",
    "venue_cap_usd=-1",
)


@pytest.mark.parametrize("change", HARD_LIMITS)
def test_attack__beyond_a_hard_limit__is_refused_before_it_is_proposed(gov, change):
    assert change.partition("=")[0] in gov.refused("governor", "propose", "--set", change)


# --- waits, in sight, and is vetoed ---------------------------------------------------------------------------------

WAITING = {
    "own venue": (
        ['VenueRegistry.addVenue ["<own_venue>"]'],
        ["keepers may move margin to", "its cap begins unlimited"],
        [],
    ),
    "own keeper and the loosest bounds": (
        ['VaultAccess.grantRole [1, "<attacker>", 0]', *LOOSEST],
        ["one stolen key costs", "max_slippage_bps 300 bps", "band_underlying"],
        ["it appoints a keeper and loosens parameters in one"],
    ),
    "own relay": (
        ['VaultAccess.grantRole [3, "<attacker>", 0]'],
        ["unless it checks signatures it spends every budget"],
        [],
    ),
    "oracle of one's own": (
        ['PriceOracle.setSources [["<source>","<nobody>","<nobody>","<nobody>"]]'],
        ["the new sources say the price: false ones open every bound and exit"],
        [],
    ),
    "book of nothing": (['DeltaBook.removeSource ["<book>"]'], ["the guard measures another book delta"], []),
    "further governor": (['VaultAccess.grantRole [0, "<attacker>", 86400]'], ["may schedule everything"], []),
    "own guardian": (['VaultAccess.grantRole [2, "<attacker>", 0]'], ["it can hold governance up"], []),
    "vault wound down": (["HedgeVault.startWindDown []"], ["for good"], []),
    "venue cut off": (
        ["HedgeVault.setDepositCap [0]", 'VenueRegistry.forceRemoveVenue ["<venue>"]'], ["leaves NAV at once"], [],
    ),
    "votes of no quorum and no delay": (
        ["VaultGovernor.updateQuorumNumerator [0]", "VaultGovernor.setVotingDelay [0]"],
        ["as few votes decide", "as long to notice"],
        [],
    ),
    "harmless with harmful": (
        ["max_slippage_bps=40", 'DeltaBook.removeSource ["<book>"]'],
        ["the guard measures another book delta"],
        [],
    ),
    "by way of relay": (
        ['VaultGovernor.relay ["<asset>", 0, "0xa9059cbb"]'],
        ["anything that the target lets"],
        ["is no contract of this vault"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITING)
def test_attack__voted_through__waits_in_sight_and_is_vetoed_at_the_last(gov, dao, name):
    changes, worst, warnings = WAITING[name]
    number = queued(gov, dao, *changes)
    since = now(gov)
    shown = gov.read("show", number, "--governor", dao, "--no-simulation")
    assert shown["ready_unix"] - since >= DAY - 1  # the block after it was queued may be a second later
    for words in worst:
        assert any(words in line for line in shown["worst_case"]), shown["worst_case"]
    for words in warnings:
        assert any(words in line for line in shown["warnings"]), shown["warnings"]
    assert shown["checksum"] in {row["checksum"] for row in gov.read("list", "--governor", dao)}
    _, told, _ = gov.evenkeel("status", "--json")
    scheduled = [line for change in json.loads(told)["scheduled"] for line in change["worst_case"]]
    assert any(worst[0] in line for line in scheduled), scheduled
    assert "too early" in gov.refused("attacker", "execute", number, "--governor", dao)
    wait(gov.localnet, shown["ready_unix"] - now(gov) - 3)  # the last seconds before it may run
    gov.send("guardian", "veto", number, "--governor", dao)
    wait(gov.localnet, DAY)
    assert "canceled" in gov.refused("attacker", "execute", number, "--governor", dao)
    assert gov.read("list", "--governor", dao) == []


def test_attack__ready_and_not_run_yet__is_vetoed_still(gov, dao):
    number = queued(gov, dao, "max_slippage_bps=300")
    wait(gov.localnet, 3 * DAY)
    gov.send("guardian", "veto", number, "--governor", dao)
    assert "canceled" in gov.refused("attacker", "execute", number, "--governor", dao)
    assert gov.slippage_bps() == 60


def test_attack__guardian_dismissed__waits_twice_and_stops_nothing_else(gov, dao):
    number = queued(gov, dao, 'VaultAccess.revokeRole [2, "<guardian>"]')
    shown = gov.read("show", number, "--governor", dao, "--no-simulation")
    assert shown["ready_unix"] - now(gov) >= 2 * DAY - 1
    assert any("without another guardian nobody cancels" in line for line in shown["worst_case"])
    assert "AccessManagerUnauthorizedCancel" in gov.refused("guardian", "veto", number, "--governor", dao)
    gov.send("guardian", "pause")  # and all else is the guardian's as before
    assert gov.is_paused()
    wait(gov.localnet, DAY)
    assert "too early" in gov.refused("attacker", "execute", number, "--governor", dao)


def test_attack__shorter_delay_first__gains_nothing(gov, dao):
    """From two days to one: the change waits two days and takes effect after the day between them."""
    governor, access = gov.accounts["governor"], gov.deployment.contract("VaultAccess")
    longer = gov.send("governor", "propose", "--set", f"delay_seconds={2 * DAY}", "--no-simulation")
    wait(gov.localnet, longer["wait_seconds"])
    gov.send("governor", "execute", gov.read("list")[0]["id"])
    delay = gov.localnet.chain.call(access, "delayOf(address)", governor, returns="(uint32)")
    assert delay == (2 * DAY,)
    gov.send("governor", "propose", "--set", f"delay_seconds={DAY}", "--no-simulation")
    wait(gov.localnet, 2 * DAY)
    gov.send("governor", "execute", gov.read("list")[0]["id"])
    gov.send("governor", "propose", "--set", "max_slippage_bps=300", "--no-simulation")
    assert gov.read("list")[0]["seconds_left"] == 2 * DAY


# --- tricks ---------------------------------------------------------------------------------------------------------


def test_attack__executed_without_being_scheduled__is_refused(gov, dao):
    guard = gov.deployment.contract("RebalanceGuard")
    number = proposed(gov, dao, "max_slippage_bps=300")["proposal_id"]
    assert "is pending" in gov.refused("attacker", "execute", number, "--governor", dao)
    shown = gov.read("show", number, "--governor", dao, "--no-simulation")
    data = bytes.fromhex(shown["calls"][0]["data"][2:])
    for role in ("governor", "guardian", "keeper", "attacker", "deployer"):
        assert not gov.call(role, "VaultAccess", "execute(address,bytes)", guard, data)
    assert gov.slippage_bps() == 60


def test_attack__one_vetoed_call_of_a_batch__none_of_it_runs(gov, dao):
    number = queued(gov, dao, "max_slippage_bps=40", 'DeltaBook.removeSource ["<book>"]')
    harmless, _ = sorted(gov.read("list", "--governor", dao)[1:], key=lambda row: "setBounds" not in row["what"])
    gov.send("guardian", "veto", harmless["id"])
    wait(gov.localnet, DAY)
    assert "canceled" in gov.refused("attacker", "execute", number, "--governor", dao)
    assert gov.slippage_bps() == 60


def test_attack__scheduled_anew_after_the_veto__waits_the_whole_delay_again(gov, dao):
    number = queued(gov, dao, "max_slippage_bps=300")
    wait(gov.localnet, DAY - 60)
    gov.send("guardian", "veto", number, "--governor", dao)
    again = queued(gov, dao, "max_slippage_bps=300", title="the same once more")
    shown = gov.read("show", again, "--governor", dao, "--no-simulation")
    assert shown["ready_unix"] - now(gov) >= DAY - 1
    assert proposal_state(gov, dao, number) == 2  # the first stays cancelled, though its operation waits anew
    assert "canceled" in gov.refused("attacker", "execute", number, "--governor", dao)


def test_attack__scheduled_anew_by_a_stolen_key__waits_the_whole_delay_again(gov):
    for _ in range(2):
        gov.send("governor", "propose", "--set", "max_slippage_bps=300", "--no-simulation")
        (row,) = gov.read("list")
        assert row["seconds_left"] == DAY
        wait(gov.localnet, DAY - 60)
        gov.send("guardian", "veto", row["id"])
    assert gov.read("list") == []


def test_attack__description_that_lies__is_quoted_and_the_calls_are_told(gov, dao):
    lie = "Set max_slippage_bps=5\n\nWARNINGS:\n  none\x1b[2J\u202e"
    number = queued(gov, dao, "max_slippage_bps=300", title=lie)
    _, out, _ = gov.run("show", number, "--governor", dao, "--no-simulation")
    assert "in its proposer's words, which nothing binds to the calls" in out
    assert "\n  | WARNINGS:\n" in out
    assert "\nWARNINGS:\n  none" not in out
    assert "max_slippage_bps: 60 -> 300 bps (loosens)" in out
    assert not {"\x1b", "\u202e"} & set(out)
    _, listed, _ = gov.run("list", "--governor", dao)
    assert not {"\x1b", "\u202e"} & set(listed)


def test_attack__description_that_is_no_text__blinds_nobody(gov, dao):
    """Bytes that are no UTF-8 in a proposal: list, show, vote, queue and veto go on as before."""
    abi, guard = load_abi("VaultGovernor"), gov.deployment.contract("RebalanceGuard")
    whole = gov.read("propose", "--set", "max_slippage_bps=300", "--calldata", "--no-simulation", "--governor", dao)
    data = bytes.fromhex(whole["calls"][0]["data"][2:])
    written = abi.function("propose").encode([guard], [0], [data], "abcd").replace(b"abcd".hex(), "fffefdfc")
    fields = {"from": gov.accounts["depositor"], "to": dao, "data": written, "gas": hex(3_000_000)}
    gov.localnet.chain.rpc.request("eth_sendTransaction", fields)
    gov.localnet.chain.rpc.request("evm_mine")
    (row,) = gov.read("list", "--governor", dao)
    wait(gov.localnet, VOTING_DELAY_SECONDS + 1)
    gov.send("depositor", "vote", row["id"], "--support", "for", "--governor", dao)
    wait(gov.localnet, VOTING_PERIOD_SECONDS)
    gov.send("attacker", "queue", row["id"], "--governor", dao)
    _, out, _ = gov.run("show", row["id"], "--governor", dao, "--no-simulation")
    assert r"  | \udcff\udcfe\udcfd\udcfc" in out
    gov.send("guardian", "veto", row["id"], "--governor", dao)


@pytest.mark.parametrize("when", [2**48 - 1, 2**48 - 604_801])
def test_attack__scheduled_for_the_end_of_time__hides_nothing(gov, when):
    """`getSchedule` panics on it: what else waits is to be seen all the same, and it is vetoed like any other."""
    guard, access = gov.deployment.contract("RebalanceGuard"), "VaultAccess"
    assert gov.call("governor", access, "schedule(address,bytes,uint48)", guard, b"\xde\xad\xbe\xef", when)
    gov.send("governor", "propose", "--set", "max_slippage_bps=300", "--no-simulation")
    soon, late = gov.read("list")
    assert (soon["seconds_left"], late["ready_unix"]) == (DAY, when)
    status, out, err = gov.evenkeel("status")
    assert status == 0, err
    assert "9999-12-31 or later" in out
    assert "RebalanceGuard has no function with selector 0xdeadbeef" in " ".join(out.split())
    (refusal,) = gov.read("show", late["id"])["simulation"]["refusals"]
    assert refusal
    gov.send("guardian", "veto", late["id"])
    assert [row["id"] for row in gov.read("list")] == [soon["id"]]


def test_attack__call_that_nobody_can_read__is_shown_with_a_warning_everywhere(gov):
    guard, vault = gov.deployment.contract("RebalanceGuard"), gov.deployment.contract("HedgeVault")
    cut = bytes.fromhex(encode_call("setDepositCap(uint256)", 1)[2:])[:17]
    for target, data in (
        (guard, b"\x12\x34\x56\x78"),
        (vault, cut),
        (gov.accounts["attacker"], b"\x12\x34\x56\x78" * 2_000),
    ):
        assert gov.call("governor", "VaultAccess", "schedule(address,bytes,uint48)", target, data, 0)
    rows = gov.read("list")
    assert len(rows) == 3
    for row in rows:
        assert gov.read("show", row["id"])["warnings"]
    status, told, err = gov.evenkeel("status", "--json")
    assert status == 0, err
    assert all(change["warnings"] for change in json.loads(told)["scheduled"])
