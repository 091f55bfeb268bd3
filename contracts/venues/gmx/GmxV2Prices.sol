// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAggregatorV3} from "../../interfaces/IAggregatorV3.sol";
import {IVaultAccess} from "../../interfaces/IVaultAccess.sol";
import {GmxV2Keys} from "./GmxV2Keys.sol";
import {GmxV2Releases} from "./GmxV2Releases.sol";
import {IGmxDataStore, IGmxReader} from "./IGmxV2.sol";

/// @title Tokens, prices and units of one market of GMX v2.2
/// @notice Purpose. What GMX's numbers are in WAD, underlying units and USD, at the prices that GMX's own feeds give.
///
///         Price. GMX executes at prices that are not on chain before. Mark and index are those of the feed that GMX itself
///         refers to (`PRICE_FEED`); the vault's oracle judges them.
///
///         Rounding. What is counted in favour of the account goes down, what against it up.
///
///         Known limits. The collateral counts at 1 USD.
abstract contract GmxV2Prices is GmxV2Releases {
    using SafeCast for uint256;

    uint256 internal constant FLOAT = 1e30; // GMX's USD and factors
    uint256 internal constant TO_WAD = 1e12;

    /// @notice Token of the pool that shorts are paid from, and margin is in.
    address public immutable collateral;

    /// @notice Token of the pool that longs are paid from.
    address public immutable longToken;

    /// @notice Token that is traded; GMX knows some by an address without a contract.
    address public immutable indexToken;

    /// @notice Wrapped native token.
    address public immutable wnt;

    /// @notice Asset units of 1 USD.
    uint256 public immutable collateralUnit;

    /// @notice Index tokens of one underlying unit.
    uint256 public immutable indexUnit;

    error PriceMissing(address token);
    error WrongMarket(address market, address collateral);

    /// @param router_ GMX's Router, which outlives releases.
    /// @param market_ Market token; the vault's asset is its short token.
    /// @param indexDecimals Decimals that GMX counts the index token in.
    /// @param release The first release.
    constructor(
        IVaultAccess access_,
        IGmxDataStore dataStore_,
        address router_,
        address market_,
        uint8 indexDecimals,
        Release memory release,
        Limits memory limits_
    ) GmxV2Releases(access_, dataStore_, router_, market_, release, limits_) {
        IGmxReader.Market memory m = IGmxReader(release.reader).getMarket(address(dataStore_), market_);
        if (m.longToken == m.shortToken) revert WrongMarket(market_, m.shortToken);
        (indexToken, longToken, collateral) = (m.indexToken, m.longToken, m.shortToken);
        wnt = dataStore_.getAddress(GmxV2Keys.WNT);
        indexUnit = 10 ** indexDecimals;
        collateralUnit = 10 ** IERC20Metadata(m.shortToken).decimals();
    }

    /// @notice Price of GMX's feed, WAD USD.
    function markPrice() public view returns (uint256) {
        return _toWad(_gmxPrice(indexToken));
    }

    /// @notice Index tokens to underlying units.
    function toSize(uint256 tokens) public view returns (int256) {
        return Math.mulDiv(tokens, 1e18, indexUnit).toInt256();
    }

    /// @notice Asset units to WAD USD.
    function toUsd(uint256 assets) public view returns (int256) {
        return Math.mulDiv(assets, 1e18, collateralUnit).toInt256();
    }

    /// @notice Wei to WAD USD.
    function etherUsd(uint256 wei_) public view returns (uint256) {
        return wei_ == 0 ? 0 : Math.mulDiv(wei_, _gmxPrice(wnt), TO_WAD);
    }

    // --- for the deriving contract --------------------------------------------------------------------------------

    /// @dev Price of GMX's feed, as GMX writes prices.
    function _gmxPrice(address token) internal view returns (uint256 price) {
        address feed = dataStore.getAddress(GmxV2Keys.priceFeed(token));
        if (feed == address(0)) revert PriceMissing(token);
        (, int256 answer,,,) = IAggregatorV3(feed).latestRoundData();
        uint256 multiplier = _uint(GmxV2Keys.priceFeedMultiplier(token));
        if (answer > 0) price = Math.mulDiv(uint256(answer), multiplier, FLOAT);
        if (price == 0) revert PriceMissing(token);
    }

    function _pricesAt(uint256 gmxPrice) internal view returns (IGmxReader.MarketPrices memory prices) {
        uint256 long = longToken == indexToken ? gmxPrice : _gmxPrice(longToken);
        uint256 short = _gmxPrice(collateral);
        prices.indexTokenPrice = IGmxReader.Price(gmxPrice, gmxPrice);
        prices.longTokenPrice = IGmxReader.Price(long, long);
        prices.shortTokenPrice = IGmxReader.Price(short, short);
    }

    function _toWad(uint256 gmxPrice) internal view returns (uint256) {
        return gmxPrice * indexUnit / TO_WAD;
    }

    /// @dev 1e30 to WAD, down.
    function _floor(int256 gmxUsd) internal pure returns (int256 usd) {
        usd = gmxUsd / int256(TO_WAD);
        if (gmxUsd % int256(TO_WAD) < 0) --usd;
    }
}
