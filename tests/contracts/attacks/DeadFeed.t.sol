// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeltaSource} from "../../../contracts/interfaces/IDeltaSource.sol";
import {AttackFixture} from "../support/AttackFixture.sol";

/// @notice A price that is gone keeps margin where it is. The figure is the margin no role can bring back, USD.
contract DeadFeedTest is AttackFixture {
    function setUp() public override {
        super.setUp();
        _hedge();
    }

    /// @dev Everything a role could try: reduce, take margin out, remove the venue, leave.
    function _marginOutOfReach() private returns (uint256) {
        int256 margin = int256(_units(50_000));
        _attemptRebalance(_leg(-margin, -50e18));
        _attemptRebalance(_leg(0, -50e18));
        _attemptRebalance(_leg(-margin, 0));
        _attemptRebalance(_leg(-margin / 2, 0));
        _attemptAsGovernor(address(registry), _removeVenueCall(venue));
        _attemptAsGovernor(address(vault), abi.encodeCall(vault.startWindDown, ()));
        vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
        _attemptRebalance(_leg(0, -venue.size()));
        _attemptOnVault(attacker, abi.encodeCall(vault.bringMarginHome, (venue, token.balanceOf(address(venue)))));
        return _usd(token.balanceOf(address(venue)));
    }

    /// @dev What the other tests are measured by.
    function test_feed__healthy__marginComesBack() external {
        source.set(0, 0);
        _attackYieldsAtMost(_marginOutOfReach(), 0);
    }

    function test_feed__silentForFortyDays__holdsTheMargin() external {
        vm.warp(block.timestamp + 40 days);
        _widenPriceLimits();
        source.set(0, 0); // the book has long expired
        _attackYieldsAtMost(_marginOutOfReach(), 0);
    }

    function test_feed__silentAndVenueFlat__holdsTheMargin() external {
        source.set(0, 0);
        _rebalance(_leg(0, -50e18));
        vm.warp(block.timestamp + 40 days);
        _widenPriceLimits();
        _attackYieldsAtMost(_marginOutOfReach(), 0);
    }

    function test_feed__answersZero__holdsTheMargin() external {
        source.set(0, 0);
        aggregator.updateAnswer(0);
        _widenPriceLimits();
        _attackYieldsAtMost(_marginOutOfReach(), 0);
    }

    function test_feed__datedTomorrow__holdsTheMargin() external {
        source.set(0, 0);
        aggregator.updateRoundData(9, 2000e8, block.timestamp + 1 days);
        _attackYieldsAtMost(_marginOutOfReach(), 0);
    }

    function test_feed__reverts__holdsTheMargin() external {
        source.set(0, 0);
        vm.mockCallRevert(address(aggregator), abi.encodeCall(aggregator.latestRoundData, ()), "");
        _attackYieldsAtMost(_marginOutOfReach(), 0);
    }

    function test_feed__codeDestroyed__holdsTheMargin() external {
        source.set(0, 0);
        vm.etch(address(aggregator), "");
        _attackYieldsAtMost(_marginOutOfReach(), 0);
    }

    /// @dev The oracle is dead and so is the venue's index: shares are still sold at the price of forty days ago.
    function test_deposit__feedSilentForFortyDays__isStillOpen() external {
        vm.warp(block.timestamp + 40 days);
        bool isIn = _attemptDeposit(attacker, _units(200_000));
        venue.setPrices(2200e18, 2200e18);
        uint256 worth = _usd(vault.previewRedeem(vault.balanceOf(attacker)));
        _attackYieldsAtMost(isIn ? _gain(200_000e18, worth) : 0, 0);
    }

    /// @dev The governor can remove this one, one operation later; the keeper alone can do nothing.
    function test_book__sourceReverts__holdsTheMargin() external {
        vm.mockCallRevert(address(source), abi.encodeWithSelector(IDeltaSource.deltaInterval.selector), "");
        _attackYieldsAtMost(_marginOutOfReach(), 0);
    }

    /// @dev A price outside the range is refused although it is true: the fall below 100 that the margin is there for.
    function test_feed__fellBelowTheRange__holdsTheMargin() external {
        source.set(0, 0);
        aggregator.updateAnswer(99e8);
        venue.setPrices(99e18, 99e18);
        venue.setCash(45_050e18); // 50,000 at 99
        _attackYieldsAtMost(_marginOutOfReach(), 0);
    }
}
