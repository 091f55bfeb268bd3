"""Gas of a rebalance on the real Curie, in all and by callee, from traces: `run` prints it, `--renew` keeps it.

``python -m benchmarks.rebalance_gas --renew`` writes `SNAPSHOT`, which a test compares with what it measures. Chain,
times and trades are the same in every run, so the gas is too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.chain.abi import Function
from agent.chain.artifacts import load_artifacts
from agent.chain.deployment import Deployment, load_deployment
from agent.domain import BlockRef, Intent, Leg
from agent.errors import AgentError, DataError
from agent.execution.intents import rebalance_call
from agent.localnet.anvil import free_port
from agent.localnet.artifacts import PROJECT_ROOT
from agent.localnet.deposit import deposit_collateral
from agent.localnet.evm import Transaction
from agent.localnet.session import Localnet, LocalnetSettings
from agent.units import WAD, Address, AssetUnits, IntentId, Seconds, Wad
from benchmarks.figure import Figure

BOOK = PROJECT_ROOT / "examples" / "book.toml"
"""Two option legs and a holding."""
SNAPSHOT = PROJECT_ROOT / "benchmarks" / "rebalance_gas.json"
RENEW = "python -m benchmarks.rebalance_gas --renew"
COLLATERAL_USD = 400_000.0
USDC_UNIT = 10**6
FIRST_MARGIN = 150_000 * USDC_UNIT
MARGIN_MOVE = 10_000 * USDC_UNIT
STEP_SECONDS = 300
RISE, FALL = 1.04, 0.98
"""Prices over the start's before the second trade and before the reduction."""
_GAS = 10_000_000

Gas = dict[str, int]
"""``total``, and the gas of each callee of the vault and of the venue adapter, whatever lies beneath it included."""
Trace = Mapping[str, Any]
"""A transaction or call as the node's ``callTracer`` shows it."""
VENUE = "curie_venue"


def run() -> list[Figure]:
    """Measure every kind of rebalance."""
    return [
        Figure(f"{case}: {callee}" if callee != "total" else case, float(gas), "gas")
        for case, callees in measure().items()
        for callee, gas in callees.items()
    ]


def measure() -> dict[str, Gas]:
    """Measure the gas of each kind of rebalance, one after the other on one chain."""
    with hedged_vault() as vault:
        price_usd = vault.localnet.manifest.start_price_usd
        cases = {"first rebalance": vault.rebalance(FIRST_MARGIN, vault.gap())}
        vault.step(price_usd * RISE)
        cases["second rebalance"] = vault.rebalance(0, vault.gap())
        vault.step(price_usd * FALL)
        cases["reduction"] = vault.rebalance(0, vault.gap())
        cases["margin in"] = vault.rebalance(MARGIN_MOVE, 0)
        cases["margin out"] = vault.rebalance(-MARGIN_MOVE, 0)
        return {case: vault.by_callee(trace) for case, trace in cases.items()}


@contextmanager
def hedged_vault() -> Iterator[HedgedVault]:
    """Bring up a chain with the real Curie, a vault with collateral and the book of `BOOK`."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with Localnet.up(LocalnetSettings(port=free_port(), state_directory=directory)) as localnet:
            localnet.deploy_evenkeel(BOOK, directory / "deployment.json")
            deployment = load_deployment(directory / "deployment.json", localnet.manifest.chain_id)
            deposit_collateral(localnet, deployment, COLLATERAL_USD)
            yield HedgedVault(localnet, deployment)


def kept() -> dict[str, Gas]:
    """Read the figures of `SNAPSHOT`."""
    try:
        found: dict[str, Gas] = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{SNAPSHOT.name} cannot be read ({error}): run `{RENEW}`") from None
    return found


class HedgedVault:
    """A vault whose keeper does as it is told, and the traces of what it did."""

    def __init__(self, localnet: Localnet, deployment: Deployment) -> None:
        self.localnet = localnet
        self.deployment = deployment
        self.venue = Address(deployment.venues[0].address)
        self._namer = _Namer(localnet, deployment)
        self._count = 0

    def step(self, price_usd: float) -> None:
        """Move the market to a price."""
        self.localnet.step(price_usd, self.localnet.chain.head().timestamp + STEP_SECONDS)

    def gap(self) -> int:
        """Trade that brings the middle of the net delta to 0, in whole thousandths."""
        chain, contract = self.localnet.chain, self.deployment.contract
        price, _ = chain.call(contract("PriceOracle"), "price()", returns="(uint256,uint256)")
        interval = "deltaInterval(uint256)"
        low, high = chain.call(contract("DeltaBook"), interval, price, returns="(int256,int256)")
        (size,) = chain.call(self.venue, "size()", returns="(int256)")
        thousandth = WAD // 1_000
        return int(-((low + high) // 2 + size) // thousandth * thousandth)

    def rebalance(self, margin_delta: int, size_delta: int) -> Trace:
        """Move margin, trade, or both, and return the trace of the transaction."""
        self._count += 1
        head = self.localnet.chain.head()
        intent = Intent(
            intent_id=IntentId(f"0x{self._count:064x}"),
            vault=self.deployment.contract("HedgeVault"),
            legs=(Leg(self.venue, AssetUnits(margin_delta), Wad(size_delta), Wad(0)),),
            deadline=Seconds(head.timestamp + STEP_SECONDS),
            decided_at_block=BlockRef(head.number, head.hash, head.timestamp, head.base_fee_wei),
        )
        keeper, call = self.localnet.manifest.accounts["keeper"], rebalance_call(intent)
        self.localnet.chain.mine([Transaction("rebalance", keeper, call.to, call.data, _GAS)])
        rpc = self.localnet.chain.rpc
        (receipt,) = rpc.request("eth_getBlockReceipts", "latest")
        trace: Trace = rpc.request("debug_traceTransaction", receipt["transactionHash"], {"tracer": "callTracer"})
        return {**trace, "gasUsed": receipt["gasUsed"]}

    def by_callee(self, trace: Trace) -> Gas:
        """Gas of the vault's calls, and of the calls inside those of the venue adapter; the largest first."""
        gas: Counter[str] = Counter()
        for call in trace["calls"]:
            name = self._namer.name(call)
            gas[name] += int(call["gasUsed"], 16)
            if name.startswith(VENUE):
                for inner in call.get("calls", []):
                    gas[f"{name} > {self._namer.name(inner)}"] += int(inner["gasUsed"], 16)
        largest_first = sorted(gas.items(), key=lambda item: (-item[1], item[0]))
        return {"total": int(trace["gasUsed"], 16), **dict(largest_first)}

    def calls(self, trace: Trace, name: str) -> list[Trace]:
        """Return the calls that go by a name such as ``curie_venue.account``, at any depth, in their order."""
        found: list[Trace] = []
        for call in trace.get("calls", ()):
            if self._namer.name(call) == name:
                found.append(call)
            found += self.calls(call, name)
        return found


class _Namer:
    """Names calls of a trace as CONTRACT.FUNCTION."""

    def __init__(self, localnet: Localnet, deployment: Deployment) -> None:
        named = dict(deployment.contracts.items())
        named |= {f"{venue.kind}_venue": venue.address for venue in deployment.venues}
        named |= {
            f"{kind}_{name}": address
            for kind, addresses in localnet.manifest.venues.items()
            for name, address in addresses.items()
        }
        named["asset"] = deployment.asset.address
        self._contracts = {address.lower(): name for name, address in named.items()}
        self._functions = {
            Function.from_abi(entry).selector.hex(): entry["name"]
            for artifact in load_artifacts()
            for entry in artifact["abi"]
            if entry["type"] == "function"
        }

    def name(self, call: Mapping[str, Any]) -> str:
        """Name one call."""
        selector = call["input"][2:10]
        contract = self._contracts.get(call["to"].lower(), call["to"])
        return f"{contract}.{self._functions.get(selector, selector)}"


def main() -> int:
    """Measure and write the snapshot; status 2 with one line when that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rebalance_gas", description="Gas of a rebalance.")
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
