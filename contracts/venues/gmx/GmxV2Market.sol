// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IAggregatorV3} from "../../interfaces/IAggregatorV3.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {IVaultAccess} from "../../interfaces/IVaultAccess.sol";
import {GmxV2Keys} from "./GmxV2Keys.sol";
import {GmxV2Releases} from "./GmxV2Releases.sol";
import {IGmxDataStore, IGmxReader} from "./IGmxV2.sol";

/// @title One market of GMX v2.2, and what an account there is worth
/// @notice Purpose. Reads GMX for the adapters of one vault: positions, what they are worth, and what a trade costs. It keeps
///         no funds and no orders; `GmxV2Venue` does.
///
///         Trust. Size, collateral and orders are read from GMX's DataStore; profit and fees from the newest Reader that gives
///         the size that the DataStore has. Where none does it reverts `NoReaderAnswers`: what is missing is not taken for 0.
///
///         Price. GMX executes at prices that are not on chain before. Mark and index are those of the feed that GMX itself
///         refers to (`PRICE_FEED`); the vault's oracle judges them.
///
///         Rounding. What is counted in favour of the account goes down, what against it up.
///
///         Known limits. The collateral counts at 1 USD. Long tokens, and price impact stored in index tokens, move with the
///         price though the size does not hold them; both are small beside a position. What closing costs is in `quote` alone.
///         Delayed collateral counts whole, less GMX's reduction, from the moment that GMX notes it.
contract GmxV2Market is GmxV2Releases {
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @notice What GMX has of one side of an account: USD of entry (1e30), index tokens, asset units.
    struct Side {
        uint256 sizeInUsd;
        uint256 sizeInTokens;
        uint256 collateral;
    }

    /// @notice What of a trade closes and what opens, in GMX's numbers.
    /// @param closed The side that is closed, before.
    /// @param opened The side that is opened, before.
    /// @param owedFees Borrowing and funding fees that the close will settle, WAD USD.
    /// @param released Margin that a close of a part takes out, asset units: the part's own, less its loss and what is owed, so
    ///        that what stays has as much for its size as before.
    struct Plan {
        uint256 closeTokens;
        uint256 closeUsd;
        uint256 openUsd;
        uint256 margin;
        int256 owedFees;
        uint256 released;
        Side closed;
        Side opened;
    }

    /// @dev What the Reader says of a position, WAD USD.
    struct Sheet {
        int256 collateral;
        int256 profit;
        int256 storedImpact;
        int256 owedFees;
        int256 claimable;
    }

    uint256 private constant FLOAT = 1e30; // GMX's USD and factors
    uint256 private constant TO_WAD = 1e12;
    uint256 private constant ORACLE_PRICES = 3; // of an order without a swap path
    uint256 private constant RESULT_WORDS = 6; // of `ExecutionPriceResult`

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

    error NoReaderAnswers(bytes32 positionKey);
    error PriceMissing(address token);
    error WrongMarket(address market, address collateral);
    error MarginTooLow(uint256 held, uint256 needed);
    error ExecutionFeeTooHigh(uint256 executionFee, uint256 limit);

    /// @param access_ The vault's roles.
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
    ) GmxV2Releases(access_, dataStore_, router_, market_) {
        _addRelease(release);
        _setLimits(limits_);
        IGmxReader.Market memory m = IGmxReader(release.reader).getMarket(address(dataStore_), market_);
        if (m.longToken == m.shortToken) revert WrongMarket(market_, m.shortToken);
        (indexToken, longToken, collateral) = (m.indexToken, m.longToken, m.shortToken);
        wnt = dataStore_.getAddress(GmxV2Keys.WNT);
        indexUnit = 10 ** indexDecimals;
        collateralUnit = 10 ** IERC20Metadata(m.shortToken).decimals();
    }

    // --- an account -----------------------------------------------------------------------------------------------

    /// @notice Size of an account, underlying units, by the DataStore.
    function sizeOf(address account) public view returns (int256) {
        return toSize(_tokens(account, true)) - toSize(_tokens(account, false));
    }

    /// @notice One side of an account, by the DataStore.
    function sideOf(address account, bool isLong) public view returns (Side memory side) {
        bytes32 key = GmxV2Keys.position(account, market, collateral, isLong);
        side.sizeInUsd = dataStore.getUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_USD));
        side.sizeInTokens = dataStore.getUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_TOKENS));
        side.collateral = dataStore.getUint(GmxV2Keys.ofEntry(key, GmxV2Keys.COLLATERAL_AMOUNT));
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
        uint256 whole = dataStore.getUint(GmxV2Keys.claimableCollateral(market, token, timeKey, account));
        if (whole == 0) return 0;
        uint256 cut = dataStore.getUint(GmxV2Keys.collateralReduction(market, token, timeKey, account));
        uint256 claimed = dataStore.getUint(GmxV2Keys.claimedCollateral(market, token, timeKey, account));
        return Math.saturatingSub(Math.mulDiv(whole, Math.saturatingSub(FLOAT, cut), FLOAT), claimed);
    }

    /// @notice Present hour as GMX counts it, for delayed collateral.
    function hour() public view returns (uint256) {
        return block.timestamp / Math.max(dataStore.getUint(GmxV2Keys.TIME_DIVISOR), 1);
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
        return dataStore.getUint(GmxV2Keys.REQUEST_EXPIRATION_TIME);
    }

    // --- the market -----------------------------------------------------------------------------------------------

    /// @notice Price of GMX's feed, WAD USD.
    function markPrice() public view returns (uint256) {
        return _toWad(_gmxPrice(indexToken));
    }

    /// @notice Funding as GMX last saved it, WAD of notional a day.
    function fundingRate() external view returns (int256 perDay) {
        return dataStore.getInt(GmxV2Keys.savedFunding(market)) * 1 days / int256(TO_WAD);
    }

    /// @notice Most funding of the larger side, WAD of notional a day.
    function maxFundingRate() external view returns (uint256 perDay) {
        return Math.ceilDiv(dataStore.getUint(GmxV2Keys.maxFunding(market)) * 1 days, TO_WAD);
    }

    /// @notice Ratio of notional below which GMX liquidates, WAD.
    function liquidationFactor() external view returns (uint256) {
        return Math.ceilDiv(dataStore.getUint(GmxV2Keys.liquidationFactor(market)), TO_WAD);
    }

    /// @notice What GMX's open interest leaves on a side, and what the other side's position can give up.
    function capacity(address account, bool isLong) public view returns (uint256 maxSize) {
        uint256 limit = dataStore.getUint(GmxV2Keys.maxOpenInterest(market, isLong));
        uint256 used = dataStore.getUint(GmxV2Keys.openInterest(market, collateral, isLong))
            + dataStore.getUint(GmxV2Keys.openInterest(market, longToken, isLong));
        maxSize = uint256(toSize(Math.saturatingSub(limit, used) / _gmxPrice(indexToken)));
        maxSize += uint256(toSize(_tokens(account, !isLong)));
    }

    /// @notice What `IPerpVenue.quote` says: the feed's price with the impact of the trade, which GMX stores where it opens and
    ///         settles where it closes; the fee with the ether for it. The price is rounded against the account.
    function quote(address account, int256 sizeDelta) external view returns (uint256 price, uint256 fee) {
        bool isPurchase = sizeDelta > 0;
        uint256 asked = SignedMath.abs(sizeDelta);
        if (asked > capacity(account, isPurchase)) revert IPerpVenue.SizeBeyondLiquidity(sizeDelta);
        Plan memory p = _sizes(account, sizeDelta);
        int256 impact = 0; // 1e30 USD
        if (p.closeTokens != 0) (impact, fee) = _closeCost(account, !isPurchase, p);
        if (p.openUsd != 0) {
            bytes memory answer = _askExecution(isPurchase, p.openUsd.toInt256(), 0, p.opened);
            impact += int256(_word(answer, 0));
            fee += _fee(p.openUsd, _feeFactor(_word(answer, 2) != 0));
        }
        int256 perUnit = impact * int256(1e18 / TO_WAD) / asked.toInt256();
        int256 worst = isPurchase ? markPrice().toInt256() + 1 - perUnit : markPrice().toInt256() - 1 + perUnit;
        price = uint256(SignedMath.max(worst, 0));
        fee += etherUsd(_executionFees(p.closeTokens != 0, p.openUsd != 0));
    }

    // --- a trade --------------------------------------------------------------------------------------------------

    /// @notice What of a trade closes and what opens. `ZeroSize` where a part of it is nothing in GMX's numbers, and
    ///         `MarginTooLow` where the cash does not carry what is opened.
    function plan(address account, int256 sizeDelta) external view returns (Plan memory p) {
        p = _sizes(account, sizeDelta);
        bool isPurchase = sizeDelta > 0;
        if ((p.closeTokens == 0) != (p.closeUsd == 0) || p.closeUsd + p.openUsd == 0) revert IPerpVenue.ZeroSize();
        if (p.openUsd != 0) {
            if (SignedMath.abs(sizeDelta) > capacity(account, isPurchase)) {
                revert IPerpVenue.SizeBeyondLiquidity(sizeDelta);
            }
            p.margin = _marginOf(account, p.openUsd);
        }
        if (p.closeUsd == 0) return p;
        // Where no Reader tells, they show in the price of the close.
        try this.owedFees(account, !isPurchase) returns (int256 owed) {
            p.owedFees = owed;
        } catch {
            p.owedFees = 0;
        }
        uint256 unburdened = Math.saturatingSub(p.closed.collateral, _burden(p, !isPurchase));
        p.released = Math.mulDiv(unburdened, p.closeTokens, p.closed.sizeInTokens);
    }

    /// @notice The limit as GMX writes prices, never worse than it; of a close looser by the impact beyond GMX's cap, which
    ///         comes back later.
    function acceptablePrice(uint256 limitPrice, bool isPurchase, bool isClose, Plan calldata p)
        external
        view
        returns (uint256 acceptable)
    {
        if (limitPrice > type(uint128).max) return type(uint256).max;
        acceptable = Math.mulDiv(limitPrice, TO_WAD, indexUnit, isPurchase ? Math.Rounding.Floor : Math.Rounding.Ceil);
        if (!isClose) return acceptable;
        try this.askExecution(!isPurchase, -p.closeUsd.toInt256(), 0, p.closed) returns (bytes memory answer) {
            uint256 beyond = Math.ceilDiv(_word(answer, 5), p.closeTokens);
            return isPurchase ? acceptable + beyond : Math.saturatingSub(acceptable, beyond);
        } catch {
            return acceptable;
        }
    }

    /// @notice Ether that GMX wants for an order at the gas price of this transaction, wei.
    function executionFee(bool isIncrease) public view returns (uint256) {
        uint256 gas_ = dataStore.getUint(
            isIncrease ? GmxV2Keys.INCREASE_ORDER_GAS_LIMIT : GmxV2Keys.DECREASE_ORDER_GAS_LIMIT
        ) + limits().callbackGas;
        // A close swaps its profit into the collateral.
        if (!isIncrease) gas_ += dataStore.getUint(GmxV2Keys.SINGLE_SWAP_GAS_LIMIT);
        uint256 base = dataStore.getUint(GmxV2Keys.FEE_BASE_AMOUNT) + dataStore.getUint(GmxV2Keys.FEE_PER_ORACLE_PRICE)
            * ORACLE_PRICES;
        return (base + Math.mulDiv(gas_, dataStore.getUint(GmxV2Keys.FEE_MULTIPLIER), FLOAT)) * tx.gasprice;
    }

    /// @notice Ether for each of GMX's orders of a trade that closes, opens or does both: the same for both, wei.
    ///         `ExecutionFeeTooHigh` beyond the governed limit.
    function checkedExecutionFee(bool closes, bool opens) external view returns (uint256 fee) {
        fee = _executionFee(closes, opens);
        uint256 limit = limits().maxExecutionFeeWei;
        if (fee > limit) revert ExecutionFeeTooHigh(fee, limit);
    }

    /// @notice Position fee at the factor of the worse side, WAD USD, up.
    function highestFee(uint256 gmxUsd) external view returns (uint256) {
        return _fee(gmxUsd, _highestFactor());
    }

    /// @notice The newest release that takes orders of a type; `NoUsableRelease` where none does.
    function usable(uint256 orderType) external view returns (Release memory) {
        return _usable(orderType);
    }

    // --- units ----------------------------------------------------------------------------------------------------

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

    /// @notice For this contract alone: `getExecutionPrice` of the newest Reader that answers.
    function askExecution(bool isLong, int256 usdDelta, int256 stored, Side calldata side)
        external
        view
        returns (bytes memory)
    {
        return _askExecution(isLong, usdDelta, stored, side);
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _tokens(address account, bool isLong) private view returns (uint256) {
        bytes32 key = GmxV2Keys.position(account, market, collateral, isLong);
        return dataStore.getUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_TOKENS));
    }

    /// @dev GMX's sizes of a trade. A long gives up tokens rounded up, a short down, as GMX does.
    function _sizes(address account, int256 sizeDelta) private view returns (Plan memory p) {
        bool isPurchase = sizeDelta > 0;
        (p.closed, p.opened) = (sideOf(account, !isPurchase), sideOf(account, isPurchase));
        uint256 asked = Math.mulDiv(SignedMath.abs(sizeDelta), indexUnit, 1e18);
        uint256 held = p.closed.sizeInTokens;
        p.closeTokens = Math.min(asked, held);
        if (p.closeTokens == held) p.closeUsd = p.closed.sizeInUsd;
        else p.closeUsd = Math.mulDiv(p.closed.sizeInUsd, p.closeTokens, held, _closeRounding(isPurchase));
        p.openUsd = (asked - p.closeTokens) * _gmxPrice(indexToken);
    }

    function _closeRounding(bool isPurchase) private pure returns (Math.Rounding) {
        return isPurchase ? Math.Rounding.Ceil : Math.Rounding.Floor;
    }

    /// @dev Margin for what is opened, up; no more than there is, and no less than GMX asks for.
    function _marginOf(address account, uint256 usd) private view returns (uint256 margin) {
        uint256 perAsset = FLOAT / collateralUnit;
        uint256 held = IERC20(collateral).balanceOf(account);
        margin = Math.min(Math.mulDiv(usd, limits().marginFactor, 1e18 * perAsset, Math.Rounding.Ceil), held);
        uint256 factor = dataStore.getUint(GmxV2Keys.minCollateralFactor(market)) + _highestFactor();
        uint256 needed = Math.mulDiv(usd, factor, FLOAT * perAsset, Math.Rounding.Ceil);
        if (margin < needed) revert MarginTooLow(held, needed);
    }

    /// @dev Impact of a close itself, USD (1e30), and its position fee: what was stored before is in the equity already.
    function _closeCost(address account, bool isLong, Plan memory p) private view returns (int256 impact, uint256 fee) {
        bytes32 key = GmxV2Keys.position(account, market, collateral, isLong);
        int256 stored = dataStore.getInt(GmxV2Keys.ofEntry(key, GmxV2Keys.PENDING_IMPACT_AMOUNT));
        bytes memory answer = _askExecution(isLong, -p.closeUsd.toInt256(), stored, p.closed);
        fee = _fee(p.closeUsd, _feeFactor(_word(answer, 2) != 0));
        impact = int256(_word(answer, 4)) - int256(_word(answer, 3)); // total less the part that was stored
    }

    /// @dev Loss of the whole position at the price of the feed, and the fees that it owes, asset units, up.
    function _burden(Plan memory p, bool isLong) private view returns (uint256) {
        (uint256 entry, uint256 value) = (p.closed.sizeInUsd, p.closed.sizeInTokens * _gmxPrice(indexToken));
        uint256 loss = isLong ? Math.saturatingSub(entry, value) : Math.saturatingSub(value, entry);
        return Math.ceilDiv(loss + p.owedFees.toUint256() * TO_WAD, FLOAT / collateralUnit);
    }

    function _executionFee(bool closes, bool opens) private view returns (uint256) {
        return Math.max(closes ? executionFee(false) : 0, opens ? executionFee(true) : 0);
    }

    /// @dev Of all orders of a trade.
    function _executionFees(bool closes, bool opens) private view returns (uint256) {
        return _executionFee(closes, opens) * (closes && opens ? 2 : 1);
    }

    function _askExecution(bool isLong, int256 usdDelta, int256 stored, Side memory side)
        private
        view
        returns (bytes memory answer)
    {
        bytes memory question = abi.encodeCall(
            IGmxReader.getExecutionPrice,
            (
                address(dataStore),
                market,
                _pricesAt(_gmxPrice(indexToken)),
                side.sizeInUsd,
                side.sizeInTokens,
                usdDelta,
                stored,
                isLong
            )
        );
        answer = _askReader(question, RESULT_WORDS, type(uint256).max, 0);
        if (answer.length == 0) revert NoReaderAnswers(0);
    }

    function _feeFactor(bool isBalanceImproved) private view returns (uint256) {
        return dataStore.getUint(GmxV2Keys.positionFeeFactor(market, isBalanceImproved));
    }

    function _highestFactor() private view returns (uint256) {
        return Math.max(_feeFactor(true), _feeFactor(false));
    }

    function _fee(uint256 gmxUsd, uint256 factor) private pure returns (uint256) {
        return Math.mulDiv(gmxUsd, factor, FLOAT * TO_WAD, Math.Rounding.Ceil);
    }

    /// @dev What the Reader says of the position of one side; nothing where there is none.
    function _sheet(address account, bool isLong, uint256 gmxPrice) private view returns (Sheet memory sheet) {
        bytes32 key = GmxV2Keys.position(account, market, collateral, isLong);
        uint256 sizeInUsd = dataStore.getUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_USD));
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
        uint256 longTokens = IERC20(longToken).balanceOf(account)
            + dataStore.getUint(GmxV2Keys.claimableFunding(market, longToken, account));
        uint256 assets = dataStore.getUint(GmxV2Keys.claimableFunding(market, collateral, account));
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

    /// @dev Price of GMX's feed, as GMX writes prices.
    function _gmxPrice(address token) private view returns (uint256 price) {
        address feed = dataStore.getAddress(GmxV2Keys.priceFeed(token));
        if (feed == address(0)) revert PriceMissing(token);
        (, int256 answer,,,) = IAggregatorV3(feed).latestRoundData();
        uint256 multiplier = dataStore.getUint(GmxV2Keys.priceFeedMultiplier(token));
        if (answer > 0) price = Math.mulDiv(uint256(answer), multiplier, FLOAT);
        if (price == 0) revert PriceMissing(token);
    }

    function _pricesAt(uint256 gmxPrice) private view returns (IGmxReader.MarketPrices memory prices) {
        uint256 long = longToken == indexToken ? gmxPrice : _gmxPrice(longToken);
        uint256 short = _gmxPrice(collateral);
        prices.indexTokenPrice = IGmxReader.Price(gmxPrice, gmxPrice);
        prices.longTokenPrice = IGmxReader.Price(long, long);
        prices.shortTokenPrice = IGmxReader.Price(short, short);
    }

    function _toWad(uint256 gmxPrice) private view returns (uint256) {
        return gmxPrice * indexUnit / TO_WAD;
    }

    /// @dev 1e30 to WAD, down.
    function _floor(int256 gmxUsd) private pure returns (int256 usd) {
        usd = gmxUsd / int256(TO_WAD);
        if (gmxUsd % int256(TO_WAD) < 0) --usd;
    }
}
