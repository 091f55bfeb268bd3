// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {PendingOrders} from "../../../contracts/venues/PendingOrders.sol";

/// @notice An asynchronous venue's double: it takes orders, and does with them what the test writes, later or never.
/// @dev The venue's own state of an order is `venueOrders`; the adapter above it keeps its own and reads this one.
abstract contract ScriptedOrders is PendingOrders {
    struct VenueOrder {
        OrderStatus status;
        int256 sizeDelta; // underlying units
        int256 filled;
        uint256 limitPrice;
        uint256 quote; // USD paid or received so far, absolute
        uint256 fee; // USD so far
        uint256 maxFee; // USD
        bool isReduceOnly;
    }

    bool public answersLater;
    uint256 public orderLife = 300; // seconds
    uint256 public maxFeeBps; // 1e-4 of an order's notional at its limit
    bool public refusesCancel;
    bool public refusesSettle;
    uint256 public settleWei; // what the venue asks for an execution
    mapping(bytes32 orderId => VenueOrder taken) public venueOrders;
    bytes32 public lastOrder;
    bool public repeatsIds;
    uint256 private _orderCount;

    error CancelRefused();
    error SettleRefused();

    function takeEther() external payable {}

    // --- the script -----------------------------------------------------------------------------------------------

    function setLater(bool answersLater_, uint256 maxFeeBps_) external {
        (answersLater, maxFeeBps) = (answersLater_, maxFeeBps_);
    }

    /// @notice A venue that gives its next orders the id of the last one.
    function setRepeatsIds(bool repeatsIds_) external {
        repeatsIds = repeatsIds_;
    }

    function setOrderLife(uint256 orderLife_) external {
        orderLife = orderLife_;
    }

    function setRefusals(bool refusesSettle_, bool refusesCancel_) external {
        (refusesSettle, refusesCancel) = (refusesSettle_, refusesCancel_);
    }

    function setSettleWei(uint256 settleWei_) external {
        settleWei = settleWei_;
    }

    /// @notice The venue fills a part of an order, or all of it. Nobody is told.
    /// @dev A reduce-only order fills as far as there is a position, and the rest of it is gone.
    function fillOrder(bytes32 orderId, int256 sizeDelta, uint256 price, uint256 fee) public {
        VenueOrder storage taken = venueOrders[orderId];
        if (!_isOpen(taken.status)) return;
        int256 held = _heldSize();
        bool isCut = taken.isReduceOnly && !_isReduction(sizeDelta, held);
        if (isCut) sizeDelta = held != 0 && (held > 0) != (sizeDelta > 0) ? -held : int256(0);
        uint256 notional = Math.mulDiv(SignedMath.abs(sizeDelta), price, 1e18, Math.Rounding.Ceil);
        taken.filled += sizeDelta;
        taken.quote += notional;
        taken.fee += fee;
        taken.status = taken.filled == taken.sizeDelta ? OrderStatus.Filled : OrderStatus.PartlyFilled;
        if (isCut) taken.status = OrderStatus.Cancelled;
        _bookFill(sizeDelta, sizeDelta > 0 ? -int256(notional) : int256(notional), fee);
    }

    /// @notice The venue gives an order another status: cancelled, expired, frozen, or open again. Nobody is told.
    function moveOrder(bytes32 orderId, OrderStatus status) public {
        if (_isOpen(venueOrders[orderId].status)) venueOrders[orderId].status = status;
    }

    /// @notice A venue that takes up again what it had ended.
    function reopenOrder(bytes32 orderId) external {
        venueOrders[orderId].status = OrderStatus.Pending;
    }

    /// @notice A venue's callback, honest or not: all it can bring about is a look at the venue's state.
    function callBack(bytes32 orderId) external returns (bool isHeard) {
        (isHeard,) = address(this).call(abi.encodeCall(this.reconcile, (orderId)));
    }

    // --- the adapter ----------------------------------------------------------------------------------------------

    function _request(int256 sizeDelta, uint256 limitPrice) internal returns (Execution memory) {
        _requireNoOpenOrder();
        if (!repeatsIds) ++_orderCount;
        bytes32 orderId = keccak256(abi.encode(address(this), _orderCount));
        uint256 notional = Math.mulDiv(SignedMath.abs(sizeDelta), limitPrice, 1e18, Math.Rounding.Ceil);
        uint256 maxFee = notional * maxFeeBps / 10_000;
        venueOrders[orderId] = VenueOrder(
            OrderStatus.Pending, sizeDelta, 0, limitPrice, 0, 0, maxFee, _isReduction(sizeDelta, _heldSize())
        );
        lastOrder = orderId;
        return _keepOrder(orderId, sizeDelta, limitPrice, maxFee, orderLife);
    }

    function _progressOf(bytes32 orderId, Order memory) internal view override returns (Progress memory) {
        VenueOrder storage taken = venueOrders[orderId];
        uint256 filled = SignedMath.abs(taken.filled);
        uint256 price = filled == 0 ? 0 : Math.mulDiv(taken.quote, 1e18, filled);
        return Progress(taken.status, taken.filled, price, taken.fee);
    }

    function _executeAtVenue(bytes32 orderId, bytes calldata) internal override {
        VenueOrder storage taken = venueOrders[orderId];
        if (refusesSettle || taken.status == OrderStatus.Frozen) revert SettleRefused();
        (bool isPaid,) = address(0xdead).call{value: settleWei}("");
        if (!isPaid) revert SettleRefused();
        _callOut();
        int256 left = taken.sizeDelta - taken.filled;
        (uint256 price, uint256 feeBps) = _executionTerms();
        if (left > 0 ? price > taken.limitPrice : price < taken.limitPrice) {
            revert LimitPriceViolated(price, taken.limitPrice);
        }
        uint256 fee = Math.mulDiv(SignedMath.abs(left), price, 1e18) * feeBps / 10_000;
        fillOrder(orderId, left, price, Math.min(fee, taken.maxFee - taken.fee));
    }

    function _cancelAtVenue(bytes32 orderId) internal override {
        if (refusesCancel) revert CancelRefused();
        moveOrder(orderId, OrderStatus.Cancelled);
    }

    /// @dev The call that the script makes in the middle of an execution.
    function _callOut() internal virtual;

    function _heldSize() internal view virtual returns (int256);

    function _executionTerms() internal view virtual returns (uint256 price, uint256 feeBps);

    /// @dev Changes the position and what the account paid for it.
    function _bookFill(int256 sizeDelta, int256 cashDelta, uint256 fee) internal virtual;
}
