"""HEDGE-305: a function that changes state is in the matrix of roles or named here as anyone's; nothing else exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

MATRIX = "tests/contracts/RolesMatrix.t.sol"
CALL = re.compile(r"abi\.encodeCall\((\w+)\.(\w+),")
IN_MATRIX = {
    "access": "VaultAccess",
    "book": "OptionBook",
    "deltaBook": "DeltaBook",
    "desk": "RescueDesk",
    "fees": "ShareFees",
    "gmx": "GmxV2Market",
    "guard": "RebalanceGuard",
    "hyper": "HyperEvmMarket",
    "lyra": "LyraOptions",
    "members": "MemberGate",
    "options": "LyraOptionVenue",
    "oracle": "PriceOracle",
    "registry": "VenueRegistry",
    "reports": "SignedReports",
    "uniswap": "UniswapV3Positions",
    "vault": "HedgeVault",
}
"""Contracts by the name that the matrix gives them."""
ANYONES = {
    "HedgeVault": {
        *("approve", "transfer", "transferFrom", "permit", "accrueFees"),
        *("deposit", "mint", "withdraw", "redeem", "redeemWithUnwind"),
        *("bringMarginHome", "recoverMargin"),  # HedgeVaultRecovery.t.sol, HedgeVaultVenues.t.sol
    },
    "LyraOptions": {"addOwnPosition", "removeBurntPosition"},  # the holder's; what is burnt: UniswapV3Positions.t.sol
    "LyraOptionVenue": {
        *("trade", "settleExpired"),  # a keeper's, and anyone's: test_lyra_option_venue.py
        *("depositMargin", "withdrawMargin"),  # its vault's
        "settle",  # refuses whoever calls
    },
    "OptionBook": {"removeExpired", "reportIvIntervals"},  # the reporter's: OptionBookReports.t.sol
    "SignedReports": {"submit"},  # a quorum signs: SignedReports.t.sol
    "UniswapV3Positions": {"addOwnPosition", "removeBurntPosition"},
    "RescueDesk": {"rescue"},
    "ShareFees": {"accrue"},  # its vault's: ShareFees.t.sol
    "VenueRegistry": {"measureAndKeep"},  # the bound vault's: HedgeVaultRebalance.t.sol
    "RebalanceGuard": {
        "check",
        "checkUnwind",
        "recordResult",
    },  # the bound vault's, and anyone's: RebalanceGuard.t.sol, Breaker.t.sol
    "VaultAccess": {
        "handOver",  # the deployer's, once: VaultAccess.t.sol
        *("schedule", "execute", "cancel", "consumeScheduledOp"),  # ask for the role of what they carry
        *("multicall", "renounceRole"),  # act for the caller alone
    },
}


def governed_contracts(repository: Path) -> dict[str, set[str]]:
    """Return the functions that change state, by contract that has an authority or is one."""
    found = {}
    for path in sorted((repository / "build" / "contracts").glob("*.json")):
        artifact = json.loads(path.read_text(encoding="utf-8"))
        functions = [entry for entry in artifact["abi"] if entry["type"] == "function"]
        is_governed = {"authority", "canCall"} & {entry["name"] for entry in functions}
        if is_governed and artifact["bytecode"] and artifact["sourcePath"].startswith("contracts/"):
            changing = [entry["name"] for entry in functions if entry["stateMutability"] in ("nonpayable", "payable")]
            found[artifact["contractName"]] = set(changing)
    return found


@pytest.fixture(scope="module")
def governed(repository: Path) -> dict[str, set[str]]:
    return governed_contracts(repository)


@pytest.fixture(scope="module")
def matrix(repository: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {name: set() for name in IN_MATRIX.values()}
    for variable, function in CALL.findall((repository / MATRIX).read_text(encoding="utf-8")):
        found[IN_MATRIX[variable]].add(function)
    return found


def test_governed_contracts__every_one__is_in_the_matrix(governed, matrix):
    assert set(governed) == set(matrix)


def test_functions__changing_state__are_in_the_matrix_or_anyones(governed, matrix):
    unlisted = {
        f"{name}.{function}"
        for name, functions in governed.items()
        for function in functions - matrix[name] - ANYONES.get(name, set())
    }
    assert unlisted == set(), f"add an entry to {MATRIX}, or to ANYONES where anyone may call"


def test_anyones__every_entry__exists_and_is_not_in_the_matrix(governed, matrix):
    for name, functions in ANYONES.items():
        assert functions <= governed[name]
        assert not functions & matrix[name]
