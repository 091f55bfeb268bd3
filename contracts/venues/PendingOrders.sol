// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../interfaces/IPerpVenue.sol";
import {IRebalanceGuard} from "../interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";

/// @notice What an adapter has to know of its vault's neighbours.
interface IVaultNeighbours {
    function access() external view returns (IVaultAccess);
    function guard() external view returns (IRebalanceGuard);
}

/// @title The order of a venue that fills later
/// @notice Purpose. The life of an adapter's one open order, the same at every venue: who may settle, reconcile and cancel it,
///         and what `account` says of it. How the venue takes, executes and drops an order is the deriving contract's matter.
///
///         Trust. What an order has come to is read from the venue's state whenever it is asked for (`_progressOf`). What a
///         callback says is a hint: all it may bring about is `reconcile`, so it may be lost, late, doubled or forged.
///
///         Obligations of the deriving contract. `_progressOf` never counts a fill that the position does not contain, nor
///         leaves out one that it does: whatever `account` calls pending is not in its size. An order that the venue does
///         not know yet is Pending, never None. What `_cancelAtVenue` and `_executeAtVenue` cannot do reverts. `account` is
///         `nonReentrantView`: a venue that calls out in the middle of an execution finds no half-written price.
///
///         Liveness. A keeper, a guardian or a governor cancels at once, anyone from the expiry on; neither needs the vault, a
///         price, a mode or a registration. Nothing here runs while the vault is inside a call of its own: what one leg does
///         cannot be hidden behind what an order elsewhere brings.
///
///         Known limits. A venue that fills beyond the limit it was given cannot be undone: `OrderTermsBroken` tells, and the
///         measurements show it. What fills after its order was called final shows in the position alone.
abstract contract PendingOrders is IPerpVenue, ReentrancyGuardTransient {
    /// @dev What the venue has done of an order.
    struct Progress {
        OrderStatus status;
        int256 filledSizeDelta;
        uint256 executionPrice;
        uint256 fee;
    }

    /// @inheritdoc IPerpVenue
    address public immutable vault;

    bytes32 private _openId; // the last one asked for, until it is known to be final
    mapping(bytes32 orderId => Order kept) private _orders;

    modifier onlyVault() {
        if (msg.sender != vault) revert OnlyVault(msg.sender, vault);
        _;
    }

    /// @dev The sum of a rebalance's two measurements must be its own doing.
    modifier whileVaultRests() {
        if (IHedgeVault(vault).isEntered()) revert VaultEntered();
        _;
    }

    constructor(address vault_) {
        vault = vault_;
    }

    // --- anyone ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function settle(bytes32 orderId, bytes calldata data) external payable whileVaultRests returns (Execution memory) {
        (Order memory kept, bool isFilledFurther) = _settle(orderId, data);
        if (isFilledFurther) _sample();
        return Execution(kept.status, orderId, kept.filledSizeDelta, kept.executionPrice, kept.fee);
    }

    /// @inheritdoc IPerpVenue
    function reconcile(bytes32 orderId) external whileVaultRests returns (OrderStatus) {
        (Order memory kept, bool isFilledFurther) = _reconcile(orderId);
        if (isFilledFurther) _sample();
        return kept.status;
    }

    /// @inheritdoc IPerpVenue
    function cancel(bytes32 orderId) external whileVaultRests {
        if (_cancel(orderId)) _sample();
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function order(bytes32 orderId) public view returns (Order memory current) {
        current = _orders[orderId];
        if (!_isOpen(current.status)) return current;
        Progress memory p = _progressOf(orderId, current);
        (current.status, current.filledSizeDelta, current.executionPrice, current.fee) =
        (p.status, p.filledSizeDelta, p.executionPrice, p.fee);
    }

    /// @inheritdoc IPerpVenue
    function openOrder() public view returns (bytes32 orderId) {
        orderId = _openId;
        if (orderId != 0 && !_isOpen(order(orderId).status)) return 0;
    }

    /// @inheritdoc IPerpVenue
    function pending() external view returns (int256 negative, int256 positive) {
        Account memory a;
        _addPending(a);
        return (a.pendingNegative, a.pendingPositive);
    }

    // --- the venue's part -----------------------------------------------------------------------------------------

    /// @dev What the venue's state says of an open order. `kept` is what was known of it.
    function _progressOf(bytes32 orderId, Order memory kept) internal view virtual returns (Progress memory);

    /// @dev Has the venue execute; reverts where that is not anybody's to ask for.
    function _executeAtVenue(bytes32 orderId, bytes calldata data) internal virtual;

    function _cancelAtVenue(bytes32 orderId) internal virtual;

    // --- for the deriving contract --------------------------------------------------------------------------------

    /// @dev Reverts unless a new order may be asked for. What the venue has finished meanwhile is booked.
    function _requireNoOpenOrder() internal {
        bytes32 orderId = _openId;
        if (orderId == 0) return;
        (Order memory current,) = _update(orderId);
        if (_isOpen(current.status)) revert OrderStillOpen(orderId);
    }

    /// @dev Keeps an order that the venue has taken, after `_requireNoOpenOrder`.
    /// @param orderId Never used before.
    function _keepOrder(bytes32 orderId, int256 sizeDelta, uint256 limitPrice, uint256 maxFee, uint256 lifeSeconds)
        internal
        returns (Execution memory)
    {
        if (sizeDelta == 0) revert ZeroSize();
        if (_orders[orderId].status != OrderStatus.None) revert OrderIdUsed(orderId);
        uint256 expiresAt = block.timestamp + lifeSeconds;
        _openId = orderId;
        _orders[orderId] =
            Order(OrderStatus.Pending, sizeDelta, 0, limitPrice, 0, 0, maxFee, block.timestamp, expiresAt);
        emit OrderRequested(orderId, sizeDelta, limitPrice, maxFee, expiresAt);
        return Execution(OrderStatus.Pending, orderId, 0, 0, maxFee);
    }

    /// @dev Writes what is pending into an account.
    function _addPending(Account memory a) internal view {
        bytes32 orderId = _openId;
        if (orderId == 0) return;
        Order memory current = order(orderId);
        if (!_isOpen(current.status)) return;
        int256 left = current.sizeDelta - current.filledSizeDelta;
        if (left < 0) (a.pendingNegative, a.pendingFloor) = (left, current.limitPrice);
        if (left > 0) (a.pendingPositive, a.pendingCeiling) = (left, current.limitPrice);
        a.pendingFee = Math.saturatingSub(current.maxFee, current.fee);
    }

    /// @dev A trade toward 0 and not past it.
    function _isReduction(int256 sizeDelta, int256 held) internal pure returns (bool) {
        return held != 0 && (sizeDelta > 0) != (held > 0) && SignedMath.abs(sizeDelta) <= SignedMath.abs(held);
    }

    function _isOpen(OrderStatus status) internal pure returns (bool) {
        return status == OrderStatus.Pending || status == OrderStatus.PartlyFilled || status == OrderStatus.Frozen;
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _settle(bytes32 orderId, bytes calldata data)
        private
        nonReentrant
        returns (Order memory kept, bool isFilledFurther)
    {
        _requireOpen(orderId);
        uint256 held = address(this).balance - msg.value;
        _executeAtVenue(orderId, data);
        (kept, isFilledFurther) = _update(orderId);
        // A refund of the venue's for what the account paid is the account's.
        _giveBack(Math.min(address(this).balance - held, msg.value));
    }

    function _reconcile(bytes32 orderId) private nonReentrant returns (Order memory, bool) {
        if (_orders[orderId].status == OrderStatus.None) revert UnknownOrder(orderId);
        return _update(orderId);
    }

    function _cancel(bytes32 orderId) private nonReentrant returns (bool isFilledFurther) {
        uint256 expiresAt = _requireOpen(orderId).expiresAt;
        if (block.timestamp < expiresAt && !_isTrusted(msg.sender)) {
            revert NotYetCancellable(msg.sender, block.timestamp, expiresAt);
        }
        _cancelAtVenue(orderId);
        (, isFilledFurther) = _update(orderId);
    }

    function _requireOpen(bytes32 orderId) private view returns (Order memory current) {
        current = order(orderId);
        if (current.status == OrderStatus.None) revert UnknownOrder(orderId);
        if (!_isOpen(current.status)) revert OrderNotOpen(orderId, current.status);
    }

    /// @dev A final order stays as it is, whatever its venue says later.
    function _update(bytes32 orderId) private returns (Order memory current, bool isFilledFurther) {
        Order storage kept = _orders[orderId];
        current = order(orderId);
        isFilledFurther = current.filledSizeDelta != kept.filledSizeDelta;
        if (!isFilledFurther && current.status == kept.status && current.fee == kept.fee) return (current, false);
        (kept.status, kept.filledSizeDelta) = (current.status, current.filledSizeDelta);
        (kept.executionPrice, kept.fee) = (current.executionPrice, current.fee);
        if (!_isOpen(current.status)) _openId = 0; // no other order is ever open in what is kept
        emit OrderUpdated(orderId, current.status, current.filledSizeDelta, current.executionPrice, current.fee);
        uint256 price = current.executionPrice;
        bool isWorse = current.sizeDelta > 0 ? price > current.limitPrice : price < current.limitPrice;
        if ((isWorse && current.filledSizeDelta != 0) || current.fee > current.maxFee) {
            emit OrderTermsBroken(orderId, price, current.limitPrice, current.fee, current.maxFee);
        }
    }

    /// @dev The hedge is another one from here on: the breaker's result takes a sample of it, where it can.
    function _sample() private returns (bool isTaken) {
        try IVaultNeighbours(vault).guard().recordResult() {
            return true;
        } catch {
            return false;
        }
    }

    function _isTrusted(address caller) private view returns (bool) {
        IVaultAccess access = IVaultNeighbours(vault).access();
        if (access.isKeeper(caller)) return true;
        try access.requireGuardian(caller) {
            return true;
        } catch {
            return false;
        }
    }

    function _giveBack(uint256 wei_) private {
        if (wei_ == 0) return;
        (bool isPaid,) = msg.sender.call{value: wei_}("");
        if (!isPaid) revert RefundFailed(msg.sender, wei_);
    }
}
