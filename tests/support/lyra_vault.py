"""A vault of Lyra's quote token with an option venue on the real Lyra v1; its book is a short straddle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from agent.localnet.codec import encode_call
from agent.localnet.evm import Transaction
from agent.localnet.rpc import RpcError
from agent.units import WAD, Address
from benchmarks.evm import BenchmarkChain, compile_sources, local_chain
from tests.support.lyra_market import LONG_CALL, LONG_PUT, STRIKES_USD, LyraMarket
from tests.support.synthetix_vault import PRICE_LIMITS

SOURCES = {
    "VaultAccess": "contracts/governance/VaultAccess.sol",
    "AggregatorDouble": "contracts/test/AggregatorDouble.sol",
    "ChainlinkSource": "contracts/oracles/ChainlinkSource.sol",
    "PriceOracle": "contracts/oracles/PriceOracle.sol",
    "DeltaBook": "contracts/DeltaBook.sol",
    "OptionBook": "contracts/book/OptionBook.sol",
    "LyraOptions": "contracts/book/LyraOptions.sol",
    "RebalanceGuard": "contracts/RebalanceGuard.sol",
    "MemberGate": "contracts/vault/MemberGate.sol",
    "VenueRegistry": "contracts/VenueRegistry.sol",
    "HedgeVault": "contracts/HedgeVault.sol",
    "LyraQuotes": "contracts/venues/lyra/LyraQuotes.sol",
    "LyraOptionVenue": "contracts/venues/lyra/LyraOptionVenue.sol",
    "ScriptedVenue": "tests/contracts/support/ScriptedVenue.sol",
}
DAY = 86_400
SPOT_USD = 1_742.0
GAS = 15_000_000
NOBODY = "0x" + "00" * 20
BOUNDS = (
    *(4 * WAD, WAD, 20 * WAD, 120 * WAD),  # band, least improvement, urgent delta, largest size: underlying
    *(100 * WAD, 500_000 * WAD, 1_000_000 * WAD),  # traded notional and gross notional, USD
    *(800_000 * WAD, 800_000 * WAD),  # turnover and its refill a day, USD
    *(10 * WAD, 2 * WAD),  # leverage of a venue and of all
    *(50, 20, 100),  # slippage, fee, fall of NAV, 1e-4
    *(250, 250, 2_000),  # loss budget, its refill, drawdown, 1e-4
    *(500, 0, 10_000, 600),  # idle floor, urgent reserve, a keeper's share, 1e-4; cooldown in seconds
)
CAPS = (
    *(WAD, 20_000 * WAD),  # gamma as delta for 1 %, vega in USD for one unit of volatility
    *(WAD // 10, WAD // 10, 90 * DAY),  # tolerances of volatility and carry, longest time to expiry
    300,  # cost against the fairest price, 1e-4 of the notional
    *(1_000, 500, 200, 100),  # premium budget and refill, loss budget and refill, 1e-4 of NAV
)
LIMITS = (WAD // 2, 2 * WAD, WAD // 10, WAD // 10)
CAPS_TYPE = "(uint128,uint128,uint64,uint64,uint32,uint16,uint16,uint16,uint16,uint16)"
RISK_TYPE = "(uint256,uint256,int256,uint256,uint256)"
HOLDING_TYPE = "(uint256,uint256,bool,uint256,uint256,uint256,uint256,uint256)"
ORDER_TYPE = "(uint256,bool,int256,uint256)"
INTENT_TYPE = "(bytes32,uint256,bytes32,uint256)"
TRADE = f"trade({INTENT_TYPE},{ORDER_TYPE}[])"
REBALANCE = f"rebalance({INTENT_TYPE},(address,int256,int256,uint256)[])"
ACCOUNT_TYPE = "(int256,int256,int256,int256,uint256,uint256,uint256,uint256,uint256)"
MAX_UINT256 = 2**256 - 1
NAV_USD = 100_000
CASH_USD = 20_000
"""What the tests put into the option venue."""
SHORT_STRADDLES = 20


@dataclass(frozen=True)
class Risk:
    """`OptionRisk`."""

    worst_net_delta: int
    gamma: int
    vega: int
    held_gamma: int
    held_vega: int


@dataclass(frozen=True)
class Holding:
    """`OptionHolding`."""

    position: int
    strike_id: int
    is_call: bool
    size: int
    strike: int
    expiry: int
    worth_low: int
    worth_high: int


@dataclass(frozen=True)
class Order:
    """`OptionOrder`, the strike by its place on the board; without a limit of its own where none is given."""

    strike: int
    is_call: bool
    size: int
    limit: int | None = None


class LyraVault(LyraMarket):
    """The market, and a real vault with an option venue on it."""

    def __init__(
        self,
        evm: BenchmarkChain,
        quantity: int = -SHORT_STRADDLES * WAD,
        caps: tuple[int, ...] = CAPS,
        *,
        has_perp: bool = False,
    ) -> None:
        super().__init__(evm.chain, SPOT_USD)
        self._evm = evm
        accounts = self.chain.accounts()
        self.governor, self.guardian = accounts["governor"], accounts["guardian"]
        self.keeper, self.member, self.stranger = accounts["keeper"], accounts["depositor"], accounts["attacker"]
        self.quote_token = self.contracts["quote"].address
        self.spot_usd = SPOT_USD
        self._nearest = [1]
        self._intents = 0
        self.perp: Address | None = None
        self._deploy_vault(caps, has_perp)
        self._fill_book(quantity)
        self._hand_over()

    # --- deployment ------------------------------------------------------------------------------------------------

    def _new(self, name: str, types: str, *arguments: object) -> Address:
        return self._evm.deploy(SOURCES[name], name, types, *arguments)

    def _deploy_vault(self, caps: tuple[int, ...], has_perp: bool) -> None:
        access = self.access = self._new("VaultAccess", "(address)", self._evm.account)
        self.aggregator = self._new("AggregatorDouble", "(uint8,int256)", 8, round(SPOT_USD * 10**8))
        feed = self._new("ChainlinkSource", "(address,int256,int256)", self.aggregator, 0, 2**255 - 1)
        limits = "(uint32,uint32,uint32,uint32,uint16,uint16,uint16,uint16,uint128,uint128)"
        types = f"(address,(address,address,address,address),{limits})"
        self.oracle = self._new("PriceOracle", types, access, (feed, NOBODY, NOBODY, NOBODY), PRICE_LIMITS)
        self.book = self._new("DeltaBook", "(address)", access)
        bounds = "(" + ",".join(["uint128"] * 9 + ["uint64"] * 2 + ["uint16"] * 9 + ["uint32"]) + ")"
        self.guard = self._new("RebalanceGuard", f"(address,{bounds})", access, BOUNDS)
        gate = self._new("MemberGate", "(address,address[])", access, [self.member])
        self.registry = self._new("VenueRegistry", "(address)", access)
        parts = (access, self.oracle, self.book, self.guard, gate, self.registry)
        types = "(address,string,string" + ",address" * len(parts) + ")"
        self.vault = self._new("HedgeVault", types, self.quote_token, "Evenkeel ETH hedge", "ekETH", *parts)
        self.setup(self.guard, "bindVault(address)", self.vault)
        self.setup(self.registry, "bindVault(address)", self.vault)
        names = ("OptionMarket", "OptionToken", "OptionMarketPricer", "OptionGreekCache", "LiquidityPool")
        lyra = tuple(self._at(*names, "SynthetixAdapter", "ShortCollateral"))
        types = "((address,address,address,address,address,address,address),address)"
        self.quotes = self._new("LyraQuotes", types, lyra, self.oracle)
        types = f"(address,address,address,{CAPS_TYPE})"
        self.venue = self._new("LyraOptionVenue", types, access, self.vault, self.quotes, caps)
        types = "(address,address,address,address,(uint256,uint256,uint256,uint256))"
        self.source = self._new("LyraOptions", types, access, lyra[0], lyra[1], self.venue, LIMITS)
        self.setup(self.venue, "bindSource(address)", self.source)
        self.setup(self.book, "addSource(address)", self.source)
        if has_perp:
            self.perp = self._add_perp()
        self.setup(self.registry, "addVenue(address)", self.venue)

    def _add_perp(self) -> Address:
        """A venue of perps beside that of options, which quotes the price it was given."""
        arguments = (self.vault, self.quote_token, round(SPOT_USD) * WAD)
        perp = self._new("ScriptedVenue", "(address,address,uint256)", *arguments)
        self.setup(self.registry, "addVenue(address)", perp)
        self.setup(perp, "setExecution(uint256,uint256,bool)", 0, 5, False)
        return perp

    def _fill_book(self, quantity: int) -> None:
        self.options = self._new("OptionBook", "(address)", self.access)
        strike, expiry = 1_750 * WAD, self.expiry()
        legs = [(strike, expiry, is_call, quantity, 9 * WAD // 10, 11 * WAD // 10) for is_call in (True, False)]
        self.setup(self.options, "addLegs((uint256,uint256,bool,int256,uint256,uint256)[])", legs)
        self.setup(self.book, "addSource(address)", self.options)

    def _hand_over(self) -> None:
        roles = (self.governor, 2 * DAY, self.guardian, [self.keeper], [])
        self.setup(self.access, "handOver(address,uint32,address,address[],address[])", *roles)
        self.mint(self.member, NAV_USD * WAD)
        self.act(self.member, self.quote_token, "approve(address,uint256)", self.vault, MAX_UINT256)
        self.deposit(NAV_USD * WAD)
        self.fund(CASH_USD * WAD)

    # --- what the roles do -----------------------------------------------------------------------------------------

    def setup(self, to: Address, signature: str, *arguments: object) -> None:
        """Call as the deployer."""
        self.act(self._evm.account, to, signature, *arguments)

    def act(self, sender: Address, to: Address, signature: str, *arguments: object) -> int:
        """Send a call; returns the gas used. `RpcError` with the revert data when it would revert."""
        return self.send_data(sender, to, encode_call(signature, *arguments))

    def send_data(self, sender: Address, to: Address, data: str) -> int:
        """As `act`, of a call that is encoded."""
        request = {"from": sender, "to": to, "data": data, "gas": hex(GAS)}
        self.chain.rpc.request("eth_call", request, "latest")
        return self.chain.mine([Transaction(f"call of {to}", sender, to, data, GAS)])[0].gas_used

    def govern(self, to: Address, signature: str, *arguments: object) -> None:
        """Schedule a governor's call, wait, and execute it."""
        data = encode_call(signature, *arguments)
        self.act(self.governor, self.access, "schedule(address,bytes,uint48)", to, bytes.fromhex(data[2:]), 0)
        self.pass_time_to(self.now() + 2 * DAY)
        self.publish()
        self.act(self.governor, to, signature, *arguments)

    def mint(self, receiver: Address, amount: int) -> None:
        """Give quote tokens."""
        self.act(self.owner, self.quote_token, "mint(address,uint256)", receiver, amount)

    def deposit(self, assets: int) -> None:
        """Deposit as the member."""
        self.act(self.member, self.vault, "deposit(uint256,address)", assets, self.member)

    def intent(self) -> tuple[bytes, int, bytes, int]:
        """A new intent on what is the head now; an empty block follows, so that a call of it can be tried."""
        self._intents += 1
        head = self.chain.head()
        self.mine_one()
        identity = self._intents.to_bytes(32, "big")
        return identity, head.number, bytes.fromhex(head.hash[2:]), head.timestamp + 300

    def fund(self, assets: int) -> None:
        """Move margin into the venue, or home when negative, by a rebalance."""
        self.act(self.keeper, self.vault, REBALANCE, self.intent(), [(self.venue, assets, 0, 0)])

    def trade(self, *orders: Order, sender: Address | None = None) -> int:
        """Have the keeper trade; returns the gas used."""
        return self.act(sender or self.keeper, self.venue, TRADE, self.intent(), self.encoded(orders))

    def encoded(self, orders: tuple[Order, ...]) -> list[tuple[int, bool, int, int]]:
        """The orders as the ABI has them."""
        return [
            (
                self.strikes[order.strike],
                order.is_call,
                order.size,
                order.limit if order.limit is not None else (MAX_UINT256 if order.size > 0 else 0),
            )
            for order in orders
        ]

    def add_board(self, count: int) -> None:
        """List a board a week after the last one, with strikes from 1,160 USD on in steps of 20."""
        self._nearest.append(len(self.strikes) + (round(SPOT_USD) - 1_160) // 20)
        strikes = [(1_160 + 20 * place) * WAD for place in range(count)]
        expiry = self.expiry() + 7 * DAY * len(self._nearest)
        data = encode_call(
            self.contracts["OptionMarket"].signature("createOptionBoard"), *(expiry, WAD, strikes), [WAD] * count, False
        )
        self.chain.mine(
            [Transaction("createOptionBoard", self.owner, self.contracts["OptionMarket"].address, data, 2 * GAS)]
        )
        board = self.view("OptionMarket", "getLiveBoards")[0][-1]
        self.strikes += self.view("OptionMarket", "getBoardStrikes", board)[0]

    def drain(self) -> int:
        """Let the trader buy puts until Lyra's circuit breaker goes off; returns what the pool has free, WAD."""
        for size in (12.0, 1.0, 0.1):
            while self.free_liquidity() > size * STRIKES_USD[0] * 1.2 * WAD:
                self.open(0, LONG_PUT, size)
        assert self.view("LiquidityPool", "CBTimestamp")[0] > self.now(), "the circuit breaker did not go off"
        return self.free_liquidity()

    def free_liquidity(self) -> int:
        """What Lyra's pool has free for collateral and premiums, WAD."""
        return int(self.view("LiquidityPool", "getLiquidity", round(self.spot_usd) * WAD)[0][0])

    def near_the_money(self, board: int) -> int:
        """Place of the strike nearest to the first spot price, of a board by its place."""
        return self._nearest[board]

    def mine_one(self) -> None:
        """Mine an empty block."""
        self.pass_time_to(self.now() + 12)

    def mine_waiting(self) -> None:
        """Mine a block of what others have sent."""
        self.chain.rpc.request("evm_mine")

    def now(self) -> int:
        """Time of the head."""
        return int(self.chain.head().timestamp)

    def publish(self, spot_usd: float | None = None) -> None:
        """Have the oracle's feed publish, and Lyra's rates too where a price is given."""
        if spot_usd is not None:
            self.set_spot(spot_usd)
            self.spot_usd = spot_usd
        answer = round(self.spot_usd * 10**8)
        self.act(self.owner, self.aggregator, "updateAnswer(int256)", answer)

    # --- what it comes to ------------------------------------------------------------------------------------------

    def ask(self, to: Address, signature: str, *arguments: object, returns: str) -> Any:
        """Result of a view."""
        return self.chain.call(to, signature, *arguments, returns=returns)

    def risk(self) -> Risk:
        """Risk now."""
        return Risk(*self.ask(self.venue, "risk()", returns=f"({RISK_TYPE})")[0])

    def holdings(self) -> list[Holding]:
        """Options held."""
        return [Holding(*one) for one in self.ask(self.venue, "holdings()", returns=f"({HOLDING_TYPE}[])")[0]]

    def equity(self) -> tuple[int, int]:
        """Lower and higher."""
        low, high = self.ask(self.venue, "equity()", returns="(int256,int256)")
        return int(low), int(high)

    def nav(self) -> tuple[int, int]:
        """Lower and higher NAV, asset units."""
        low, high = self.ask(self.vault, "navBounds()", returns="(uint256,uint256)")
        return int(low), int(high)

    def cash(self) -> int:
        """Quote tokens in the venue."""
        return self.balance(self.venue)

    def balance(self, account: Address) -> int:
        """Quote tokens of an account."""
        return int(self.view("quote", "balanceOf", account)[0])

    def option_quote(self, order: Order) -> int:
        """What the venue says that it would cost or bring."""
        arguments = (self.strikes[order.strike], order.is_call, order.size)
        signature = "quoteOption(uint256,bool,int256)"
        return int(self.ask(self.venue, signature, *arguments, returns="(uint256)")[0])

    def purchase_of(self, order: Order) -> int:
        """What Lyra itself would take for it."""
        kind = LONG_CALL if order.is_call else LONG_PUT
        terms = (self.strikes[order.strike], 0, 1, kind, order.size, 0, 0, MAX_UINT256)
        return int(self.view("OptionMarket", "openPosition", terms, sender=self.trader)[0][1])

    def sale_of(self, order: Order, held: Holding) -> int:
        """What Lyra itself would pay for all that is held of it, by force where it closes by force alone."""
        kind = LONG_CALL if order.is_call else LONG_PUT
        close = (self.strikes[order.strike], held.position, 1, kind, held.size, 0, 0, MAX_UINT256)
        try:
            found = self.view("OptionMarket", "closePosition", close, sender=self.venue)
        except RpcError:
            found = self.view("OptionMarket", "forceClosePosition", close, sender=self.venue)
        return int(found[0][1])

    def account_gas(self) -> int:
        """Gas that `account()` takes from cold, without that of a transaction."""
        request = {"to": self.venue, "data": encode_call("account()")}
        return int(
            self.chain.rpc.request("debug_traceCall", request, "latest", {"tracer": "callTracer"})["gasUsed"], 16
        )

    def shares(self) -> int:
        """Shares of the member."""
        return int(self.ask(self.vault, "balanceOf(address)", self.member, returns="(uint256)")[0])

    def worth_of(self, shares: int) -> int:
        """What leaving with them pays, asset units."""
        return int(self.ask(self.vault, "previewRedeem(uint256)", shares, returns="(uint256)")[0])

    def budgets(self) -> tuple[int, int]:
        """Premium and loss that are left, USD."""
        premium, loss = self.ask(self.venue, "available()", returns="(uint256,uint256)")
        return int(premium), int(loss)


@contextmanager
def open_lyra_vault(**arguments: Any) -> Iterator[LyraVault]:
    """Bring up a chain with market and vault."""
    compile_sources(*SOURCES.values())
    with local_chain() as evm:
        yield LyraVault(evm, **arguments)


@contextmanager
def afresh(opened: LyraVault) -> Iterator[None]:
    """Let a test have the vault as it was opened, and undo what it does."""
    snapshot, spot = opened.chain.rpc.request("evm_snapshot"), opened.spot_usd
    yield
    opened.spot_usd = spot
    opened.chain.rpc.request("evm_revert", snapshot)
