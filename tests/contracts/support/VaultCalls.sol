// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeltaSource} from "../../../contracts/interfaces/IDeltaSource.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {PriceLimits} from "../../../contracts/types/Prices.sol";
import {Bounds, Intent, Leg} from "../../../contracts/types/Rebalance.sol";
import {VaultFixture} from "./VaultFixture.sol";

/// @notice Every call the attacks make that is not ERC-4626: when the contracts' interfaces change, this file changes.
abstract contract VaultCalls is VaultFixture {
    /// @dev Gas an attempt may use: a block's.
    uint256 internal constant BLOCK_GAS = 30_000_000;

    /// @dev Selector of the last refusal, for the reader of a test.
    bytes4 internal _lastRefusal;

    function _attempt(address sender, address target, bytes memory data) internal returns (bool done) {
        bytes memory answer;
        vm.prank(sender);
        (done, answer) = target.call{gas: BLOCK_GAS}(data);
        if (!done) _lastRefusal = answer.length < 4 ? bytes4(0) : bytes4(answer);
    }

    function _attemptOnVault(address sender, bytes memory data) internal returns (bool) {
        return _attempt(sender, address(vault), data);
    }

    /// @dev A governor's operation in due form, scheduled as long ago as it has to wait.
    function _attemptAsGovernor(address target, bytes memory data) internal returns (bool done) {
        _scheduleAs(governor, target, data);
        done = _attempt(governor, target, data);
        if (done) return true;
        vm.prank(governor);
        access.cancel(governor, target, data);
    }

    /// @dev A governor's operation by a thief of its key, in this very block.
    function _seize(address target, bytes memory data) internal returns (bool) {
        return _attempt(governor, target, data);
    }

    /// @dev A guardian's operation, at once.
    function _intervene(address target, bytes memory data) internal returns (bool) {
        return _attempt(guardian, target, data);
    }

    // --- the keeper -------------------------------------------------------------------------------------------------

    function _rebalanceCall(Intent memory intent, Leg[] memory legs) internal view returns (bytes memory) {
        return abi.encodeCall(vault.rebalance, (intent, legs));
    }

    function _attemptRebalance(address sender, Leg[] memory legs) internal returns (bool) {
        return _attemptOnVault(sender, _rebalanceCall(_nextIntent(), legs));
    }

    function _attemptRebalance(Leg[] memory legs) internal returns (bool) {
        return _attemptRebalance(keeper, legs);
    }

    function _grantKeeperCall(address account) internal view returns (bytes memory) {
        return abi.encodeCall(access.grantRole, (access.KEEPER_ROLE(), account, 0));
    }

    function _dismissKeeperCall(address account) internal pure returns (bytes memory) {
        return abi.encodeWithSignature("dismissKeeper(address)", account);
    }

    // --- venues, book, bounds -----------------------------------------------------------------------------------------

    function _addVenueCall(IPerpVenue added) internal view returns (bytes memory) {
        return abi.encodeCall(registry.addVenue, (added));
    }

    function _removeVenueCall(IPerpVenue removed) internal view returns (bytes memory) {
        return abi.encodeCall(registry.removeVenue, (removed));
    }

    function _addSourceCall(IDeltaSource added) internal view returns (bytes memory) {
        return abi.encodeCall(deltaBook.addSource, (added));
    }

    function _removeSourceCall(IDeltaSource removed) internal view returns (bytes memory) {
        return abi.encodeCall(deltaBook.removeSource, (removed));
    }

    function _setBoundsCall(Bounds memory bounds) internal view returns (bytes memory) {
        return abi.encodeCall(guard.setBounds, (bounds));
    }

    function _tightenBoundsCall(Bounds memory bounds) internal view returns (bytes memory) {
        return abi.encodeCall(guard.tightenBounds, (bounds));
    }

    function _pauseCall() internal pure returns (bytes memory) {
        return abi.encodeWithSignature("pause()");
    }

    /// @dev As far as the oracle lets a governor go, to leave it no excuse.
    function _widenPriceLimits() internal returns (bool) {
        PriceLimits memory limits = oracle.priceLimits();
        limits.maxAgeSeconds = uint32(oracle.MAX_AGE_HARD_LIMIT());
        (limits.minPrice, limits.maxPrice) = (1, uint128(oracle.MAX_PRICE_HARD_LIMIT()));
        return _attemptAsGovernor(address(oracle), abi.encodeCall(oracle.setPriceLimits, (limits)));
    }

    // --- exits and idle -------------------------------------------------------------------------------------------------

    /// @dev Collateral in the vault itself, asset units.
    function _idle() internal view returns (uint256) {
        return token.balanceOf(address(vault));
    }

    /// @dev All shares against whatever idle pays for them, without waiting for any margin.
    function _redeemFromIdleCall(address account) internal view returns (bytes memory) {
        uint256 shares = vault.balanceOf(account);
        return abi.encodeCall(vault.redeemWithUnwind, (shares, 0, account, account, new Leg[](0)));
    }
}
