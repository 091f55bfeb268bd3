"""A DAO put up with its vault: by an existing token that counts blocks, refused by any that is not what it must be."""

from __future__ import annotations

import pytest

from agent.deploy.approval import require_ready
from agent.deploy.digest import digest_of
from agent.deploy.execution import carry_out
from agent.deploy.manifest import write_manifest
from agent.deploy.plan import plan_report
from agent.deploy.verification import verify
from agent.errors import DataError, PreflightError
from agent.localnet import artifacts
from agent.localnet.anvil import free_port
from agent.localnet.codec import encode_call
from agent.localnet.deployer import Deployer
from agent.localnet.evm import Transaction
from agent.localnet.session import Localnet, LocalnetSettings
from tests.support.deployments import Testnet

pytestmark = pytest.mark.chain

CHAIN_ID = 77_003
BLOCKS = "voting_delay_blocks = 7200\nvoting_period_blocks = 21600\n"
SECONDS = "voting_delay_seconds = 86400\nvoting_period_seconds = 259200\n"
SUPPLY_VOTES, EVERY_STEP = 100_000, 100
VOTES = 10**18


@pytest.fixture(scope="module")
def localnet(tmp_path_factory):
    settings = LocalnetSettings(port=free_port(), chain_id=CHAIN_ID, state_directory=tmp_path_factory.mktemp("chain"))
    with Localnet.up(settings) as running:
        yield running


@pytest.fixture
def dao(localnet, tmp_path, repository):
    snapshot = localnet.chain.rpc.request("evm_snapshot")
    yield TestnetWithDao(localnet, tmp_path, repository)
    localnet.chain.rpc.request("evm_revert", snapshot)


class TestnetWithDao(Testnet):
    """A deployment whose governor is a DAO by votes of a token that somebody else has put up."""

    def __init__(self, localnet, directory, repository):
        super().__init__(localnet, directory, repository)
        self.accounts = localnet.manifest.accounts
        self.token = self.votes_token("spare")
        self.mint("depositor", SUPPLY_VOTES)
        self.text = self.text.replace(f'governor = "{self.inputs.governor}"', 'governor = "dao"')
        self.text += (
            f'\n[dao]\nname = "DAO"\ntoken = "{self.token}"\ntoken_decimals = 18\n{BLOCKS}'
            "proposal_threshold_votes = 100\nquorum_percent = 4\n"
        )
        self.config.write_text(self.text)

    def votes_token(self, owner):
        deployer = Deployer(self.localnet.chain, self.accounts["spare"])
        address = deployer.create(
            "VotesTokenDouble", artifacts.project("VotesTokenDouble"), "(address)", self.accounts[owner]
        )
        deployer.flush()
        return address

    def mint(self, holder, votes):
        self.send("spare", self.token, "mint(address,uint256)", self.accounts[holder], votes * VOTES)
        self.localnet.chain.rpc.request("evm_mine")  # a snapshot is of a block that is over

    def send(self, role, to, signature, *arguments):
        data = encode_call(signature, *arguments)
        self.localnet.chain.mine([Transaction(signature, self.accounts[role], to, data, 1_000_000)])

    def deployed(self):
        with self.session() as session:
            carry_out(session.blueprint, session.state, self.sender(EVERY_STEP), lambda _: None)
            digest = digest_of(session.blueprint, session.state)
            return write_manifest(session.blueprint, session.state, digest)

    def differing(self):
        with self.session() as session:
            checks = verify(session.blueprint, session.state, 0)
        return {check.subject: check.found for check in checks if not check.is_as_planned}


# HEDGE-069
def test_deploy__existing_token_that_counts_blocks__governs_by_its_votes(dao):
    with dao.session() as session:
        report = plan_report(session)
        require_ready(session, report.digest)
    (governor,) = [one for one in report.holders if one.role == "governor"]
    assert governor.what == "VaultGovernor"
    manifest = dao.deployed()
    assert dao.differing() == {}
    at = manifest["contracts"]
    assert "GovernanceToken" not in at
    assert manifest["roles"]["governor"] == at["VaultGovernor"] == governor.account
    call = dao.localnet.chain.call
    assert call(at["VaultGovernor"], "votingPeriod()", returns="(uint256)") == (21_600,)
    assert call(at["VaultGovernor"], "clock()", returns="(uint48)") == (dao.localnet.chain.head().number,)
    quorum = call(at["VaultGovernor"], "quorum(uint256)", dao.localnet.chain.head().number - 1, returns="(uint256)")
    assert quorum == (SUPPLY_VOTES * VOTES * 4 // 100,)


# HEDGE-065, HEDGE-069
@pytest.mark.parametrize("how", ["votes", "ownership"])
def test_verify__deployer_gets_a_hand_in_the_votes__is_seen(dao, how):
    dao.deployed()
    deployer = dao.inputs.deployer
    if how == "votes":
        dao.send("depositor", dao.token, "transfer(address,uint256)", deployer, VOTES)
    else:
        dao.send("spare", dao.token, "transferOwnership(address)", deployer)
    found = "has votes of" if how == "votes" else "is owner of"
    assert dao.differing() == {"power of the deployer over the votes": found}


# HEDGE-065, HEDGE-069
def test_verify__settings_that_the_dao_has_changed__are_seen(dao):
    governor = dao.deployed()["contracts"]["VaultGovernor"]
    rpc = dao.localnet.chain.rpc
    slots = [rpc.request("eth_getStorageAt", governor, hex(slot), "latest") for slot in range(16)]
    (settings,) = [slot for slot, word in enumerate(slots) if int(word, 16) >> 48 == 21_600]
    rpc.request("anvil_setStorageAt", governor, hex(settings), f"0x{(300 << 48) + 7_200:064x}")
    assert dao.differing() == {"VaultGovernor.votingPeriod": "300"}


def no_votes(dao):
    dao.rewrite(f'token = "{dao.token}"', f'token = "{dao.inputs.underlying_token}"')


def no_code(dao):
    dao.rewrite(f'token = "{dao.token}"', f'token = "{dao.accounts["attacker"]}"')


def other_decimals(dao):
    dao.rewrite("token_decimals = 18", "token_decimals = 6")


def seconds_for_blocks(dao):
    dao.rewrite(BLOCKS, SECONDS)


def no_supply(dao):
    dao.rewrite(f'token = "{dao.token}"', f'token = "{dao.votes_token("spare")}"')


def threshold_above_a_tenth(dao):
    dao.rewrite("proposal_threshold_votes = 100", "proposal_threshold_votes = 10000.5")


def deployer_votes(dao):
    dao.mint("deployer", 1)


def deployer_mints(dao):
    dao.send("spare", dao.token, "transferOwnership(address)", dao.inputs.deployer)


# HEDGE-067, HEDGE-069
@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (no_votes, r"\[dao\] token 0x\w+ does not answer CLOCK_MODE, so it is no ERC20Votes; check the address"),
        (no_code, r"\[dao\] token 0x\w+ has no code on chain 77003; check the address"),
        (other_decimals, r"\[dao\] token 0x\w+ has 18 decimals, not \[dao\] token_decimals 6; check the address"),
        (seconds_for_blocks, "counts blocks .mode=blocknumber.*; write voting_delay_blocks and voting_period_blocks"),
        (no_supply, r"\[dao\] token 0x\w+ has no supply, so nobody could vote"),
        (threshold_above_a_tenth, "threshold_votes is 10000.5, above 10 % of the supply, 10000: soon nobody could"),
        (deployer_votes, r"the deployer 0x\w+ has votes of \[dao\] token 0x\w+, and must end without power"),
        (deployer_mints, r"the deployer 0x\w+ is owner of \[dao\] token 0x\w+, and must end without power"),
    ],
)
def test_require_ready__token_that_cannot_govern__one_line(dao, wrong, line):
    wrong(dao)
    nonce = dao.nonce()
    with dao.session() as session, pytest.raises(PreflightError, match=line) as caught:
        require_ready(session, None)
    assert (len(caught.value.findings), caught.value.findings[0].count("\n")) == (1, 0), caught.value.findings
    assert dao.nonce() == nonce


# HEDGE-066, HEDGE-069
@pytest.mark.parametrize(
    ("old", "new"),
    [("quorum_percent = 4", "quorum_percent = 5"), ("blocks = 21600", "blocks = 21601"), ('"DAO"', '"Dao"')],
)
def test_require_ready__dao_edited_after_it_was_shown__is_refused(dao, old, new):
    with dao.session() as session:
        shown = digest_of(session.blueprint, session.state)
    dao.rewrite(old, new)
    with dao.session() as session, pytest.raises(DataError, match=f"the plan is .* now, not {shown}: "):
        require_ready(session, shown)


# HEDGE-066, HEDGE-069
def test_require_ready__code_of_the_token_changed_since__is_refused(dao):
    with dao.session() as session:
        shown = digest_of(session.blueprint, session.state)
    rpc = dao.localnet.chain.rpc
    rpc.request("anvil_setCode", dao.token, rpc.request("eth_getCode", dao.token, "latest") + "00")
    with dao.session() as session, pytest.raises(DataError, match=f"the plan is .* now, not {shown}: "):
        require_ready(session, shown)
