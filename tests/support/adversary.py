"""What an adversary can do on the local chain, and how an attack is judged: by one figure, in one line.

An attempt never raises: what the contracts refuse changes nothing. So one line of a test, its last, tells whether the
attack works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from agent.chain.abi import Call
from agent.domain import BlockRef, Intent, Leg
from agent.errors import FatalError
from agent.execution.intents import rebalance_call
from agent.localnet.codec import encode_call
from agent.localnet.curie.actors import Arbitrageur, deposit_margin, record_price
from agent.localnet.curie.contracts import CurieAddresses
from agent.localnet.curie.pool_math import sqrt_price_x96
from agent.localnet.evm import Transaction
from agent.localnet.governance import governor_call
from agent.localnet.price_feed import answer_to_wad, feed_answer, publish
from agent.units import WAD, Address, AssetUnits, IntentId, Seconds, Wad
from tests.support.figures import show_figures
from tests.support.keeper_world import KeeperWorld

USDC_UNIT = 10**6
GAS = 12_000_000
REDEEM_WITH_UNWIND = "redeemWithUnwind(uint256,uint256,address,address,(address,int256,int256,uint256)[])"
OPEN_POSITION = "openPosition((address,bool,bool,uint256,uint256,uint256,uint160,bytes32))"


def attack_yields_at_most(figure_usd: float, limit_usd: float) -> None:
    """The attack yields no more than ``limit_usd``."""
    show_figures(f"attack yields {figure_usd:,.2f}")
    assert figure_usd <= limit_usd, f"{figure_usd}: the attack works"


@dataclass(frozen=True)
class LossBounds:
    """`IRebalanceGuard.LossBounds`, USD a day."""

    keeper_key: float
    all_keeper_keys: float
    funding: float


class Adversary:
    """An account without any role, a member once it has joined, and the hands of whoever's key it holds."""

    def __init__(self, world: KeeperWorld) -> None:
        self.world = world
        self.chain = world.localnet.chain
        self.accounts = world.localnet.manifest.accounts
        self.account = self.accounts["attacker"]
        self.usdc = world.localnet.manifest.usdc
        self.curie = CurieAddresses(**world.localnet.manifest.venues["curie"])
        self._intents = 0

    # --- the vault -----------------------------------------------------------------------------------------------

    def attempt(self, sender: Address, to: Address, signature: str, *arguments: object) -> bool:
        """Send a call in a block of its own and tell whether it succeeded."""
        return self._mined(Transaction(signature, sender, to, encode_call(signature, *arguments), GAS).parameters())

    def send(self, sender: Address, call: Call) -> bool:
        """Send an encoded call in a block of its own and tell whether it succeeded."""
        return self._mined(Transaction(call.function.name, sender, call.to, call.data, GAS).parameters())

    def contract(self, name: str) -> Address:
        """Address of one of Evenkeel's contracts."""
        return self.world.deployment.contract(name)

    def as_governor(self, to: Address, signature: str, *arguments: object) -> bool:
        """Schedule a call, wait for the delay, make it; tell whether it succeeded. Prices are a day old afterwards."""
        governor = self.accounts["governor"]
        try:
            governor_call(self.chain, self.contract("VaultAccess"), governor, to, signature, *arguments)
        except FatalError:
            return False
        return True

    def as_guardian(self, to: Address, signature: str, *arguments: object) -> bool:
        """Call with the guardian's key."""
        return self.attempt(self.accounts["guardian"], to, signature, *arguments)

    def join(self) -> None:
        """Have the governor make the account a member: strangers get no shares."""
        assert self.as_governor(self.contract("MemberGate"), "addMember(address)", self.account)

    def deposit(self, usd: float, account: Address | None = None, min_shares: int = 0) -> bool:
        """Deposit fresh test dollars into the vault."""
        account, units = account or self.account, AssetUnits(round(usd * USDC_UNIT))
        self.world.localnet.fund_usdc(account, units)
        self.attempt(account, self.usdc, "approve(address,uint256)", self.world.vault, units)
        deposit = "deposit(uint256,address,uint256)"
        return self.attempt(account, self.world.vault, deposit, units, account, min_shares)

    def round_trip(self, usd: float) -> Callable[[], float]:
        """Deposit, and return what leaves again and tells the gain, USD.

        The gain is what is paid and what shares are left, less ``usd``; a refused deposit gains nothing.
        """
        paid = usd if self.deposit(usd) else 0.0
        return lambda: self.leave() + self.worth_usd() - paid

    def leave(self, account: Address | None = None) -> float:
        """Redeem all, or what idle pays for less a thousandth, as prices move till then; returns what was paid, USD."""
        account = account or self.account
        most = self._number(self.world.vault, "maxRedeem(address)", account)
        return self.redeem(most if most == self.shares(account) else most * 999 // 1_000, account)

    def redeem(self, shares: int, account: Address | None = None, least_usd: float = 0.0) -> float:
        """Redeem shares for no less than ``least_usd``; returns what was paid, USD."""
        account = account or self.account
        before = self.balance_usd(account)
        terms = (shares, account, account, round(least_usd * USDC_UNIT))
        self.attempt(account, self.world.vault, "redeem(uint256,address,address,uint256)", *terms)
        return self.balance_usd(account) - before

    def leave_with_unwind(self, account: Address) -> float:
        """Redeem all shares, closing the position and bringing all margin home; returns what was paid, USD.

        What the venue will pay out once the position is closed is tried out first.
        """
        before, terms = self.balance_usd(account), (self.shares(account), 0, account, account)
        with self.undone():
            self._impersonate(self.world.vault)
            self.attempt(self.world.vault, self.world.venue, "execute(int256,uint256)", -self.world.size(), 0)
            free = self.free_units()
        leg = (self.world.venue, -(free - USDC_UNIT), -self.world.size(), 0)
        self.attempt(account, self.world.vault, REDEEM_WITH_UNWIND, *terms, [leg])
        return self.balance_usd(account) - before

    def leave_and_close_part(self) -> float:
        """Redeem all shares and close the part of the position that goes with them; returns what was paid, USD."""
        before, shares = self.balance_usd(self.account), self.shares()
        part = self.world.size() * shares // self._number(self.world.vault, "totalSupply()")
        leg = (self.world.venue, 0, -part, 0)
        terms = (shares, 0, self.account, self.account)
        self.attempt(self.account, self.world.vault, REDEEM_WITH_UNWIND, *terms, [leg])
        return self.balance_usd(self.account) - before

    def shares(self, account: Address | None = None) -> int:
        """Shares an account holds."""
        return self._number(self.world.vault, "balanceOf(address)", account or self.account)

    def balance_usd(self, account: Address) -> float:
        """Test dollars an account holds."""
        return self._number(self.usdc, "balanceOf(address)", account) / USDC_UNIT

    def worth_usd(self, account: Address | None = None) -> float:
        """What an account's shares would be paid, USD."""
        return self._number(self.world.vault, "previewRedeem(uint256)", self.shares(account)) / USDC_UNIT

    def preview_deposit(self, usd: float) -> int:
        """Shares that a deposit would be given."""
        return self._number(self.world.vault, "previewDeposit(uint256)", round(usd * USDC_UNIT))

    def nav_usd(self) -> float:
        """Lower NAV, USD."""
        return self._number(self.world.vault, "totalAssets()") / USDC_UNIT

    def idle_usd(self) -> float:
        """Test dollars in the vault itself."""
        return self.balance_usd(self.world.vault)

    def loss_bounds(self) -> LossBounds:
        """What the guard says can be lost in a day."""
        returns = "((uint256,uint256,uint256,uint256))"
        ((key, keys, funding, _),) = self.chain.call(self.contract("RebalanceGuard"), "lossBounds()", returns=returns)
        return LossBounds(key / WAD, keys / WAD, funding / WAD)

    def rebalance(self, margin_usd: float, size: float) -> bool:
        """Send one leg with the keeper's key."""
        return self._send_leg(round(margin_usd * USDC_UNIT), _wad(size))

    def close_hedge(self) -> bool:
        """Close the whole position with the keeper's key."""
        return self._send_leg(0, -self.world.size())

    def _send_leg(self, margin: int, size_delta: int) -> bool:
        return self.send(self.accounts["keeper"], rebalance_call(self.one_leg(margin, size_delta)))

    def one_leg(self, margin: int, size_delta: int) -> Intent:
        """Return an intent of one leg, margin in asset units and size in WAD, good for an hour."""
        self._intents += 1
        head = self.chain.head()
        return Intent(
            intent_id=IntentId(f"0x{self._intents:064x}"),
            vault=self.world.vault,
            legs=(Leg(self.world.venue, AssetUnits(margin), Wad(size_delta), Wad(0)),),
            deadline=Seconds(head.timestamp + 3_600),
            decided_at_block=BlockRef(head.number, head.hash, head.timestamp, head.base_fee_wei),
        )

    def lever_up(self) -> bool:
        """Take margin out with the keeper's key, up to the guard's bound on leverage, judged at the lowest equity."""
        _, equity = self.equity_usd()
        price, _ = self.chain.call(self.contract("PriceOracle"), "price()", returns="(uint256,uint256)")
        notional = self.world.size() / WAD * price / WAD
        return any(self.rebalance(notional / leverage - equity, 0) for leverage in (3.98, 3.9, 3.8, 3.7))

    def hedge(self) -> float:
        """Have an honest keeper hedge the book; returns the size held."""
        with self.world.keeper() as keeper:
            keeper.cycle()
        return self.world.size() / WAD

    def net_delta(self) -> float:
        """Middle of the book's delta, and the hedge."""
        price, _ = self.chain.call(self.contract("PriceOracle"), "price()", returns="(uint256,uint256)")
        interval = "deltaInterval(uint256)"
        low, high = self.chain.call(self.contract("DeltaBook"), interval, price, returns="(int256,int256)")
        return float((low + high) // 2 + self.world.size()) / WAD

    # --- the venue -----------------------------------------------------------------------------------------------

    def equity_usd(self) -> tuple[float, float]:
        """Lower and higher equity of the venue account, USD."""
        low, high = self.chain.call(self.world.venue, "equity()", returns="(int256,int256)")
        return low / WAD, high / WAD

    def publish(self, price_usd: float) -> None:
        """Move the index alone."""
        publisher = self.accounts["publisher"]
        update = publish(publisher, self.world.localnet.manifest.chainlink_aggregator, feed_answer(price_usd))
        self.chain.mine([update, record_price(publisher, self.curie)], Seconds(self.world.now() + 1))

    def trade(self, size: float, account: Address | None = None) -> bool:
        """Trade on Curie for an account of the market."""
        is_sale = size < 0
        order = (self.curie.base_token, is_sale, is_sale, abs(_wad(size)), 0, 2**256 - 1, 0, bytes(32))
        return self.attempt(account or self.account, self.curie.clearing_house, OPEN_POSITION, order)

    def trade_to(self, price_usd: float, account: Address | None = None) -> None:
        """Trade the pool to a price, as far as Curie lets it at once, without the index moving; the mark follows."""
        market = self.world.localnet.markets["curie"]
        trader = Arbitrageur(account or self.accounts["arbitrageur"], self.curie)
        target = sqrt_price_x96(answer_to_wad(feed_answer(price_usd)))
        self.chain.mine(trader.trade_to(target, market.pool_sqrt_x96()), Seconds(self.world.now() + 16))
        self.pass_time(16)

    def account_value_usd(self, account: Address) -> float:
        """Curie's own value of an account, USD."""
        value = "getAccountValue(address)"
        return float(self.chain.call(self.curie.clearing_house, value, account, returns="(int256)")[0]) / WAD

    def close_position(self, account: Address) -> None:
        """Close an account's position on Curie at the pool's price."""
        close = (self.curie.base_token, 0, 0, 2**256 - 1, bytes(32))
        signature = "closePosition((address,uint160,uint256,uint256,bytes32))"
        assert self.attempt(account, self.curie.clearing_house, signature, close)

    def liquidate(self) -> None:
        """Have a liquidator of means take the vault's position over, as far as Curie lets it."""
        liquidator = self.accounts["arbitrageur"]
        self.fund(1_000_000, liquidator)
        self.world.localnet.fund_usdc(self.curie.insurance_fund, AssetUnits(1_000_000 * USDC_UNIT))
        for _ in range(12):
            target = (self.world.venue, self.curie.base_token)
            self.attempt(liquidator, self.curie.clearing_house, "liquidate(address,address)", *target)

    def free_units(self) -> int:
        """Collateral that the venue would pay out now, asset units."""
        return self._number(self.world.venue, "freeCollateral()")

    def fund(self, usd: float, account: Address | None = None) -> None:
        """Give an account margin on Curie."""
        assets = AssetUnits(round(usd * USDC_UNIT))
        self.chain.mine(deposit_margin(account or self.account, self.usdc, self.curie.vault, assets))

    def as_owner(self, to: Address, signature: str, *arguments: object) -> None:
        """Use a right of Curie's owner."""
        assert self.attempt(self.accounts["deployer"], to, signature, *arguments)

    def accept_weth(self) -> None:
        """Have Curie take WETH as collateral, as the live deployment does."""
        weth = self.world.localnet.manifest.weth
        config = (self.curie.price_feed, 700_000, 100_000, 10**30)
        signature = "addCollateral(address,(address,uint24,uint24,uint256))"
        self.as_owner(self.curie.collateral_manager, signature, weth, config)
        self.as_owner(self.curie.vault, "setWETH9(address)", weth)

    def send_dollars(self, usd: float, account: Address | None = None) -> bool:
        """A stranger's `depositFor` of test dollars to the vault's venue account, or to another."""
        units, target = round(usd * USDC_UNIT), account or self.world.venue
        self.world.localnet.fund_usdc(self.account, AssetUnits(units))
        self.attempt(self.account, self.usdc, "approve(address,uint256)", self.curie.vault, units)
        deposit_for = "depositFor(address,address,uint256)"
        return self.attempt(self.account, self.curie.vault, deposit_for, target, self.usdc, units)

    def send_dust(self, wei: int) -> bool:
        """A stranger's `depositFor` of WETH to the vault's venue account."""
        weth = self.world.localnet.manifest.weth
        wrap = Transaction("wrap", self.account, weth, encode_call("deposit()"), 100_000)
        self._mined({**wrap.parameters(), "value": hex(wei)})
        self.attempt(self.account, weth, "approve(address,uint256)", self.curie.vault, wei)
        target = self.world.venue
        return self.attempt(self.account, self.curie.vault, "depositFor(address,address,uint256)", target, weth, wei)

    def pass_time(self, seconds: int) -> None:
        """Mine one empty block later."""
        self.chain.mine([], timestamp=Seconds(self.world.now() + seconds))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo on the chain whatever the block does."""
        snapshot = self.world.rpc("evm_snapshot")
        try:
            yield
        finally:
            self.world.rpc("evm_revert", snapshot)

    def _impersonate(self, account: Address) -> None:
        self.world.rpc("anvil_impersonateAccount", account)
        self.world.rpc("anvil_setBalance", account, hex(10_000 * WAD))

    def _mined(self, fields: dict[str, str]) -> bool:
        self.world.rpc("evm_setAutomine", False)
        sent = self.world.rpc("eth_sendTransaction", fields)
        self.world.rpc("evm_mine")
        self.world.rpc("evm_setAutomine", True)
        return int(self.world.rpc("eth_getTransactionReceipt", sent)["status"], 16) == 1

    def _number(self, to: Address, signature: str, *arguments: object) -> int:
        return int(self.chain.call(to, signature, *arguments, returns="(uint256)")[0])


def _wad(size: float) -> int:
    return round(size * 10**6) * (WAD // 10**6)
