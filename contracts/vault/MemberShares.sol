// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {IMemberGate} from "../interfaces/IMemberGate.sol";
import {VaultModes} from "./VaultModes.sol";

/// @title Shares that only members are given
/// @notice Purpose. Who may hold shares, and how long new ones stay: what a share is worth is `TwoSidedVault`'s matter.
///
///         Liveness. Whoever holds shares may leave with them, member or not; the queue gives back and burns what it holds.
///
///         Known limits. A share lock holds new shares, so that only their own receiver may deposit while one is set.
abstract contract MemberShares is ERC20Permit, VaultModes, IHedgeVault {
    /// @notice Longest share lock.
    uint256 public constant MAX_SHARE_LOCK = 7 days;

    /// @notice Says who may be given shares.
    IMemberGate public immutable gate;

    /// @notice Holder of the shares that wait for their redemption; 0 until it is set.
    address public redemptionQueue;

    /// @notice Time that new shares stay with their owner, seconds.
    uint256 public shareLock;

    /// @notice End of an account's share lock, Unix seconds.
    mapping(address account => uint256 timestamp) public lockedUntil;

    constructor(IMemberGate gate_) {
        gate = IMemberGate(_requireContract(address(gate_)));
    }

    /// @inheritdoc IHedgeVault
    /// @dev Shares already locked stay locked as long as they were.
    function setShareLock(uint256 lockSeconds) external onlyGovernor {
        if (lockSeconds > MAX_SHARE_LOCK) revert ShareLockTooLong(lockSeconds, MAX_SHARE_LOCK);
        emit ShareLockSet(shareLock, lockSeconds);
        shareLock = lockSeconds;
    }

    /// @inheritdoc IHedgeVault
    function setRedemptionQueue(address queue) external onlyGovernor {
        if (redemptionQueue != address(0)) revert QueueAlreadySet(redemptionQueue);
        redemptionQueue = _requireContract(queue);
        emit RedemptionQueueSet(queue);
    }

    /// @dev A stranger's deposit for a member could restart the ripening of others'. Where a lock is set, what `receiver`
    ///      holds and is about to get is locked, and what was locked for longer stays so.
    function _admit(address receiver) internal {
        address caller = _msgSender();
        if (receiver != caller && !gate.isMember(caller)) revert NotMember(caller);
        uint256 lock = shareLock;
        if (lock == 0) return;
        if (receiver != caller) revert ReceiverMustDeposit(caller, receiver);
        lockedUntil[receiver] = Math.max(lockedUntil[receiver], block.timestamp + lock);
    }

    function _isLocked(address account) internal view returns (bool) {
        return block.timestamp < lockedUntil[account];
    }

    /// @dev Mints past the gate: the recipient of fees need be no member, or its loss of membership would stop every exit.
    function _mintUngated(address receiver, uint256 shares) internal {
        super._update(address(0), receiver, shares);
    }

    /// @dev Shares go to members, and to and from the queue; locked ones stay.
    function _update(address from, address to, uint256 shares) internal virtual override {
        address queue = redemptionQueue; // 0 while there is none, as is the giver of minted shares
        bool isQueues = queue != address(0) && (from == queue || to == queue);
        if (!isQueues && to != address(0) && !gate.isMember(to)) revert NotMember(to);
        if (from != address(0) && _isLocked(from)) revert SharesLocked(from, lockedUntil[from]);
        super._update(from, to, shares);
    }
}
