// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {OrderConformance} from "../conformance/OrderConformance.sol";
import {GmxV2Keys} from "../../../contracts/venues/gmx/GmxV2Keys.sol";
import {GmxMath} from "../support/gmx/GmxMath.sol";
import {GmxStage} from "../support/gmx/GmxStage.sol";

/// @notice The adapter of GMX, on the double of GMX, does what every adapter does.
contract GmxConformanceTest is OrderConformance, GmxStage {
    function setUp() external {
        _raise();
    }

    function _venue() internal view override returns (IPerpVenue) {
        return venue;
    }

    function _unit() internal pure override returns (uint256) {
        return 1e6;
    }

    function _endow(uint256 assets) internal override {
        token.mint(address(vault), assets);
        vm.prank(address(vault));
        token.approve(address(venue), assets);
    }

    function _held() internal view override returns (uint256) {
        return token.balanceOf(address(vault));
    }

    function _movePrice(uint256 price) internal override {
        _setPrice(price);
    }

    function _complete(IPerpVenue.Execution memory) internal override {
        _fill(venue.markPrice());
    }

    function _liquidate() internal override {
        handler.liquidate(address(venue), true, venue.markPrice() * 4 / 10 / 1e6);
    }

    /// @dev What GMX charges is owed, what it pays is claimable.
    function _fund(int256 usd) internal override returns (bool) {
        (address m, address t) = (MARKET, address(token));
        uint256 assets = uint256(usd > 0 ? usd : -usd) * 1e6;
        if (usd > 0) {
            store.setUint(GmxV2Keys.claimableFunding(m, t, address(venue)), assets);
        } else {
            store.setUint(GmxMath.fundingKey(m, t, true), assets * 1e45 / gmx.sideOf(address(venue), true).sizeInUsd);
        }
        return true;
    }

    function _fillAtVenue(bytes32, int256, uint256 price) internal override {
        handler.setDeaf(true);
        _fill(price);
    }

    /// @dev GMX ends an order where its price is beyond what was accepted.
    function _endAtVenue(bytes32, IPerpVenue.OrderStatus status) internal override {
        handler.setDeaf(true);
        (, bytes32 openKey) = venue.orderKeys();
        if (status == IPerpVenue.OrderStatus.Frozen) handler.freeze(openKey);
        else _fill(venue.markPrice() * 2);
    }

    function _keeper() internal view override returns (address) {
        return vault.keeper();
    }

    function _fillsInParts() internal pure override returns (bool) {
        return false;
    }

    function _heldSeconds() internal pure override returns (uint256) {
        return 300;
    }
}
