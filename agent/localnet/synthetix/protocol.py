"""Synthetix on the local chain: how it is deployed, given a skew, and found again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from agent.localnet import artifacts
from agent.localnet.codec import encode_call
from agent.localnet.deployer import Deployer
from agent.localnet.evm import MINTER_TIP_WEI, PUBLISHER_TIP_WEI, TRADER_TIP_WEI, LocalChain, Transaction
from agent.localnet.market import Addresses, Dollar, MarketOpening
from agent.localnet.price_feed import PRICE_FEED_DECIMALS
from agent.localnet.synthetix.contracts import SynthetixAddresses, deploy
from agent.localnet.synthetix.market import ISSUER_BALANCE_WEI, SynthetixMarket
from agent.units import Address, AssetUnits, Rounding, to_asset_units, to_wad

_SUSD_DECIMALS = 18
_FEED = "price_feed"
_MARGIN_MULTIPLE = 5.0
"""Margin of who holds the skew, in multiples of its notional: covers its fee and any price of the opening's range."""
_UNLIMITED_PRICE = 2**128 - 1
_GAS = 2_000_000


@dataclass(frozen=True, slots=True)
class Susd:
    """Synthetix's dollar, issued by its issuer, as whom the node sends."""

    address: Address
    synth: Address
    issuer: Address
    decimals: int = _SUSD_DECIMALS

    def mint(self, to: Address, units: AssetUnits) -> Transaction:
        """Return what issues ``units`` of it to an account."""
        issue = encode_call("issue(address,uint256)", to, units)
        return Transaction("issue of sUSD", self.issuer, self.synth, issue, _GAS, MINTER_TIP_WEI)


class SusdOfDeployment:
    """The collateral of every market of Synthetix."""

    name = "susd"

    def of(self, addresses: Addresses) -> Susd:
        """Return the dollar of a deployment."""
        return Susd(addresses[self.name], addresses["synth"], addresses["issuer"])


class SynthetixProtocol:
    """Synthetix Perps V2 with one ETH market, set as the live one was, and a feed that keeps its rounds."""

    address_names = frozenset({*(field.name for field in fields(SynthetixAddresses)), _FEED})
    dollar = SusdOfDeployment()

    def deploy(
        self,
        chain: LocalChain,
        deployer: Deployer,
        collateral: Address,  # noqa: ARG002 - Synthetix has its own
        aggregator: Address,  # noqa: ARG002 - it asks for rounds that are past
        opening: MarketOpening,
    ) -> dict[str, Address]:
        """Deploy the system and its market at the opening price, and let the node send as its issuer."""
        code = artifacts.project("RoundAggregatorDouble")
        feed = deployer.create("RoundAggregatorDouble", code, "(uint8,int256)", PRICE_FEED_DECIMALS, opening.answer)
        synthetix = deploy(chain, deployer, feed)
        chain.rpc.request("anvil_setBalance", synthetix.issuer, hex(ISSUER_BALANCE_WEI))
        chain.rpc.request("anvil_impersonateAccount", synthetix.issuer)
        return {**asdict(synthetix), _FEED: feed}

    def populate(
        self, accounts: Addresses, addresses: Addresses, dollar: Dollar, opening: MarketOpening
    ) -> list[Transaction]:
        """Open the long that others hold: what the market's skew is before the vault trades."""
        holder, market = accounts["liquidity_maker"], addresses["market"]
        margin_usd = _MARGIN_MULTIPLE * opening.depth_size_underlying * opening.start_price_usd
        margin = to_asset_units(margin_usd, dollar.decimals, Rounding.UP)
        size = to_wad(opening.depth_size_underlying, Rounding.DOWN)
        put = encode_call("transferMargin(int256)", margin)
        trade = encode_call("modifyPosition(int256,uint256)", size, _UNLIMITED_PRICE)
        return [
            dollar.mint(holder, margin),
            Transaction("margin deposit", holder, market, put, _GAS, PUBLISHER_TIP_WEI),
            Transaction("skew", holder, market, trade, _GAS, TRADER_TIP_WEI),
        ]

    def market(self, chain: LocalChain, accounts: Addresses, addresses: Addresses) -> SynthetixMarket:
        """Return the market of a running chain."""
        return SynthetixMarket(chain, accounts, addresses["market"], addresses[_FEED])

    def depth_note(self, opening: MarketOpening, underlying: str) -> str:
        """Say what sets the market's price."""
        return (
            "The venue has no pool: it executes at Pyth's price, moved by the market's skew over the scale that the "
            f"live market had. Others hold a long of {opening.depth_size_underlying:g} {underlying} there and never "
            "trade, so what a trade moves the price by stays until the position is closed. Orders are executed seconds "
            "after they are asked for, at the price of the step; a real price moves on in these seconds."
        )
