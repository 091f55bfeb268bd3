"""Who may call what, of every function of a deployed vault and its DAO; and arguments that leave the role to decide."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

from agent.chain.abi import type_of
from agent.localnet.codec import split_types
from agent.units import Address


class Gate(Enum):
    """Who gets past the first check of a function."""

    GOVERNOR = "a governor, for a call that it scheduled and waited for"
    GUARDIAN = "a guardian or governor, at once"
    KEEPER = "a keeper"
    RELAY = "a relay"
    VAULT = "the vault that the contract is bound to"
    VOTE = "VaultAccess, in the execution of a proposal"
    DEPLOYER = "the deployer, once"
    NOBODY = "nobody as this vault stands"
    OWN = "anyone, for what is his own or by a power that the arguments name"
    SERVICE = "anyone, for everybody's good"


_G, _T, _K, _R, _V, _D = Gate.GOVERNOR, Gate.GUARDIAN, Gate.KEEPER, Gate.RELAY, Gate.VAULT, Gate.VOTE
_N, _O, _S = Gate.NOBODY, Gate.OWN, Gate.SERVICE


def _gates(**names: str) -> dict[str, Gate]:
    return {name: Gate[gate] for gate, written in names.items() for name in written.split()}


GATES: dict[str, dict[str, Gate]] = {
    "VaultAccess": _gates(
        GOVERNOR="grantRole revokeRole",
        GUARDIAN="dismissKeeper dismissRelay",
        DEPLOYER="handOver",
        OWN="schedule execute cancel multicall consumeScheduledOp renounceRole",
    ),
    "PriceOracle": _gates(GOVERNOR="setPriceLimits setSources", GUARDIAN="tightenPriceLimits"),
    "ChainlinkSource": {},
    "OptionBook": _gates(
        GOVERNOR="addLegs removeLeg setIvInterval setIvLimits setIvReporter setQuantity setSettlementWindow",
        GUARDIAN="dismissIvReporter",
        NOBODY="reportIvIntervals",
        SERVICE="removeExpired",
    ),
    "TokenHoldings": {},
    "DeltaBook": _gates(GOVERNOR="addSource removeSource replaceSource"),
    "RebalanceGuard": _gates(
        GOVERNOR="bindVault setBounds", GUARDIAN="tightenBounds", VAULT="check checkUnwind", SERVICE="recordResult"
    ),
    "MemberGate": _gates(GOVERNOR="addMember", GUARDIAN="removeMember"),
    "VenueRegistry": _gates(
        GOVERNOR="addVenue bindVault forceRemoveVenue removeVenue reopenVenue setVenueCap",
        GUARDIAN="closeVenue lowerVenueCap",
        VAULT="measureAndKeep",
    ),
    "HedgeVault": _gates(
        GOVERNOR="resume setDepositCap setRedemptionQueue setShareFees setShareLock startWindDown sweep",
        GUARDIAN="endPause lowerDepositCap pause setReduceOnly",
        KEEPER="rebalance",
        RELAY="rebalanceFor",
        OWN="approve transfer transferFrom permit deposit mint withdraw redeem redeemWithUnwind",
        SERVICE="accrueFees bringMarginHome recoverMargin",
    ),
    "CurieVenue": _gates(VAULT="bracketTrade depositMargin execute withdrawMargin", NOBODY="settle"),
    "RedemptionQueue": _gates(OWN="cancel claim request", SERVICE="serve"),
    "IntentRelay": _gates(OWN="relay"),
    "RescueDesk": _gates(GOVERNOR="setTerms withdraw", GUARDIAN="tightenTerms", SERVICE="rescue"),
    "VaultGovernor": _gates(
        VOTE="relay setProposalThreshold setVotingDelay setVotingPeriod updateQuorumNumerator",
        NOBODY="onERC1155BatchReceived onERC1155Received onERC721Received",
        OWN="propose cancel castVote castVoteBySig castVoteWithReason castVoteWithReasonAndParams "
        "castVoteWithReasonAndParamsBySig",
        SERVICE="queue execute",
    ),
    "GovernanceToken": _gates(OWN="approve transfer transferFrom permit delegate delegateBySig"),
}
"""By contract and name; a function that stands in none of them is nobody's idea, and fails the test."""

DENIALS: dict[Gate, set[str]] = {
    Gate.GOVERNOR: {"AccessManagedUnauthorized", "AccessManagerUnauthorizedAccount", "AccessManagerNotScheduled"},
    Gate.GUARDIAN: {"NotGuardian"},
    Gate.KEEPER: {"NotKeeper"},
    Gate.RELAY: {"NotRelay"},
    Gate.VAULT: {"OnlyBoundVault", "OnlyVault"},
    Gate.VOTE: {"GovernorOnlyExecutor"},
    Gate.DEPLOYER: {"NotDeployer"},
    Gate.NOBODY: {"NotIvReporter", "UnknownOrder", "GovernorDisabledDeposit"},
}
"""Errors by which a gate turns an account away."""
BEFORE_THE_GATE = {("OptionBook", "removeLeg"): {"LegUnknown"}}
"""Errors that come first, because what is asked about decides who may."""
MOST_TRIES = 24
"""Sets of arguments for one function and one account."""


def argument_sets(
    entry: Mapping[str, Any], addresses: Sequence[Address], numbers: Sequence[int], data: Sequence[bytes]
) -> Iterator[list[Any]]:
    """Yield arguments of the right types: every address with every other, numbers and call data in turn.

    What a role may not do it may not do with any of them; what an argument could open, one of them opens.
    """
    types = [type_of(parameter) for parameter in entry["inputs"]]
    places = [index for index, kind in enumerate(types) if kind == "address"]
    named = itertools.product(addresses, repeat=len(places))
    step = max(1, len(addresses) ** len(places) // MOST_TRIES)
    choices = list(itertools.islice(named, 0, None, step))
    for turn in range(max(len(choices), min(MOST_TRIES, 3 * len(types)))):
        values = [_value(kind, turn + index, addresses, numbers, data) for index, kind in enumerate(types)]
        for index, address in zip(places, choices[turn % len(choices)], strict=True):
            values[index] = address
        yield values


def _value(kind: str, turn: int, addresses: Sequence[Address], numbers: Sequence[int], data: Sequence[bytes]) -> Any:
    if kind.endswith("]"):
        one = kind[: kind.rindex("[")]
        return [] if turn % 3 == 0 else [_value(one, turn + 1, addresses, numbers, data)]
    if kind.startswith("("):
        parts = split_types(kind)
        return tuple(_value(part, turn + index, addresses, numbers, data) for index, part in enumerate(parts))
    if kind == "address":
        return addresses[turn % len(addresses)]
    if kind == "bool":
        return turn % 2 == 0
    if kind == "string":
        return "why"
    if kind == "bytes":
        return data[turn % len(data)]
    if kind.startswith("bytes"):
        return bytes([turn % 256]) * int(kind[5:])
    return _number(kind, numbers[turn % len(numbers)])


def _number(kind: str, number: int) -> int:
    bits = int(kind.removeprefix("u").removeprefix("int"))
    most = 2**bits - 1 if kind.startswith("u") else 2 ** (bits - 1) - 1
    return min(number, most)
