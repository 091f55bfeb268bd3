"""The vault deployed on the local chain by the project's own script, and what is said when it refuses."""

from __future__ import annotations

import json

import pytest

from agent.errors import DataError, FatalError
from agent.localnet.anvil import free_port
from agent.localnet.codec import encode_call
from agent.localnet.deployment import deployment_inputs, run_deployment
from agent.localnet.evm import Transaction
from agent.localnet.governance import governor_call, schedule_call
from agent.localnet.session import Localnet, LocalnetSettings
from agent.settings import load_settings
from agent.settings.contracts import MAX_DELAY_SECONDS, MIN_DELAY_SECONDS
from tests.support.keeper_world import BOOK

pytestmark = pytest.mark.chain

USDC_UNIT = 10**6
DEPOSIT = 50_000 * USDC_UNIT
ADMIN_ROLE, KEEPER_ROLE, GUARDIAN_ROLE, RELAY_ROLE = range(4)
ZERO_ADDRESS = "0x" + "00" * 20
NOTHING = (bytes(32), 0, bytes(32), 0)
"""An intent."""


@pytest.fixture(scope="module")
def localnet(tmp_path_factory):
    settings = LocalnetSettings(port=free_port(), state_directory=tmp_path_factory.mktemp("deployment"))
    with Localnet.up(settings) as running:
        yield running


@pytest.mark.parametrize(("book", "what"), [(None, "no such file"), ("[[option]]\nright = 'call'\n", "book.toml")])
def test_deploy_evenkeel__unreadable_book__scripts_one_line_and_no_transaction(localnet, tmp_path, book, what):
    path = tmp_path / "book.toml"
    if book is not None:
        path.write_text(book)
    number = localnet.chain.head().number
    with pytest.raises(DataError) as caught:
        localnet.deploy_evenkeel(path)
    assert str(path) in str(caught.value)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)
    assert localnet.chain.head().number == number


def test_deploy_evenkeel__vault__takes_deposits_and_knows_the_real_venue(localnet, repository):
    localnet.deploy_evenkeel()
    deployed = json.loads((repository / "deployments" / "31337.json").read_text())
    vault, accounts = deployed["contracts"]["HedgeVault"], localnet.manifest.accounts
    assert localnet.chain.call(vault, "asset()", returns="(address)") == (localnet.manifest.usdc,)
    registry = deployed["contracts"]["VenueRegistry"]
    (venues,) = localnet.chain.call(registry, "venues()", returns="(address[])")
    assert localnet.chain.call(registry, "vault()", returns="(address)") == (vault,)
    (venue,) = (entry["address"] for entry in deployed["venues"])
    assert [one.lower() for one in venues] == [venue.lower()]
    assert localnet.chain.call(venue, "vault()", returns="(address)") == (vault,)
    depositor = accounts["depositor"]
    localnet.fund_usdc(depositor, DEPOSIT)
    approve = encode_call("approve(address,uint256)", vault, DEPOSIT)
    deposit = encode_call("deposit(uint256,address)", DEPOSIT, depositor)
    localnet.chain.mine(
        [
            Transaction("approval", depositor, localnet.manifest.usdc, approve, 200_000),
            Transaction("deposit", depositor, vault, deposit, 3_000_000),
        ]
    )
    assert localnet.chain.call(vault, "totalAssets()", returns="(uint256)") == (DEPOSIT,)


@pytest.fixture(scope="module")
def deployed(localnet, tmp_path_factory):
    """The manifest of a vault on the chain; each test leaves the vault as it was."""
    path = tmp_path_factory.mktemp("governance") / "31337.json"
    localnet.deploy_evenkeel(manifest_path=path)
    return path, json.loads(path.read_text())


@pytest.fixture
def governed(localnet, deployed):
    """Chain, manifest, and a way to send a call from a role."""
    snapshot = localnet.chain.rpc.request("evm_snapshot")
    accounts = localnet.manifest.accounts

    def send(role, to, signature, *arguments):
        localnet.chain.mine([Transaction(signature, accounts[role], to, encode_call(signature, *arguments), 1_000_000)])

    yield localnet.chain, deployed[1]["contracts"], send
    localnet.chain.rpc.request("evm_setAutomine", True)
    localnet.chain.rpc.request("evm_revert", snapshot)


# HEDGE-061
def test_deploy_evenkeel__handed_over__holders_have_their_roles_alone(localnet, deployed):
    manifest, accounts = deployed[1], localnet.manifest.accounts
    contracts = manifest["contracts"]
    access = contracts["VaultAccess"]
    assert manifest["roles"] == {name: accounts[name] for name in ("governor", "guardian", "keeper")}
    holders = {
        ADMIN_ROLE: {"governor"},
        KEEPER_ROLE: {"keeper", "RescueDesk"},
        GUARDIAN_ROLE: {"guardian"},
        RELAY_ROLE: {"IntentRelay"},
    }
    for role, names in holders.items():
        for name, account in {**accounts, **contracts}.items():
            is_member, delay = localnet.chain.call(
                access, "hasRole(uint64,address)", role, account, returns="(bool,uint32)"
            )
            assert is_member == (name in names), (role, name)
            assert delay == (manifest["governor_delay_seconds"] if name == "governor" and role == ADMIN_ROLE else 0)
    assert localnet.chain.call(access, "keeperCount()", returns="(uint256)") == (2,)
    assert localnet.chain.call(access, "governorCount()", returns="(uint256)") == (1,)
    assert manifest["governor_delay_seconds"] == MIN_DELAY_SECONDS
    limits = [localnet.chain.call(access, name, returns="(uint32)") for name in ("MIN_DELAY()", "MAX_DELAY()")]
    assert limits == [(MIN_DELAY_SECONDS,), (MAX_DELAY_SECONDS,)]


# HEDGE-061
def test_deploy_evenkeel__vault__has_queue_relay_and_desk_as_configured(localnet, deployed, repository):
    contracts, chain = deployed[1]["contracts"], localnet.chain
    settings = load_settings(repository / "config" / "localnet.toml", {})
    vault, queue, relay, desk = (
        contracts[name] for name in ("HedgeVault", "RedemptionQueue", "IntentRelay", "RescueDesk")
    )
    assert "ShareFees" not in contracts
    assert [chain.call(vault, f"{name}()", returns="(address)") for name in ("redemptionQueue", "shareFees")] == [
        (queue,),
        (ZERO_ADDRESS,),
    ]
    assert {chain.call(one, "vault()", returns="(address)") for one in (queue, relay, desk)} == {(vault,)}
    assert chain.call(queue, "maxWidthBps()", returns="(uint256)") == (settings.queue.max_width_bps,)
    assert chain.call(relay, "priceUpdater()", returns="(address)") == (ZERO_ADDRESS,)
    assert chain.call(desk, "guard()", returns="(address)") == (contracts["RebalanceGuard"],)
    assert chain.call(desk, "authority()", returns="(address)") == (contracts["VaultAccess"],)
    assert chain.call(desk, "terms()", returns="(uint32,uint32,uint96,uint96)") == settings.rescue.to_terms()
    assert int(chain.rpc.request("eth_getBalance", desk, "latest"), 16) == settings.rescue.to_tank() > 0


# HEDGE-061
@pytest.mark.parametrize(
    ("name", "signature", "arguments"),
    [
        ("HedgeVault", "setRedemptionQueue(address)", ["HedgeVault"]),
        ("HedgeVault", "setShareFees(address)", ["HedgeVault"]),
        ("HedgeVault", "rebalance((bytes32,uint256,bytes32,uint256),(address,int256,int256,uint256)[])", [NOTHING, []]),
        ("RescueDesk", "withdraw(uint256,address)", [1, "deployer"]),
        ("RescueDesk", "setTerms((uint32,uint32,uint96,uint96))", [(3_600, 1, 1, 1)]),
        ("RescueDesk", "tightenTerms((uint32,uint32,uint96,uint96))", [(7_200, 1, 1, 1)]),
        ("VaultAccess", "grantRole(uint64,address,uint32)", [KEEPER_ROLE, "deployer", 0]),
        ("VaultAccess", "revokeRole(uint64,address)", [KEEPER_ROLE, "RescueDesk"]),
        ("VaultAccess", "dismissRelay(address)", ["IntentRelay"]),
        ("VaultAccess", "handOver(address,uint32,address,address[],address[])", ["attacker", 86_400, "spare", [], []]),
    ],
)
def test_deploy_evenkeel__handed_over__deployer_is_powerless(governed, localnet, name, signature, arguments):
    _, contracts, send = governed
    known = {**localnet.manifest.accounts, **contracts}
    named = [known[argument] if isinstance(argument, str) else argument for argument in arguments]
    with pytest.raises(FatalError, match=r"reverted"):
        send("deployer", contracts[name], signature, *named)


def test_deploy_evenkeel__handed_over__deployer_and_governor_cannot_act_at_once(governed, localnet):
    chain, contracts, send = governed
    vault = contracts["HedgeVault"]
    send("guardian", vault, "pause()")
    for role in ("deployer", "governor", "guardian"):
        with pytest.raises(FatalError, match=r"resume\(\) reverted"):
            send(role, vault, "resume()")
    assert chain.call(vault, "paused()", returns="(bool)") == (True,)


def test_governor_call__vault_paused__resumes_a_day_later(governed, localnet):
    chain, contracts, send = governed
    vault, governor = contracts["HedgeVault"], localnet.manifest.accounts["governor"]
    send("guardian", vault, "pause()")
    before = chain.head().timestamp
    made_at = governor_call(chain, contracts["VaultAccess"], governor, vault, "resume()")
    assert chain.call(vault, "paused()", returns="(bool)") == (False,)
    assert chain.head().timestamp == made_at >= before + MIN_DELAY_SECONDS


def test_schedule_call__guardian_cancels__never_runs(governed, localnet):
    chain, contracts, send = governed
    access, vault, governor = contracts["VaultAccess"], contracts["HedgeVault"], localnet.manifest.accounts["governor"]
    send("guardian", vault, "pause()")
    ready_at = schedule_call(chain, access, governor, vault, "resume()")
    data = bytes.fromhex(encode_call("resume()").removeprefix("0x"))
    send("guardian", access, "cancel(address,address,bytes)", governor, vault, data)
    chain.mine([], ready_at)
    with pytest.raises(FatalError, match=r"resume\(\) reverted"):
        send("governor", vault, "resume()")
    assert chain.call(vault, "paused()", returns="(bool)") == (True,)


def test_schedule_call__not_the_governor__fatal(governed, localnet):
    chain, contracts, _ = governed
    for role in ("deployer", "guardian", "keeper"):
        account = localnet.manifest.accounts[role]
        with pytest.raises(FatalError, match=r"schedule of resume\(\) reverted"):
            schedule_call(chain, contracts["VaultAccess"], account, contracts["HedgeVault"], "resume()")


# HEDGE-062
def test_deploy_evenkeel__again__sends_nothing(localnet, deployed):
    path, manifest = deployed
    number = localnet.chain.head().number
    localnet.deploy_evenkeel(manifest_path=path)
    assert localnet.chain.head().number == number
    assert json.loads(path.read_text()) == manifest


# HEDGE-062
def test_run_deployment__what_the_vault_stands_on_changed__deploys_nothing(localnet, deployed, tmp_path):
    inputs, accounts = deployment_inputs(localnet.manifest), localnet.manifest.accounts
    changed = inputs.model_copy(update={"members": (*inputs.members, accounts["attacker"])})
    path, number = tmp_path / "inputs.json", localnet.chain.head().number
    path.write_text(changed.model_dump_json())
    with pytest.raises(DataError, match=r"^the vault is handed over, and it has no MemberGate as configuration"):
        run_deployment(path, localnet.rpc_url, None, deployed[0])
    assert localnet.chain.head().number == number


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"keeper": "attacker"}, "is no keeper of it"),
        ({"guardian": "attacker"}, "is no guardian of it"),
        ({"governor": "attacker"}, "is no governor of it"),
    ],
)
def test_run_deployment__other_holders_after_hand_over__one_line(localnet, deployed, tmp_path, changes, words):
    accounts = localnet.manifest.accounts
    inputs = deployment_inputs(localnet.manifest)
    changed = inputs.model_copy(update={role: accounts[name] for role, name in changes.items()})
    path = tmp_path / "inputs.json"
    path.write_text(changed.model_dump_json())
    with pytest.raises(DataError, match=f"the vault is handed over, and {accounts['attacker']} {words}"):
        run_deployment(path, localnet.rpc_url, None, deployed[0])


def test_run_deployment__book_or_venue_after_hand_over__takes_the_governor(localnet, deployed, tmp_path):
    inputs = deployment_inputs(localnet.manifest)
    second = inputs.venues[0].model_copy(update={"name": "second"})
    path, book = tmp_path / "inputs.json", tmp_path / "book.toml"
    path.write_text(inputs.model_copy(update={"venues": (*inputs.venues, second)}).model_dump_json())
    with pytest.raises(
        DataError, match=r"handed over; let the governor schedule VenueRegistry.addVenue\(CurieVenue second\) on 0x"
    ):
        run_deployment(path, localnet.rpc_url, None, deployed[0])
    path.write_text(inputs.model_dump_json())
    book.write_text(BOOK, encoding="utf-8")
    with pytest.raises(DataError, match=r"handed over; let the governor schedule OptionBook\.addLegs\(1 to 1\) on 0x"):
        run_deployment(path, localnet.rpc_url, book, deployed[0])
