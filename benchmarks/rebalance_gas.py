"""Gas of a rebalance on the real Curie, in all and by callee, from traces: `run` prints it, `--renew` keeps it.

``python -m benchmarks.rebalance_gas --renew`` writes `SNAPSHOT`, which a test compares with what it measures. Chain, times
and trades are the same in every run, so the gas is too.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.chain.abi import ARTIFACT_DIRECTORY, Function
from agent.chain.deployment import Deployment, load_deployment
from agent.errors import AgentError, DataError
from agent.localnet.artifacts import PROJECT_ROOT
from agent.localnet.codec import encode_call
from agent.localnet.deposit import deposit_collateral
from agent.localnet.evm import Transaction
from agent.localnet.session import Localnet, LocalnetSettings
from agent.units import WAD, Address
from benchmarks.figure import Figure

PORT = 18_681
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
_NO_DEADLINE = 2**63
_REBALANCE = "rebalance(bytes32,(address,int256,int256,uint256)[],uint256)"

Gas = dict[str, int]
"""``total``, and the gas of each callee of the vault and of the venue adapter, whatever lies beneath it included."""


def run() -> list[Figure]:
    """Measure every kind of rebalance."""
    return [
        Figure(f"{case}: {callee}" if callee != "total" else case, float(gas), "gas")
        for case, callees in measure(PORT).items()
        for callee, gas in callees.items()
    ]


def measure(port: int) -> dict[str, Gas]:
    """Bring up chain, vault and book, and measure the gas of each kind of rebalance."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with Localnet.up(LocalnetSettings(port=port, state_directory=directory)) as localnet:
            localnet.deploy_evenkeel(BOOK, directory / "deployment.json")
            deployment = load_deployment(directory / "deployment.json", localnet.manifest.chain_id)
            deposit_collateral(localnet, deployment, COLLATERAL_USD)
            return _Rebalances(localnet, deployment).measure()


def kept() -> dict[str, Gas]:
    """Read the figures of `SNAPSHOT`."""
    try:
        found: dict[str, Gas] = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{SNAPSHOT.name} cannot be read ({error}): run `{RENEW}`") from None
    return found


@dataclass
class _Rebalances:
    """The vault of one chain, whose keeper does what each case says."""

    localnet: Localnet
    deployment: Deployment

    def __post_init__(self) -> None:
        self.venue = Address(self.deployment.venues[0].address)
        self.vault = self.deployment.contract("HedgeVault")
        self.namer = _Namer(self.localnet, self.deployment)
        self.count = 0

    def measure(self) -> dict[str, Gas]:
        price_usd = self.localnet.manifest.start_price_usd
        cases: dict[str, Callable[[], Gas]] = {
            "first rebalance": lambda: self._rebalance(FIRST_MARGIN, self._gap()),
            "second rebalance": lambda: self._rebalance(0, self._gap_at(price_usd * RISE)),
            "reduction": lambda: self._rebalance(0, self._gap_at(price_usd * FALL)),
            "margin in": lambda: self._rebalance(MARGIN_MOVE, 0),
            "margin out": lambda: self._rebalance(-MARGIN_MOVE, 0),
        }
        return {case: rebalance() for case, rebalance in cases.items()}

    def _gap_at(self, price_usd: float) -> int:
        self.localnet.step(price_usd, self.localnet.chain.head().timestamp + STEP_SECONDS)
        return self._gap()

    def _gap(self) -> int:
        """Trade that brings the middle of the net delta to 0, in whole thousandths."""
        chain, contract = self.localnet.chain, self.deployment.contract
        price, _ = chain.call(contract("PriceOracle"), "price()", returns="(uint256,uint256)")
        interval = "deltaInterval(uint256)"
        low, high = chain.call(contract("DeltaBook"), interval, price, returns="(int256,int256)")
        size = chain.call(self.venue, "position()", returns="(int256,uint256,int256,int256,int256)")[0]
        thousandth = WAD // 1_000
        return -((low + high) // 2 + size) // thousandth * thousandth

    def _rebalance(self, margin_delta: int, size_delta: int) -> Gas:
        self.count += 1
        leg = (self.venue, margin_delta, size_delta, 0)
        data = encode_call(_REBALANCE, self.count.to_bytes(32), [leg], _NO_DEADLINE)
        keeper = self.localnet.manifest.accounts["keeper"]
        self.localnet.chain.mine([Transaction("rebalance", keeper, self.vault, data, _GAS)])
        rpc = self.localnet.chain.rpc
        (receipt,) = rpc.request("eth_getBlockReceipts", "latest")
        trace = rpc.request("debug_traceTransaction", receipt["transactionHash"], {"tracer": "callTracer"})
        return {"total": int(receipt["gasUsed"], 16), **self._by_callee(trace)}

    def _by_callee(self, trace: Mapping[str, Any]) -> Gas:
        """Gas of the vault's calls, and of the calls inside those of the venue adapter; the largest first."""
        gas: Counter[str] = Counter()
        for call in trace.get("calls", []):
            name = self.namer.name(call)
            gas[name] += int(call["gasUsed"], 16)
            if call["to"].lower() == self.venue.lower():
                for inner in call.get("calls", []):
                    gas[f"{name} > {self.namer.name(inner)}"] += int(inner["gasUsed"], 16)
        return dict(sorted(gas.items(), key=lambda item: (-item[1], item[0])))


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
            for path in sorted(ARTIFACT_DIRECTORY.glob("*.json"))
            for entry in json.loads(path.read_text(encoding="utf-8"))["abi"]
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
        SNAPSHOT.write_text(json.dumps(measure(PORT), indent=2) + "\n", encoding="utf-8")
    except AgentError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{SNAPSHOT.name} renewed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
