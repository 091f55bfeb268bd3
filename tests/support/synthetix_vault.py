"""A vault of dollars of Synthetix's, with all that serves it, on the real Synthetix; its book is what a test writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agent.domain import BlockRef, Intent, Leg
from agent.execution.intents import rebalance_call
from agent.localnet import artifacts
from agent.localnet.deployer import Deployer
from agent.localnet.synthetix.market import issue_susd
from agent.units import WAD, Address, AssetUnits, IntentId, Seconds, Wad
from benchmarks.evm import BenchmarkChain, compile_sources, local_chain
from tests.support.synthetix_market import GAS, SynthetixMarket

SOURCE = "tests/contracts/support/ScriptedSource.sol"
DAY = 86_400
BOOK_DELTA = 50 * WAD
"""The book's delta unless a test writes another one: the hedge is a short of 50."""
MEASUREMENT = (
    "((uint256,bool,int256,int256,uint256,uint256,uint256,int256,"
    "(bool,bool,uint256,uint256,uint256,int256,int256,uint256,int256,int256,int256,uint256)[]))"
)
PRICE_LIMITS = (3_600, 600, 90_000, 1_800, 50, 200, 100, 100, 100 * WAD, 100_000 * WAD)
"""As `PriceDefaults.sol`: seconds, then 1e-4, then USD."""
BOUNDS = (
    *(3 * WAD, WAD, 20 * WAD, 120 * WAD),  # band, least improvement, urgent delta, largest size: underlying
    *(100 * WAD, 500_000 * WAD, 1_000_000 * WAD),  # traded notional and gross notional, USD
    *(800_000 * WAD, 800_000 * WAD),  # turnover and its refill a day, USD
    *(10 * WAD, 2 * WAD),  # leverage of a venue and of all
    *(50, 20, 100),  # slippage, fee, fall of NAV, 1e-4
    *(250, 250, 2_000),  # loss budget, its refill, drawdown, 1e-4
    *(500, 0, 10_000, 600),  # idle floor, urgent reserve, a keeper's share, 1e-4; cooldown in seconds
)


@dataclass(frozen=True)
class VenueMeasured:
    """`VenueMeasurement`."""

    is_silent: bool
    is_closing: bool
    price: int
    price_low: int
    price_high: int
    size_low: int
    size_high: int
    notional: int
    equity: int
    equity_low: int
    equity_high: int
    cap: int


@dataclass(frozen=True)
class Measured:
    """`Measurement`."""

    price: int
    is_reduce_only: bool
    book_low: int
    book_high: int
    idle: int
    nav: int
    firm_nav: int
    net_flows: int
    venue: VenueMeasured

    @property
    def worst_delta(self) -> int:
        """W."""
        return max(abs(self.book_low + self.venue.size_low), abs(self.book_high + self.venue.size_high))


class SynthetixVault(SynthetixMarket):
    """The market, and a real vault on it with one adapter."""

    def _deploy_vault(self, evm: BenchmarkChain) -> Address:
        deployer = Deployer(self.chain, self.accounts["deployer"])
        owner, member = deployer.account, self.accounts["depositor"]

        def new(name: str, types: str, *arguments: object) -> Address:
            return deployer.create(name, artifacts.project(name), types, *arguments)

        access = new("VaultAccess", "(address)", owner)
        feed = new("ChainlinkSource", "(address,int256,int256)", self.aggregator, 0, 2**255 - 1)
        nobody = "0x" + "00" * 20
        limits = "(uint32,uint32,uint32,uint32,uint16,uint16,uint16,uint16,uint128,uint128)"
        sources = (feed, nobody, nobody, nobody)
        oracle_types = f"(address,(address,address,address,address),{limits})"
        oracle = new("PriceOracle", oracle_types, access, sources, PRICE_LIMITS)
        book = new("DeltaBook", "(address)", access)
        bounds = "(" + ",".join(["uint128"] * 9 + ["uint64"] * 2 + ["uint16"] * 9 + ["uint32"]) + ")"
        guard = new("RebalanceGuard", f"(address,{bounds})", access, BOUNDS)
        gate = new("MemberGate", "(address,address[])", access, [member])
        self.registry = new("VenueRegistry", "(address)", access)
        parts = (access, oracle, book, guard, gate, self.registry)
        vault_types = "(address,string,string" + ",address" * len(parts) + ")"
        vault = new("HedgeVault", vault_types, self.synthetix.susd, "Evenkeel ETH hedge", "ekETH", *parts)
        deployer.call("RebalanceGuard", guard, "bindVault(address)", vault)
        deployer.call("VenueRegistry", self.registry, "bindVault(address)", vault)
        deployer.flush()
        self.source = evm.deploy(SOURCE, "ScriptedSource", "(int256,int256)", BOOK_DELTA - WAD, BOOK_DELTA + WAD)
        self.as_owner(book, "addSource(address)", self.source)
        self.access, self.guard, self.member = access, guard, member
        self._intents = 0
        return vault

    def open(self) -> None:
        """Register the adapter and hand the vault over to its roles."""
        self.as_owner(self.registry, "addVenue(address)", self.venue)
        roles = (self.accounts["governor"], 2 * DAY, self.accounts["guardian"], [self.keeper], [])
        self.as_owner(self.access, "handOver(address,uint32,address,address[],address[])", *roles)

    # --- what the roles do -----------------------------------------------------------------------------------------

    def join(self, usd: int) -> None:
        """Deposit dollars for shares."""
        issue_susd(self.chain, self.synthetix, self.member, usd * WAD)
        self.send_to(self.synthetix.susd, "approve(address,uint256)", self.vault, usd * WAD, sender=self.member)
        self.send_to(self.vault, "deposit(uint256,address)", usd * WAD, self.member, sender=self.member)

    def write_book(self, delta: int) -> None:
        """Set the book's delta to within one unit."""
        self.send_to(self.source, "set(int256,int256)", delta - WAD, delta + WAD, sender=self.keeper)

    def rebalance(self, margin_delta: int, size_delta: int, limit_price: int = 0) -> int:
        """Have the keeper rebalance; returns the gas used. `RpcError` with the revert data when it is refused."""
        self._intents += 1
        head = self.chain.head()
        intent = Intent(
            intent_id=IntentId(f"0x{self._intents:064x}"),
            vault=self.vault,
            legs=(Leg(self.venue, AssetUnits(margin_delta), Wad(size_delta), Wad(limit_price)),),
            deadline=Seconds(head.timestamp + 300),
            decided_at_block=BlockRef(head.number, head.hash, head.timestamp, head.base_fee_wei),
        )
        call, rpc = rebalance_call(intent), self.chain.rpc
        sent = {"from": self.keeper, "to": call.to, "data": call.data, "gas": hex(GAS)}
        rpc.request("evm_setAutomine", False)
        self.last_hash = rpc.request("eth_sendTransaction", sent)
        rpc.request("evm_mine")
        receipt = rpc.request("eth_getTransactionReceipt", self.last_hash)
        if receipt["status"] != "0x1":
            rpc.request("eth_call", sent, "latest", {}, {"time": hex(self.now())})
            raise AssertionError("a rebalance failed, and does not when it is called again")
        return int(receipt["gasUsed"], 16)

    def order_of(self, size_delta: int, margin_usd: int = 0, limit_price: int = 0) -> bytes:
        """Rebalance by an order; returns its id."""
        self.rebalance(margin_usd * WAD, size_delta, limit_price)
        return self.open_order()

    # --- what it comes to ------------------------------------------------------------------------------------------

    def measure(self) -> Measured:
        """What the vault measures at the head."""
        *figures, venues = self.chain.call(self.vault, "measure()", returns=MEASUREMENT)[0]
        return Measured(*figures, venue=VenueMeasured(*venues[0]))

    def nav_bounds(self) -> tuple[int, int]:
        """Lower and higher NAV, asset units."""
        low, high = self.chain.call(self.vault, "navBounds()", returns="(uint256,uint256)")
        return int(low), int(high)

    def idle(self) -> int:
        """Dollars that the vault itself holds."""
        return self.balance(self.vault)

    def trace(self) -> Any:
        """Return the calls of the last rebalance."""
        return self.chain.rpc.request("debug_traceTransaction", self.last_hash, {"tracer": "callTracer"})


@contextmanager
def open_vault(adapter: str = "SynthetixV2Venue") -> Iterator[SynthetixVault]:
    """Bring up a chain with the market, the vault and an adapter of that name."""
    compile_sources(SOURCE)
    with local_chain() as evm:
        vault = SynthetixVault(evm, adapter)
        vault.open()
        yield vault
