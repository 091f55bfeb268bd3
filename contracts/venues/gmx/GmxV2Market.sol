// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {IVaultAccess} from "../../interfaces/IVaultAccess.sol";
import {GmxV2Keys} from "./GmxV2Keys.sol";
import {GmxV2Positions} from "./GmxV2Positions.sol";
import {GmxV2Prices} from "./GmxV2Prices.sol";
import {IGmxDataStore, IGmxReader} from "./IGmxV2.sol";

/// @title One market of GMX v2.2, and what a trade there is
/// @notice Purpose. Reads GMX for the adapters of one vault: what a trade closes and opens, what it costs, and what is left of
///         the market's capacity. It keeps no funds and no orders; `GmxV2Venue` does. What an account is worth is in
///         `GmxV2Positions`, feeds and units in `GmxV2Prices`, GMX's contracts and the governed limits in `GmxV2Releases`.
///
///         Rounding. What is counted in favour of the account goes down, what against it up.
contract GmxV2Market is GmxV2Positions {
    using SafeCast for int256;
    using SafeCast for uint256;

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

    uint256 private constant ORACLE_PRICES = 3; // of an order without a swap path
    uint256 private constant RESULT_WORDS = 6; // of `ExecutionPriceResult`
    uint256 private constant SALE_RISE = 0.05e18; // a guard lets no order slip by more than 3 %

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
    ) GmxV2Prices(access_, dataStore_, router_, market_, indexDecimals, release, limits_) {}

    // --- the market -----------------------------------------------------------------------------------------------

    /// @notice Funding as GMX last saved it, WAD of notional a day.
    function fundingRate() external view returns (int256 perDay) {
        return dataStore.getInt(GmxV2Keys.savedFunding(market)) * 1 days / int256(TO_WAD);
    }

    /// @notice Most funding of an account, WAD of notional a day. GMX's rate is of the larger side, and the smaller one is paid,
    ///         or pays, the same dollars.
    function maxFundingRate(address account) external view returns (uint256 perDay) {
        perDay = Math.ceilDiv(_uint(GmxV2Keys.maxFunding(market)) * 1 days, TO_WAD);
        int256 held = sizeOf(account);
        (uint256 own, uint256 other) = (_openInterest(held > 0), _openInterest(held < 0));
        if (held != 0 && own != 0 && other > own) perDay = Math.mulDiv(perDay, other, own, Math.Rounding.Ceil);
    }

    /// @notice Ratio of notional below which GMX liquidates, WAD.
    function liquidationFactor() external view returns (uint256) {
        return Math.ceilDiv(_uint(GmxV2Keys.liquidationFactor(market)), TO_WAD);
    }

    /// @notice What GMX's open interest and the pool's reserve leave on a side, and what the other side's position can give up.
    function capacity(address account, bool isLong) public view returns (uint256 maxSize) {
        uint256 price = _gmxPrice(indexToken);
        uint256 limit = _uint(GmxV2Keys.maxOpenInterest(market, isLong));
        uint256 used = _openInterest(isLong);
        uint256 left = Math.min(Math.saturatingSub(limit, used), _reserveLeft(isLong, used, price));
        maxSize = uint256(toSize(left / price)) + uint256(toSize(_tokens(account, !isLong)));
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
            uint256 lacking = 0;
            if (p.opened.sizeInTokens != 0) lacking = _lacking(p.opened, isPurchase, _owedFees(account, isPurchase));
            p.margin = _marginOf(account, p.openUsd, lacking);
        }
        if (p.closeUsd == 0) return p;
        p.owedFees = _owedFees(account, !isPurchase);
        p.released = _released(p, !isPurchase);
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
        uint256 gas_ =
            _uint(isIncrease ? GmxV2Keys.INCREASE_ORDER_GAS_LIMIT : GmxV2Keys.DECREASE_ORDER_GAS_LIMIT) + callbackGas();
        // A close swaps its profit into the collateral.
        if (!isIncrease) gas_ += _uint(GmxV2Keys.SINGLE_SWAP_GAS_LIMIT);
        uint256 base = _uint(GmxV2Keys.FEE_BASE_AMOUNT) + _uint(GmxV2Keys.FEE_PER_ORACLE_PRICE) * ORACLE_PRICES;
        return (base + Math.mulDiv(gas_, _uint(GmxV2Keys.FEE_MULTIPLIER), FLOAT)) * tx.gasprice;
    }

    /// @notice Gas that GMX is asked to call back with: no more than it allows, or it would refuse exits too.
    function callbackGas() public view returns (uint256) {
        return Math.min(limits().callbackGas, _uint(GmxV2Keys.MAX_CALLBACK_GAS_LIMIT));
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

    /// @notice What `IOrderTerms` says of the next order of an account.
    /// @dev GMX charges what is closed on the USD that it was opened at: the rate is higher where a position was opened at more
    ///      than the price. No fee depends on the price of the fill; the rise makes up for the impact that a quoted sale price
    ///      has lost, as far as a guard lets an order slip at all. Both of GMX's orders of a trade past 0 may take the most that
    ///      the governor lets an execution cost: the price of gas is not known before the transaction.
    function orderTerms(address account)
        external
        view
        returns (uint256 feeRate, uint256 fixedFee, uint256 saleRise, uint256 sizeStep)
    {
        uint256 price = _gmxPrice(indexToken);
        uint256 dearest = Math.max(price, Math.max(_entryOf(account, true), _entryOf(account, false)));
        feeRate = Math.mulDiv(_highestFactor(), dearest, price * TO_WAD, Math.Rounding.Ceil);
        fixedFee = etherUsd(2 * uint256(limits().maxExecutionFeeWei)) + 1; // a unit for what is rounded
        return (feeRate, fixedFee, SALE_RISE, Math.ceilDiv(1e18, indexUnit));
    }

    /// @notice The newest release that takes orders of a type; `NoUsableRelease` where none does.
    function usable(uint256 orderType) external view returns (Release memory) {
        return _usable(orderType);
    }

    /// @notice The newest release that stands, through which orders are cancelled and claims made, also while GMX takes no new
    ///         orders; `NoUsableRelease` where none does.
    function standing() external view returns (Release memory) {
        return _standing();
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

    function _openInterest(bool isLong) private view returns (uint256) {
        return _uint(GmxV2Keys.openInterest(market, collateral, isLong))
            + _uint(GmxV2Keys.openInterest(market, longToken, isLong));
    }

    /// @dev USD that the pool of a side can still back: longs by what they are worth, shorts by what they were opened at. A
    ///      factor of 0 is not set.
    function _reserveLeft(bool isLong, uint256 openInterest, uint256 price) private view returns (uint256) {
        uint256 factor = Math.min(
            _uint(GmxV2Keys.reserveFactor(market, isLong)), _uint(GmxV2Keys.openInterestReserveFactor(market, isLong))
        );
        if (factor == 0) return type(uint256).max;
        address token = isLong ? longToken : collateral;
        uint256 pool = _uint(GmxV2Keys.poolAmount(market, token)) * _gmxPrice(token);
        uint256 reserved = openInterest;
        if (isLong) {
            reserved = price
                * (_uint(GmxV2Keys.openInterestInTokens(market, collateral, true))
                    + _uint(GmxV2Keys.openInterestInTokens(market, longToken, true)));
        }
        return Math.saturatingSub(Math.mulDiv(pool, factor, FLOAT), reserved);
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

    /// @dev Margin for what is opened, up, and what the position lacks already; no more than there is, and no less than GMX
    ///      asks for.
    function _marginOf(address account, uint256 usd, uint256 lacking) private view returns (uint256 margin) {
        uint256 perAsset = FLOAT / collateralUnit;
        uint256 held = IERC20(collateral).balanceOf(account);
        margin = Math.min(_factorOf(usd) + lacking, held);
        uint256 factor = _uint(GmxV2Keys.minCollateralFactor(market)) + _highestFactor();
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

    /// @dev Margin of a part that is closed, down: its own, less its loss and fees, and less what the rest lacks.
    function _released(Plan memory p, bool isLong) private view returns (uint256) {
        Side memory closed = p.closed;
        uint256 worth = closed.sizeInTokens * _gmxPrice(indexToken);
        uint256 loss =
            isLong ? Math.saturatingSub(closed.sizeInUsd, worth) : Math.saturatingSub(worth, closed.sizeInUsd);
        uint256 burden = Math.ceilDiv(loss + p.owedFees.toUint256() * TO_WAD, FLOAT / collateralUnit);
        uint256 unburdened = Math.saturatingSub(closed.collateral, burden);
        uint256 released = Math.mulDiv(unburdened, p.closeTokens, closed.sizeInTokens);
        uint256 lacking = _lacking(closed, isLong, p.owedFees);
        uint256 left = closed.sizeInTokens - p.closeTokens;
        return Math.saturatingSub(released, Math.mulDiv(lacking, left, closed.sizeInTokens, Math.Rounding.Ceil));
    }

    /// @dev What a position has less than the margin factor of its worth, of what GMX liquidates it on, asset units, up.
    function _lacking(Side memory held, bool isLong, int256 owed) private view returns (uint256) {
        uint256 worth = held.sizeInTokens * _gmxPrice(indexToken);
        int256 profit =
            isLong ? worth.toInt256() - held.sizeInUsd.toInt256() : held.sizeInUsd.toInt256() - worth.toInt256();
        int256 perAsset = (FLOAT / collateralUnit).toInt256();
        int256 backing = held.collateral.toInt256() + (profit - owed * int256(TO_WAD)) / perAsset;
        return uint256(SignedMath.max(_factorOf(worth).toInt256() - backing, 0));
    }

    /// @dev The margin factor of a notional, asset units, up.
    function _factorOf(uint256 usd) private view returns (uint256) {
        return Math.mulDiv(usd, limits().marginFactor, 1e18 * (FLOAT / collateralUnit), Math.Rounding.Ceil);
    }

    /// @dev 0 where no Reader tells: then they show in the price of the close.
    function _owedFees(address account, bool isLong) private view returns (int256) {
        try this.owedFees(account, isLong) returns (int256 owed) {
            return owed;
        } catch {
            return 0;
        }
    }

    function _executionFee(bool closes, bool opens) private view returns (uint256) {
        return Math.max(closes ? executionFee(false) : 0, opens ? executionFee(true) : 0);
    }

    /// @dev Of all orders of a trade.
    function _executionFees(bool closes, bool opens) private view returns (uint256) {
        return _executionFee(closes, opens) * (closes && opens ? 2 : 1);
    }

    /// @dev What a side was opened at, as GMX writes prices, up; 0 where there is none.
    function _entryOf(address account, bool isLong) private view returns (uint256) {
        Side memory held = sideOf(account, isLong);
        return held.sizeInTokens > 0 ? Math.ceilDiv(held.sizeInUsd, held.sizeInTokens) : 0;
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
        return _uint(GmxV2Keys.positionFeeFactor(market, isBalanceImproved));
    }

    function _highestFactor() private view returns (uint256) {
        return Math.max(_feeFactor(true), _feeFactor(false));
    }

    function _fee(uint256 gmxUsd, uint256 factor) private pure returns (uint256) {
        return Math.mulDiv(gmxUsd, factor, FLOAT * TO_WAD, Math.Rounding.Ceil);
    }
}
