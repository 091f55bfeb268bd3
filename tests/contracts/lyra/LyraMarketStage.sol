// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {ILyraOptionMarket, ILyraOptionToken, LyraOptionType} from "../../../contracts/book/ILyra.sol";
import {
    ILyraBoards,
    ILyraExchange,
    ILyraGreekCache,
    ILyraLiquidityPool,
    ILyraPricer,
    ILyraShortCollateral,
    ILyraTradingMarket
} from "../../../contracts/venues/lyra/ILyraTrading.sol";
import {TokenDouble} from "../support/Tokens.sol";

/// @notice What the tests set on Lyra's own contracts, beside what our contracts ask of them.
interface ILyraSetters {
    struct MarketParameters {
        uint256 maxBoardExpiry;
        address securityModule;
        uint256 feePortionReserved;
        uint256 staticBaseSettlementFee;
    }

    struct PoolParameters {
        uint256 minDepositWithdraw;
        uint256 depositDelay;
        uint256 withdrawalDelay;
        uint256 withdrawalFee;
        uint256 liquidityCBThreshold;
        uint256 liquidityCBTimeout;
        uint256 ivVarianceCBThreshold;
        uint256 skewVarianceCBThreshold;
        uint256 ivVarianceCBTimeout;
        uint256 skewVarianceCBTimeout;
        address guardianMultisig;
        uint256 guardianDelay;
        uint256 boardSettlementCBTimeout;
        uint256 maxFeePaid;
    }

    struct HedgerParameters {
        uint256 interactionDelay;
        uint256 hedgeCap;
    }

    struct MinCollateralParameters {
        uint256 minStaticQuoteCollateral;
        uint256 minStaticBaseCollateral;
        uint256 shockVolA;
        uint256 shockVolPointA;
        uint256 shockVolB;
        uint256 shockVolPointB;
        uint256 callSpotPriceShock;
        uint256 putSpotPriceShock;
    }

    struct VarianceFeeParameters {
        uint256 defaultVarianceFeeCoefficient;
        uint256 forceCloseVarianceFeeCoefficient;
        uint256 skewAdjustmentCoefficient;
        uint256 referenceSkew;
        uint256 minimumStaticSkewAdjustment;
        uint256 vegaCoefficient;
        uint256 minimumStaticVega;
        uint256 ivVarianceCoefficient;
        uint256 minimumStaticIvVariance;
    }

    struct PartialCollateralParameters {
        uint256 penaltyRatio;
        uint256 liquidatorFeeRatio;
        uint256 smFeeRatio;
        uint256 minLiquidationFee;
    }

    function initialize() external;
    function init(address) external;
    function init(address, address) external;
    function init(address, address, address) external;
    function init(address, address, address, address) external;
    function init(address, address, address, address, address, address) external;
    function init(address, address, address, address, address, address, address, address) external;
    function setAddressResolver(address resolver) external;
    function updateSynthetixAddresses() external;
    function setAddresses(bytes32[] calldata names, address[] calldata places) external;
    function addBaseAsset(bytes32 key, address token, address market) external;
    function setFeeRateForExchange(bytes32 from, bytes32 to, uint256 rate) external;
    function setRateAndInvalid(bytes32 key, uint256 rate, bool isInvalid) external;
    function setGlobalsForContract(address user, bytes32 quote, bytes32 base, address reward, bytes32 tracking) external;
    function setMarketPaused(address market, bool isPaused) external;
    function setOptionMarketParams(MarketParameters calldata) external;
    function setLiquidityPoolParameters(PoolParameters calldata) external;
    function setPoolHedgerParams(HedgerParameters calldata) external;
    function setShortBuffer(uint256 buffer) external;
    function openShortAccount() external;
    function setGreekCacheParameters(ILyraGreekCache.GreekCacheParameters calldata) external;
    function setMinCollateralParameters(MinCollateralParameters calldata) external;
    function setForceCloseParameters(ILyraGreekCache.ForceCloseParameters calldata) external;
    function updateBoardCachedGreeks(uint256 boardId) external;
    function setPricingParams(ILyraPricer.PricingParameters calldata) external;
    function setTradeLimitParams(ILyraPricer.TradeLimitParameters calldata) external;
    function setVarianceFeeParams(VarianceFeeParameters calldata) external;
    function setPartialCollateralParams(PartialCollateralParameters calldata) external;
    function initiateDeposit(address beneficiary, uint256 units) external;
    function createOptionBoard(
        uint256 expiry,
        uint256 baseIv,
        uint256[] calldata strikes,
        uint256[] calldata skews,
        bool isFrozen
    ) external returns (uint256 boardId);
    function transferFrom(address from, address to, uint256 positionId) external;
    function ownerOf(uint256 positionId) external view returns (address);
}

/// @notice Lyra v1 ("Avalon") itself with one market and one board, created from the artifacts that `@lyrafinance/protocol`
///         publishes; its Synthetix side are the package's own test contracts. The test owns it and is its pool.
/// @dev Parameters are those of Lyra's deployment scripts for its tests.
abstract contract LyraMarketStage is Test {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant TENOR = 30 days;
    uint256 internal constant CUTOFF = 12 hours;
    int256 internal constant RATE = 0.05e18;
    string private constant ROOT = "node_modules/@lyrafinance/protocol/dist/artifacts/contracts/";
    bytes32 private constant USD = "sUSD";
    bytes32 private constant ETH = "sETH";

    address internal trader = makeAddr("trader");
    TokenDouble internal quoteToken;
    TokenDouble internal baseToken;
    ILyraTradingMarket internal market;
    ILyraOptionToken internal optionToken;
    ILyraPricer internal pricer;
    ILyraGreekCache internal cache;
    ILyraLiquidityPool internal pool;
    ILyraExchange internal exchange;
    ILyraShortCollateral internal shortCollateral;
    address internal hedger;
    ILyraSetters internal rates;
    uint256 internal board;
    uint256 internal expiry;
    uint256[] internal strikes;

    // --- what happens on it -------------------------------------------------------------------------------------------

    function _setSpot(uint256 price) internal {
        rates.setRateAndInvalid(ETH, price, false);
    }

    function _breakSpot() internal {
        rates.setRateAndInvalid(ETH, 1, true);
    }

    /// @dev The trader opens or enlarges a position at the strike of that place; returns its id.
    function _open(uint256 place, LyraOptionType kind, uint256 size, uint256 collateral) internal returns (uint256) {
        vm.prank(trader);
        return market.openPosition(_tradeInput(place, kind, size, 0, collateral)).positionId;
    }

    function _close(uint256 place, LyraOptionType kind, uint256 size, uint256 positionId) internal {
        vm.prank(trader);
        market.closePosition(_tradeInput(place, kind, size, positionId, 0));
    }

    function _settlePositions(uint256 positionId) internal {
        uint256[] memory ids = new uint256[](1);
        ids[0] = positionId;
        shortCollateral.settleOptions(ids);
    }

    function _tradeInput(uint256 place, LyraOptionType kind, uint256 size, uint256 positionId, uint256 collateral)
        internal
        view
        returns (ILyraTradingMarket.TradeInputParameters memory input)
    {
        (input.strikeId, input.positionId, input.iterations) = (strikes[place], positionId, 1);
        (input.optionType, input.amount, input.setCollateralTo) = (kind, size, collateral);
        input.maxTotalCost = type(uint256).max;
    }

    function _set(address of_) internal pure returns (ILyraSetters) {
        return ILyraSetters(of_);
    }

    // --- deployment ---------------------------------------------------------------------------------------------------

    /// @dev A market whose quote is `quote_`, with a board of three strikes around `spot`, apart from each other by `step`.
    function _openLyra(TokenDouble quote_, uint256 spot, uint256 step) internal {
        (quoteToken, baseToken) = (quote_, new TokenDouble(18));
        _create();
        _connectSynthetix();
        _initialize();
        _configurePool();
        _configurePricing();
        _setSpot(spot);
        _fund();
        expiry = vm.getBlockTimestamp() + TENOR;
        uint256[] memory prices = new uint256[](3);
        uint256[] memory skews = new uint256[](3);
        for (uint256 i = 0; i < 3; ++i) {
            (prices[i], skews[i]) = (spot + i * step - step, 0.9e18 + i * 0.1e18);
        }
        board = _addBoard(expiry, 1e18, prices, skews);
    }

    function _addBoard(uint256 expiry_, uint256 iv, uint256[] memory prices, uint256[] memory skews)
        internal
        returns (uint256 added)
    {
        added = _set(address(market)).createOptionBoard(expiry_, iv, prices, skews, false);
        uint256[] memory listed = ILyraBoards(address(market)).getBoardStrikes(added);
        for (uint256 i = 0; i < listed.length; ++i) {
            strikes.push(listed[i]);
        }
    }

    function _create() private {
        exchange = ILyraExchange(_new("SynthetixAdapter.sol/SynthetixAdapter.json", ""));
        rates = ILyraSetters(_new("test-helpers/TestExchangeRates.sol/TestExchangeRates.json", ""));
        market = ILyraTradingMarket(_new("OptionMarket.sol/OptionMarket.json", ""));
        pricer = ILyraPricer(_new("OptionMarketPricer.sol/OptionMarketPricer.json", ""));
        cache = ILyraGreekCache(_new("OptionGreekCache.sol/OptionGreekCache.json", ""));
        pool = ILyraLiquidityPool(_new("LiquidityPool.sol/LiquidityPool.json", ""));
        bytes memory names = abi.encode("sUSD/sETH Option Tokens", "LyraEOT");
        optionToken = ILyraOptionToken(_new("OptionToken.sol/OptionToken.json", names));
        shortCollateral = ILyraShortCollateral(_new("ShortCollateral.sol/ShortCollateral.json", ""));
        hedger = _new("ShortPoolHedger.sol/ShortPoolHedger.json", "");
    }

    function _connectSynthetix() private {
        address resolver = _new("test-helpers/TestAddressResolver.sol/TestAddressResolver.json", "");
        address[] memory places = new address[](5);
        places[0] = _new("test-helpers/TestSynthetixReturnZero.sol/TestSynthetixReturnZero.json", "");
        places[1] = _new("test-helpers/TestExchanger.sol/TestExchanger.json", "");
        places[2] = address(rates);
        places[3] = _new("test-helpers/TestCollateralShort.sol/TestCollateralShort.json", "");
        places[4] = _new("test-helpers/TestDelegateApprovals.sol/TestDelegateApprovals.json", "");
        bytes32[] memory names = new bytes32[](5);
        (names[0], names[1], names[2]) = ("ProxySynthetix", "Exchanger", "ExchangeRates");
        (names[3], names[4]) = ("CollateralShort", "DelegateApprovals");
        ILyraSetters adapter = _set(address(exchange));
        adapter.initialize();
        _set(places[0]).init(address(exchange), address(quoteToken), resolver);
        _set(places[3]).init(address(exchange), address(quoteToken));
        _set(resolver).setAddresses(names, places);
        adapter.setAddressResolver(resolver);
        adapter.updateSynthetixAddresses();
        _set(places[0]).addBaseAsset(ETH, address(baseToken), address(market));
        _set(places[3]).addBaseAsset(ETH, address(baseToken), address(market));
        _set(places[1]).setFeeRateForExchange(ETH, USD, 0.0075e18);
        _set(places[1]).setFeeRateForExchange(USD, ETH, 0.005e18);
    }

    function _initialize() private {
        (address m, address a, address c) = (address(market), address(exchange), address(cache));
        (address s, address t, address p) = (address(shortCollateral), address(optionToken), address(pool));
        (address q, address b) = (address(quoteToken), address(baseToken));
        address shares = _new("LiquidityToken.sol/LiquidityToken.json", abi.encode("sUSD/sETH Pool Tokens", "LyraELPT"));
        _set(m).init(a, p, address(pricer), c, s, t, q, b);
        _set(address(pricer)).init(m, c);
        _set(c).init(a, m, address(pricer));
        _set(p).init(a, m, shares, c, hedger, s, q, b);
        _set(shares).init(p);
        _set(hedger).init(a, m, c, p, q, b);
        _set(s).init(m, p, t, a, q, b);
        _set(t).init(m, c, s, a);
        _set(a).setGlobalsForContract(m, USD, ETH, makeAddr("security module"), "");
    }

    function _configurePool() private {
        _set(address(market))
            .setOptionMarketParams(
                ILyraSetters.MarketParameters(360 days, makeAddr("security module"), 0.1e18, 0.0075e18)
            );
        _set(address(pool))
            .setLiquidityPoolParameters(
                ILyraSetters.PoolParameters({
                minDepositWithdraw: 1e18,
                depositDelay: 1 weeks,
                withdrawalDelay: 1 weeks,
                withdrawalFee: 0.01e18,
                liquidityCBThreshold: 0.01e18,
                liquidityCBTimeout: 3 days,
                ivVarianceCBThreshold: 0.1e18,
                skewVarianceCBThreshold: 0.35e18,
                ivVarianceCBTimeout: 12 hours,
                skewVarianceCBTimeout: 12 hours,
                guardianMultisig: address(0),
                guardianDelay: 2 weeks,
                boardSettlementCBTimeout: 6 hours,
                maxFeePaid: 0.01e18
            })
            );
        _configureCaches();
        _set(hedger).setPoolHedgerParams(ILyraSetters.HedgerParameters(24 hours, type(uint256).max));
        _set(hedger).setShortBuffer(2e18);
        _set(address(optionToken))
            .setPartialCollateralParams(ILyraSetters.PartialCollateralParameters(0.2e18, 0.4e18, 0.3e18, 15e18));
    }

    function _configureCaches() private {
        ILyraSetters caches = _set(address(cache));
        caches.setMinCollateralParameters(
            ILyraSetters.MinCollateralParameters(200e18, 0.2e18, 2.5e18, 2 weeks, 1.8e18, 8 weeks, 1.2e18, 0.8e18)
        );
        caches.setGreekCacheParameters(
            ILyraGreekCache.GreekCacheParameters(
                30, 0.05e18, 3 hours, 1 days, 3 days, 1 days, 3 days, 0.5e18, 2e18, RATE
            )
        );
        caches.setForceCloseParameters(
            ILyraGreekCache.ForceCloseParameters(
                12 hours, 24 hours, 1.2e18, 1.4e18, 0.8e18, 0.5e18, 1.3e18, 1.6e18, 0.01e18, 0.02e18
            )
        );
    }

    function _configurePricing() private {
        ILyraSetters prices = _set(address(pricer));
        prices.setPricingParams(_pricing());
        prices.setTradeLimitParams(
            ILyraPricer.TradeLimitParameters({
                minDelta: 0.15e18,
                minForceCloseDelta: 0.25e18,
                tradingCutoff: CUTOFF,
                minBaseIV: 0.35e18,
                maxBaseIV: 2e18,
                minSkew: 0.5e18,
                maxSkew: 1.5e18,
                minVol: 0.55e18,
                maxVol: 3e18,
                absMinSkew: 0.15e18,
                absMaxSkew: 5e18,
                capSkewsToAbs: false
            })
        );
        prices.setVarianceFeeParams(
            ILyraSetters.VarianceFeeParameters(0.25e18, 0.25e18, 3e18, 1e18, 1e18, 0.01e18, 0, 1.5e18, 1e18)
        );
    }

    function _pricing() internal pure returns (ILyraPricer.PricingParameters memory) {
        return
            ILyraPricer.PricingParameters(0.01e18, 6 weeks, 16 weeks, 0.01e18, 6 weeks, 12 weeks, 100e18, 5e18, 0.75e18);
    }

    /// @dev The same of trades that leave volatility where it is.
    function _pricingWithoutMoves() internal pure returns (ILyraPricer.PricingParameters memory parameters) {
        parameters = _pricing();
        parameters.standardSize = type(uint128).max;
    }

    /// @dev Pool and trader have what they need.
    function _fund() private {
        quoteToken.mint(address(this), 1_000_000e18);
        quoteToken.approve(address(pool), type(uint256).max);
        _set(address(pool)).initiateDeposit(address(this), 500_000e18);
        quoteToken.mint(trader, 1_000_000e18);
        baseToken.mint(trader, 1000e18);
        vm.startPrank(trader);
        quoteToken.approve(address(market), type(uint256).max);
        baseToken.approve(address(market), type(uint256).max);
        vm.stopPrank();
        _set(hedger).openShortAccount();
    }

    function _new(string memory path, bytes memory arguments) private returns (address created) {
        string memory code = vm.parseJsonString(vm.readFile(string.concat(ROOT, path)), ".bytecode");
        if (_isSame(path, "OptionGreekCache.sol/OptionGreekCache.json")) {
            code = _linked(code, "BlackScholes");
            code = _linked(code, "GWAV");
        }
        bytes memory creation = abi.encodePacked(vm.parseBytes(code), arguments);
        assembly {
            created := create(0, add(creation, 0x20), mload(creation))
        }
        require(created != address(0), path);
    }

    /// @dev The compiler leaves `__$` and 34 digits of the hash of a library's full name where its address belongs.
    function _linked(string memory code, string memory name) private returns (string memory) {
        string memory full = string.concat("contracts/libraries/", name, ".sol:", name);
        bytes memory digits = bytes(vm.toString(keccak256(bytes(full))));
        bytes memory place = new bytes(34);
        for (uint256 i = 0; i < 34; ++i) {
            place[i] = digits[i + 2];
        }
        address library_ = _new(string.concat("libraries/", name, ".sol/", name, ".json"), "");
        string memory hexadecimal = vm.replace(vm.toString(library_), "0x", "");
        return vm.replace(code, string.concat("__$", string(place), "$__"), hexadecimal);
    }

    function _isSame(string memory left, string memory right) private pure returns (bool) {
        return keccak256(bytes(left)) == keccak256(bytes(right));
    }
}
