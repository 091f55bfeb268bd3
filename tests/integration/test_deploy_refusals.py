"""What changed since a plan was shown, what is not what it is taken for, what runs out on the way: one line each."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys

import pytest

from agent.chain.deployment_inputs import DeploymentInputs
from agent.deploy import drawing
from agent.deploy.approval import require_ready
from agent.deploy.deployer_key import DEPLOYER_KEY_VARIABLE
from agent.deploy.digest import digest_of
from agent.deploy.execution import carry_out, remaining
from agent.deploy.session import Sources
from agent.errors import DataError, PreflightError
from agent.localnet import artifacts
from agent.localnet.anvil import free_port
from agent.localnet.deployer import Deployer
from agent.localnet.price_feed import feed_answer, publish
from agent.localnet.session import Localnet, LocalnetSettings
from tests.support.deployments import NAME, Testnet, dying_node, node_between
from tests.support.keeper_world import BOOK
from tests.support.public_testnet import key_of

pytestmark = pytest.mark.chain

CHAIN_ID = 77_002
NOBODY = "0x" + "0" * 36 + "dEaD"


@pytest.fixture(scope="module")
def localnet(tmp_path_factory):
    settings = LocalnetSettings(port=free_port(), chain_id=CHAIN_ID, state_directory=tmp_path_factory.mktemp("chain"))
    with Localnet.up(settings) as running:
        yield running


@pytest.fixture
def testnet(localnet, tmp_path, repository):
    snapshot = localnet.chain.rpc.request("evm_snapshot")
    with_book = TestnetWithBook(localnet, tmp_path, repository)
    yield with_book
    localnet.chain.rpc.request("evm_revert", snapshot)


class TestnetWithBook(Testnet):
    """A deployment that also names a file of inputs and a book."""

    def __init__(self, localnet, directory, repository):
        super().__init__(localnet, directory, repository)
        self.book, self.inputs_file = directory / "book.toml", directory / "inputs.json"
        self.book.write_text(BOOK)
        self.inputs_file.write_text(self.inputs.model_dump_json())

    def sources(self):
        return Sources(NAME, self.config, self.inputs_file, self.book)

    def set_code(self, address, code):
        self.localnet.chain.rpc.request("anvil_setCode", address, code)

    def create(self, name, types="()", *arguments):
        deployer = Deployer(self.localnet.chain, self.localnet.manifest.accounts["spare"])
        address = deployer.create(name, artifacts.project(name), types, *arguments)
        deployer.flush()
        return address

    def rewrite_inputs(self, **changed):
        content = json.loads(self.inputs_file.read_text()) | changed
        self.inputs_file.write_text(DeploymentInputs.model_validate(content).model_dump_json())


# --- changed since it was shown -----------------------------------------------------------------------------------


def another_parameter(testnet, _):
    testnet.rewrite("max_slippage_bps = 60", "max_slippage_bps = 61")


def another_salt(testnet, _):
    testnet.rewrite('salt = "test"', 'salt = "other"')


def another_leg(testnet, _):
    testnet.book.write_text(BOOK.replace("quantity = -100", "quantity = -101"))


def another_address(testnet, _):
    testnet.rewrite_inputs(guardian=testnet.localnet.manifest.accounts["attacker"])


def another_code_of_what_it_stands_on(testnet, _):
    code = testnet.localnet.chain.rpc.request("eth_getCode", testnet.inputs.price_feed, "latest")
    testnet.set_code(testnet.inputs.price_feed, code + "00")


def another_artifact(_, monkeypatch):
    compiled = drawing.load_artifact

    def changed(name):
        found = compiled(name)
        is_vault = name == "HedgeVault"
        return dataclasses.replace(found, creation_code=found.creation_code + b"\0") if is_vault else found

    monkeypatch.setattr(drawing, "load_artifact", changed)


# HEDGE-066
@pytest.mark.parametrize(
    "edit",
    [
        another_parameter,
        another_salt,
        another_leg,
        another_address,
        another_code_of_what_it_stands_on,
        another_artifact,
    ],
)
def test_require_ready__changed_since_it_was_shown__is_refused(testnet, monkeypatch, edit):
    with testnet.session() as session:
        shown = digest_of(session.blueprint, session.state)
        assert require_ready(session, shown) == shown
    nonce = testnet.nonce()
    edit(testnet, monkeypatch)
    with testnet.session() as session, pytest.raises(DataError, match=f"the plan is .* now, not {shown}: "):
        require_ready(session, shown)
    assert testnet.nonce() == nonce


# HEDGE-066
def test_require_ready__edit_that_changes_nothing__is_the_same_plan(testnet):
    with testnet.session() as session:
        shown = digest_of(session.blueprint, session.state)
    testnet.book.write_text("# looked through\n" + BOOK)
    testnet.rewrite("[bounds]", "# looked through\n[bounds]")
    with testnet.session() as session:
        assert require_ready(session, shown) == shown


# HEDGE-067
def test_require_ready__price_moved_since_it_was_shown__is_judged_anew(testnet):
    with testnet.session() as session:
        shown = digest_of(session.blueprint, session.state)
    move = publish(testnet.localnet.manifest.accounts["publisher"], testnet.inputs.price_feed, feed_answer(50.0))
    testnet.localnet.chain.mine([move])
    with (
        testnet.session() as session,
        pytest.raises(PreflightError, match=r"says 50, outside \[oracle\] min_price_usd"),
    ):
        require_ready(session, shown)


# --- not what it is taken for -------------------------------------------------------------------------------------


def feed_of_absurd_decimals(testnet):
    testnet.rewrite_inputs(price_feed=testnet.create("AggregatorDouble", "(uint8,int256)", 40, 32 * 10**41))


def feed_of_nothing(testnet):
    testnet.rewrite_inputs(price_feed=testnet.create("AggregatorDouble", "(uint8,int256)", 8, 0))


def second_feed_of_another_price(testnet):
    testnet.rewrite_inputs(secondary_feed=testnet.create("AggregatorDouble", "(uint8,int256)", 8, 3_400 * 10**8))


def collateral_feed_of_another_pair(testnet):
    testnet.rewrite_inputs(collateral_feed=testnet.create("AggregatorDouble", "(uint8,int256)", 8, 10**8))


def proxy_of_nothing(testnet):
    """EIP-1167: it calls an account without code, and answers what that answers."""
    testnet.set_code(NOBODY, f"0x363d3d373d3d3d363d73{'00' * 18}1234" + "5af43d82803e903d91602b57fd5bf3")
    testnet.rewrite_inputs(asset=NOBODY)


def token_of_too_many_decimals(testnet):
    testnet.rewrite_inputs(asset=testnet.create("UsdcDouble", "(uint8)", 30))


def venue_without_code(testnet):
    (venue,) = testnet.inputs.venues
    changed = venue.model_copy(update={"addresses": venue.addresses | {"clearing_house": NOBODY}})
    testnet.rewrite_inputs(venues=[changed.model_dump()])


def venue_that_is_another_contract(testnet):
    (venue,) = testnet.inputs.venues
    changed = venue.model_copy(update={"addresses": venue.addresses | {"clearing_house": testnet.inputs.asset}})
    testnet.rewrite_inputs(venues=[changed.model_dump()])


def holder_of_less(testnet):
    testnet.book.write_text(BOOK + "\n[[holding]]\nquantity = 3\n")


# HEDGE-067
@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (feed_of_absurd_decimals, r"price_feed 0x\w+ answers with 40 decimals; check the address"),
        (feed_of_nothing, r"price_feed 0x\w+ answers 0; wait until it answers a price"),
        (second_feed_of_another_price, "price_feed and secondary_feed are 625 bps apart, above .* 200; check both"),
        (collateral_feed_of_another_pair, r"collateral_feed 0x\w+ is of 'ETH / USD .*', not of USDC / USD"),
        (proxy_of_nothing, f"asset {NOBODY} does not answer decimals as expected; check the address"),
        (token_of_too_many_decimals, r"asset 0x\w+ has 30 decimals, above 24; choose another"),
        (venue_without_code, f"venue curie clearing_house {NOBODY} has no code on chain {CHAIN_ID}; check the address"),
        (venue_that_is_another_contract, "create CurieVenue curie would revert: .*; check the addresses that it is"),
        (holder_of_less, "the book's holdings add up to 3000000000000000000 wei of the underlying, but"),
    ],
)
def test_require_ready__not_what_it_is_taken_for__one_line(testnet, wrong, line):
    wrong(testnet)
    nonce = testnet.nonce()
    with testnet.session() as session, pytest.raises(PreflightError, match=line) as caught:
        require_ready(session, None)
    assert (len(caught.value.findings), caught.value.findings[0].count("\n")) == (1, 0), caught.value.findings
    assert testnet.nonce() == nonce


# --- on the way ---------------------------------------------------------------------------------------------------


def apply(testnet, digest, **environment):
    """Apply a plan from the directory of its files, by their names alone."""
    command = [sys.executable, "-m", "agent.cli.main", "deploy", "apply", "--plan", digest]
    command += ["--network", testnet.config.name, "--inputs", testnet.inputs_file.name, "--book", testnet.book.name]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("EVENKEEL_")}
    key = {DEPLOYER_KEY_VARIABLE: key_of("deployer")}
    return subprocess.run(
        command,
        cwd=testnet.config.parent,
        env=plain | key | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def digest(testnet):
    with testnet.session() as session:
        return digest_of(session.blueprint, session.state)


def left(testnet):
    with testnet.session() as session:
        return sum(wanted is not None for _, wanted in remaining(session.blueprint, session.state))


# HEDGE-062, HEDGE-067
@pytest.mark.parametrize(("method", "sent"), [("eth_simulateV1", 0), ("eth_sendRawTransaction", 4)])
def test_apply__node_dies__one_line_and_what_was_sent_stands(testnet, method, sent):
    plan, before, steps = digest(testnet), testnet.nonce(), left(testnet)
    with dying_node(free_port(), testnet.port, sent, method) as url:
        died = apply(testnet, plan, EVENKEEL_RPC_URLS=url)
    (line,) = died.stderr.strip().splitlines()
    assert died.returncode == 1
    assert "does not answer" in line
    assert testnet.nonce() == before + sent
    assert left(testnet) == steps - sent
    assert not testnet.manifest_path.exists()


# HEDGE-062, HEDGE-067
def test_apply__ether_runs_out_on_the_way__one_line_and_goes_on_when_sent(testnet):
    plan, before, steps = digest(testnet), testnet.nonce(), left(testnet)
    rpc, deployer = testnet.localnet.chain.rpc, testnet.inputs.deployer

    taken = [0]

    def spent_elsewhere(body):
        taken[0] += body.count(b'"eth_sendRawTransaction"')
        if taken[0] == 4:
            rpc.request("anvil_setBalance", deployer, hex(10**12))
        return body

    with node_between(free_port(), testnet.port, spent_elsewhere) as url:
        stopped = apply(testnet, plan, EVENKEEL_RPC_URLS=url)
    (line,) = stopped.stderr.strip().splitlines()
    assert stopped.returncode == 1
    assert f"the deployer {deployer} has 0.000001 ether left, too little for create " in line
    assert "run this again" in line
    assert testnet.nonce() == before + 3
    assert not testnet.manifest_path.exists()
    refused = apply(testnet, plan)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "and needs" in refused.stderr
    rpc.request("anvil_setBalance", deployer, hex(10**21))
    applied = apply(testnet, plan)
    assert applied.returncode == 0, applied.stderr
    assert testnet.nonce() == before + steps
    assert applied.stdout.splitlines()[-1].endswith(
        "evenkeel deploy verify --network testnet.toml --inputs inputs.json --book book.toml"
    )
    assert testnet.manifest_path.exists()


# HEDGE-062
def test_carry_out__server_that_lags__is_waited_for(testnet):
    """What it says of the block before the last is not taken for what a transaction has done."""
    behind = [0]

    def lagging(body):
        if b'"latest"' not in body or not behind[0]:
            return body
        behind[0] -= 1
        return body.replace(b'"latest"', f'"{hex(testnet.localnet.chain.head().number - 1)}"'.encode())

    sends = testnet.sender(len(steps_of(testnet)))

    def send(step, transaction):
        sent = sends(step, transaction)
        behind[0] = 2
        return sent

    with node_between(free_port(), testnet.port, lagging) as url:
        testnet.rewrite(f'"{testnet.localnet.rpc_url}"', f'"{url}"')
        with testnet.session() as session:
            sent = carry_out(session.blueprint, session.state, send, lambda _: None)
            assert sent == len(session.blueprint.steps)
        assert left(testnet) == 0


def steps_of(testnet):
    with testnet.session() as session:
        return session.blueprint.steps
