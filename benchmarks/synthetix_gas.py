"""Gas of every call of the Synthetix adapters on the real Synthetix: `run` prints it, ``--renew`` keeps it.

``python -m benchmarks.synthetix_gas --renew`` writes `SNAPSHOT`, which a test compares with what it measures. Chain,
times and trades are the same in every run, so the gas is too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from eth_utils.crypto import keccak

from agent.errors import AgentError, DataError
from agent.localnet.artifacts import PROJECT_ROOT
from agent.units import WAD
from benchmarks.figure import Figure
from tests.support.synthetix_market import START_PRICE_USD
from tests.support.synthetix_vault import SynthetixVault, open_vault

SNAPSHOT = PROJECT_ROOT / "benchmarks" / "synthetix_gas.json"
RENEW = "python -m benchmarks.synthetix_gas --renew"
DEPOSIT_USD, MARGIN_USD = 200_000, 60_000
HEDGE = -50 * WAD
COOLDOWN_SECONDS = 600
CALLS = (
    "account()",
    "bracketTrade(bool)",
    "depositMargin(uint256)",
    "execute(int256,uint256)",
    "freeCollateral()",
    "withdrawMargin(uint256)",
)
"""What the vault and its neighbours call of an adapter."""
BARE = ("modifyPosition(int256,uint256)", "submitOffchainDelayedOrder(int256,uint256)", "transferMargin(int256)")
"""What of it is Synthetix' own, as whoever trades there without an adapter would call it."""
VIEWS = ("account()", "position()", "equity()", "openOrder()", "freeCollateral()", "maxFundingRate()")

Gas = dict[str, int]
"""``total`` of a transaction, and what of it each function of the adapter takes, Synthetix beneath it included.

``adapter's > Synthetix'`` is what of that Synthetix' own function takes.
"""
Trace = Mapping[str, Any]
"""A transaction or call as the node's ``callTracer`` shows it."""


def run() -> list[Figure]:
    """Measure every call."""
    return [
        Figure(f"{case}: {name}" if name != "total" else case, float(gas), "gas")
        for case, found in measure().items()
        for name, gas in found.items()
    ]


def measure() -> dict[str, Gas]:
    """Measure both adapters, each on a chain of its own."""
    with open_vault() as vault:
        _begin(vault)
        cases = {"order, first": _rebalanced(vault, MARGIN_USD * WAD, HEDGE)}
        cases["views with an order"] = _views(vault)
        cases["settle, first"] = {"total": vault.settle(vault.open_order(), START_PRICE_USD)}
        cases["views with a position"] = _views(vault)
        cases["margin in"] = _rebalanced(vault, 1_000 * WAD, 0)
        cases["margin out"] = _rebalanced(vault, -1_000 * WAD, 0)
        cases["order, second"] = _asked(vault, 40 * WAD, 10 * WAD)
        cases["settle, second"] = {"total": vault.settle(vault.open_order(), START_PRICE_USD)}
        cases["order, elsewhere"] = _asked(vault, 38 * WAD, 2 * WAD)
        order_id = vault.open_order()
        vault.execute_elsewhere(START_PRICE_USD)
        cases["reconcile"] = {"total": vault.send("reconcile(bytes32)", order_id, sender=vault.stranger)}
        cases["order, close"] = _asked(vault, 0, 38 * WAD)
        order_id = vault.open_order()
        expires_at = vault.order(order_id).expires_at
        cases["cancel"] = {"total": vault.send("cancel(bytes32)", order_id, sender=vault.stranger, at=expires_at)}
        cases["order, close again"] = _asked(vault, 0, 38 * WAD)
        cases["settle, close"] = {"total": vault.settle(vault.open_order(), START_PRICE_USD)}
    with open_vault("SynthetixV2AtomicVenue") as vault:
        vault.set_parameters(takerFee="0.001", makerFee="0.001")
        _begin(vault)
        cases["at once, first"] = _rebalanced(vault, MARGIN_USD * WAD, HEDGE)
        cases["at once, second"] = _asked(vault, 40 * WAD, 10 * WAD)
        cases["at once, close"] = _asked(vault, 0, 40 * WAD)
    return cases


def kept() -> dict[str, Gas]:
    """Read the figures of `SNAPSHOT`."""
    try:
        found: dict[str, Gas] = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{SNAPSHOT.name} cannot be read ({error}): run `{RENEW}`") from None
    return found


def _begin(vault: SynthetixVault) -> None:
    vault.join(DEPOSIT_USD)
    vault.pass_time(3_600)
    vault.publish(START_PRICE_USD)


def _asked(vault: SynthetixVault, book_delta: int, size_delta: int) -> Gas:
    """Rebalance after the cooldown, for another book."""
    vault.pass_time(COOLDOWN_SECONDS)
    vault.publish(START_PRICE_USD)
    vault.write_book(book_delta)
    return _rebalanced(vault, 0, size_delta)


def _rebalanced(vault: SynthetixVault, margin_delta: int, size_delta: int) -> Gas:
    total = vault.rebalance(margin_delta, size_delta)
    gas: Counter[str] = Counter()
    names, bare = ({keccak(text=one)[:4].hex(): one.partition("(")[0] for one in calls} for calls in (CALLS, BARE))
    for call in _calls_of(vault.trace(), vault.venue.lower()):
        name = names[call["input"][2:10]]
        gas[name] += int(call["gasUsed"], 16)
        for beneath in call.get("calls", ()):
            if (own := bare.get(beneath["input"][2:10])) is not None:
                gas[f"{name} > {own}"] += int(beneath["gasUsed"], 16)
    return {"total": total, **dict(sorted(gas.items(), key=lambda item: (-item[1], item[0])))}


def _calls_of(trace: Trace, address: str) -> Iterator[Trace]:
    for call in trace.get("calls", ()):
        if call["to"].lower() == address:
            yield call
        else:
            yield from _calls_of(call, address)


def _views(vault: SynthetixVault) -> Gas:
    return {view.partition("(")[0]: vault.gas_of(view) for view in VIEWS}


def main() -> int:
    """Measure and write the snapshot; status 2 with one line when that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synthetix_gas", description="Gas of the adapters.")
    parser.add_argument("--renew", action="store_true", required=True, help=f"write {SNAPSHOT.name}")
    parser.parse_args()
    try:
        SNAPSHOT.write_text(json.dumps(measure(), indent=2) + "\n", encoding="utf-8")
    except AgentError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{SNAPSHOT.name} renewed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
