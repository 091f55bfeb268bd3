// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {VaultAccess} from "../../../contracts/governance/VaultAccess.sol";
import {IOptionBook} from "../../../contracts/interfaces/IOptionBook.sol";
import {OptionBook} from "../../../contracts/book/OptionBook.sol";

/// @notice An empty option book, and legs to put into it.
abstract contract OptionBookFixture is Test {
    uint256 internal constant NOW = 1_722_470_400;
    uint256 internal constant EXPIRY = NOW + 30 days;
    uint256 internal constant PRICE = 2500e18;

    address internal governor = makeAddr("governor"); // still setting up, so without delay
    address internal guardian = makeAddr("guardian");
    address internal keeper = makeAddr("keeper");
    address internal stranger = makeAddr("stranger");
    OptionBook internal book;

    function setUp() external {
        vm.warp(NOW);
        VaultAccess access = new VaultAccess(governor);
        vm.mockCall(address(access), abi.encodeCall(access.requireGuardian, (guardian)), "");
        book = new OptionBook(access);
    }

    function _add(IOptionBook.OptionLeg memory added) internal returns (uint256) {
        IOptionBook.OptionLeg[] memory legs = new IOptionBook.OptionLeg[](1);
        legs[0] = added;
        vm.prank(governor);
        return book.addLegs(legs);
    }

    function _addSingleIv(uint256 strike, bool isCall, int256 quantity) internal {
        IOptionBook.OptionLeg memory added = _leg(strike, isCall, quantity);
        added.ivHigh = added.ivLow;
        _add(added);
    }

    function _call(uint256 strike) internal pure returns (IOptionBook.OptionLeg memory) {
        return _leg(strike, true, -1e18);
    }

    function _leg(uint256 strike, bool isCall, int256 quantity) internal pure returns (IOptionBook.OptionLeg memory) {
        return IOptionBook.OptionLeg(strike, EXPIRY, isCall, quantity, 0.5e18, 0.6e18);
    }

    /// @dev Calls and puts, long and short, of strikes 2000, 2100, ... and two expiries.
    function _many(uint256 count) internal pure returns (IOptionBook.OptionLeg[] memory legs) {
        legs = new IOptionBook.OptionLeg[](count);
        for (uint256 i; i < count; ++i) {
            legs[i] = _leg(2000e18 + i * 100e18, i % 2 == 0, i % 3 == 0 ? int256(2e18) : -1.5e18);
            legs[i].expiry += (i % 2) * 30 days;
        }
    }

    function _anyLeg(IOptionBook.OptionLeg memory seed) internal view returns (IOptionBook.OptionLeg memory) {
        uint256 largest = book.MAX_STRIKE() / book.STRIKE_STEP();
        // Every order of magnitude is equally likely.
        seed.strike = bound(seed.strike >> 8, 1, largest / 10 ** (seed.strike % 16)) * book.STRIKE_STEP();
        seed.expiry = bound(seed.expiry, NOW + 1, NOW + book.MAX_TENOR());
        seed.quantity = _anyQuantity(seed.quantity);
        (seed.ivLow, seed.ivHigh) = _anyIvInterval(seed.ivLow, seed.ivHigh);
        return seed;
    }

    function _anyQuantity(int256 seed) internal view returns (int256) {
        int256 most = int256(book.MAX_QUANTITY() / book.QUANTITY_STEP());
        return bound(seed, -most, most) * int256(book.QUANTITY_STEP());
    }

    function _anyIvInterval(uint256 low, uint256 high) internal view returns (uint256, uint256) {
        uint256 step = book.IV_STEP();
        low = bound(low, book.MIN_IV() / step, book.MAX_IV() / step);
        high = bound(high, low, book.MAX_IV() / step);
        return (low * step, high * step);
    }
}
