"""Perpetual Protocol v2 ("Curie"): a virtual AMM on a Uniswap v3 pool, settled at once."""

from __future__ import annotations

from dataclasses import dataclass

from agent.backtest.mean_gas import POOL_SLOTS
from agent.localnet import artifacts
from agent.localnet.deployer import Deployer
from agent.localnet.evm import LocalChain
from agent.units import Address

MAX_UINT256 = 2**256 - 1

_CURIE = ("@perp", "curie-contract", "artifacts", "contracts")
_PERP_ORACLE = ("@perp", "perp-oracle-contract", "artifacts", "contracts")
_UNISWAP_V3 = ("@uniswap", "v3-core", "artifacts", "contracts")
_LOWEST_QUOTE_ADDRESS = Address("0xF000000000000000000000000000000000000000")
"""The pool's token0 must be the base token, so the quote token has to sort above any base token."""
_UNISWAP_FEE_RATIO = 3_000  # 0.3 %, in 1e-6; pays nobody: Curie takes it out again and charges its own
_INSURANCE_FUND_FEE_RATIO = 100_000  # 10 % of the exchange fee, in 1e-6
_MAX_PRICE_SPREAD_RATIO = 100_000  # pool within 10 % of the index after a trade, in 1e-6
_MAX_TICKS_PER_15_SECONDS = 1_000  # hard-coded cap of the exchange
_PRICE_FEED_TIMEOUT_SECONDS = 2_400
_INDEX_TWAP_SECONDS = 900
_OBSERVATIONS_GAS = 15_000_000


@dataclass(frozen=True, slots=True)
class CurieAddresses:
    """Addresses of one Curie deployment with one market."""

    clearing_house: Address
    clearing_house_config: Address
    vault: Address
    account_balance: Address
    exchange: Address
    order_book: Address
    market_registry: Address
    insurance_fund: Address
    collateral_manager: Address
    base_token: Address
    quote_token: Address
    pool: Address
    price_feed: Address


def deploy(
    chain: LocalChain,
    deployer: Deployer,
    usdc: Address,
    aggregator: Address,
    sqrt_price_x96: int,
    exchange_fee_ratio: int,
) -> CurieAddresses:
    """Deploy the protocol and open one market at ``sqrt_price_x96``.

    ``exchange_fee_ratio`` is in 1e-6. The market's mark price needs 30 minutes of pool history before anyone can trade.
    """
    factory = deployer.create("UniswapV3Factory", artifacts.hardhat("UniswapV3Factory", _UNISWAP_V3))
    quote = deployer.create_above(_LOWEST_QUOTE_ADDRESS, "QuoteToken", artifacts.hardhat("QuoteToken", _CURIE))
    core = _create_core(deployer)
    _initialize_core(deployer, core, factory, quote, usdc)
    _connect_core(deployer, core, quote)
    feed, base = _create_base_token(deployer, aggregator)
    deployer.call(
        "factory", factory, "createPool(address,address,uint24)", base, quote, _UNISWAP_FEE_RATIO, gas=6_000_000
    )
    deployer.flush()
    get_pool = "getPool(address,address,uint24)"
    pool = Address(chain.call(factory, get_pool, base, quote, _UNISWAP_FEE_RATIO, returns="(address)")[0])
    _open_market(deployer, core, base, quote, pool, feed, sqrt_price_x96, exchange_fee_ratio)
    return CurieAddresses(
        clearing_house=core["ClearingHouse"],
        clearing_house_config=core["ClearingHouseConfig"],
        vault=core["Vault"],
        account_balance=core["AccountBalance"],
        exchange=core["Exchange"],
        order_book=core["OrderBook"],
        market_registry=core["MarketRegistry"],
        insurance_fund=core["InsuranceFund"],
        collateral_manager=core["CollateralManager"],
        base_token=base,
        quote_token=quote,
        pool=pool,
        price_feed=feed,
    )


def _create_core(deployer: Deployer) -> dict[str, Address]:
    names = (
        "ClearingHouseConfig",
        "MarketRegistry",
        "OrderBook",
        "AccountBalance",
        "Exchange",
        "InsuranceFund",
        "Vault",
        "CollateralManager",
        "ClearingHouse",
        "DelegateApproval",
    )
    return {name: deployer.create(name, artifacts.hardhat(name, _CURIE)) for name in names}


def _initialize_core(
    deployer: Deployer, core: dict[str, Address], factory: Address, quote: Address, usdc: Address
) -> None:
    config, registry, orders = core["ClearingHouseConfig"], core["MarketRegistry"], core["OrderBook"]
    balance, exchange, fund = core["AccountBalance"], core["Exchange"], core["InsuranceFund"]
    vault, house = core["Vault"], core["ClearingHouse"]

    def initialize(name: str, types: str, *arguments: object) -> None:
        deployer.call(name, core[name], f"initialize{types}", *arguments)

    deployer.call("QuoteToken", quote, "initialize(string,string)", "vUSD", "vUSD")
    initialize("ClearingHouseConfig", "()")
    initialize("MarketRegistry", "(address,address)", factory, quote)
    initialize("OrderBook", "(address)", registry)
    initialize("InsuranceFund", "(address)", usdc)
    initialize("Exchange", "(address,address,address)", registry, orders, config)
    deployer.call("Exchange", exchange, "setAccountBalance(address)", balance)
    deployer.call("OrderBook", orders, "setExchange(address)", exchange)
    initialize("AccountBalance", "(address,address)", config, orders)
    initialize("Vault", "(address,address,address,address)", fund, config, balance, exchange)
    _initialize_collateral_manager(deployer, core)
    deployer.call("InsuranceFund", fund, "setVault(address)", vault)
    deployer.call("AccountBalance", balance, "setVault(address)", vault)
    seven_addresses = "(" + ",".join(["address"] * 7) + ")"
    initialize("ClearingHouse", seven_addresses, config, vault, quote, factory, exchange, balance, fund)
    initialize("DelegateApproval", "()")
    deployer.call("ClearingHouse", house, "setDelegateApproval(address)", core["DelegateApproval"])


def _initialize_collateral_manager(deployer: Deployer, core: dict[str, Address]) -> None:
    # Only the settlement token is used as collateral here; the numbers are those of the live deployment on Optimism.
    deployer.call(
        "CollateralManager",
        core["CollateralManager"],
        "initialize(address,address,uint8,uint24,uint24,uint24,uint24,uint256,uint256)",
        core["ClearingHouseConfig"],
        core["Vault"],
        5,
        750_000,
        500_000,
        2_000,
        30_000,
        10_000_000_000,
        500_000_000,
    )
    deployer.call("Vault", core["Vault"], "setCollateralManager(address)", core["CollateralManager"])


def _connect_core(deployer: Deployer, core: dict[str, Address], quote: Address) -> None:
    house = core["ClearingHouse"]
    for name in ("MarketRegistry", "OrderBook", "Exchange", "AccountBalance", "Vault"):
        deployer.call(name, core[name], "setClearingHouse(address)", house)
    # The default of 0 makes every deposit revert with V_GTSTBC.
    config = core["ClearingHouseConfig"]
    deployer.call("ClearingHouseConfig", config, "setSettlementTokenBalanceCap(uint256)", MAX_UINT256)
    deployer.call("QuoteToken", quote, "mintMaximumTo(address)", house)
    deployer.call("QuoteToken", quote, "addWhitelist(address)", house)


def _create_base_token(deployer: Deployer, aggregator: Address) -> tuple[Address, Address]:
    feed = deployer.create(
        "ChainlinkPriceFeedV3",
        artifacts.hardhat("ChainlinkPriceFeedV3", _PERP_ORACLE),
        "(address,uint256,uint80)",
        aggregator,
        _PRICE_FEED_TIMEOUT_SECONDS,
        _INDEX_TWAP_SECONDS,
    )
    dispatcher_code = artifacts.hardhat("PriceFeedDispatcher", _PERP_ORACLE)
    dispatcher = deployer.create("PriceFeedDispatcher", dispatcher_code, "(address)", feed)
    base = deployer.create("BaseToken", artifacts.hardhat("BaseToken", _CURIE))
    deployer.call("BaseToken", base, "initialize(string,string,address)", "vETH", "vETH", dispatcher)
    return feed, base


def _open_market(
    deployer: Deployer,
    core: dict[str, Address],
    base: Address,
    quote: Address,
    pool: Address,
    feed: Address,
    sqrt_price_x96: int,
    exchange_fee_ratio: int,
) -> None:
    registry, house = core["MarketRegistry"], core["ClearingHouse"]
    for name, token in (("BaseToken", base), ("QuoteToken", quote)):
        deployer.call(name, token, "addWhitelist(address)", pool)
    deployer.call("BaseToken", base, "mintMaximumTo(address)", house)
    deployer.call("BaseToken", base, "addWhitelist(address)", house)
    deployer.call("pool", pool, "initialize(uint160)", sqrt_price_x96)
    more_history = "increaseObservationCardinalityNext(uint16)"
    deployer.call("pool", pool, more_history, POOL_SLOTS, gas=_OBSERVATIONS_GAS)
    deployer.call("MarketRegistry", registry, "addPool(address,uint24)", base, _UNISWAP_FEE_RATIO)
    deployer.call("MarketRegistry", registry, "setFeeRatio(address,uint24)", base, exchange_fee_ratio)
    set_fund_fee = "setInsuranceFundFeeRatio(address,uint24)"
    deployer.call("MarketRegistry", registry, set_fund_fee, base, _INSURANCE_FUND_FEE_RATIO)
    set_spread = "setMarketMaxPriceSpreadRatio(address,uint24)"
    deployer.call("MarketRegistry", registry, set_spread, base, _MAX_PRICE_SPREAD_RATIO)
    # 0, the default, means the market is paused.
    set_ticks = "setMaxTickCrossedWithinBlock(address,uint24)"
    deployer.call("Exchange", core["Exchange"], set_ticks, base, _MAX_TICKS_PER_15_SECONDS)
    deployer.call("ChainlinkPriceFeedV3", feed, "update()")
    deployer.flush()
