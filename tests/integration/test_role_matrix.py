"""Every function of every contract of a vault with its DAO, tried by every account: role by role, argument by argument.

HEDGE-302, HEDGE-305. The functions come from the ABIs, the accounts from the deployment, the arguments from what stands
on the chain; who may is written in ``tests/support/role_matrix.py``. A call is asked first, and where it would succeed
for an account that the table calls anyone, it is carried out: nothing of anybody else may have changed. What a vault
may be given besides (fees, other sources of delta) is in ``tests/contracts/RolesMatrix.t.sol``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from eth_utils.crypto import keccak

from agent.chain.abi import load_abi
from agent.chain.artifacts import load_artifact
from agent.chain.client import ChainClient
from agent.chain.failures import RevertedError
from agent.chain.reverts import decode_revert
from agent.chain.transport import Request
from agent.governance.calls import encode_entry
from agent.localnet.codec import encode_call
from tests.support.role_matrix import BEFORE_THE_GATE, DENIALS, GATES, Gate, argument_sets
from tests.support.vault_governor import VOTING_DELAY_SECONDS, appoint_dao, wait

pytestmark = pytest.mark.chain

GAS = hex(8_000_000)
BATCH = 100
ROLES = range(4)


@dataclass(frozen=True)
class Try:
    """One call by one account."""

    contract: str
    function: str
    to: str
    data: str
    who: str
    sender: str

    def __str__(self) -> str:
        return f"{self.who}: {self.contract}.{self.function} {self.data[:400]}"


class Stage:
    """A vault that hedges, with members, a DAO, a request to leave, a vote under way and something scheduled."""

    def __init__(self, world) -> None:
        self.world, self.deployment = world, world.deployment
        with world.keeper() as keeper:
            assert keeper.cycle().fills
        accounts = world.localnet.manifest.accounts
        self.dao = appoint_dao(world.localnet, world.deployment, "depositor")
        self.token = world.localnet.chain.call(self.dao, "token()", returns="(address)")[0]
        at = self.deployment.contract
        self.contracts = {**self.deployment.contracts, "CurieVenue": world.venue}
        self.contracts |= {"VaultGovernor": self.dao, "GovernanceToken": self.token}
        self.accounts = {
            **{
                role: accounts[role] for role in ("deployer", "guardian", "keeper", "governor", "depositor", "attacker")
            },
            "dao": self.dao,
            "relay": at("IntentRelay"),
            "rescue desk": at("RescueDesk"),
            "vault": at("HedgeVault"),
            "access": at("VaultAccess"),
            "queue": at("RedemptionQueue"),
            "venue": world.venue,
        }
        for account in self.accounts.values():
            world.rpc("anvil_impersonateAccount", account)
            world.rpc("anvil_setBalance", account, hex(10**20))
        balance = "balanceOf(address)"
        vault, member = at("HedgeVault"), accounts["depositor"]
        self.shares = world.localnet.chain.call(vault, balance, member, returns="(uint256)")[0] // 10
        self.client = ChainClient(world.settings().chain)
        self.loosening = self._loosening()
        self._busy()

    def _loosening(self) -> bytes:
        """Return bounds as they are but for the slippage: what a captured governor would schedule."""
        guard = load_abi("RebalanceGuard")
        answer = self.world.rpc(
            "eth_call", {"to": self.contracts["RebalanceGuard"], "data": guard.function("bounds").encode()}, "latest"
        )
        bounds = list(guard.function("bounds").decode(answer)[0])
        bounds[11] = 300
        return bytes.fromhex(guard.function("setBounds").encode(tuple(bounds))[2:])

    def _busy(self) -> None:
        """Leave something of everybody's about: shares, an approval, a request, a proposal, an operation."""
        member, guard = "depositor", self.contracts["RebalanceGuard"]
        self.send(
            member, self.contracts["HedgeVault"], "approve(address,uint256)", self.contracts["RedemptionQueue"], 2**255
        )
        self.send(member, self.contracts["RedemptionQueue"], "request(uint256)", self.shares)
        propose = "propose(address[],uint256[],bytes[],string)"
        self.send(member, self.dao, propose, [guard], [0], [self.loosening], "why")
        wait(self.world.localnet, VOTING_DELAY_SECONDS + 1)
        self.send("governor", self.contracts["VaultAccess"], "schedule(address,bytes,uint48)", guard, self.loosening, 0)

    def send(self, who: str, to: str, signature: str, *arguments: object) -> None:
        assert self.transact(self.accounts[who], to, encode_call(signature, *arguments)), signature

    def transact(self, sender: str, to: str, data: str) -> bool:
        sent = self.world.rpc("eth_sendTransaction", {"from": sender, "to": to, "data": data, "gas": GAS})
        self.world.rpc("evm_mine")
        return int(self.world.rpc("eth_getTransactionReceipt", sent)["status"], 16) == 1

    # --- the calls ---------------------------------------------------------------------------------------------------

    def functions(self) -> Iterator[tuple[str, dict]]:
        """Yield what changes state, of every contract, from its ABI."""
        for name in self.contracts:
            for entry in load_artifact(name)["abi"]:
                if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure"):
                    yield name, entry

    def tries(self) -> Iterator[Try]:
        """Yield every call of every account."""
        for name, entry in self.functions():
            for who, sender in self.accounts.items():
                for arguments in self._arguments(name, entry, sender):
                    data = "0x" + encode_entry(entry, arguments).hex()
                    yield Try(name, entry["name"], self.contracts[name], data, who, sender)

    def _arguments(self, name: str, entry: dict, sender: str) -> Iterator[list]:
        member = self.accounts["depositor"]
        guard, access = self.contracts["RebalanceGuard"], self.contracts["VaultAccess"]
        mine = bytes.fromhex(encode_call("grantRole(uint64,address,uint32)", 1, sender, 0)[2:])
        carried = [(guard, self.loosening), (access, mine)]
        numbers = (1, 0, 2, 3, self.shares, 10**6, 2**255, self._proposal())
        addresses = (sender, member, self.contracts["HedgeVault"], self.world.venue, guard)
        yield from argument_sets(entry, addresses, numbers, (self.loosening, b"", mine))
        for target, data in carried if name == "VaultAccess" else ():
            if entry["name"] == "schedule":
                yield [target, data, 0]
            elif entry["name"] in ("execute", "consumeScheduledOp"):
                yield [target, data]
            elif entry["name"] == "cancel":
                yield [self.accounts["governor"], target, data]
            elif entry["name"] == "multicall":
                yield [[data]]
                yield [[bytes.fromhex(encode_call("execute(address,bytes)", target, data)[2:])]]
        if name == "VaultGovernor" and entry["name"] in ("propose", "queue", "execute", "cancel"):
            yield [[guard], [0], [self.loosening], "why" if entry["name"] == "propose" else keccak(text="why")]

    def _proposal(self) -> int:
        calls = [[self.contracts["RebalanceGuard"]], [0], [self.loosening], keccak(text="why")]
        hash_proposal = "hashProposal(address[],uint256[],bytes[],bytes32)"
        return self.world.localnet.chain.call(self.dao, hash_proposal, *calls, returns="(uint256)")[0]

    def answers(self, tries: list[Try]) -> list[str | None]:
        """Return the error that each call would meet, None where it would succeed."""
        found: list[str | None] = []
        for start in range(0, len(tries), BATCH):
            batch = [
                Request("eth_call", ({"from": one.sender, "to": one.to, "data": one.data, "gas": GAS}, "latest"))
                for one in tries[start : start + BATCH]
            ]
            for answer in self.client.outcomes(batch):
                failure = answer.failure
                found.append(decode_revert(failure.data).name if isinstance(failure, RevertedError) else None)
        return found

    # --- what is everybody's -----------------------------------------------------------------------------------------

    def standing(self) -> dict[str, str]:
        """Return all that no stranger may change: roles, parameters, modes, positions, what belongs to members."""
        at, member = self.contracts, self.accounts["depositor"]
        asset = self.deployment.asset.address
        reads: dict[str, tuple] = {
            "member's shares": (at["HedgeVault"], "balanceOf(address)", member),
            "member's collateral": (asset, "balanceOf(address)", member),
            "member's votes": (self.token, "balanceOf(address)", member),
            "member's delegate": (self.token, "delegates(address)", member),
            "venue's state": (at["VenueRegistry"], "venueState(address)", self.world.venue),
            "operation": (at["VaultAccess"], "getSchedule(bytes32)", self._operation()),
            "membership": (at["MemberGate"], "isMember(address)", member),
        }
        for name, views in VIEWS.items():
            reads |= {f"{name}.{view}": (at[name], f"{view}()") for view in views.split()}
        for who, account in self.accounts.items():
            has_role = "hasRole(uint64,address)"
            reads |= {f"role {role} of {who}": (at["VaultAccess"], has_role, role, account) for role in ROLES}
            if who in ("depositor", "vault", "queue"):
                continue
            for token, address, holder in (
                ("member's shares", at["HedgeVault"], member),
                ("member's collateral", asset, member),
                ("member's votes", self.token, member),
                ("vault's collateral", asset, at["HedgeVault"]),
            ):
                reads[f"{token} allowed to {who}"] = (address, "allowance(address,address)", holder, account)
        batch = [
            Request("eth_call", ({"to": to, "data": encode_call(*call)}, "latest")) for to, *call in reads.values()
        ]
        answers = [answer.unwrap() for answer in self.client.outcomes(batch)]
        return dict(zip(reads, answers, strict=True))

    def _operation(self) -> bytes:
        hash_operation = "hashOperation(address,address,bytes)"
        arguments = self.accounts["governor"], self.contracts["RebalanceGuard"], self.loosening
        access = self.contracts["VaultAccess"]
        return self.world.localnet.chain.call(access, hash_operation, *arguments, returns="(bytes32)")[0]


VIEWS = {
    "VaultAccess": "governorCount keeperCount handedOver",
    "PriceOracle": "sources priceLimits",
    "OptionBook": "legIds ivReporter settlementWindow",
    "DeltaBook": "sources",
    "RebalanceGuard": "bounds vault",
    "VenueRegistry": "venues vault",
    "HedgeVault": "depositCap shareLock pausedUntil isReduceOnly isWindingDown redemptionQueue shareFees",
    "RescueDesk": "terms",
    "VaultGovernor": "votingDelay votingPeriod proposalThreshold quorumNumerator",
}
"""Views without arguments, of what only a role may set."""


@pytest.fixture(scope="module")
def stage(keeper_chain):
    with keeper_chain.fresh() as world:
        yield Stage(world)


@pytest.fixture(scope="module")
def outcomes(stage):
    tries = list(stage.tries())
    return list(zip(tries, stage.answers(tries), strict=True))


ENTITLED = {
    Gate.GOVERNOR: {"governor", "dao"},
    Gate.GUARDIAN: {"guardian", "governor", "dao"},
    Gate.KEEPER: {"keeper", "rescue desk"},
    Gate.RELAY: {"relay"},
    Gate.VAULT: {"vault"},
    Gate.VOTE: {"access"},
    Gate.DEPLOYER: {"deployer"},
    Gate.NOBODY: set(),
}


def test_role_matrix__every_function__is_in_the_table_and_no_other(stage):
    found = {(name, entry["name"]) for name, entry in stage.functions()}
    assert found == {(name, function) for name, functions in GATES.items() for function in functions}
    assert set(stage.contracts) == set(GATES)


def test_role_matrix__who_is_not_entitled__is_turned_away_with_any_arguments(outcomes):
    wrong = []
    for tried, error in outcomes:
        gate = GATES[tried.contract][tried.function]
        if gate not in ENTITLED or tried.who in ENTITLED[gate]:
            continue
        first = BEFORE_THE_GATE.get((tried.contract, tried.function), set())
        if error not in DENIALS[gate] | first:
            wrong.append(f"{error} for {tried}")
    assert wrong == []


def test_role_matrix__who_is_entitled__gets_past_the_gate(outcomes):
    """A governor meets `AccessManagerNotScheduled`: its gate is the delay, and what it scheduled runs only then."""
    past = {(one.contract, one.function, one.who) for one, error in outcomes if error not in _turned_away(one)}
    for name, functions in GATES.items():
        for function, gate in functions.items():
            for who in ENTITLED.get(gate, set()):
                assert (name, function, who) in past, (name, function, who)


def _turned_away(tried: Try) -> set[str]:
    gate = GATES[tried.contract][tried.function]
    return DENIALS.get(gate, set()) - ({"AccessManagerNotScheduled"} if gate is Gate.GOVERNOR else set())


def test_role_matrix__captured_governor__does_nothing_of_a_governor_at_once(outcomes):
    for tried, error in outcomes:
        if tried.who in ("governor", "dao") and GATES[tried.contract][tried.function] is Gate.GOVERNOR:
            first = BEFORE_THE_GATE.get((tried.contract, tried.function), set())
            assert error in {"AccessManagerNotScheduled"} | first, str(tried)


def test_role_matrix__operations__are_scheduled_and_cancelled_by_who_may(outcomes):
    done: dict[str, set[str]] = {"schedule": set(), "execute": set(), "cancel": set(), "consumeScheduledOp": set()}
    for tried, error in outcomes:
        if tried.contract == "VaultAccess" and tried.function in done and error is None:
            done[tried.function].add(tried.who)
    assert done == {
        "schedule": {"governor", "dao"},
        "execute": set(),
        "cancel": {"guardian", "governor", "dao"},
        "consumeScheduledOp": set(),
    }


def test_role_matrix__what_anyone_may__changes_nothing_of_anybody_elses(stage, outcomes):
    """Carried out for real, by who has no role; each from the same state."""
    before = stage.standing()
    carried_out = 0
    for tried, error in outcomes:
        gate = GATES[tried.contract][tried.function]
        if error is not None or gate not in (Gate.OWN, Gate.SERVICE) or tried.who not in STRANGERS:
            continue
        snapshot = stage.world.rpc("evm_snapshot")
        assert stage.transact(tried.sender, tried.to, tried.data), str(tried)
        changed = {name for name, old in stage.standing().items() if old != before[name]}
        stage.world.rpc("evm_revert", snapshot)
        assert changed <= ALLOWED.get((tried.contract, tried.function), set()), (changed, str(tried))
        carried_out += 1
    assert carried_out > 30


STRANGERS = ("attacker", "deployer", "keeper")
"""Accounts without power over what is not theirs; a keeper's is over the hedge, which is the guard's matter."""
ALLOWED = {("VaultAccess", "renounceRole"): {"role 1 of keeper", "VaultAccess.keeperCount"}}
"""What a call changes of what stands, and may: the caller's own role, which it gives up."""
