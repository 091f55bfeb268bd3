// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {GmxV2Keys} from "./GmxV2Keys.sol";
import {GmxV2Prices} from "./GmxV2Prices.sol";
import {IGmxReader} from "./IGmxV2.sol";

/// @title What an account has in one market of GMX v2.2, and what it is worth
/// @notice Trust. Size, collateral and orders are read from GMX's DataStore; profit and fees from the newest Reader that gives
///         the size that the DataStore has. Where none does it reverts `NoReaderAnswers`: what is missing is not taken for 0.
///
///         Known limits. Long tokens, and price impact stored in index tokens, move with the price though the size does not
///         hold them; both are small beside a position. What closing costs is in `GmxV2Market.quote` alone. Delayed collateral
///         counts whole, less GMX's reduction, from the moment that GMX notes it.
abstract contract GmxV2Positions is GmxV2Prices {
    using SafeCast for uint256;

    /// @notice What GMX has of one side of an account: USD of entry (1e30), index tokens, asset units.
    struct Side {
        uint256 sizeInUsd;
        uint256 sizeInTokens;
        uint256 collateral;
    }

    /// @dev What the Reader says of a position, WAD USD.
    struct Sheet {
        int256 collateral;
        int256 profit;
        int256 storedImpact;
        int256 owedFees;
        int256 claimable;
    }

    // Words of `PositionInfo`.
    uint256 private constant INFO_WORDS = 66;
    uint256 private constant AT_SIZE_IN_USD = 4;
    uint256 private constant AT_COLLATERAL = 6;
    uint256 private constant AT_FUNDING_FEE = 28;
    uint256 private constant AT_CLAIMABLE_LONG = 29;
    uint256 private constant AT_CLAIMABLE_SHORT = 30;
    uint256 private constant AT_BORROWING_FEE = 35;
    uint256 private constant AT_STORED_IMPACT = 60;
    uint256 private constant AT_PROFIT = 63;

    error NoReaderAnswers(bytes32 positionKey);

    /// @notice Size of an account, underlying units, by the DataStore.
    function sizeOf(address account) public view returns (int256) {
        return toSize(_tokens(account, true)) - toSize(_tokens(account, false));
    }

    /// @notice One side of an account, by the DataStore.
    function sideOf(address account, bool isLong) public view returns (Side memory side) {
        bytes32 key = GmxV2Keys.position(account, market, collateral, isLong);
        side.sizeInUsd = _uint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_USD));
        side.sizeInTokens = _uint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_TOKENS));
        side.collateral = _uint(GmxV2Keys.ofEntry(key, GmxV2Keys.COLLATERAL_AMOUNT));
    }

    /// @notice What an account is worth: positions, what can be claimed now or later, cash and ether, WAD USD; with its size
    ///         and the price that this is taken at.
    /// @param timeKeys Hours whose delayed collateral counts, beside this one and the last.
    /// @param cash Collateral that it holds or has on its way, asset units.
    /// @param wei_ Ether, the same.
    function valueOf(address account, uint256[] calldata timeKeys, uint256 cash, uint256 wei_)
        external
        view
        returns (int256 held, int256 total, uint256 price)
    {
        uint256 gmxPrice = _gmxPrice(indexToken);
        (held, price) = (sizeOf(account), _toWad(gmxPrice));
        for (uint256 side = 0; side < 2; ++side) {
            Sheet memory sheet = _sheet(account, side == 0, gmxPrice);
            total += sheet.collateral + sheet.profit + sheet.storedImpact + sheet.claimable - sheet.owedFees;
        }
        total += _claimableUsd(account, timeKeys) + toUsd(cash) + etherUsd(wei_).toInt256();
    }

    /// @notice What `IPerpVenue.position` says.
    /// @param cash Collateral that it holds or has on its way, asset units.
    function positionOf(address account, uint256 cash) external view returns (IPerpVenue.Position memory current) {
        uint256 gmxPrice = _gmxPrice(indexToken);
        (current.size, current.margin) = (sizeOf(account), toUsd(cash));
        Side memory held = sideOf(account, current.size > 0);
        if (held.sizeInTokens != 0) current.entryPrice = _toWad(held.sizeInUsd / held.sizeInTokens);
        for (uint256 side = 0; side < 2; ++side) {
            Sheet memory sheet = _sheet(account, side == 0, gmxPrice);
            current.margin += sheet.collateral;
            current.unrealisedPnl += sheet.profit + sheet.storedImpact;
            current.fundingAccrued += sheet.claimable - sheet.owedFees;
        }
    }

    /// @notice Borrowing and funding fees that a position owes, WAD USD.
    function owedFees(address account, bool isLong) external view returns (int256) {
        return _sheet(account, isLong, _gmxPrice(indexToken)).owedFees;
    }

    /// @notice Delayed collateral of an hour, less what GMX cuts off and what is claimed, token units.
    function owedOf(address account, address token, uint256 timeKey) public view returns (uint256) {
        uint256 whole = _uint(GmxV2Keys.claimableCollateral(market, token, timeKey, account));
        if (whole == 0) return 0;
        uint256 cut = _uint(GmxV2Keys.collateralReduction(market, token, timeKey, account));
        uint256 claimed = _uint(GmxV2Keys.claimedCollateral(market, token, timeKey, account));
        return Math.saturatingSub(Math.mulDiv(whole, Math.saturatingSub(FLOAT, cut), FLOAT), claimed);
    }

    /// @notice Present hour as GMX counts it, for delayed collateral.
    function hour() public view returns (uint256) {
        return block.timestamp / Math.max(_uint(GmxV2Keys.TIME_DIVISOR), 1);
    }

    /// @notice Whether GMX has an order of that key.
    function isListed(bytes32 key) external view returns (bool) {
        return key != 0 && dataStore.containsBytes32(GmxV2Keys.ORDER_LIST, key);
    }

    /// @notice Whether GMX has frozen it.
    function isFrozen(bytes32 key) external view returns (bool) {
        return dataStore.getBool(GmxV2Keys.ofEntry(key, GmxV2Keys.IS_FROZEN));
    }

    /// @notice Seconds until GMX lets go of an order.
    function expirationTime() external view returns (uint256) {
        return _uint(GmxV2Keys.REQUEST_EXPIRATION_TIME);
    }

    // --- for the deriving contract --------------------------------------------------------------------------------

    function _tokens(address account, bool isLong) internal view returns (uint256) {
        bytes32 key = GmxV2Keys.position(account, market, collateral, isLong);
        return _uint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_TOKENS));
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev What the Reader says of the position of one side; nothing where there is none.
    function _sheet(address account, bool isLong, uint256 gmxPrice) private view returns (Sheet memory sheet) {
        bytes32 key = GmxV2Keys.position(account, market, collateral, isLong);
        uint256 sizeInUsd = _uint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_USD));
        if (sizeInUsd == 0) return sheet;
        IGmxReader.MarketPrices memory prices = _pricesAt(gmxPrice);
        bytes memory question = abi.encodeCall(
            IGmxReader.getPositionInfo, (address(dataStore), _referralStorage(), key, prices, 0, address(0), true)
        );
        bytes memory answer = _askReader(question, INFO_WORDS, AT_SIZE_IN_USD, sizeInUsd);
        if (answer.length == 0) revert NoReaderAnswers(key);
        sheet.collateral = toUsd(_word(answer, AT_COLLATERAL));
        sheet.profit = _floor(int256(_word(answer, AT_PROFIT)));
        sheet.storedImpact = _floor(int256(_word(answer, AT_STORED_IMPACT)));
        sheet.owedFees = toUsd(_word(answer, AT_BORROWING_FEE) + _word(answer, AT_FUNDING_FEE));
        sheet.claimable = toUsd(_word(answer, AT_CLAIMABLE_SHORT))
            + Math.mulDiv(_word(answer, AT_CLAIMABLE_LONG), prices.longTokenPrice.min, TO_WAD).toInt256();
    }

    /// @dev Funding and delayed collateral that an account may claim, and long tokens that it holds.
    function _claimableUsd(address account, uint256[] calldata timeKeys) private view returns (int256) {
        uint256 longTokens =
            IERC20(longToken).balanceOf(account) + _uint(GmxV2Keys.claimableFunding(market, longToken, account));
        uint256 assets = _uint(GmxV2Keys.claimableFunding(market, collateral, account));
        uint256 now_ = hour();
        (bool hasThis, bool hasLast) = (false, now_ == 0);
        for (uint256 i = 0; i < timeKeys.length; ++i) {
            if (timeKeys[i] == now_) hasThis = true;
            if (timeKeys[i] + 1 == now_) hasLast = true;
            assets += owedOf(account, collateral, timeKeys[i]);
            longTokens += owedOf(account, longToken, timeKeys[i]);
        }
        if (!hasThis) assets += owedOf(account, collateral, now_);
        if (!hasThis) longTokens += owedOf(account, longToken, now_);
        if (!hasLast) assets += owedOf(account, collateral, now_ - 1);
        if (!hasLast) longTokens += owedOf(account, longToken, now_ - 1);
        int256 total = toUsd(assets);
        if (longTokens == 0) return total;
        return total + Math.mulDiv(longTokens, _gmxPrice(longToken), TO_WAD).toInt256();
    }
}
