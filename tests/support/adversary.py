"""What an adversary can do on the local chain, and how an attack is judged: by one figure, in one line.

An attempt never raises: what the contracts refuse changes nothing. So a test of an attack ends in `attack_yields` as
long as the attack works, and in `attack_yields_at_most` when it no longer does; nothing else of it changes.
"""

from __future__ import annotations

from agent.localnet.codec import encode_call
from agent.localnet.curie.actors import deposit_margin, record_price
from agent.localnet.curie.contracts import CurieAddresses
from agent.localnet.curie.pool_math import sqrt_price_x96
from agent.localnet.evm import Transaction
from agent.localnet.price_feed import answer_to_wad, feed_answer, publish
from agent.units import WAD, Address, AssetUnits, Seconds
from tests.support.keeper_world import KeeperWorld

USDC_UNIT = 10**6
GAS = 12_000_000
REBALANCE = "rebalance(bytes32,(address,int256,int256,uint256)[],uint256)"
OPEN_POSITION = "openPosition((address,bool,bool,uint256,uint256,uint256,uint160,bytes32))"


def attack_yields(figure_usd: float, expected_usd: float) -> None:
    """The attack works, to a hundredth of ``expected_usd``."""
    print(f"attack yields {figure_usd:,.2f}")  # noqa: T201 - the figure is what the test is read for
    assert abs(figure_usd - expected_usd) <= abs(expected_usd) / 100, f"{figure_usd}: flip this line"


def attack_yields_at_most(figure_usd: float, limit_usd: float) -> None:
    """The attack yields no more than ``limit_usd``."""
    print(f"attack yields {figure_usd:,.2f}")  # noqa: T201 - the figure is what the test is read for
    assert figure_usd <= limit_usd, f"{figure_usd}: the attack works"


class Adversary:
    """An account without any role, and the hands of whoever's key it holds."""

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

    def deposit(self, usd: float, account: Address | None = None) -> bool:
        """Deposit fresh test dollars into the vault."""
        account, units = account or self.account, AssetUnits(round(usd * USDC_UNIT))
        self.world.localnet.fund_usdc(account, units)
        self.attempt(account, self.usdc, "approve(address,uint256)", self.world.vault, units)
        return self.attempt(account, self.world.vault, "deposit(uint256,address)", units, account)

    def leave(self, account: Address | None = None) -> float:
        """Redeem as much as the vault says is possible; returns what was paid, USD."""
        account = account or self.account
        before = self.balance_usd(account)
        shares = self._number(self.world.vault, "maxRedeem(address)", account)
        self.attempt(account, self.world.vault, "redeem(uint256,address,address)", shares, account, account)
        return self.balance_usd(account) - before

    def balance_usd(self, account: Address) -> float:
        """Test dollars an account holds."""
        return self._number(self.usdc, "balanceOf(address)", account) / USDC_UNIT

    def worth_usd(self, account: Address | None = None) -> float:
        """What an account's shares would be paid, USD."""
        shares = self._number(self.world.vault, "balanceOf(address)", account or self.account)
        return self._number(self.world.vault, "previewRedeem(uint256)", shares) / USDC_UNIT

    def nav_usd(self) -> float:
        """Lower NAV, USD."""
        return self._number(self.world.vault, "totalAssets()") / USDC_UNIT

    def idle_usd(self) -> float:
        """Test dollars in the vault itself."""
        return self.balance_usd(self.world.vault)

    def rebalance(self, margin_usd: float, size: float) -> bool:
        """Send one leg with the keeper's key."""
        self._intents += 1
        leg = (self.world.venue, round(margin_usd * USDC_UNIT), round(size * 10**6) * (WAD // 10**6), 0)
        intent = self._intents.to_bytes(32, "big")
        deadline = self.world.now() + 3_600
        return self.attempt(self.accounts["keeper"], self.world.vault, REBALANCE, intent, [leg], deadline)

    def hedge(self) -> float:
        """Have an honest keeper hedge the book; returns the size held."""
        with self.world.keeper() as keeper:
            keeper.cycle()
        return self.world.size() / WAD

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
        is_sale, wad = size < 0, abs(round(size * 10**6)) * (WAD // 10**6)
        order = (self.curie.base_token, is_sale, is_sale, wad, 0, 2**256 - 1, 0, bytes(32))
        return self.attempt(account or self.account, self.curie.clearing_house, OPEN_POSITION, order)

    def trade_to(self, price_usd: float) -> None:
        """Have the market's arbitrageur trade the pool to a price, without the index moving; the mark follows."""
        market = self.world.localnet.markets["curie"]
        target = sqrt_price_x96(answer_to_wad(feed_answer(price_usd)))
        self.chain.mine(market.arbitrageur.trade_to(target, market.pool_sqrt_x96()), Seconds(self.world.now() + 16))
        self.pass_time(16)

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

    def _mined(self, fields: dict[str, str]) -> bool:
        self.world.rpc("evm_setAutomine", False)
        sent = self.world.rpc("eth_sendTransaction", fields)
        self.world.rpc("evm_mine")
        self.world.rpc("evm_setAutomine", True)
        return int(self.world.rpc("eth_getTransactionReceipt", sent)["status"], 16) == 1

    def _number(self, to: Address, signature: str, *arguments: object) -> int:
        return int(self.chain.call(to, signature, *arguments, returns="(uint256)")[0])
