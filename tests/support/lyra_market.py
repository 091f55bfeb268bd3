"""Lyra v1 ("Avalon") with one market and one board, from the artifacts that `@lyrafinance/protocol` publishes.

The Synthetix side is the package's own test contracts: rates, exchange and tokens that anyone may mint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.localnet import artifacts
from agent.localnet.codec import decode, encode_call
from agent.localnet.deployer import Deployer
from agent.localnet.evm import LocalChain, Transaction
from agent.units import WAD, Address, Seconds

DAY = 86_400
HOUR = 3_600
WEEK = 7 * DAY
LONG_CALL, LONG_PUT, SHORT_CALL_BASE, SHORT_CALL_QUOTE, SHORT_PUT_QUOTE = range(5)
STRIKES_USD = (1_500, 1_750, 2_000)
SKEWS = (0.9, 1.0, 1.1)
BASE_IV = 1.0
TENOR = 30 * DAY
RATE = 0.05
GAS = 15_000_000
MAX_UINT256 = 2**256 - 1
SYNTHETIX_NAMES = ("ProxySynthetix", "Exchanger", "ExchangeRates", "CollateralShort", "DelegateApprovals")

_ARTIFACTS = ("@lyrafinance", "protocol", "dist", "artifacts", "contracts")
_FOLDERS = {
    "SynthetixAdapter": (),
    "GWAV": ("libraries",),
    "BlackScholes": ("libraries",),
    "TestExchanger": ("test-helpers",),
    "TestExchangeRates": ("test-helpers",),
    "TestERC20Fail": ("test-helpers",),
    "TestSynthetixReturnZero": ("test-helpers",),
    "TestDelegateApprovals": ("test-helpers",),
    "TestCollateralShort": ("test-helpers",),
    "TestAddressResolver": ("test-helpers",),
}
_NOBODY = "0x" + "00" * 20
_SECURITY_MODULE = "0xefEeFeefEFEefEefEefEfeefEFeeFeEfEEfeefEE"


def wad(number: float) -> int:
    """A number of at most six decimals in WAD."""
    return round(number * 10**6) * 10**12


_PARAMETERS: dict[str, object] = {
    "minDepositWithdraw": WAD,
    "depositDelay": WEEK,
    "withdrawalDelay": WEEK,
    "withdrawalFee": wad(0.01),
    "liquidityCBThreshold": wad(0.01),
    "liquidityCBTimeout": 3 * DAY,
    "ivVarianceCBThreshold": wad(0.1),
    "skewVarianceCBThreshold": wad(0.35),
    "ivVarianceCBTimeout": 12 * HOUR,
    "skewVarianceCBTimeout": 12 * HOUR,
    "guardianMultisig": _NOBODY,
    "guardianDelay": 2 * WEEK,
    "boardSettlementCBTimeout": 6 * HOUR,
    "maxFeePaid": wad(0.01),
    "maxStrikesPerBoard": 30,
    "acceptableSpotPricePercentMove": wad(0.05),
    "staleUpdateDuration": 3 * HOUR,
    "varianceIvGWAVPeriod": DAY,
    "varianceSkewGWAVPeriod": 3 * DAY,
    "optionValueIvGWAVPeriod": DAY,
    "optionValueSkewGWAVPeriod": 3 * DAY,
    "gwavSkewFloor": wad(0.5),
    "gwavSkewCap": 2 * WAD,
    "rateAndCarry": wad(RATE),
    "minStaticBaseCollateral": wad(0.2),
    "minStaticQuoteCollateral": 200 * WAD,
    "shockVolA": wad(2.5),
    "shockVolPointA": 2 * WEEK,
    "shockVolB": wad(1.8),
    "shockVolPointB": 8 * WEEK,
    "callSpotPriceShock": wad(1.2),
    "putSpotPriceShock": wad(0.8),
    "ivGWAVPeriod": 12 * HOUR,
    "skewGWAVPeriod": 24 * HOUR,
    "shortVolShock": wad(1.2),
    "shortPostCutoffVolShock": wad(1.4),
    "longVolShock": wad(0.8),
    "longPostCutoffVolShock": wad(0.5),
    "liquidateVolShock": wad(1.3),
    "liquidatePostCutoffVolShock": wad(1.6),
    "shortSpotMin": wad(0.01),
    "liquidateSpotMin": wad(0.02),
    "optionPriceFeeCoefficient": wad(0.01),
    "optionPriceFee1xPoint": 6 * WEEK,
    "optionPriceFee2xPoint": 16 * WEEK,
    "spotPriceFeeCoefficient": wad(0.01),
    "spotPriceFee1xPoint": 6 * WEEK,
    "spotPriceFee2xPoint": 12 * WEEK,
    "vegaFeeCoefficient": 100 * WAD,
    "standardSize": 5 * WAD,
    "skewAdjustmentFactor": wad(0.75),
    "maxBaseIV": 2 * WAD,
    "maxSkew": wad(1.5),
    "minBaseIV": wad(0.35),
    "minSkew": wad(0.5),
    "minDelta": wad(0.15),
    "minForceCloseDelta": wad(0.25),
    "minVol": wad(0.55),
    "maxVol": 3 * WAD,
    "tradingCutoff": DAY // 2,
    "absMaxSkew": 5 * WAD,
    "absMinSkew": wad(0.15),
    "capSkewsToAbs": False,
    "defaultVarianceFeeCoefficient": wad(0.25),
    "forceCloseVarianceFeeCoefficient": wad(0.25),
    "skewAdjustmentCoefficient": 3 * WAD,
    "referenceSkew": WAD,
    "minimumStaticSkewAdjustment": WAD,
    "vegaCoefficient": wad(0.01),
    "minimumStaticVega": 0,
    "ivVarianceCoefficient": wad(1.5),
    "minimumStaticIvVariance": WAD,
    "securityModule": _SECURITY_MODULE,
    "feePortionReserved": wad(0.1),
    "maxBoardExpiry": 360 * DAY,
    "staticBaseSettlementFee": wad(0.0075),
    "penaltyRatio": wad(0.2),
    "liquidatorFeeRatio": wad(0.4),
    "smFeeRatio": wad(0.3),
    "minLiquidationFee": 15 * WAD,
    "interactionDelay": 24 * HOUR,
    "hedgeCap": MAX_UINT256,
}
"""Values of Lyra's own deployment scripts for its tests, by field name."""


@dataclass(frozen=True, slots=True)
class Contract:
    """One deployed contract and its ABI."""

    name: str
    address: Address
    abi: list[dict[str, Any]]

    def function(self, name: str) -> dict[str, Any]:
        """The ABI's entry of a function."""
        return next(entry for entry in self.abi if entry.get("name") == name)

    def signature(self, name: str) -> str:
        """``name(type,...)``."""
        return name + _types(self.function(name)["inputs"])

    def returns(self, name: str) -> str:
        """``(type,...)`` of the result."""
        return _types(self.function(name)["outputs"])


class LyraMarket:
    """The market; the deployer owns it, and provides its liquidity."""

    def __init__(self, chain: LocalChain, spot_usd: float) -> None:
        self.chain = chain
        self.owner = chain.accounts()["deployer"]
        self.trader = chain.accounts()["depositor"]
        self._deployer = Deployer(chain, self.owner)
        self.contracts: dict[str, Contract] = {}
        self._create()
        self._connect_synthetix()
        self._initialize()
        self.set_spot(spot_usd)
        self.board, self.strikes = self._open()

    # --- what a trader does --------------------------------------------------------------------------------------

    def open(
        self,
        strike: int,
        kind: int,
        size: float,
        collateral: float = 0,
        position: int = 0,
    ) -> int:
        """Open or enlarge a position; returns its id."""
        order = (self.strikes[strike], position, 1, kind, wad(size), wad(collateral), 0, MAX_UINT256)
        opened = self.view("OptionMarket", "openPosition", order, sender=self.trader)[0]
        self.send("OptionMarket", "openPosition", order, sender=self.trader)
        return int(opened[0])

    def close(self, strike: int, kind: int, size: float, position: int, collateral: float = 0) -> None:
        """Close a position or a part of it; ``collateral`` is what stays."""
        order = (self.strikes[strike], position, 1, kind, wad(size), wad(collateral), 0, MAX_UINT256)
        self.send("OptionMarket", "closePosition", order, sender=self.trader)

    def set_spot(self, spot_usd: float) -> None:
        """Set the spot price."""
        self.send("TestExchangeRates", "setRateAndInvalid", _name("sETH"), wad(spot_usd), False)

    def settle(self) -> None:
        """Settle the board at the spot price of now."""
        self.send("OptionMarket", "settleExpiredBoard", self.board)

    def settle_positions(self, positions: list[int]) -> None:
        """Pay out positions of a settled board."""
        self.send("ShortCollateral", "settleOptions", positions)

    def lyra_greeks(self, strike: int) -> tuple[float, float]:
        """Call and put delta of Lyra's own cache, brought up to date."""
        self.send("OptionGreekCache", "updateBoardCachedGreeks", self.board)
        cache = self.view("OptionGreekCache", "getStrikeCache", self.strikes[strike])[0]
        call, put, *_ = cache[4]
        return call / WAD, put / WAD

    def volatility(self, strike: int) -> float:
        """Board IV times skew."""
        found, board = self.view("OptionMarket", "getStrikeAndBoard", self.strikes[strike])
        return float(board[2] / WAD * found[2] / WAD)

    def expiry(self) -> int:
        """When the board expires."""
        return int(self.view("OptionMarket", "getStrikeAndBoard", self.strikes[0])[1][1])

    # --- calls ---------------------------------------------------------------------------------------------------

    def send(self, contract: str, function: str, *arguments: object, sender: Address | None = None) -> None:
        """Send a call to one of the contracts."""
        to = self.contracts[contract]
        data = encode_call(to.signature(function), *arguments)
        self.chain.mine([Transaction(f"{contract}.{function}", sender or self.owner, to.address, data, GAS)])

    def view(self, contract: str, function: str, *arguments: object, sender: Address | None = None) -> tuple[Any, ...]:
        """Result of a call that is not sent."""
        to = self.contracts[contract]
        request = {"to": to.address, "data": encode_call(to.signature(function), *arguments), "gas": hex(GAS)}
        if sender is not None:
            request["from"] = sender
        return decode(to.returns(function), self.chain.rpc.request("eth_call", request, "latest"))

    def pass_time_to(self, moment: int) -> None:
        """Mine one empty block at ``moment``."""
        self.chain.mine([], timestamp=Seconds(moment))

    # --- deployment ----------------------------------------------------------------------------------------------

    def _create(self) -> None:
        for name in ("GWAV", "BlackScholes", "SynthetixAdapter"):
            self._deploy(name)
        for name in (
            "TestExchanger",
            "TestExchangeRates",
            "TestSynthetixReturnZero",
            "TestDelegateApprovals",
            "TestCollateralShort",
            "TestAddressResolver",
        ):
            self._deploy(name)
        self._deploy("TestERC20Fail", "Synthetic USD", "sUSD", key="quote")
        self._deploy("TestERC20Fail", "Synthetic ETH", "sETH", key="base")
        for name in ("OptionMarket", "OptionMarketPricer", "OptionGreekCache", "LiquidityPool"):
            self._deploy(name)
        self._deploy("LiquidityToken", "sUSD/sETH Pool Tokens", "LyraELPT")
        self._deploy("OptionToken", "sUSD/sETH Option Tokens", "LyraEOT")
        self._deploy("ShortCollateral")
        self._deploy("ShortPoolHedger")
        self._deployer.flush()

    def _connect_synthetix(self) -> None:
        self._queue("SynthetixAdapter", "initialize")
        self._queue("TestSynthetixReturnZero", "init", *self._at("SynthetixAdapter", "quote", "TestAddressResolver"))
        self._queue("TestCollateralShort", "init", *self._at("SynthetixAdapter", "quote"))
        synthetix = self._at(
            "TestSynthetixReturnZero",
            "TestExchanger",
            "TestExchangeRates",
            "TestCollateralShort",
            "TestDelegateApprovals",
        )
        self._queue("TestAddressResolver", "setAddresses", [_name(name) for name in SYNTHETIX_NAMES], synthetix)
        minters = self._at("TestSynthetixReturnZero", "TestCollateralShort")
        for token in ("quote", "base"):
            for minter in minters:
                self._queue(token, "permitMint", minter, True)
        self._queue("SynthetixAdapter", "setAddressResolver", *self._at("TestAddressResolver"))
        self._queue("SynthetixAdapter", "updateSynthetixAddresses")
        for name in ("TestSynthetixReturnZero", "TestCollateralShort"):
            self._queue(name, "addBaseAsset", _name("sETH"), *self._at("base", "OptionMarket"))
        self._queue("TestExchanger", "setFeeRateForExchange", _name("sETH"), _name("sUSD"), wad(0.0075))
        self._queue("TestExchanger", "setFeeRateForExchange", _name("sUSD"), _name("sETH"), wad(0.005))

    def _initialize(self) -> None:
        adapter, market, pricer, cache = "SynthetixAdapter", "OptionMarket", "OptionMarketPricer", "OptionGreekCache"
        pool, token, collateral, hedger = "LiquidityPool", "OptionToken", "ShortCollateral", "ShortPoolHedger"
        tokens = ("quote", "base")
        wiring = {
            market: (adapter, pool, pricer, cache, collateral, token, *tokens),
            pricer: (market, cache),
            cache: (adapter, market, pricer),
            pool: (adapter, market, "LiquidityToken", cache, hedger, collateral, *tokens),
            "LiquidityToken": (pool,),
            hedger: (adapter, market, cache, pool, *tokens),
            collateral: (market, pool, token, adapter, *tokens),
            token: (market, cache, collateral, adapter),
        }
        for name, others in wiring.items():
            self._queue(name, "init", *self._at(*others))
        globals_ = (*self._at(market), _name("sUSD"), _name("sETH"), _SECURITY_MODULE, _name(""))
        self._queue(adapter, "setGlobalsForContract", *globals_)
        for name, setter in (
            (market, "setOptionMarketParams"),
            (pool, "setLiquidityPoolParameters"),
            (hedger, "setPoolHedgerParams"),
            (cache, "setGreekCacheParameters"),
            (cache, "setMinCollateralParameters"),
            (cache, "setForceCloseParameters"),
            (pricer, "setPricingParams"),
            (pricer, "setTradeLimitParams"),
            (pricer, "setVarianceFeeParams"),
            (token, "setPartialCollateralParams"),
        ):
            self._configure(name, setter)
        self._queue(hedger, "setShortBuffer", 2 * WAD)
        self._deployer.flush()

    def _open(self) -> tuple[int, list[int]]:
        """Fund pool and trader and open a board."""
        (pool, market) = self._at("LiquidityPool", "OptionMarket")
        self.send("quote", "mint", self.owner, 10**6 * WAD)
        self.send("quote", "approve", pool, MAX_UINT256)
        self.send("LiquidityPool", "initiateDeposit", self.owner, 500_000 * WAD)
        for token, units in (("quote", 10**6 * WAD), ("base", 1_000 * WAD)):
            self.send(token, "mint", self.trader, units)
            self.send(token, "approve", market, MAX_UINT256, sender=self.trader)
        self.send("ShortPoolHedger", "openShortAccount")
        expiry = self.chain.head().timestamp + TENOR
        strikes, skews = [strike * WAD for strike in STRIKES_USD], [wad(skew) for skew in SKEWS]
        self.send("OptionMarket", "createOptionBoard", expiry, wad(BASE_IV), strikes, skews, False)
        board = self.view("OptionMarket", "getLiveBoards")[0][0]
        return int(board), list(self.view("OptionMarket", "getBoardStrikes", board)[0])

    def _deploy(self, name: str, *arguments: object, key: str | None = None) -> None:
        folder = (*_ARTIFACTS, *_FOLDERS.get(name, ()))
        artifact = artifacts.hardhat_artifact(name, folder)
        code = self._linked(artifact)
        constructor = next((entry for entry in artifact["abi"] if entry["type"] == "constructor"), {"inputs": []})
        address = self._deployer.create(name, code, _types(constructor["inputs"]), *arguments)
        self.contracts[key or name] = Contract(name, address, artifact["abi"])

    def _linked(self, artifact: dict[str, Any]) -> str:
        code: str = artifact["bytecode"]
        for libraries in artifact["linkReferences"].values():
            for library, places in libraries.items():
                for place in places:
                    start, end = 2 + 2 * place["start"], 2 + 2 * (place["start"] + place["length"])
                    code = code[:start] + self.contracts[library].address[2:].lower() + code[end:]
        return code

    def _configure(self, name: str, setter: str) -> None:
        """Queue a setter of one struct, filled by field name."""
        fields = self.contracts[name].function(setter)["inputs"][0]["components"]
        self._queue(name, setter, tuple(_PARAMETERS[field["name"]] for field in fields))

    def _queue(self, name: str, function: str, *arguments: object) -> None:
        to = self.contracts[name]
        self._deployer.call(name, to.address, to.signature(function), *arguments, gas=2_000_000)

    def _at(self, *names: str) -> list[Address]:
        return [self.contracts[name].address for name in names]


def _types(parameters: list[dict[str, Any]]) -> str:
    return "(" + ",".join(_type(parameter) for parameter in parameters) + ")"


def _type(parameter: dict[str, Any]) -> str:
    kind: str = parameter["type"]
    return _types(parameter["components"]) + kind.removeprefix("tuple") if kind.startswith("tuple") else kind


def _name(text: str) -> bytes:
    return text.encode().ljust(32, b"\0")
