// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RedemptionQueue} from "../../../contracts/vault/RedemptionQueue.sol";
import {ShareFees} from "../../../contracts/vault/ShareFees.sol";
import {VaultFixture} from "../support/VaultFixture.sol";
import {QueueHandler} from "./QueueHandler.sol";

/// @notice The queue's accounts after any sequence of requests, cancels, servings, claims and moves of NAV.
abstract contract QueueInvariants is VaultFixture {
    QueueHandler private handler;
    RedemptionQueue private queue;

    function setUp() public override {
        super.setUp();
        _prepare();
        queue = new RedemptionQueue(vault, 500);
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(queue))));
        handler = new QueueHandler(vault, queue, token);
        for (uint256 i = 0; i < handler.MEMBERS(); ++i) {
            _deposit(handler.member(i), _units(10_000 * (i + 1)));
        }
        venue.setCash(100_000e18); // half of NAV is not idle, so most servings are short
        targetContract(address(handler));
    }

    /// @dev What the vault is given before its first deposit.
    function _prepare() internal virtual;

    /// @dev Every request of every epoch, with its epoch.
    function _sums(uint256 epochId) private view returns (uint256 units, uint256 pending, uint256 claimable) {
        for (uint256 i = 0; i < handler.MEMBERS(); ++i) {
            address owner = handler.member(i);
            units += queue.requests(epochId, owner).units;
            pending += queue.pendingShares(epochId, owner);
            claimable += queue.claimableAssets(epochId, owner);
        }
    }

    // HEDGE-049
    function invariant_claimsNeverExceedWhatWasReceived() external view {
        uint256 claimable = 0;
        for (uint256 i = 0; i < queue.epochCount(); ++i) {
            (,, uint256 ofEpoch) = _sums(i);
            claimable += ofEpoch;
        }
        assertLe(claimable + handler.assetsClaimed(), handler.assetsReceived());
        assertLe(claimable, token.balanceOf(address(queue)));
        assertEq(token.balanceOf(address(queue)), handler.assetsReceived() - handler.assetsClaimed());
        assertFalse(handler.isPaidWrongly());
    }

    // HEDGE-049
    function invariant_sharesOfTheEpochsAreHeld() external view {
        uint256 shares = 0;
        for (uint256 i = 0; i < queue.epochCount(); ++i) {
            RedemptionQueue.Epoch memory epoch = queue.epochs(i);
            (uint256 units, uint256 pending,) = _sums(i);
            assertEq(units, epoch.units);
            assertLe(pending, epoch.shares);
            assertLe(epoch.shares - pending, handler.MEMBERS());
            shares += epoch.shares;
        }
        assertEq(shares, queue.totalShares());
        uint256 held = vault.balanceOf(address(queue));
        assertLe(shares, held);
        assertEq(
            held, handler.sharesRequested() + handler.strays() - handler.sharesCancelled() - handler.sharesServed()
        );
    }

    // HEDGE-043
    function invariant_noEpochIsServedBeforeAnEarlierOne() external view {
        uint256 oldest = queue.firstEpoch();
        for (uint256 i = 0; i < queue.epochCount(); ++i) {
            RedemptionQueue.Epoch memory epoch = queue.epochs(i);
            if (i < oldest) assertEq(epoch.shares, 0);
            if (i > oldest) assertEq(epoch.assets, 0);
        }
    }

    // HEDGE-049
    function invariant_whoeverIsAloneInAnEpochGetsItsRest() external view {
        for (uint256 i = 0; i < queue.epochCount(); ++i) {
            RedemptionQueue.Epoch memory epoch = queue.epochs(i);
            for (uint256 j = 0; j < handler.MEMBERS(); ++j) {
                RedemptionQueue.Request memory mine = queue.requests(i, handler.member(j));
                if (mine.units == 0 || mine.units != epoch.units) continue;
                assertEq(queue.claimableAssets(i, handler.member(j)), epoch.assets - mine.claimed);
                assertEq(queue.pendingShares(i, handler.member(j)), epoch.shares);
            }
        }
    }

    function afterInvariant() external view {
        assertGt(handler.sharesRequested() + handler.strays(), 0, "the run did nothing");
    }
}

contract QueueInvariantsTest is QueueInvariants {
    function _prepare() internal override {}
}

contract QueueInvariantsWithFeesTest is QueueInvariants {
    function _prepare() internal override {
        ShareFees fees = new ShareFees(access, vault);
        _govern(address(vault), abi.encodeCall(vault.setShareFees, (fees)));
        _govern(address(fees), abi.encodeCall(fees.setFees, (200, 2000, makeAddr("recipient"))));
    }
}
