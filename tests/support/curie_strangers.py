"""What a stranger can do to an account of the real Curie: deposit for it, in the settlement token or in another one."""

from __future__ import annotations

from agent.localnet.codec import encode_call
from agent.localnet.evm import LocalChain, Transaction
from agent.localnet.session import Localnet
from agent.units import WAD, Address

GAS = 5_000_000
COLLATERAL_RATIO = 700_000  # 70 %, in 1e-6, as on Optimism
DISCOUNT_RATIO = 100_000
NO_CAP = 2**256 - 1


class Stranger:
    """An account that belongs to nobody we know, and Curie's owner who lets WETH be collateral."""

    def __init__(self, localnet: Localnet) -> None:
        self.chain: LocalChain = localnet.chain
        self.curie = localnet.manifest.venues["curie"]
        self.address = localnet.manifest.accounts["attacker"]
        self.owner = localnet.manifest.accounts["deployer"]
        self.usdc = localnet.manifest.usdc
        self.weth = localnet.manifest.weth

    def send(self, to: Address, signature: str, *arguments: object, sender: Address | None = None) -> None:
        """Send a call from the stranger's account, or from another."""
        work = Transaction(signature, sender or self.address, to, encode_call(signature, *arguments), GAS)
        self.chain.mine([work])

    def allow_weth(self) -> None:
        """Make WETH collateral, priced by the market's own feed."""
        config = (self.curie["price_feed"], COLLATERAL_RATIO, DISCOUNT_RATIO, NO_CAP)
        add = "addCollateral(address,(address,uint24,uint24,uint256))"
        self.send(self.curie["collateral_manager"], add, self.weth, config, sender=self.owner)

    def break_weth_feed(self) -> None:
        """Give WETH a price feed that answers nothing."""
        set_feed = "setPriceFeed(address,address)"
        self.send(self.curie["collateral_manager"], set_feed, self.weth, self.usdc, sender=self.owner)

    def deposit_usdc(self, account: Address, units: int) -> None:
        """Deposit test dollars for an account."""
        self.send(self.usdc, "mint(address,uint256)", self.address, units)
        self._deposit(account, self.usdc, units)

    def deposit_weth(self, account: Address, wei: int) -> None:
        """Deposit WETH for an account."""
        wrap = {"from": self.address, "to": self.weth, "value": hex(wei), "data": encode_call("deposit()")}
        self.chain.rpc.request("anvil_setBalance", self.address, hex(wei + 1_000 * WAD))
        self.chain.rpc.request("eth_sendTransaction", wrap)
        self._deposit(account, self.weth, wei)

    def _deposit(self, account: Address, token: Address, units: int) -> None:
        self.send(token, "approve(address,uint256)", self.curie["vault"], units)
        self.send(self.curie["vault"], "depositFor(address,address,uint256)", account, token, units)
