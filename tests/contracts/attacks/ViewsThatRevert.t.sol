// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttackFixture} from "../support/AttackFixture.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {TokenDouble} from "../support/Tokens.sol";

/// @notice Views that ERC-4626 forbids to revert, and that revert. The figure is how many do.
contract ViewsThatRevertTest is AttackFixture {
    function _counts(bytes[] memory views) private returns (uint256 reverted) {
        for (uint256 i = 0; i < views.length; ++i) {
            if (!_attemptOnVault(attacker, views[i])) ++reverted;
        }
        return reverted * 1e18;
    }

    function _prices() private view returns (bytes[] memory views) {
        views = new bytes[](3);
        views[0] = abi.encodeCall(vault.totalAssets, ());
        views[1] = abi.encodeCall(vault.convertToShares, (1e6));
        views[2] = abi.encodeCall(vault.convertToAssets, (1e6));
    }

    function _limits() private view returns (bytes[] memory views) {
        views = new bytes[](4);
        views[0] = abi.encodeCall(vault.maxDeposit, (depositor));
        views[1] = abi.encodeCall(vault.maxMint, (depositor));
        views[2] = abi.encodeCall(vault.maxWithdraw, (depositor));
        views[3] = abi.encodeCall(vault.maxRedeem, (depositor));
    }

    function test_prices__venueHalted__allRevert() external {
        _hedge();
        venue.setHalted(true);
        _attackYieldsAtMost(_counts(_prices()), 0);
    }

    function test_prices__venueDestroyed__allRevert() external {
        _hedge();
        vm.etch(address(venue), "");
        _attackYieldsAtMost(_counts(_prices()), 0);
    }

    /// @dev Two accounts of the largest equity and one unit of idle: NAV is 2^256 - 1, and one more is none.
    function test_limits__navNearTheLargestNumber__revert() external {
        _deploy(new TokenDouble(18));
        ScriptedVenue second = _addVenue();
        _deposit(depositor, 1);
        venue.setCash(type(int256).max);
        second.setCash(type(int256).max);
        _attackYieldsAtMost(_counts(_limits()), 0);
    }

    /// @dev A share has six decimals more than the asset, so a supply near 2^256 takes no more than 2^236 of assets.
    function test_limits__supplyNearTheLargestNumber__revert() external {
        _attemptAsGovernor(address(vault), abi.encodeCall(vault.setDepositCap, (type(uint256).max)));
        uint256 assets = uint256(type(uint192).max) / 2;
        token.mint(depositor, assets);
        vm.startPrank(depositor);
        token.approve(address(vault), assets);
        vault.deposit(assets, depositor);
        vm.stopPrank();
        _attackYieldsAtMost(_counts(_limits()), 0);
    }
}
