"""Synthetix Perps V2 deployed: what its markets need of the system, one ETH market, and the oracles of both prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eth_utils.crypto import keccak

from agent.localnet import artifacts
from agent.localnet.deployer import Deployer
from agent.localnet.evm import LocalChain
from agent.localnet.synthetix import package
from agent.units import WAD, Address

MARKET_KEY = "sETHPERP"
ASSET_KEY = "sETH"
PYTH_FEED_ID = b"\x11" * 32
PYTH_FEE_WEI = 1

_NOBODY = Address("0x" + "00" * 20)
_FIRST_PLACEHOLDER = 0xDEAD0000
_RATE_STALE_SECONDS = 365 * 86_400
_PRICE_DEVIATION_FACTOR = 3 * WAD
_CREATION_GAS = 8_000_000
_CALL_GAS = 2_500_000

_OWNED_AND_RESOLVING = (
    "SystemSettings",
    "ExchangeRates",
    "CircuitBreaker",
    "Exchanger",
    "DirectIntegrationManager",
    "Issuer",
    "DebtCache",
    "FuturesMarketManager",
    "PerpsV2ExchangeRate",
    "PerpsV2MarketSettings",
)
"""Their constructors take owner and resolver."""
_MARKET_PARTS = (
    "PerpsV2Market",
    "PerpsV2MarketLiquidate",
    "PerpsV2MarketDelayedIntent",
    "PerpsV2MarketDelayedExecution",
    "PerpsV2MarketViews",
)
"""A market's implementations behind one proxy; the last takes no proxy."""
_NOT_ROUTED = frozenset(
    {
        "owner",
        "nominatedOwner",
        "nominateNewOwner",
        "acceptOwnership",
        "resolver",
        "resolverAddressesRequired",
        "rebuildCache",
        "isResolverCached",
        "proxy",
        "setProxy",
        "messageSender",
        "setMessageSender",
        "marketState",
        "CONTRACT_NAME",
    }
)
"""Of the implementations themselves, not of the market."""
_SYSTEM_SETTINGS = {
    "setMinInitialMargin": 40 * WAD,
    "setMinKeeperFee": 4 * WAD,
    "setMaxKeeperFee": 100 * WAD,
    "setLiquidationFeeRatio": 2 * WAD // 10_000,
    "setKeeperLiquidationFee": 2 * WAD,
}
"""USD, and a ratio of notional: what the package has of the live deployment on Optimism, and its defaults."""
_PARAMETERS = (
    "takerFee",
    "makerFee",
    "takerFeeDelayedOrder",
    "makerFeeDelayedOrder",
    "takerFeeOffchainDelayedOrder",
    "makerFeeOffchainDelayedOrder",
    "maxLeverage",
    "maxMarketValue",
    "maxFundingVelocity",
    "skewScale",
    "nextPriceConfirmWindow",
    "delayedOrderConfirmWindow",
    "minDelayTimeDelta",
    "maxDelayTimeDelta",
    "offchainDelayedOrderMinAge",
    "offchainDelayedOrderMaxAge",
    "offchainMarketKey",
    "offchainPriceDivergence",
    "liquidationPremiumMultiplier",
    "liquidationBufferRatio",
    "maxLiquidationDelta",
    "maxPD",
)
"""Fields of `PerpsV2MarketSettings.setParameters`, in order."""
_COUNTS = frozenset(
    {
        "nextPriceConfirmWindow",
        "delayedOrderConfirmWindow",
        "minDelayTimeDelta",
        "maxDelayTimeDelta",
        "offchainDelayedOrderMinAge",
        "offchainDelayedOrderMaxAge",
    }
)
"""Rounds and seconds; all other numbers are WAD."""


@dataclass(frozen=True, slots=True)
class SynthetixAddresses:
    """Addresses of one deployment with one market."""

    resolver: Address
    system_settings: Address
    system_status: Address
    exchange_rates: Address
    issuer: Address
    futures_market_manager: Address
    market_settings: Address
    perps_exchange_rate: Address
    susd: Address
    """The token that people hold: the proxy of `synth`."""
    synth: Address
    market: Address
    market_state: Address
    delayed_execution: Address
    pyth: Address


def deploy(chain: LocalChain, deployer: Deployer, aggregator: Address) -> SynthetixAddresses:
    """Deploy the system and open the ETH market, with `live_parameters`; its price on chain is the aggregator's."""
    core = _Core(chain, deployer)
    core.create()
    core.connect()
    core.configure(aggregator)
    made = core.made
    proxy, state, execution = _open_market(core)
    return SynthetixAddresses(
        resolver=made["AddressResolver"],
        system_settings=made["SystemSettings"],
        system_status=made["SystemStatus"],
        exchange_rates=made["ExchangeRates"],
        issuer=made["Issuer"],
        futures_market_manager=made["FuturesMarketManager"],
        market_settings=made["PerpsV2MarketSettings"],
        perps_exchange_rate=made["PerpsV2ExchangeRate"],
        susd=core.susd,
        synth=made["SynthsUSD"],
        market=proxy,
        market_state=state,
        delayed_execution=execution,
        pyth=core.pyth,
    )


def live_parameters(**changes: str) -> tuple[object, ...]:
    """Return what the live ETH market was set to, as `setParameters` takes it; ``changes`` are decimal numbers."""
    values: Mapping[str, str] = {**package.live_market(MARKET_KEY), **changes}
    return tuple(_parameter(name, values[name]) for name in _PARAMETERS)


def key(text: str) -> bytes:
    """Return a name as Synthetix keeps it."""
    return text.encode().ljust(32, b"\0")


def _parameter(name: str, text: str) -> object:
    if name == "offchainMarketKey":
        return key(text)
    if name in _COUNTS:
        return int(text)
    whole, _, decimals = text.partition(".")
    return int(whole) * WAD + int(decimals.ljust(18, "0"))


class _Core:
    """What a market needs of the system; names that nothing here stands behind resolve to addresses without code."""

    def __init__(self, chain: LocalChain, deployer: Deployer) -> None:
        self.chain = chain
        self.deployer = deployer
        self.owner = deployer.account
        self.made: dict[str, Address] = {}
        self.libraries: dict[str, Address] = {}

    def new(self, name: str, *arguments: object) -> Address:
        """Queue the creation of one of Synthetix's contracts."""
        code = package.creation_code(name, self.libraries)
        return self.deployer.create(name, code, package.constructor_types(name), *arguments)

    def call(self, name: str, to: Address, function: str, *arguments: object) -> None:
        """Queue a call to a contract of that name."""
        self.deployer.call(name, to, package.signature(name, function), *arguments, gas=_CALL_GAS)

    def create(self) -> None:
        """Create all contracts."""
        for library in package.LIBRARIES:
            self.libraries[library] = self.new(library)
        owner, made = self.owner, self.made
        resolver = made["AddressResolver"] = self.new("AddressResolver", owner)
        made["FlexibleStorage"] = self.new("FlexibleStorage", resolver)
        made["SystemStatus"] = self.new("SystemStatus", owner)
        made |= {name: self.new(name, owner, resolver) for name in _OWNED_AND_RESOLVING}
        self.deployer.flush()  # all of it is more than a block of the local chain holds
        made["ExchangeState"] = self.new("ExchangeState", owner, made["Exchanger"])
        fee_proxy = self.new("Proxy", owner)
        made["FeePool"] = self.new("FeePool", fee_proxy, owner, resolver)
        self.call("Proxy", fee_proxy, "setTarget", made["FeePool"])
        made["FeePoolEternalStorage"] = self.new("FeePoolEternalStorage", owner, made["FeePool"])
        self.susd, balances = self.new("ProxyERC20", owner), self.new("TokenState", owner, owner)
        synth = ("Synth sUSD", "sUSD", owner, key("sUSD"), 0, resolver)
        made["SynthsUSD"] = self.new("MultiCollateralSynth", self.susd, balances, *synth)
        self.call("TokenState", balances, "setAssociatedContract", made["SynthsUSD"])
        self.call("Proxy", self.susd, "setTarget", made["SynthsUSD"])
        debts = self.new("CollateralManagerState", owner, owner)
        most_debt = (75_000_000 * WAD, WAD // 5, 0, 0)
        made["CollateralManager"] = self.new("CollateralManager", debts, owner, resolver, *most_debt)
        self.call("CollateralManagerState", debts, "setAssociatedContract", made["CollateralManager"])
        code = artifacts.project("PythDouble")
        self.pyth = self.deployer.create("PythDouble", code, "(uint256)", PYTH_FEE_WEI)
        self.deployer.flush()

    def connect(self) -> None:
        """Tell the resolver where everything is, and everything to ask it."""
        resolving = {name: to for name, to in self.made.items() if self._has(name, "rebuildCache")}
        needed: set[bytes] = set()
        for to in resolving.values():
            needed |= set(self.chain.call(to, "resolverAddressesRequired()", returns="(bytes32[])")[0])
        places = {key(name): to for name, to in self.made.items()}
        for number, missing in enumerate(sorted(needed - places.keys())):
            places[missing] = Address(f"0x{_FIRST_PLACEHOLDER + number:040x}")
        names, addresses = list(places), list(places.values())
        self.call("AddressResolver", self.made["AddressResolver"], "importAddresses", names, addresses)
        for name, to in resolving.items():
            self.call(self._source(name), to, "rebuildCache")
        self.deployer.flush()

    def configure(self, aggregator: Address) -> None:
        """Set fees and limits, and both oracles."""
        made = self.made
        settings = made["SystemSettings"]
        self.call("SystemSettings", settings, "setRateStalePeriod", _RATE_STALE_SECONDS)
        self.call("SystemSettings", settings, "setPriceDeviationThresholdFactor", _PRICE_DEVIATION_FACTOR)
        for setter, number in _SYSTEM_SETTINGS.items():
            self.call("PerpsV2MarketSettings", made["PerpsV2MarketSettings"], setter, number)
        self.call("ExchangeRates", made["ExchangeRates"], "addAggregator", key(ASSET_KEY), aggregator)
        rate = made["PerpsV2ExchangeRate"]
        self.call("PerpsV2ExchangeRate", rate, "setOffchainOracle", self.pyth)
        self.call("PerpsV2ExchangeRate", rate, "setOffchainPriceFeedId", key(ASSET_KEY), PYTH_FEED_ID)

    def _has(self, name: str, function: str) -> bool:
        return any(entry.get("name") == function for entry in package.abi(self._source(name)))

    @staticmethod
    def _source(name: str) -> str:
        return "MultiCollateralSynth" if name == "SynthsUSD" else name


def _open_market(core: _Core) -> tuple[Address, Address, Address]:
    """Return the market's proxy, its state, and the implementation that executes orders."""
    owner, resolver = core.owner, core.made["AddressResolver"]
    proxy = core.new("ProxyPerpsV2", owner)
    state = core.new("PerpsV2MarketState", owner, [owner], key(ASSET_KEY), key(MARKET_KEY), _NOBODY)
    parts = {name: core.new(name, proxy, state, owner, resolver) for name in _MARKET_PARTS[:-1]}
    parts[_MARKET_PARTS[-1]] = core.new(_MARKET_PARTS[-1], state, owner, resolver)
    core.call("PerpsV2MarketState", state, "removeAssociatedContracts", [owner])
    core.call("PerpsV2MarketState", state, "addAssociatedContracts", list(parts.values()))
    core.call("PerpsV2MarketState", state, "linkOrInitializeState")
    for name, part in parts.items():
        core.call(name, part, "rebuildCache")
    for selector, part, is_view in _routes(parts):
        core.call("ProxyPerpsV2", proxy, "addRoute", selector, part, is_view)
    execution = parts["PerpsV2MarketDelayedExecution"]
    made = core.made
    core.call("PerpsV2ExchangeRate", made["PerpsV2ExchangeRate"], "addAssociatedContracts", [execution])
    core.call("FuturesMarketManager", made["FuturesMarketManager"], "addProxiedMarkets", [proxy])
    settings = made["PerpsV2MarketSettings"]
    core.call("PerpsV2MarketSettings", settings, "setParameters", key(MARKET_KEY), live_parameters())
    core.deployer.flush()
    return proxy, state, execution


def _routes(parts: Mapping[str, Address]) -> list[tuple[bytes, Address, bool]]:
    """Return selector, implementation and whether it is a view, of every function of the market, each once."""
    found: dict[bytes, tuple[Address, bool]] = {}
    for name, part in parts.items():
        for entry in package.abi(name):
            if entry["type"] != "function" or entry["name"] in _NOT_ROUTED:
                continue
            selector = keccak(text=entry["name"] + package.types(entry["inputs"]))[:4]
            found.setdefault(selector, (part, package.is_view(entry)))
    return [(selector, part, is_view) for selector, (part, is_view) in found.items()]
