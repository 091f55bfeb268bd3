"""A vault whose one venue is GMX v2, on a local chain with the double of GMX, which the vault's own feed prices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.chain.deployment import load_deployment
from agent.chain.deployment_inputs import VenueInputs
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult
from agent.localnet.anvil import free_port
from agent.localnet.codec import encode_call
from agent.localnet.deployment import deployment_inputs, run_deployment
from agent.localnet.deposit import deposit_collateral
from agent.localnet.evm import Transaction
from agent.localnet.governance import governor_call
from agent.localnet.session import Localnet, LocalnetSettings
from agent.units import Address, AssetUnits, Wei
from benchmarks.evm import BenchmarkChain, compile_sources
from tests.support.keeper_world import BOOK, DEPOSIT_USD, START_PRICE_USD, KeeperWorld, write_config

DOUBLES = "tests/contracts/support/gmx"
_STORE, _HANDLER = f"{DOUBLES}/GmxStoreDouble.sol", f"{DOUBLES}/GmxHandlerDouble.sol"
_EXCHANGE, _READER = f"{DOUBLES}/GmxExchangeDouble.sol", f"{DOUBLES}/GmxReaderDouble.sol"
_AGGREGATOR = "contracts/test/AggregatorDouble.sol"

MARKET = Address("0x000000000000000000000000000000000000006D")
TERMS = {"index_decimals": 18, "max_execution_fee_eth": 0.002, "margin_factor": 0.07, "callback_gas": 750_000}
BASE_FEE_WEI = Wei(10**8)
"""A tenth of a gwei, as on Arbitrum."""
ETHER_WEI = Wei(10**17)
GMX_PRICE = 10**12
"""Of one USD for a token of 18 decimals."""
POSITION_FEE = 5e-4
_BACKING = (20_000 * 10**18, 20_000_000 * 10**6)
"""What backs open interest: ether for longs, USDC for shorts."""
_TIPS = {"priority_fee_gwei": 0.01, "urgent_priority_fee_gwei": 0.02}
_OTHERS_USD = 10_000_000
"""What the pool holds: a profit of ours is its loss."""
_GAS = 8_000_000


def named(name: str, types: str = "", *arguments: object) -> bytes:
    """Return GMX's key of a name, alone or of a market, a token, a side."""
    key = keccak(encode(["string"], [name]))
    return keccak(encode(["bytes32", *types.split(",")], [key, *arguments])) if types else key


UINTS = {
    named("INCREASE_ORDER_GAS_LIMIT"): 3_000_000,
    named("DECREASE_ORDER_GAS_LIMIT"): 3_000_000,
    named("SINGLE_SWAP_GAS_LIMIT"): 1_000_000,
    named("ESTIMATED_GAS_FEE_BASE_AMOUNT_V2_1"): 600_000,
    named("ESTIMATED_GAS_FEE_PER_ORACLE_PRICE"): 250_000,
    named("ESTIMATED_GAS_FEE_MULTIPLIER_FACTOR"): 10**30,
    named("REQUEST_EXPIRATION_TIME"): 300,
    named("MAX_CALLBACK_GAS_LIMIT"): 2_000_000,
    named("MIN_COLLATERAL_USD"): 10**30,
    named("MIN_POSITION_SIZE_USD"): 10**30,
    named("CLAIMABLE_COLLATERAL_TIME_DIVISOR"): 3_600,
    named("CLAIMABLE_COLLATERAL_DELAY"): 5 * 86_400,
    named("MIN_COLLATERAL_FACTOR", "address", MARKET): 10**28,
    named("MIN_COLLATERAL_FACTOR_FOR_LIQUIDATION", "address", MARKET): 5 * 10**27,
    named("MAX_FUNDING_FACTOR_PER_SECOND", "address", MARKET): 10**23,
    **{named("POSITION_FEE_FACTOR", "address,bool", MARKET, side): 5 * 10**26 for side in (True, False)},
    **{named("MAX_OPEN_INTEREST", "address,bool", MARKET, side): 10**7 * 10**30 for side in (True, False)},
    **{named("RESERVE_FACTOR", "address,bool", MARKET, side): 10**30 for side in (True, False)},
    **{named("OPEN_INTEREST_RESERVE_FACTOR", "address,bool", MARKET, side): 9 * 10**29 for side in (True, False)},
}
"""Of the double's market of ETH, as `GmxStage.sol` has it."""


class Release(NamedTuple):
    """Contracts that GMX replaces together."""

    exchange: Address
    handler: Address
    reader: Address

    @property
    def roles(self) -> tuple[tuple[Address, str], ...]:
        """Which of them has which of GMX's roles."""
        return (self.exchange, "CONTROLLER"), (self.exchange, "ROUTER_PLUGIN"), (self.handler, "CONTROLLER")


@dataclass(frozen=True)
class GmxDoubles:
    """What stays of the double of GMX through its releases."""

    store: Address
    roles: Address
    router: Address
    order_vault: Address
    pool: Address
    wnt: Address
    usdc: Address

    @property
    def tokens(self) -> tuple[Address, ...]:
        """Market, index, long and short token."""
        return (MARKET, self.wnt, self.wnt, self.usdc)

    def release(self, evm: BenchmarkChain) -> Release:
        """Put up another ExchangeRouter, OrderHandler and Reader, and give them their roles."""
        tokens = "(address,address,address,address)"
        handler = evm.deploy(
            _HANDLER,
            "GmxHandlerDouble",
            f"(address,address,address,{tokens})",
            *(self.store, self.order_vault, self.pool, self.tokens),
        )
        reader = evm.deploy(_READER, "GmxReaderDouble", f"({tokens})", self.tokens)
        exchange = evm.deploy(
            _EXCHANGE, "GmxExchangeDouble", "(address,address,address)", self.store, handler, self.router
        )
        release = Release(exchange, handler, reader)
        for account, role in release.roles:
            evm.send(self.roles, encode_call("setRole(address,string,bool)", account, role, True))
        return release


def raise_doubles(localnet: Localnet) -> tuple[GmxDoubles, Release]:
    """Put the double of GMX on the chain with a market of ETH, which it prices by the chain's own feed."""
    compile_sources(_HANDLER, _EXCHANGE, _READER, _STORE, _AGGREGATOR)
    evm, usdc = BenchmarkChain(localnet.chain), localnet.manifest.usdc
    roles = evm.deploy(_STORE, "GmxRoleStoreDouble")
    doubles = GmxDoubles(
        store=evm.deploy(_STORE, "GmxDataStoreDouble", "(address)", roles),
        roles=roles,
        router=evm.deploy(_STORE, "GmxRouterDouble", "(address)", roles),
        order_vault=evm.deploy(_STORE, "GmxOrderVaultDouble", "(address)", roles),
        pool=evm.deploy(_HANDLER, "GmxPoolDouble"),
        wnt=evm.deploy(_STORE, "WntDouble"),
        usdc=usdc,
    )
    dollar_feed = evm.deploy(_AGGREGATOR, "AggregatorDouble", "(uint8,int256)", 8, 10**8)
    feeds = {doubles.wnt: (localnet.manifest.chainlink_aggregator, 10**34), usdc: (dollar_feed, 10**46)}
    addresses = {named("WNT"): doubles.wnt}
    uints = dict(UINTS)
    for token, (feed, multiplier) in feeds.items():
        addresses[named("PRICE_FEED", "address", token)] = feed
        uints[named("PRICE_FEED_MULTIPLIER", "address", token)] = multiplier
        uints[named("POOL_AMOUNT", "address,address", MARKET, token)] = _BACKING[token == usdc]
    for key, number in uints.items():
        evm.send(doubles.store, encode_call("setUint(bytes32,uint256)", key, number))
    for key, address in addresses.items():
        evm.send(doubles.store, encode_call("setAddress(bytes32,address)", key, address))
    localnet.chain.rpc.request("anvil_setCode", MARKET, "0x00")  # a token that nobody here calls
    localnet.fund_usdc(doubles.pool, AssetUnits(_OTHERS_USD * 10**6))
    return doubles, doubles.release(evm)


@dataclass
class GmxWorld(KeeperWorld):
    """The chain, the vault on it, and GMX with its keepers as a test orders them."""

    doubles: GmxDoubles
    release: Release
    executes: bool = field(default=True, init=False)
    """Whether GMX's keepers do what they are asked for after each cycle."""

    def gmx(self, to: Address, signature: str, *arguments: object, value_wei: Wei | None = None) -> None:
        """Order something of GMX, or do as anyone may, in a block of its own a second later."""
        data = encode_call(signature, *arguments) if signature else "0x"
        sender = self.localnet.manifest.accounts["attacker"]
        call = Transaction(signature or "ether", sender, to, data, _GAS, value_wei=value_wei or Wei(0))
        self.localnet.chain.mine([call], self.now() + 1, BASE_FEE_WEI)

    def give_ether(self, wei: Wei = ETHER_WEI) -> None:
        """Send the account ether for executions."""
        self.gmx(self.venue, "", value_wei=wei)

    def set_uint(self, number: int, name: str, types: str, *arguments: object) -> None:
        """Write a number of GMX's."""
        self.gmx(self.doubles.store, "setUint(bytes32,uint256)", named(name, types, *arguments), number)

    def owed(self, hour: int) -> int:
        """Return the delayed collateral of an hour, asset units."""
        market = self.localnet.chain.call(self.venue, "market()", returns="(address)")[0]
        asked = "owedOf(address,address,uint256)", self.venue, self.doubles.usdc, hour
        return int(self.localnet.chain.call(market, *asked, returns="(uint256)")[0])

    def equity(self) -> int:
        """Return what the account is worth, WAD USD."""
        return int(self.localnet.chain.call(self.venue, "equity()", returns="(int256,int256)")[0])

    def open_keys(self) -> list[bytes]:
        """Return GMX's keys of the orders that are open, the one that closes first."""
        keys = self.localnet.chain.call(self.venue, "orderKeys()", returns="(bytes32,bytes32)")
        store, listed = self.doubles.store, "containsBytes32(bytes32,bytes32)"
        orders = named("ORDER_LIST")
        return [key for key in keys if self.localnet.chain.call(store, listed, orders, key, returns="(bool)")[0]]

    def execute(self, price_usd: float | None = None) -> None:
        """Have GMX's keepers execute what is open, at the feed's price or at another one."""
        price = self.localnet.published_price()[0] if price_usd is None else price_usd
        for key in self.open_keys():
            self.gmx(self.release.handler, "execute(bytes32,uint256)", key, round(price * 10**8) * GMX_PRICE // 10**8)

    def cycle(self, keeper: Keeper) -> CycleResult:
        """Have the keeper do a cycle, and GMX's keepers what it asked for."""
        result = keeper.cycle()
        if self.executes:
            self.execute()
        return result

    def rotate(self) -> None:
        """Have GMX replace its contracts, the governor name the new ones, and GMX let the old ones go."""
        old, evm = self.release, BenchmarkChain(self.localnet.chain)
        self.release = self.doubles.release(evm)
        market, accounts = self.deployment.contract("GmxV2Market"), self.localnet.manifest.accounts
        access, signature = self.deployment.contract("VaultAccess"), "addRelease((address,address,address))"
        governor_call(self.localnet.chain, access, accounts["governor"], market, signature, tuple(self.release))
        for key in self.open_keys():
            self.gmx(self.release.handler, "adopt(address,bytes32)", old.handler, key)
        for account, role in old.roles:
            self.gmx(self.doubles.roles, "setRole(address,string,bool)", account, role, False)
        self.gmx(old.reader, "setStale(bool)", True)


def _config(directory: Path) -> Path:
    path = write_config(directory)
    text = path.read_text(encoding="utf-8")
    for key, tip in _TIPS.items():
        lines = [line for line in text.splitlines() if line.startswith(f"{key} = ")]
        assert len(lines) == 1, key
        text = text.replace(lines[0], f"{key} = {tip}")
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def gmx_world(directory: Path) -> Iterator[GmxWorld]:
    """Bring a chain up with a vault that holds 400,000 USDC, a book short 100 calls, and an account without ether."""
    book_path = directory / "book.toml"
    book_path.write_text(BOOK, encoding="utf-8")
    manifest_path, inputs_path = directory / "deployment.json", directory / "inputs.json"
    settings = LocalnetSettings(
        port=free_port(),
        state_directory=directory / "localnet",
        start_price_usd=START_PRICE_USD,
        base_fee_wei=BASE_FEE_WEI,
    )
    with Localnet.up(settings) as localnet:
        doubles, release = raise_doubles(localnet)
        addresses = {
            "data_store": doubles.store,
            "router": doubles.router,
            "market": MARKET,
            "exchange_router": release.exchange,
            "order_handler": release.handler,
            "reader": release.reader,
        }
        venue = VenueInputs(name="gmx", kind="gmx", addresses=addresses, terms=TERMS)
        inputs = deployment_inputs(localnet.manifest).model_copy(update={"venues": (venue,)})
        inputs_path.write_text(inputs.model_dump_json(), encoding="utf-8")
        run_deployment(inputs_path, localnet.rpc_url, book_path, manifest_path, _config(directory))
        deployment = load_deployment(manifest_path, 31_337)
        world = GmxWorld(localnet, directory, deployment, book_path, doubles, release)
        deposit_collateral(localnet, world.deployment, DEPOSIT_USD)
        world.step(START_PRICE_USD)
        yield world
