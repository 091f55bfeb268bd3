// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../../contracts/interfaces/IHedgeVault.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {Measurement, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {HardLimits} from "../support/HardLimits.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {GovernanceActions} from "./GovernanceActions.sol";

/// @notice What holds between any two calls.
abstract contract SystemChecks is GovernanceActions {
    function _checkAll() internal {
        Moment memory m = _moment();
        _checkShares(m);
        _checkValues(m);
        _checkModes();
        _checkGoverned();
        _checkOpenings(m);
        _checkCollateral();
        _checkOrders();
    }

    /// @dev What an adapter says of its order is what the venue has done of it, once.
    function _checkOrders() private {
        for (uint256 i = 0; i < everyVenue.length; ++i) {
            ScriptedVenue venue = everyVenue[i];
            bytes32 orderId = venue.lastOrder();
            if (orderId == 0) continue;
            IPerpVenue.Order memory order = venue.order(orderId);
            (IPerpVenue.OrderStatus status, int256 sizeDelta, int256 filled,,,,,) = venue.venueOrders(orderId);
            bool isOpen = status == IPerpVenue.OrderStatus.Pending || status == IPerpVenue.OrderStatus.PartlyFilled
                || status == IPerpVenue.OrderStatus.Frozen;
            (int256 negative, int256 positive) = venue.pending();
            _judge(62, order.status == status && order.filledSizeDelta == filled);
            _judge(62, negative + positive == (isOpen ? sizeDelta - filled : int256(0)));
            _judge(62, venue.openOrder() == (isOpen ? orderId : bytes32(0)));
        }
    }

    function _checkShares(Moment memory m) private {
        uint256 shares = vault.balanceOf(address(queue));
        uint256 claims = vault.previewRedeem(shares);
        for (uint256 i = 0; i < members.length; ++i) {
            uint256 held = vault.balanceOf(members[i]);
            shares += held;
            claims += _worth(held, m.navLow);
            _judge(15, vault.lockedUntil(members[i]) == lockEnds[members[i]]);
        }
        _judge(6, claims <= vault.totalAssets());
        _judge(12, shares == vault.totalSupply() && vault.balanceOf(stranger) == 0);
        _judge(22, vault.netFlows() == flows);
    }

    function _checkValues(Moment memory m) private {
        (uint256 low, uint256 high) = vault.navBounds();
        _judge(7, low <= high && _isNear(low, m.navLow, 2) && _isNear(high, m.navHigh, 2));
        Measurement memory measured = vault.measureHedge();
        _judge(23, measured.firmNav <= measured.nav && _isNear(measured.firmNav, m.firmNav, 2 * TO_WAD));
        for (uint256 i = 0; i < measured.venues.length; ++i) {
            VenueMeasurement memory v = measured.venues[i];
            _judge(7, v.equityLow <= v.equity && v.equity <= v.equityHigh);
            if (v.isSilent != m.venues[i].isSilent) _judge(53, false);
            if (!v.isSilent) continue;
            _judge(53, v.equity == 0 && v.equityHigh == 0);
            _judge(42, v.sizeLow == m.venues[i].sizeLow && v.sizeHigh == m.venues[i].sizeHigh);
        }
    }

    function _checkModes() private {
        _judge(47, vault.isReduceOnly() == mirror.isReduceOnly);
        _judge(45, vault.isWindingDown() == mirror.isWindingDown);
        _judge(46, vault.paused() == (vm.getBlockTimestamp() < mirror.pausedUntil));
    }

    function _checkGoverned() private {
        bytes memory bounds = abi.encode(guard.bounds());
        _judge(49, keccak256(bounds) == mirror.bounds);
        _judge(49, keccak256(abi.encode(oracle.priceLimits())) == mirror.priceLimits);
        _judge(49, vault.depositCap() == mirror.depositCap && vault.shareLock() == mirror.shareLock);
        uint256[21] memory f = abi.decode(bounds, (uint256[21]));
        bool isInside = f[2] >= f[0] && f[4] <= f[5] && f[14] + f[15] <= 500 && f[16] >= f[14] + f[15] && f[20] >= 30;
        for (uint256 i = 0; i < 21; ++i) {
            if (f[i] > HardLimits.limitOf(i)) isInside = false;
        }
        _judge(50, isInside);
        _judge(52, access.keeperCount() <= 4 && access.governorCount() == 1);
        for (uint256 i = 0; i < listed.length; ++i) {
            _judge(49, registry.venueState(listed[i]).isClosing == isClosing[listed[i]]);
            _judge(49, registry.venueState(listed[i]).capUsd == capUsd[listed[i]]);
        }
    }

    /// @dev Deposits are closed for a reason, and for each of these.
    function _checkOpenings(Moment memory m) private {
        IHedgeVault.DepositBlock reason = vault.depositBlock();
        bool isStopped = vm.getBlockTimestamp() < mirror.pausedUntil || mirror.isReduceOnly || mirror.isWindingDown;
        bool isClosed = reason != IHedgeVault.DepositBlock.None;
        _judge(18, isClosed == (isStopped || fault != Fault.None || m.isAnySilent || m.isAnyUnderWater));
        if (isStopped) _judge(44, isClosed);
        if (fault != Fault.None) _judge(54, isClosed);
        if (m.isAnySilent) _judge(53, isClosed);
        uint256 room = vault.maxDeposit(members[4]);
        _judge(18, !isClosed || (room == 0 && vault.maxMint(members[4]) == 0));
        _judge(18, vault.maxDeposit(stranger) == 0);
        vault.previewDeposit(1e6); // INV-60: none of these may revert, or this call does
        vault.previewMint(1e12);
        vault.maxWithdraw(members[0]);
        guard.isBreakerTripped();
        guard.lossBounds();
        guard.available(keepers[HONEST], true);
        oracle.read();
        _judge(60, true);
    }

    function _checkCollateral() private {
        uint256 held = token.balanceOf(address(vault)) + token.balanceOf(address(queue));
        for (uint256 i = 0; i < everyVenue.length; ++i) {
            held += token.balanceOf(address(everyVenue[i]));
            _judge(56, token.allowance(address(vault), address(everyVenue[i])) == 0);
        }
        for (uint256 i = 0; i < members.length; ++i) {
            held += token.balanceOf(members[i]);
        }
        _judge(55, held == token.totalSupply());
        _judge(57, listed.length <= 8 && _isListUnchanged());
    }

    function _isNear(uint256 x, uint256 y, uint256 distance) private pure returns (bool) {
        return x > y ? x - y <= distance : y - x <= distance;
    }
}
