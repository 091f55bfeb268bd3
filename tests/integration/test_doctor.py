"""``evenkeel doctor`` before a real chain: what is fit passes, and each fault is a failed check that says its mend."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from email.utils import formatdate

import pytest

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.chain.failures import RateLimitedError
from agent.doctor import check as check_module
from agent.doctor.check import Check, Verdict, attempted, good
from agent.doctor.endpoints import NO_SUCH_BLOCK
from agent.doctor.examination import Patient, examine
from agent.errors import DataError, TransientError
from agent.execution.config import KEEPER_KEY_VARIABLE, KEEPER_SIGNER_URL_VARIABLE
from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.settings import Settings
from tests.support.altered_endpoint import Alter, altered_endpoint, refusal
from tests.support.fault_proxy import FaultProxy, too_many_requests
from tests.support.keeper_world import REPOSITORY, KeeperWorld, keeper_world

pytestmark = pytest.mark.chain

CONFIG = REPOSITORY / "config" / "localnet.toml"
STRANGER = {KEEPER_KEY_VARIABLE: "0x" + "33" * 32}
MAIN = [sys.executable, "-c", "from agent.cli.main import main; main()"]
NO_CODE_THAT_ANSWERS = "0x60006000fd"


@pytest.fixture(scope="module")
def own_chain(tmp_path_factory):
    """A chain of its own: one that was taken back often has no state of the blocks before."""
    with keeper_world(tmp_path_factory.mktemp("doctor")) as world:
        yield world


@pytest.fixture
def world(own_chain: KeeperWorld):
    with own_chain.fresh() as fresh:
        yield fresh


def examined(world: KeeperWorld, settings: Settings | None = None, environment: dict[str, str] | None = None):
    patient = Patient(settings or world.settings(), CONFIG, world.book_path, environment or {})
    return [*examine(patient, time.time)]


def bad(checks: list[Check], verdict: Verdict = Verdict.FAILED) -> dict[str, Check]:
    return {
        check.subject.rpartition("//")[2].partition(" ")[2] or check.subject: check
        for check in checks
        if check.verdict is verdict
    }


def each(alter_one) -> Alter:
    """Alter the requests of a batch one by one."""

    def alter(request, forward):
        if isinstance(request, list):
            return [alter_one(one, forward) for one in request]
        return alter_one(request, forward)

    return alter


def another_chain(request, forward):
    return {**forward(request), "result": "0x1"} if request["method"] == "eth_chainId" else forward(request)


def blind_to_hashes(request, forward):
    params = ["latest" if isinstance(one, dict) and "blockHash" in one else one for one in request["params"]]
    return forward({**request, "params": params})


def without_blocks_by_hash(request, forward):
    by_hash = any(isinstance(one, dict) and "blockHash" in one for one in request["params"])
    return refusal(request, "invalid argument 1: hex string without 0x prefix") if by_hash else forward(request)


def without_history(request, forward):
    is_old = request["method"] == "eth_getBalance" and str(request["params"][1]).startswith("0x")
    return refusal(request, "missing trie node") if is_old else forward(request)


def with_ten_blocks_of_logs(request, forward):
    if request["method"] == "eth_getLogs":
        [query] = request["params"]
        if int(query["toBlock"], 16) - int(query["fromBlock"], 16) >= 10:
            return refusal(request, "ranges over 10 blocks are not supported on the free plan", -32_600)
    return forward(request)


def without_logs(request, forward):
    return refusal(request, "not on this plan") if request["method"] == "eth_getLogs" else forward(request)


def with_ten_a_batch(request, forward):
    return (
        refusal(request, "batch limit exceeded")
        if isinstance(request, list) and len(request) > 10
        else forward(request)
    )


def without_batches(request, forward):
    return refusal(request, "batches are not allowed") if isinstance(request, list) else forward(request)


def test_examine__all_is_fit__nothing_fails(world):
    checks = examined(world)
    assert bad(checks) == {}
    assert set(bad(checks, Verdict.WARNING)) == {"alerts", "quorum", "delta"}
    assert all(check.mend for check in checks if check.verdict is not Verdict.GOOD)
    assert any(check.subject == "book" and "agrees with the chain" in check.found for check in checks)


@pytest.mark.parametrize(
    ("alter", "subject", "verdict", "found", "mend"),
    [
        (each(another_chain), "answers", Verdict.FAILED, "chain 1 ", "[chain] chain_id is 31337"),
        (each(blind_to_hashes), "reads by block hash", Verdict.FAILED, "does not exist", "EIP-1898"),
        (each(without_blocks_by_hash), "reads by block hash", Verdict.FAILED, "hex string", "EIP-1898"),
        (each(without_history), "state depth", Verdict.WARNING, "state of 0 blocks back", "256 blocks"),
        (each(with_ten_blocks_of_logs), "log range", Verdict.WARNING, "over 8 blocks", "times as many requests"),
        (each(without_logs), "log range", Verdict.FAILED, "eth_getLogs is refused", "allows eth_getLogs"),
        (with_ten_a_batch, "batches", Verdict.WARNING, "9 requests at once", "a cycle asks "),
        (without_batches, "batches", Verdict.WARNING, "batches are refused: every request", "a cycle asks "),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)  # fmt: skip
def test_examine__limited_endpoint__is_told_with_its_mend(world, alter, subject, verdict, found, mend):
    with altered_endpoint(world.localnet.rpc_url, alter) as url:
        checks = examined(world, world.settings().with_rpc_urls(url, world.localnet.rpc_url))
    check = bad(checks, verdict)[subject]
    assert found in check.found
    assert mend in check.mend
    assert url in check.subject
    quorum = next(check for check in checks if check.subject == "quorum")
    assert quorum.found.startswith("1 of 2" if verdict is Verdict.FAILED else "2 of 2")


@pytest.mark.parametrize("method", ["eth_chainId", "eth_getBlockByNumber", "eth_getBalance", "eth_getLogs"])
@pytest.mark.parametrize("nonsense", [None, 7, {"number": "0x1", "timestamp": 7}], ids=["null", "number", "object"])
def test_examine__endpoint_that_answers_nonsense__is_told_and_the_rest_is_looked_at(world, method, nonsense):
    """Was a traceback."""

    def alter(request, forward):
        return {**forward(request), "result": nonsense} if request["method"] == method else forward(request)

    with altered_endpoint(world.localnet.rpc_url, each(alter)) as url:
        checks = examined(world, world.settings().with_rpc_urls(url, world.localnet.rpc_url))
    assert bad(checks)
    assert any(check.subject == "book" and check.verdict is Verdict.GOOD for check in checks)


@pytest.mark.parametrize("method", ["eth_getBalance", "eth_getLogs"])
def test_examine__endpoint_that_limits_requests__is_told_no_worse_than_it_is(world, method):
    """Half of the log range, no EIP-1898 and less state were found, and a mend that mends nothing."""
    with FaultProxy(world.localnet.rpc_url) as server:
        server.on(method, too_many_requests("0.01"), every=2)
        checks = examined(world, world.settings().with_rpc_urls(server.url))
    assert bad(checks) == {}
    assert set(bad(checks, Verdict.WARNING)) - {"batches"} == {"alerts", "quorum", "delta"}


def test_attempted__fault_of_a_moment__is_asked_again_with_its_own_mend(monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(check_module.time, "sleep", waited.append)
    answers = iter([TransientError("0 of 1 servers answer"), RateLimitedError("limits", 60.0), good("a", "fit")])

    def look() -> Check:
        answer = next(answers)
        if isinstance(answer, Check):
            return answer
        raise answer

    assert attempted("a", "deploy anew", look).verdict is Verdict.GOOD
    assert waited == [0.5, 5.0]
    answers = iter([TransientError("0 of 1 servers answer")] * 4)
    failed = attempted("a", "deploy anew", look)
    assert (failed.verdict, "run this again" in failed.mend) == (Verdict.FAILED, True)
    answers = iter([DataError("no such contract")])
    assert attempted("a", "deploy anew", look).mend == "deploy anew"


def test_examine__clock_an_hour_off__is_told(world):
    an_hour_ago = formatdate(time.time() - 3_600, usegmt=True)
    with altered_endpoint(world.localnet.rpc_url, lambda asked, forward: forward(asked), an_hour_ago) as url:
        check = bad(examined(world, world.settings().with_rpc_urls(url)))["clock"]
    assert 3_590 < float(check.found.split()[3]) < 3_610
    assert "synchronise" in check.mend


def test_examine__no_such_block__is_none_of_the_chain(world):
    assert world.rpc("eth_getBlockByHash", NO_SUCH_BLOCK, False) is None


def test_examine__dead_endpoint__fails_with_its_quorum_and_the_vault_is_not_asked(world):
    checks = examined(world, world.settings().with_rpc_urls("http://127.0.0.1:9"))
    assert set(bad(checks)) == {"answers", "quorum"}
    assert bad(checks, Verdict.UNKNOWN)["vault"].mend


def test_examine__head_too_old__is_told(world):
    plain = world.settings()
    strict = plain.model_copy(update={"chain": plain.chain.model_copy(update={"max_head_age_seconds": 90})})
    assert "at most 90" in bad(examined(world, strict))["head"].found


def test_examine__stranger_s_key__is_no_keeper(world):
    check = bad(examined(world, environment=STRANGER))["key"]
    assert "no keeper of the vault" in check.found
    assert "evenkeel key grant 0x" in check.mend


def test_examine__no_gas_money__is_told(world):
    world.rpc("anvil_setBalance", world.localnet.manifest.accounts["keeper"], "0x0")
    assert bad(examined(world))["money"].mend == "send it gas money, for 20 rebalances at least"


def test_examine__silent_venue_and_dead_feed__are_told(world):
    world.rpc("anvil_setCode", world.venue, NO_CODE_THAT_ANSWERS)
    world.rpc("anvil_setCode", world.localnet.manifest.chainlink_aggregator, NO_CODE_THAT_ANSWERS)
    failed = bad(examined(world))
    assert failed["oracle"].found == "no answer"
    assert failed["curie"].found == "does not answer"
    assert "cannot tell" in failed["delta"].found


def test_examine__paused_vault__is_a_warning(world):
    world.send("guardian", world.vault, "pause()")
    assert bad(examined(world), Verdict.WARNING)["vault"].found.startswith("paused")


def test_examine__another_book__does_not_agree(world):
    text = world.book_path.read_text(encoding="utf-8")
    other = world.directory / "other.toml"
    other.write_text(text.replace("quantity = -100", "quantity = -90"), encoding="utf-8")
    checks = [*examine(Patient(world.settings(), CONFIG, other, {}), time.time)]
    assert "book" in bad(checks)


def test_examine__contract_without_code__ends_at_the_contracts(world):
    world.rpc("anvil_setCode", world.deployment.contract("PriceOracle"), "0x")
    assert bad(examined(world))["contracts"].found == "no code at PriceOracle"


def test_examine__damaged_ledger__is_told(world):
    (world.directory / "ledger.sqlite").write_bytes(b"no database" * 100)
    check = bad(examined(world))["ledger"]
    assert "cannot be read" in check.found
    assert "move the file away" in check.mend


def test_examine__ledger_of_a_later_version__is_told(world):
    with closing(sqlite3.connect(world.directory / "ledger.sqlite")) as connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('99')"
        )
    assert "has schema 99" in bad(examined(world))["ledger"].found


def test_examine__no_manifest__says_so_and_ends(world):
    plain = world.settings()
    chain = plain.chain.model_copy(update={"manifest_path": str(world.directory / "nowhere.json")})
    checks = examined(world, plain.model_copy(update={"chain": chain}))
    assert "no such file" in bad(checks)["manifest"].found
    assert checks[-1].subject == "manifest"


def test_doctor__command__ends_with_status_one_when_anything_fails(world):
    variables = {
        RPC_URLS_VARIABLE: world.localnet.rpc_url,
        MANIFEST_PATH_VARIABLE: str(world.directory / "deployment.json"),
        LEDGER_URL_VARIABLE: world.ledger_url(),
    }

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [*MAIN, "doctor", *arguments]
        return subprocess.run(
            command, cwd=REPOSITORY, env=variables | more, capture_output=True, text=True, check=False
        )

    fit, unfit = run(), run("--json", **STRANGER)
    assert (fit.returncode, unfit.returncode) == (0, 1), fit.stdout + fit.stderr
    assert ", 0 failed, " in fit.stdout
    told = json.loads(unfit.stdout)
    assert told["failed"] == 1
    assert [check["subject"] for check in told["checks"] if check["verdict"] == "failed"] == ["key"]


# --- the manifest against the vault ---------------------------------------------------------------------------------


def edited_manifest(world: KeeperWorld, **fields: object) -> Settings:
    """Write the manifest with other entries beside the true one."""
    plain = world.settings()
    entries = json.loads((world.directory / "deployment.json").read_text(encoding="utf-8"))
    path = world.directory / "edited.json"
    path.write_text(json.dumps(entries | fields), encoding="utf-8")
    return plain.model_copy(update={"chain": plain.chain.model_copy(update={"manifest_path": str(path)})})


def entries(world: KeeperWorld, name: str):
    return json.loads((world.directory / "deployment.json").read_text(encoding="utf-8"))[name]


@pytest.mark.parametrize(
    ("field", "change", "subject", "words"),
    [
        (
            "asset",
            lambda asset: asset | {"decimals": 18},
            "entries",
            "asset.decimals is 18, and the vault's asset has 6",
        ),
        ("venues", lambda venues: [], "entries", "of the vault is not in it"),
        ("block", lambda block: 10**9, "entries", "block is 1,000,000,000, and the newest is "),
        (
            "contracts",
            lambda named: named | {"PriceOracle": named["DeltaBook"], "DeltaBook": named["PriceOracle"]},
            "wiring",
            "HedgeVault.oracle is ",
        ),
        (
            "contracts",
            lambda named: {name: one for name, one in named.items() if name != "VaultAccess"},
            "manifest",
            "names no contract VaultAccess",
        ),
    ],
)
def test_examine__manifest_is_not_the_vault_s__is_told(world, field, change, subject, words):
    """With 18 decimals for 6 nothing failed, and no keeper would ever have hedged; a missing contract ended it all."""
    failed = bad(examined(world, edited_manifest(world, **{field: change(entries(world, field))})))
    assert words in failed[subject].found


def test_examine__manifest_names_a_key_without_the_role__gets_no_ether(world):
    """It said to send a dismissed key gas money."""
    stranger = world.localnet.manifest.accounts["spare"]
    world.rpc("anvil_setBalance", stranger, "0x0")
    checks = examined(world, edited_manifest(world, roles=entries(world, "roles") | {"keeper": stranger}))
    assert "give it no ether" in bad(checks, Verdict.WARNING)["money"].mend
    own = world.localnet.manifest.accounts["keeper"]
    assert any(own in check.found for check in checks if check.subject == "gas money")


def test_examine__feed_two_hours_old__is_told(world):
    world.localnet.chain.mine([], world.now() + 7_200)
    assert bad(examined(world))["oracle"].found == "too old"


# --- machine, key and book ------------------------------------------------------------------------------------------


def test_examine__every_leg_has_expired__the_book_is_as_the_keeper_takes_it(world):
    """It was told to remove the expired leg, which the keeper starts with and unwinds."""
    past = world.directory / "past.toml"
    text = world.book_path.read_text(encoding="utf-8")
    past.write_text(text.replace("2024-08-31", "2024-07-01"), encoding="utf-8")
    check = bad([*examine(Patient(world.settings(), CONFIG, past, {}), time.time)])["book"]
    assert "outside" in check.found  # the chain's leg still lives


def test_examine__signer_that_does_not_answer__is_what_the_mend_is_about(world):
    """It told of endpoints that limit how often they are asked."""
    environment = {KEEPER_SIGNER_URL_VARIABLE: "http://127.0.0.1:9"}
    check = bad(examined(world, environment=environment))["key"]
    assert "does not answer" in check.found
    assert check.mend.startswith("bring back who holds the key")


def test_examine__gas_priced_by_another_token__is_the_configuration_s_fault(world):
    bitcoin = world.directory / "bitcoin.toml"
    bitcoin.write_text(world.book_path.read_text(encoding="utf-8").replace('"ETH"', '"BTC"'), encoding="utf-8")
    check = bad([*examine(Patient(world.settings(), CONFIG, bitcoin, {}), time.time)])["book"]
    assert check.mend == f"correct {CONFIG}"
