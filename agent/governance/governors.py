"""Who governs: a `VaultGovernor`, another Governor, a timelock, a Safe or an account; the transactions each needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.abi import Call, Function, load_abi
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.errors import DataError
from agent.governance.calls import GovernedCall
from agent.governance.decoding import VAULT_GOVERNOR
from agent.units import Address, Seconds

_NO_PREDECESSOR = b"\0" * 32


class GovernorKind(Enum):
    """What the holder of `ADMIN_ROLE` is."""

    VOTES = "votes"
    """A `VaultGovernor`: its queue schedules on `VaultAccess`."""
    GOVERNOR = "governor"
    """Another OpenZeppelin Governor: one vote schedules, another one executes."""
    TIMELOCK = "timelock"
    SAFE = "safe"
    ACCOUNT = "account"
    """An account, or a contract we do not know: it calls `VaultAccess` itself."""


@dataclass(frozen=True, slots=True)
class Governor:
    """The governor, what it waits of its own where it is a timelock, and how many must sign where it is a Safe."""

    address: Address
    kind: GovernorKind
    own_delay: Seconds = Seconds(0)
    signatures: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction: who sends it, and what it does in a few words."""

    what: str
    sender: str
    call: GovernedCall


def _function(signature: str, *outputs: str) -> Function:
    name, _, types = signature.partition("(")
    return Function(name, keccak(text=signature)[:4], tuple(filter(None, types[:-1].split(","))), outputs)


_ACCESS = _function("access()", "address")
_COUNTING_MODE = _function("COUNTING_MODE()", "string")
_MIN_DELAY = _function("getMinDelay()", "uint256")
_THRESHOLD = _function("getThreshold()", "uint256")
_HASH_OPERATION_BATCH = "(address[],uint256[],bytes[],bytes32,bytes32)"
_PROPOSE = _function("propose(address[],uint256[],bytes[],string)")
_SCHEDULE_BATCH = _function("scheduleBatch(address[],uint256[],bytes[],bytes32,bytes32,uint256)")
_EXECUTE_BATCH = _function("executeBatch(address[],uint256[],bytes[],bytes32,bytes32)")


def detect_governor(client: ChainClient, vault_access: Address, address: Address, block: BlockRef) -> Governor:
    """Ask an address what it is, by the views of each kind; nothing vouches that it is what it says."""
    probes = (_ACCESS, _COUNTING_MODE, _MIN_DELAY, _THRESHOLD)
    access, counting, delay, threshold = client.read_or_none([Call(address, p.encode(), p) for p in probes], block)
    if counting is not None:
        is_own = access is not None and access[0].lower() == vault_access.lower()
        return Governor(address, GovernorKind.VOTES if is_own else GovernorKind.GOVERNOR)
    if delay is not None:
        return Governor(address, GovernorKind.TIMELOCK, Seconds(delay[0]))
    if threshold is not None:
        return Governor(address, GovernorKind.SAFE, signatures=threshold[0])
    return Governor(address, GovernorKind.ACCOUNT)


def description_hash(description: str) -> bytes:
    """Return the hash by which a Governor knows a description, bytes that are no UTF-8 included."""
    return keccak(description.encode("utf-8", "surrogateescape"))


def proposal_id(calls: Sequence[GovernedCall], description: str) -> int:
    """Return `Governor.hashProposal`."""
    types = ("address[]", "uint256[]", "bytes[]", "bytes32")
    return int.from_bytes(keccak(encode(types, (*_lists(calls), description_hash(description)))), "big")


def propose_steps(
    governor: Governor, deployment: Deployment, calls: Sequence[GovernedCall], description: str, wait: Seconds
) -> tuple[Step, ...]:
    """Return what starts the calls on their way; ``wait`` is the longest that `VaultAccess` lets one of them wait."""
    _require_no_ether(governor, calls)
    schedule = _batched(deployment, [_schedule(deployment, call) for call in calls])
    if governor.kind is GovernorKind.VOTES:
        return (_proposal(governor, calls, description),)
    if governor.kind is GovernorKind.GOVERNOR:
        return (_proposal(governor, [schedule], description),)
    if governor.kind is GovernorKind.TIMELOCK:
        return _timelocked(governor, deployment, calls, description, wait)
    return (Step("schedule on VaultAccess", governor.address, schedule),)


def vote_step(governor: Governor, proposal: int, support: int, reason: str) -> Step:
    """Return a vote: 0 against, 1 for, 2 abstain."""
    _require_votes(governor)
    abi = load_abi(VAULT_GOVERNOR)
    data = (
        abi.function("castVoteWithReason").encode(proposal, support, reason)
        if reason
        else abi.function("castVote").encode(proposal, support)
    )
    return Step("vote", "a holder of votes", _call(governor.address, data))


def queue_step(governor: Governor, calls: Sequence[GovernedCall], description: str) -> Step:
    """Return what schedules a passed proposal on `VaultAccess`."""
    _require_votes(governor)
    return Step("queue", "anyone", _on_governor(governor, "queue", calls, description))


def execute_steps(
    governor: Governor, deployment: Deployment, calls: Sequence[GovernedCall], description: str
) -> tuple[Step, ...]:
    """Return what runs the calls once their delay has passed."""
    if governor.kind is GovernorKind.VOTES:
        return (Step("execute", "anyone", _on_governor(governor, "execute", calls, description)),)
    execute = _batched(deployment, [_execute(deployment, call) for call in calls])
    if governor.kind is GovernorKind.TIMELOCK:
        schedule = _batched(deployment, [_schedule(deployment, call) for call in calls])
        first = _operation(schedule, _NO_PREDECESSOR, description)
        second = _operation(execute, _operation_id(*first), description)
        return tuple(
            Step(what, "an executor of the timelock", _call(governor.address, _EXECUTE_BATCH.encode(*operation)))
            for what, operation in (("schedule on VaultAccess, once", first), ("execute", second))
        )
    if governor.kind is GovernorKind.GOVERNOR:
        return (_proposal(governor, [execute], f"Execute: {description}"),)
    return (Step("execute", governor.address, execute),)


def cancel_steps(
    governor: Governor, deployment: Deployment, calls: Sequence[GovernedCall], description: str, is_veto: bool
) -> tuple[Step, ...]:
    """Return what takes the calls back: the guardian's veto of what is scheduled, or who proposed it."""
    if governor.kind is GovernorKind.VOTES and not is_veto:
        step = Step("cancel while pending", "the proposer", _on_governor(governor, "cancel", calls, description))
        return (step,)
    cancels = [_cancel(governor, deployment, call) for call in calls]
    sender = "a guardian" if is_veto else governor.address
    return (Step("veto" if is_veto else "cancel", sender, _batched(deployment, cancels)),)


# --- the pieces -----------------------------------------------------------------------------------------------------


def _require_votes(governor: Governor) -> None:
    if governor.kind is not GovernorKind.VOTES:
        raise DataError(f"governor {governor.address} is no VaultGovernor ({governor.kind.value}): it has no such step")


def _require_no_ether(governor: Governor, calls: Sequence[GovernedCall]) -> None:
    for call in calls:
        if call.wei and governor.kind is not GovernorKind.VOTES:
            raise DataError(f"the call of {call.target} sends {call.wei} wei; only a VaultGovernor's proposal can")


def _call(target: Address, data: str) -> GovernedCall:
    return GovernedCall(target, bytes.fromhex(data[2:]))


def _on_access(deployment: Deployment, name: str, *arguments: object) -> GovernedCall:
    return _call(deployment.contract("VaultAccess"), load_abi("VaultAccess").function(name).encode(*arguments))


def _schedule(deployment: Deployment, call: GovernedCall) -> GovernedCall:
    return _on_access(deployment, "schedule", call.target, call.data, 0)


def _execute(deployment: Deployment, call: GovernedCall) -> GovernedCall:
    return _on_access(deployment, "execute", call.target, call.data)


def _cancel(governor: Governor, deployment: Deployment, call: GovernedCall) -> GovernedCall:
    return _on_access(deployment, "cancel", governor.address, call.target, call.data)


def _batched(deployment: Deployment, calls: Sequence[GovernedCall]) -> GovernedCall:
    """One call stays as it is; several go into one `multicall` of `VaultAccess`."""
    return calls[0] if len(calls) == 1 else _on_access(deployment, "multicall", [call.data for call in calls])


def _lists(calls: Sequence[GovernedCall]) -> tuple[list[Address], list[int], list[bytes]]:
    return [call.target for call in calls], [call.wei for call in calls], [call.data for call in calls]


def _proposal(governor: Governor, calls: Sequence[GovernedCall], description: str) -> Step:
    data = _PROPOSE.encode(*_lists(calls), description)
    return Step("propose", "a holder of votes above the threshold", _call(governor.address, data))


def _on_governor(governor: Governor, name: str, calls: Sequence[GovernedCall], description: str) -> GovernedCall:
    function = load_abi(VAULT_GOVERNOR).function(name)
    return _call(governor.address, function.encode(*_lists(calls), description_hash(description)))


def _operation(call: GovernedCall, predecessor: bytes, description: str) -> tuple[object, ...]:
    return (*_lists([call]), predecessor, description_hash(description))


def _operation_id(*operation: object) -> bytes:
    types = _HASH_OPERATION_BATCH[1:-1].split(",")
    return keccak(encode(types, operation))


def _timelocked(
    governor: Governor, deployment: Deployment, calls: Sequence[GovernedCall], description: str, wait: Seconds
) -> tuple[Step, ...]:
    """Schedule both halves on the timelock at once: the second waits until `VaultAccess` has let the first wait."""
    schedule = _batched(deployment, [_schedule(deployment, call) for call in calls])
    execute = _batched(deployment, [_execute(deployment, call) for call in calls])
    first = _operation(schedule, _NO_PREDECESSOR, description)
    second = _operation(execute, _operation_id(*first), description)
    timed = ((first, governor.own_delay), (second, governor.own_delay + wait))
    names = ("schedule the scheduling on the timelock", "schedule the execution on the timelock")
    return tuple(
        Step(name, "a proposer of the timelock", _call(governor.address, _SCHEDULE_BATCH.encode(*operation, delay)))
        for name, (operation, delay) in zip(names, timed, strict=True)
    )
