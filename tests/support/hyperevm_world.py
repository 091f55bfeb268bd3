"""A vault whose one venue is Hyperliquid, on a local chain where the double of HyperCore stands at its addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.chain.deployment import load_deployment
from agent.chain.deployment_inputs import VenueInputs
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult
from agent.localnet.anvil import free_port
from agent.localnet.codec import encode_call
from agent.localnet.deployment import deployment_inputs, run_deployment
from agent.localnet.deposit import deposit_collateral
from agent.localnet.evm import Transaction
from agent.localnet.session import Localnet, LocalnetSettings
from agent.units import Address, AssetUnits
from benchmarks.evm import ARTIFACTS, BenchmarkChain, compile_sources
from tests.support.hyperevm_market import CORE, CORE_WRITER, PRECOMPILES, SYSTEM
from tests.support.keeper_world import BOOK, DEPOSIT_USD, START_PRICE_USD, KeeperWorld, write_config

CORE_DOUBLE = "tests/contracts/hyperevm/HyperCoreDouble.sol"
TERMS = {
    "asset": 1,
    "taker_fee_bps": 4.5,
    "margin_factor": 0.2,
    "canary_size_underlying": 0.01,
    "max_order_size_underlying": 1_000,
    "settle_seconds": 60,
    "late_seconds": 1_800,
    "tiers": [{"from_usd": 0, "max_leverage": 25}, {"from_usd": 100_000_000, "max_leverage": 15}],
}
_MARKET = "(uint32,uint8,uint8,uint32,bool,uint64,uint64,uint64,uint64,uint64)"
_PX_DECIMALS = 2
"""Of prices, where sizes have four."""
_OTHERS_USD = 10_000_000
"""What other traders have on HyperCore: a profit of ours is theirs."""
_GAS = 5_000_000


@dataclass
class HyperEvmWorld(KeeperWorld):
    """The chain, the vault on it, and HyperCore as a test orders it."""

    def core(self, signature: str, *arguments: object) -> None:
        """Order something of HyperCore, in a block of its own a second later."""
        call = Transaction(signature, self._stranger, CORE, encode_call(signature, *arguments), _GAS)
        self.localnet.chain.mine([call], self.now() + 1)

    def price(self, price_usd: float, seconds: int = 300) -> None:
        """Move oracle and HyperCore to a price."""
        self.step(price_usd, seconds)
        px = round(price_usd * 10**_PX_DECIMALS)
        self.core("setPrices(uint64,uint64,uint64,uint64)", px, px, px, px)

    def cycle(self, keeper: Keeper) -> CycleResult:
        """Have the keeper do a cycle, and HyperCore what it was sent."""
        result = keeper.cycle()
        self.core("step()")
        return result

    @property
    def _stranger(self) -> Address:
        return self.localnet.manifest.accounts["attacker"]


def _place_doubles(localnet: Localnet) -> Address:
    """Put HyperCore and what is around it on the chain, with one market; returns Circle's bridge."""
    compile_sources(CORE_DOUBLE, SYSTEM)
    places = {
        CORE: ("HyperCoreDouble.sol", "HyperCoreDouble"),
        CORE_WRITER: ("HyperSystemDouble.sol", "CoreWriterDouble"),
    }
    places |= dict.fromkeys(PRECOMPILES, ("HyperSystemDouble.sol", "HyperPrecompileDouble"))
    for address, (file, contract) in places.items():
        artifact = json.loads((ARTIFACTS / file / f"{contract}.json").read_text(encoding="utf-8"))
        localnet.chain.rpc.request("anvil_setCode", address, artifact["deployedBytecode"]["object"])
    evm = BenchmarkChain(localnet.chain)
    wallet = evm.deploy(SYSTEM, "CoreDepositWalletDouble", "(address)", localnet.manifest.usdc)
    px = round(START_PRICE_USD * 10**_PX_DECIMALS)
    evm.send(CORE, encode_call(f"open({_MARKET},address)", (1, 4, 25, 55, False, px, px, px, px, 450), wallet))
    localnet.fund_usdc(wallet, AssetUnits(_OTHERS_USD * 10**6))
    return wallet


@contextmanager
def hyperevm_world(directory: Path) -> Iterator[HyperEvmWorld]:
    """Bring a chain up with a vault that holds 400,000 USDC, a book short 100 calls, and an account HyperCore knows."""
    book_path = directory / "book.toml"
    book_path.write_text(BOOK, encoding="utf-8")
    manifest_path, inputs_path = directory / "deployment.json", directory / "inputs.json"
    settings = LocalnetSettings(
        port=free_port(), state_directory=directory / "localnet", start_price_usd=START_PRICE_USD
    )
    with Localnet.up(settings) as localnet:
        wallet = _place_doubles(localnet)
        venue = VenueInputs(name="hyper", kind="hyperevm", addresses={"deposit_wallet": wallet}, terms=TERMS)
        inputs = deployment_inputs(localnet.manifest).model_copy(update={"venues": (venue,)})
        inputs_path.write_text(inputs.model_dump_json(), encoding="utf-8")
        run_deployment(inputs_path, localnet.rpc_url, book_path, manifest_path, write_config(directory))
        world = HyperEvmWorld(localnet, directory, load_deployment(manifest_path, 31_337), book_path)
        deposit_collateral(localnet, world.deployment, DEPOSIT_USD)
        world.step(START_PRICE_USD)
        world.core("give(address,uint64)", world.venue, 0)
        yield world
