// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Governed} from "../governance/Governed.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../interfaces/IPerpVenue.sol";
import {IRebalanceGuard} from "../interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";
import {Budget, Intent, Leg} from "../types/Rebalance.sol";

/// @title Rescue desk: rebalances by anyone while the keepers are silent
/// @notice Purpose. Where no keeper has traded for `silenceSeconds` and W is urgent, anyone may rebalance through this desk,
///         which is a keeper: by the same rules of the guard, out of the desk's own budget. The gas is paid back from a tank.
///
///         Trust. A rescuer is trusted with nothing: to the guard it is one more keeper whose key is stolen, so what it can
///         cost the vault is the keeper's share of the budgets, and that only while the hedge is needed and nobody makes it.
///
///         Obligations. The governor gives the desk `KEEPER_ROLE` and fills the tank, or lets others fill it. `silenceSeconds`
///         lies above the time in which a working keeper answers to an urgent W.
///
///         No profit in waste. Paid is gas measured x the block's base fee x 4/5: a transaction gets back up to a fifth of its
///         gas for storage that it clears (EIP-3529), so what is paid never exceeds what was burnt. The priority fee, the
///         transaction's own 21,000 gas and call data, and a rollup's data fee are the rescuer's. Caps bind each rescue, in gas
///         and in wei, and each day of UTC. Whatever reverts is not paid.
///
///         Liveness. An empty tank, a used-up day or a rescuer that cannot take ether: the rescue stands, unpaid.
///
///         Known limits. Silence is measured by trades. A keeper that trades to no purpose keeps the desk closed; the guard
///         bounds what it can lose, and the guardian dismisses it. One that trades in the same second as the desk goes unseen.
contract RescueDesk is Governed, ReentrancyGuardTransient {
    /// @param silenceSeconds Time without a keeper's trade after which anyone may rescue.
    /// @param maxGas Most gas that one rescue is paid for.
    /// @param maxWei Most that one rescue is paid.
    /// @param maxWeiPerDay Most that all rescues of one day of UTC are paid.
    struct Terms {
        uint32 silenceSeconds;
        uint32 maxGas;
        uint96 maxWei;
        uint96 maxWeiPerDay;
    }

    /// @notice Shortest silence that may be set.
    uint256 public constant MIN_SILENCE = 15 minutes;

    /// @notice Longest silence that may be set: beyond, a desk would be none.
    uint256 public constant MAX_SILENCE = 2 days;

    /// @notice Most gas that may be paid for.
    uint256 public constant MAX_GAS = 10_000_000;

    /// @dev Gas of the payment itself: a rescuer's wallet may keep a log, and no more.
    uint256 private constant PAYMENT_GAS = 20_000;

    /// @notice Vault that is rebalanced.
    IHedgeVault public immutable vault;

    /// @notice Its guard.
    IRebalanceGuard public immutable guard;

    /// @notice Time of deployment, Unix seconds: silence does not begin before it.
    uint256 public immutable deployedAt;

    /// @notice Terms in force.
    Terms public terms;

    /// @notice Paid on a day of UTC, wei; days since the Unix epoch.
    mapping(uint256 day => uint256 paid) public paidOn;

    event TermsSet(Terms oldTerms, Terms newTerms);
    event TankFilled(address indexed sender, uint256 wei_);
    event TankWithdrawn(address indexed receiver, uint256 wei_);
    /// @param gasUsed Gas measured, paid or not.
    /// @param paid Wei.
    event Rescued(
        bytes32 indexed intentId,
        address indexed rescuer,
        uint256 worstNetDeltaBefore,
        uint256 worstNetDeltaAfter,
        uint256 gasUsed,
        uint256 paid
    );

    error SilenceOutOfRange(uint256 silenceSeconds, uint256 least, uint256 most);
    error MaxGasOutOfRange(uint256 maxGas, uint256 limit);
    /// @dev `termName` is the ASCII name of the field of `Terms`.
    error TermLooser(bytes32 termName, uint256 actual, uint256 limit);
    error KeepersNotSilent(uint256 timestamp, uint256 silentAt);
    error NotUrgent(uint256 worstNetDelta, uint256 urgentDelta);
    error NoRescue(uint256 worstNetDeltaBefore, uint256 worstNetDeltaAfter);
    error OrderWithOwnLimit(uint256 legIndex, uint256 limitPrice);
    error WithdrawalFailed(address receiver, uint256 wei_);

    constructor(IVaultAccess access_, IHedgeVault vault_, IRebalanceGuard guard_, Terms memory terms_)
        Governed(access_)
    {
        vault = IHedgeVault(_requireContract(address(vault_)));
        guard = IRebalanceGuard(_requireContract(address(guard_)));
        deployedAt = block.timestamp;
        _setTerms(terms_);
    }

    /// @notice Fills the tank. Anyone.
    receive() external payable {
        emit TankFilled(msg.sender, msg.value);
    }

    // --- anyone ---------------------------------------------------------------------------------------------------

    /// @notice Rebalances while keepers are silent and W is urgent, and pays for the gas. Anyone.
    /// @dev Reverts `KeepersNotSilent`, `NotUrgent`, `NoRescue` where W does not fall once all that was asked for has filled,
    ///      `OrderWithOwnLimit` where an order waits at another limit than the guard's, or with what the vault reverts with.
    /// @param intent Accepted once, like any keeper's.
    /// @param legs Judged like any keeper's.
    /// @return paid Wei.
    function rescue(Intent calldata intent, Leg[] calldata legs) external nonReentrant returns (uint256 paid) {
        uint256 gasBefore = gasleft();
        uint256 silentAt = silentFrom();
        if (block.timestamp < silentAt) revert KeepersNotSilent(block.timestamp, silentAt);
        (uint256 worstBefore, uint256 worstAfter) = vault.rebalance(intent, legs);
        uint256 urgentDelta = guard.bounds().urgentDelta;
        if (worstBefore < urgentDelta) revert NotUrgent(worstBefore, urgentDelta);
        if (worstAfter >= worstBefore) revert NoRescue(worstBefore, worstAfter);
        _requireFairOrders(legs);
        uint256 gasUsed = gasBefore - gasleft();
        paid = _pay(gasUsed);
        emit Rescued(intent.id, msg.sender, worstBefore, worstAfter, gasUsed, paid);
    }

    // --- governor and guardian --------------------------------------------------------------------------------------

    /// @notice Sets the terms. Governor only; hard limits apply.
    function setTerms(Terms calldata newTerms) external onlyGovernor {
        _setTerms(newTerms);
    }

    /// @notice Sets terms no looser in any field: a longer silence, lower caps. Guardian or governor.
    function tightenTerms(Terms calldata newTerms) external onlyGuardian {
        Terms memory old = terms;
        if (newTerms.silenceSeconds < old.silenceSeconds) {
            revert TermLooser("silenceSeconds", newTerms.silenceSeconds, old.silenceSeconds);
        }
        if (newTerms.maxGas > old.maxGas) revert TermLooser("maxGas", newTerms.maxGas, old.maxGas);
        if (newTerms.maxWei > old.maxWei) revert TermLooser("maxWei", newTerms.maxWei, old.maxWei);
        if (newTerms.maxWeiPerDay > old.maxWeiPerDay) {
            revert TermLooser("maxWeiPerDay", newTerms.maxWeiPerDay, old.maxWeiPerDay);
        }
        _setTerms(newTerms);
    }

    /// @notice Takes ether out of the tank. Governor only.
    function withdraw(uint256 wei_, address payable receiver) external onlyGovernor nonReentrant {
        emit TankWithdrawn(receiver, wei_);
        (bool isPaid,) = receiver.call{value: wei_}("");
        if (!isPaid) revert WithdrawalFailed(receiver, wei_);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @notice First time at which the keepers count as silent, Unix seconds, if none of them trades before.
    /// @dev The desk's own trades break no silence: where the last trade of all is its own, the keepers were silent then.
    function silentFrom() public view returns (uint256) {
        Budget memory own = guard.keeperBudget(address(this));
        uint256 lastTradeAt = guard.totalBudget().lastTradeAt;
        if (lastTradeAt != 0 && lastTradeAt == own.lastTradeAt) return lastTradeAt;
        return Math.max(lastTradeAt, deployedAt) + terms.silenceSeconds;
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev An order with a limit of the rescuer's own could wait for ever, and keep others from a rescue.
    function _requireFairOrders(Leg[] calldata legs) private view {
        for (uint256 i = 0; i < legs.length; ++i) {
            if (legs[i].limitPrice == 0 || legs[i].sizeDelta == 0) continue;
            if (IPerpVenue(legs[i].venue).openOrder() != 0) revert OrderWithOwnLimit(i, legs[i].limitPrice);
        }
    }

    /// @dev Books before it pays; a payment that fails is not booked.
    function _pay(uint256 gasUsed) private returns (uint256 paid) {
        uint256 day = block.timestamp / 1 days;
        uint256 left = Math.saturatingSub(terms.maxWeiPerDay, paidOn[day]);
        paid = Math.min(gasUsed, terms.maxGas) * block.basefee * 4 / 5;
        paid = Math.min(Math.min(paid, terms.maxWei), Math.min(left, address(this).balance));
        if (paid == 0) return 0;
        paidOn[day] += paid;
        if (_send(msg.sender, paid)) return paid;
        paidOn[day] -= paid;
        return 0;
    }

    /// @dev Bounded gas, and nothing is read of what comes back.
    function _send(address receiver, uint256 wei_) private returns (bool isPaid) {
        assembly ("memory-safe") {
            isPaid := call(PAYMENT_GAS, receiver, wei_, 0, 0, 0, 0)
        }
    }

    function _setTerms(Terms memory newTerms) private {
        uint256 silence = newTerms.silenceSeconds;
        if (silence < MIN_SILENCE || silence > MAX_SILENCE) {
            revert SilenceOutOfRange(silence, MIN_SILENCE, MAX_SILENCE);
        }
        if (newTerms.maxGas > MAX_GAS) revert MaxGasOutOfRange(newTerms.maxGas, MAX_GAS);
        emit TermsSet(terms, newTerms);
        terms = newTerms;
    }
}
