"""A vault planned, applied and verified on a chain of its own: stopped anywhere, fed anything, never half open."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from eth_account import Account

from agent.chain.client import ChainClient
from agent.deploy.approval import require_ready
from agent.deploy.deployer_key import deployer_key
from agent.deploy.digest import digest_of
from agent.deploy.execution import carry_out, remaining
from agent.deploy.holders import holders
from agent.deploy.manifest import write_manifest
from agent.deploy.market import run_market
from agent.deploy.network import load_network
from agent.deploy.powers import matrix
from agent.deploy.verification import verify
from agent.errors import DataError, PreflightError
from agent.localnet import artifacts
from agent.localnet.anvil import free_port
from agent.localnet.artifacts import NODE_MODULES
from agent.localnet.codec import encode_call
from agent.localnet.deployer import Deployer
from agent.localnet.rpc import RpcError
from agent.localnet.session import Localnet, LocalnetSettings
from tests.support.deployments import NAME, StoppedError, Testnet, dying_node
from tests.support.fault_proxy import FaultProxy, range_limit

pytestmark = pytest.mark.chain

CHAIN_ID = 77_001
STEPS = 23


@pytest.fixture(scope="module")
def localnet(tmp_path_factory):
    settings = LocalnetSettings(port=free_port(), chain_id=CHAIN_ID, state_directory=tmp_path_factory.mktemp("chain"))
    with Localnet.up(settings) as running:
        yield running


@pytest.fixture
def testnet(localnet, tmp_path, repository):
    snapshot = localnet.chain.rpc.request("evm_snapshot")
    yield Testnet(localnet, tmp_path, repository)
    localnet.chain.rpc.request("evm_setAutomine", True)
    localnet.chain.rpc.request("evm_revert", snapshot)


@pytest.fixture
def plain_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("EVENKEEL_")}


def is_open(testnet, vault):
    """Whether a member could deposit now, by the vault's own maximum or by trying."""
    chain, (member,) = testnet.localnet.chain, testnet.inputs.members
    if chain.rpc.request("eth_getCode", vault, "latest") == "0x":
        return False
    if chain.call(vault, "maxDeposit(address)", member, returns="(uint256)") != (0,):
        return True
    data = encode_call("deposit(uint256,address)", 0, member)
    try:
        chain.rpc.request("eth_call", {"from": member, "to": vault, "data": data}, "latest")
    except RpcError:
        return False
    return True


def one_more(testnet):
    """Go on where the chain stands, for one transaction; return whether all is done."""
    with testnet.session() as session:
        try:
            carry_out(session.blueprint, session.state, testnet.sender(1), lambda _: None)
        except StoppedError:
            return False
        return True


def set_code(testnet, account, code):
    testnet.localnet.chain.rpc.request("anvil_setCode", account, code)


def timelock(testnet):
    """A real TimelockController of two days."""
    artifact = NODE_MODULES / "@openzeppelin" / "contracts" / "build" / "contracts" / "TimelockController.json"
    sender, types = testnet.inputs.deployer, "(uint256,address[],address[],address)"
    deployer = Deployer(testnet.localnet.chain, sender)
    code = json.loads(artifact.read_text())["bytecode"]
    made = deployer.create("TimelockController", code, types, 172_800, [sender], [sender], sender)
    deployer.flush()
    return made


def test_plan__governor_that_is_there_already__is_told_as_what_it_is(testnet):
    governor = testnet.inputs.governor
    told = {}
    for kind, code in (
        ("key", "0x"),
        ("delegated", "0xef0100" + "11" * 20),
        ("unknown", "0x60006000fd"),
        ("safe", "0x5f3560e01c63e75235b8146011575f5ffd5b60035f5260205ff3"),  # answers getThreshold() alone, with 3
    ):
        set_code(testnet, governor, code)
        told[kind] = governor_of(testnet)
    set_code(testnet, governor, "0x")
    testnet.rewrite(f'governor = "{governor}"', f'governor = "{timelock(testnet)}"')
    told["timelock"] = governor_of(testnet)
    assert told == {
        "key": "account: one key",
        "delegated": "account: one key, which acts through a contract",
        "unknown": "contract of no known kind",
        "safe": "Safe: 3 must sign",
        "timelock": "timelock: waits 2 days",
    }


def governor_of(testnet):
    with testnet.session() as session:
        [found] = [one for one in holders(session.blueprint, session.state) if one.role == "governor"]
    return found.what


# HEDGE-062, HEDGE-064
def test_carry_out__stopped_after_each_transaction__closed_until_the_last(testnet):
    with testnet.session() as session:
        planned = {key: one.address for key, one in session.blueprint.creations.items()}
        count = len(session.blueprint.steps)
    assert count == STEPS
    for sent in range(1, STEPS):
        assert not one_more(testnet), sent
        assert not is_open(testnet, planned["HedgeVault"]), sent
    assert one_more(testnet)
    with testnet.session() as session:
        assert {key: one.address for key, one in session.blueprint.creations.items()} == planned
        assert all(wanted is None for _, wanted in remaining(session.blueprint, session.state))
        assert [check for check in verify(session.blueprint, session.state, 0) if not check.is_as_planned] == []
    assert is_open(testnet, planned["HedgeVault"])
    window = testnet.localnet.chain.call(planned["OptionBook"], "settlementWindow()", returns="(uint256)")
    assert window == (1_800,)


# HEDGE-065, HEDGE-302
def test_verify__everything_but_the_hand_over__the_deployers_power_is_seen(testnet):
    with testnet.session() as session, pytest.raises(StoppedError):
        carry_out(session.blueprint, session.state, testnet.sender(STEPS - 1), lambda _: None)
    with testnet.session() as session:
        differing = {check.subject for check in verify(session.blueprint, session.state, 0) if not check.is_as_planned}
        assert {"step VaultAccess.handOver", "holders of ADMIN_ROLE", "delay of the governor"} <= differing
        assert any(subject.startswith("power of the deployer") for subject in differing)
        powers = matrix(session.blueprint, session.state, {"deployer": testnet.inputs.deployer})["deployer"]
        assert len(powers) > 30


# HEDGE-062
def test_carry_out__configuration_changed_half_way__is_told_what_stands_for_good(testnet):
    with testnet.session() as session, pytest.raises(StoppedError):
        carry_out(session.blueprint, session.state, testnet.sender(STEPS - 2), lambda _: None)
    nonce = testnet.nonce()
    testnet.rewrite("max_width_bps = 500", "max_width_bps = 600")
    with testnet.session() as session, pytest.raises(DataError, match=r"was given RedemptionQueue 0x\w+ for good"):
        require_ready(session, None)
    assert testnet.nonce() == nonce


# HEDGE-066
def test_require_ready__plan_edited_after_it_was_shown__is_refused(testnet):
    with testnet.session() as session:
        shown = digest_of(session.blueprint, session.state)
        assert require_ready(session, shown) == shown
    for old, new in (("max_slippage_bps = 60", "max_slippage_bps = 61"), ('salt = "test"', 'salt = "other"')):
        testnet.rewrite(old, new)
        with testnet.session() as session, pytest.raises(DataError, match=f"the plan is .* now, not {shown}: "):
            require_ready(session, shown)
    assert testnet.nonce() == testnet.localnet.chain.nonce(testnet.inputs.deployer)


def fee_token(testnet):
    deployer = Deployer(testnet.localnet.chain, testnet.localnet.manifest.accounts["spare"])
    address = deployer.create("FeeTokenDouble", artifacts.project("FeeTokenDouble"))
    deployer.flush()
    return address


def another_asset(address_of):
    return lambda testnet: testnet.rewrite(f'asset = "{testnet.inputs.asset}"', f'asset = "{address_of(testnet)}"')


def rewritten(old, new):
    return lambda testnet: testnet.rewrite(old.format(testnet.inputs), new.format(testnet.inputs))


def poor(testnet):
    testnet.localnet.chain.rpc.request("anvil_setBalance", testnet.inputs.deployer, hex(10**17))


def no_proxy(testnet):
    testnet.localnet.chain.rpc.request("anvil_setCode", "0x4e59b44847b379578588920cA78FbF26c0B4956C", "0x")


# HEDGE-067
@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (rewritten('price_feed = "{0.price_feed}"', 'price_feed = "{0.governor}"'), "price_feed 0x\\w+ has no code on"),
        (rewritten('price_feed = "{0.price_feed}"', 'price_feed = "{0.asset}"'), "does not answer|refuses latestRound"),
        (another_asset(lambda testnet: testnet.inputs.underlying_token), "has 18 decimals, not .* asset_decimals 6"),
        (another_asset(fee_token), "takes 10000 of 1000000 sent; the vault refuses such a token"),
        (
            rewritten('salt = "test"', 'salt = "test"\nprice_pair = "ETH / BTC"'),
            "is of 'ETH / USD .*', not of ETH / BTC",
        ),
        (
            rewritten('underlying_token = "{0.underlying_token}"', 'underlying_token = "{0.asset}"'),
            "is USDC, but the price is of ETH",
        ),
        (rewritten("min_price_usd = 100\n", "min_price_usd = 50_000\n"), "outside .* min_price_usd 50000 to"),
        (rewritten("\nmax_age_seconds = 3600", "\nmax_age_seconds = 1"), r"answered \d+ s ago; \[oracle\] allows 1 s"),
        (
            rewritten('salt = "test"', 'salt = "test"\nsequencer_feed = "{0.price_feed}"'),
            "which is no sequencer's status",
        ),
        (poor, "has 0.100000 ether and needs"),
        (no_proxy, "has no deterministic-deployment proxy at 0x4e59"),
    ],
)
def test_require_ready__wrong_input__one_line_and_no_transaction(testnet, wrong, line):
    nonce = testnet.nonce()
    wrong(testnet)
    with testnet.session() as session, pytest.raises(PreflightError, match=line) as caught:
        require_ready(session, None)
    assert len(caught.value.findings) == 1
    assert testnet.nonce() == nonce


# HEDGE-067
def test_open_session__another_chain_or_an_address_not_written__one_line(testnet):
    testnet.rewrite(f"chain_id = {CHAIN_ID}", "chain_id = 11155111")
    with pytest.raises(DataError, match=f"chain_id is 11155111, but .* answers for chain {CHAIN_ID}"):
        testnet.session().__enter__()
    testnet.rewrite(f'governor = "{testnet.inputs.governor}"', 'governor = "TODO-address"')
    with pytest.raises(PreflightError, match=r"\[deploy\] governor is TODO-address; write the address"):
        testnet.session().__enter__()


# --- as people run it ---------------------------------------------------------------------------------------------


def run(testnet, environment, *arguments):
    command = [sys.executable, "-m", "agent.cli.main", "deploy", *arguments]
    command += ["--network", NAME, "--config", str(testnet.config)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def script(testnet, environment, digest, repository):
    command = [sys.executable, "-m", "scripts.deploy", "--network", NAME, "--config", str(testnet.config)]
    return subprocess.Popen(
        [*command, "--plan", digest],
        cwd=repository,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_after(running, transactions):
    """Kill the script as soon as it has said that so many transactions of its own are mined."""
    sent = 0
    for line in running.stdout:
        sent += json.loads(line)["gas_used"] is not None
        if sent == transactions:
            running.send_signal(signal.SIGKILL)
            break
    running.communicate()
    assert running.returncode == -signal.SIGKILL


def killed_while_one_waits(testnet, running):
    """Kill the script while a transaction of its own is sent and not mined."""
    rpc, deployer = testnet.localnet.chain.rpc, testnet.inputs.deployer
    deadline = time.monotonic() + 120
    while rpc.request("eth_getTransactionCount", deployer, "pending") == rpc.request(
        "eth_getTransactionCount", deployer, "latest"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.kill()
    running.communicate()


# HEDGE-062, HEDGE-064, HEDGE-065
def test_deploy__planned_killed_and_applied_again__verified_and_nothing_sent_twice(
    testnet, plain_environment, repository
):
    planned = json.loads(run(testnet, plain_environment, "plan", "--json").stdout)
    addresses = {step["title"]: step["address"] for step in planned["steps"] if step["address"]}
    assert planned["is_simulated"]
    assert planned["findings"] == []
    vault = addresses["create HedgeVault"]
    for transactions in (3, 8):
        killed_after(script(testnet, plain_environment, planned["plan"], repository), transactions)
        assert not is_open(testnet, vault)
    testnet.localnet.chain.rpc.request("evm_setAutomine", False)
    killed_while_one_waits(testnet, script(testnet, plain_environment, planned["plan"], repository))
    testnet.localnet.chain.rpc.request("evm_setAutomine", True)
    testnet.localnet.chain.rpc.request("evm_mine")
    assert not is_open(testnet, vault)
    status = json.loads(run(testnet, plain_environment, "status", "--json").stdout)
    assert status["next"] is not None
    assert not status["handed_over"]
    applied = run(testnet, plain_environment, "apply", "--plan", planned["plan"])
    assert applied.returncode == 0, applied.stderr
    assert testnet.nonce() - planned_nonce(testnet) == STEPS
    manifest = json.loads(testnet.manifest_path.read_text())
    assert set(manifest["contracts"].values()) | {venue["address"] for venue in manifest["venues"]} == set(
        addresses.values()
    )
    verified = run(testnet, plain_environment, "verify", "--json")
    assert verified.returncode == 0, verified.stdout
    assert json.loads(verified.stdout)["differing"] == 0
    again = run(testnet, plain_environment, "apply", "--plan", planned["plan"])
    assert again.returncode == 0, again.stderr
    assert testnet.nonce() - planned_nonce(testnet) == STEPS
    assert json.loads(testnet.manifest_path.read_text()) == manifest


def planned_nonce(testnet):
    """How many transactions the deployer had sent before: those of the market."""
    with testnet.session() as session:
        access = session.blueprint.address("VaultAccess")
    rpc = testnet.localnet.chain.rpc
    manifest = json.loads(testnet.manifest_path.read_text())
    assert manifest["contracts"]["VaultAccess"] == access
    return int(rpc.request("eth_getTransactionCount", testnet.inputs.deployer, hex(manifest["block"] - 1)), 16)


# HEDGE-067
def test_apply__node_dies_in_the_middle__one_line_and_goes_on(testnet, plain_environment):
    with testnet.session() as session:
        digest = digest_of(session.blueprint, session.state)
    before = testnet.nonce()
    with dying_node(free_port(), testnet.port, 5) as url:
        died = run(testnet, plain_environment | {"EVENKEEL_RPC_URLS": url}, "apply", "--plan", digest)
    assert died.returncode == 1
    (line,) = died.stderr.strip().splitlines()
    assert "does not answer" in line
    assert testnet.nonce() == before + 5
    with testnet.session() as session:
        carry_out(session.blueprint, session.state, testnet.sender(STEPS), lambda _: None)
        write_manifest(session.blueprint, session.state, digest)
        assert all(wanted is None for _, wanted in remaining(session.blueprint, session.state))
    assert testnet.nonce() == before + STEPS


# HEDGE-067
@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"EVENKEEL_DEPLOYER_KEY": "0x" + "11" * 32}, "EVENKEEL_DEPLOYER_KEY is the key of 0x"),
        ({"EVENKEEL_DEPLOYER_KEY": "secret"}, "EVENKEEL_DEPLOYER_KEY is no private key; write 32 bytes"),
    ],
)
def test_deployer_key__of_another_account_or_none__one_line(testnet, environment, line):
    with testnet.session() as session, pytest.raises(DataError, match=line) as caught:
        deployer_key(environment, testnet.inputs.deployer, session.state)
    assert environment["EVENKEEL_DEPLOYER_KEY"] not in str(caught.value)


def test_deployer_key__account_of_the_node__none_is_needed(testnet):
    with testnet.session() as session:
        assert deployer_key({}, testnet.inputs.deployer, session.state) is None
        with pytest.raises(DataError, match="the node does not hold the deployer 0x"):
            deployer_key({}, testnet.inputs.asset, session.state)


def spare_key():
    """Key of the local chain's account that plays no other part: the tenth of the mnemonic that Anvil always uses."""
    Account.enable_unaudited_hdwallet_features()
    words = "test test test test test test test test test test test junk"
    return Account.from_mnemonic(words, account_path="m/44'/60'/0'/0/9")


# HEDGE-068
def test_run_market__testnet_without_a_venue__stands_in_and_a_vault_is_planned_on_it(testnet):
    key = spare_key()
    live = testnet.text[testnet.text.index("[[venue.live]]") :]
    testnet.text = testnet.text.replace(live, '[venue]\ndeploy = "curie"\n').replace(testnet.inputs.asset, "market")
    testnet.rewrite(f'deployer = "{testnet.inputs.deployer}"', f'deployer = "{key.address}"')
    network, chain = load_network(testnet.config, {}), testnet.localnet.chain
    environment = {"EVENKEEL_DEPLOYER_KEY": "0x" + bytes(key.key).hex()}
    with pytest.raises(DataError, match=r"put the stand-in market up first \(evenkeel deploy market --network testnet"):
        testnet.session().__enter__()
    with contextlib.closing(ChainClient(network.chain)) as client:
        assert run_market(network, client, environment).action == "deployed"
        with pytest.raises(DataError, match="the pool is younger than 31 minutes"):
            run_market(network, client, environment)
        chain.mine([], chain.head().timestamp + 1_900)
        assert run_market(network, client, environment).action == "opened"
        chain.mine([], chain.head().timestamp + 60)
        followed = run_market(network, client, environment)
    assert followed.action == "followed"
    assert followed.market_price_usd == pytest.approx(followed.price_usd, rel=1e-3)
    with testnet.session() as session:
        assert session.blueprint.inputs.asset == followed.asset
        assert list(session.blueprint.venues) == ["curie-stand-in"]
        assert require_ready(session, None)


def test_write_manifest__provider_allows_two_blocks_of_logs__all_is_found(testnet):
    """A vault that stood had no manifest, and could not be verified: all was asked for in 5,000 blocks at once."""
    with testnet.session() as session:
        carry_out(session.blueprint, session.state, testnet.sender(STEPS), lambda _: None)
        first = write_manifest(session.blueprint, session.state, "shown")["block"]
    testnet.manifest_path.unlink()
    with FaultProxy(testnet.localnet.rpc_url) as server:
        server.on("eth_getLogs", range_limit(2))
        testnet.rewrite(testnet.localnet.rpc_url, server.url)
        with testnet.session() as session:
            assert write_manifest(session.blueprint, session.state, "shown")["block"] == first
            assert all(check.is_as_planned for check in verify(session.blueprint, session.state, first))
    testnet.manifest_path.unlink()
