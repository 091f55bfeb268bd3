// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {DecimalScale} from "../../../contracts/libraries/DecimalScale.sol";
import {PendingOrders} from "../../../contracts/venues/PendingOrders.sol";
import {ScriptedOrders} from "./ScriptedOrders.sol";

/// @notice Venue that does what the test writes: prices, fees, partial fills, pending orders, halts, lies and callbacks.
/// @dev Its book is one number, `cash`: margin less what the position cost less fees, so equity at a price P is
///      cash + size x P. Collateral is really held; a profit must be minted to it before it can be withdrawn.
contract ScriptedVenue is ScriptedOrders {
    address public immutable collateral;

    int256 public size; // underlying units
    int256 public cash; // USD
    uint256 public markPrice;
    uint256 public indexPrice;
    uint256 public maxFundingRate; // ratio of notional per day
    uint256 public feeBps; // 1e-4 of notional
    uint256 public executionPrice; // 0: the index price
    uint256 public fillBps = 10_000; // 1e-4 of the size asked for
    bool public ignoresLimit;
    OrderStatus public statusAnswered = OrderStatus.Filled;
    int256 public negativePending;
    int256 public positivePending;
    bool public isHalted;
    uint256 public answerGas; // spent on each answer of `account`
    uint256 public marginTaken; // asset units of each margin deposit that the account is not credited with
    int256 public marginError; // asset units moved beside what was asked for
    address public callTarget;
    bytes public callPayload;
    bool public lastCallSucceeded;
    bytes public lastAnswer;

    error Halted();

    modifier notHalted() {
        if (isHalted) revert Halted();
        _;
    }

    constructor(address vault_, address collateral_, uint256 price) PendingOrders(vault_) {
        collateral = collateral_;
        setPrices(price, price);
    }

    // --- the script -----------------------------------------------------------------------------------------------

    function setPrices(uint256 mark, uint256 index) public {
        markPrice = mark;
        indexPrice = index;
    }

    function setExecution(uint256 executionPrice_, uint256 feeBps_, bool ignoresLimit_) external {
        executionPrice = executionPrice_;
        feeBps = feeBps_;
        ignoresLimit = ignoresLimit_;
    }

    function setFill(uint256 fillBps_, OrderStatus statusAnswered_) external {
        fillBps = fillBps_;
        statusAnswered = statusAnswered_;
    }

    function setPending(int256 negative, int256 positive) external {
        negativePending = negative;
        positivePending = positive;
    }

    function setHalted(bool isHalted_) external {
        isHalted = isHalted_;
    }

    function setMarginError(int256 marginError_) external {
        marginError = marginError_;
    }

    function setMaxFundingRate(uint256 perDay) external {
        maxFundingRate = perDay;
    }

    function setAnswerGas(uint256 answerGas_) external {
        answerGas = answerGas_;
    }

    function setMarginTaken(uint256 marginTaken_) external {
        marginTaken = marginTaken_;
    }

    function setSize(int256 size_) external {
        size = size_;
    }

    function setCash(int256 cash_) external {
        cash = cash_;
    }

    function setCall(address target, bytes calldata payload) external {
        callTarget = target;
        callPayload = payload;
    }

    // --- the vault's side -----------------------------------------------------------------------------------------

    function depositMargin(uint256 assets) external onlyVault notHalted {
        uint256 moved = uint256(int256(assets) + marginError);
        IERC20Metadata(collateral).transferFrom(vault, address(this), moved);
        cash += int256(_toWad(assets)) - int256(_toWad(marginTaken));
        _callOut();
    }

    function withdrawMargin(uint256 assets) external onlyVault notHalted {
        uint256 moved = uint256(int256(assets) + marginError);
        IERC20Metadata(collateral).transfer(vault, moved);
        cash -= int256(_toWad(assets));
        _callOut();
    }

    function bracketTrade(bool) external view onlyVault {}

    function execute(int256 sizeDelta, uint256 limitPrice) external onlyVault notHalted returns (Execution memory) {
        if (sizeDelta == 0) revert ZeroSize();
        _callOut();
        if (answersLater) return _request(sizeDelta, limitPrice);
        (uint256 price,) = _executionTerms();
        if (!ignoresLimit && (sizeDelta > 0 ? price > limitPrice : price < limitPrice)) {
            revert LimitPriceViolated(price, limitPrice);
        }
        int256 filled = sizeDelta * int256(fillBps) / 10_000;
        uint256 notional = Math.mulDiv(SignedMath.abs(filled), price, 1e18, Math.Rounding.Ceil);
        uint256 fee = notional * feeBps / 10_000;
        _bookFill(filled, filled > 0 ? -int256(notional) : int256(notional), fee);
        emit Executed(filled, price, fee);
        return Execution(statusAnswered, 0, filled, price, fee);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    function account() external view notHalted nonReentrantView returns (Account memory a) {
        uint256 gasAtStart = gasleft();
        while (answerGas > gasAtStart - gasleft()) {}
        (a.size, a.markPrice, a.indexPrice) = (size, markPrice, indexPrice);
        a.equity = cash + size * int256(markPrice) / 1e18;
        (a.pendingNegative, a.pendingPositive, a.pendingFloor, a.pendingCeiling, a.pendingFee) = pendingFigures();
    }

    /// @dev What the script says is pending, at the index price, or else the order.
    function pendingFigures() public view returns (int256, int256, uint256 floor, uint256 ceiling, uint256 fee) {
        if (negativePending != 0 || positivePending != 0) {
            return (negativePending, positivePending, indexPrice, indexPrice, 0);
        }
        Account memory a;
        _addPending(a);
        return (a.pendingNegative, a.pendingPositive, a.pendingFloor, a.pendingCeiling, a.pendingFee);
    }

    /// @dev All that the script knows of the account, whatever it answers to others.
    function figures() external view returns (int256, int256, int256, int256, uint256, uint256, bool) {
        (int256 negative, int256 positive,,,) = pendingFigures();
        return (size, cash, negative, positive, markPrice, indexPrice, isHalted);
    }

    function position() external view notHalted returns (Position memory) {
        return Position(size, indexPrice, cash, 0, 0);
    }

    function equity() external view notHalted returns (int256 low, int256 high) {
        int256 atMark = cash + size * int256(markPrice) / 1e18;
        int256 atIndex = cash + size * int256(indexPrice) / 1e18;
        return (SignedMath.min(atMark, atIndex), SignedMath.max(atMark, atIndex));
    }

    function fundingRate() external pure returns (int256) {
        return 0;
    }

    function quote(int256 sizeDelta) external view returns (uint256, uint256) {
        if (sizeDelta == 0) revert ZeroSize();
        if (SignedMath.abs(sizeDelta) > type(uint128).max) revert SizeBeyondLiquidity(sizeDelta);
        return (indexPrice, Math.mulDiv(SignedMath.abs(sizeDelta), indexPrice, 1e18) * feeBps / 10_000);
    }

    function capacity(bool) external pure returns (uint256) {
        return type(uint128).max;
    }

    function freeCollateral() external view returns (uint256) {
        return IERC20Metadata(collateral).balanceOf(address(this));
    }

    function _heldSize() internal view override returns (int256) {
        return size;
    }

    function _executionTerms() internal view override returns (uint256, uint256) {
        return (executionPrice == 0 ? indexPrice : executionPrice, feeBps);
    }

    function _bookFill(int256 sizeDelta, int256 cashDelta, uint256 fee) internal override {
        size += sizeDelta;
        cash += cashDelta - int256(fee);
    }

    function _toWad(uint256 assets) private view returns (uint256) {
        return DecimalScale.scaleDown(assets, IERC20Metadata(collateral).decimals(), 18);
    }

    function _callOut() internal override {
        if (callTarget == address(0)) return;
        (lastCallSucceeded, lastAnswer) = callTarget.call(callPayload);
    }
}
