// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MockPyth} from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";
import {PythErrors} from "@pythnetwork/pyth-sdk-solidity/PythErrors.sol";
import {Test} from "forge-std/Test.sol";
import {IPriceSource} from "../../contracts/interfaces/IPriceSource.sol";
import {PythSource} from "../../contracts/oracles/PythSource.sol";

/// @notice Takes no ether back.
contract UnpayableCaller {
    function update(PythSource source, bytes[] calldata updateData) external payable {
        source.update{value: msg.value}(updateData);
    }
}

/// @notice HEDGE-443 .. HEDGE-445: Pyth's own test double behind the source.
/// @dev `MockPyth` keeps what Pyth's contract keeps, under the same rule of newer publish times, without the signatures.
contract PythSourceTest is Test {
    uint256 private constant START = 1_722_500_000; // Unix seconds
    uint256 private constant FEE = 7; // wei a price
    bytes32 private constant ID = "ETH/USD";

    MockPyth private pyth;
    PythSource private source;

    receive() external payable {}

    function setUp() external {
        vm.warp(START);
        vm.deal(address(this), 1 ether);
        pyth = new MockPyth(60, FEE);
        _publish(2000e8, 1e8, -8, START);
        source = new PythSource(address(pyth), ID);
    }

    function _signed(int64 price, uint64 conf, int32 expo, uint256 publishTime)
        private
        view
        returns (bytes[] memory updateData)
    {
        updateData = new bytes[](1);
        updateData[0] = pyth.createPriceFeedUpdateData(ID, price, conf, expo, price, conf, uint64(publishTime), 0);
    }

    function _publish(int64 price, uint64 conf, int32 expo, uint256 publishTime) private {
        pyth.updatePriceFeeds{value: FEE}(_signed(price, conf, expo, publishTime));
    }

    /// @dev Brings another price a second later and expects its WAD form.
    function _expectScaled(int64 mantissa, uint64 conf, int32 expo, uint256 price, uint256 confidence) private {
        vm.warp(block.timestamp + 1);
        _publish(mantissa, conf, expo, block.timestamp);
        (uint256 actualPrice, uint256 updatedAt, uint256 actualConfidence) = source.latestPrice();
        assertEq(actualPrice, price);
        assertEq(actualConfidence, confidence);
        assertEq(updatedAt, block.timestamp);
    }

    // HEDGE-443
    function test_latestPrice_scalesAnyExponent() external {
        _expectScaled(2000e8, 150_000_000, -8, 2000e18, 1.5e18);
        _expectScaled(2000, 1, 0, 2000e18, 1e18);
        _expectScaled(2, 0, 3, 2000e18, 0);
        _expectScaled(2000e15, 3, -15, 2000e18, 3000);
        _expectScaled(7, 3, -18, 7, 3);
        _expectScaled(type(int64).max, type(uint64).max, -18, uint64(type(int64).max), type(uint64).max);
    }

    // HEDGE-443
    function test_latestPrice_roundsPriceDownAndConfidenceUpBelowWad() external {
        _expectScaled(29, 21, -19, 2, 3);
        _expectScaled(20, 20, -19, 2, 2);
        _expectScaled(type(int64).max, type(uint64).max, -37, 0, 2);
        _expectScaled(type(int64).max, 1, -75, 0, 1);
        _expectScaled(type(int64).max, 1, -76, 0, 1);
        _expectScaled(type(int64).max, 1, type(int32).min, 0, 1);
        _expectScaled(type(int64).max, 0, type(int32).min, 0, 0);
    }

    // HEDGE-443
    function test_latestPrice_holdsTheLargestExponentAndRefusesMore() external {
        _expectScaled(1, type(uint64).max, 39, 1e57, uint256(type(uint64).max) * 1e57);
        int32[2] memory tooLarge = [int32(40), type(int32).max];
        for (uint256 i = 0; i < 2; ++i) {
            vm.warp(block.timestamp + 1);
            _publish(1, 1, tooLarge[i], block.timestamp);
            int256 exponent = int256(tooLarge[i]) + 18;
            vm.expectRevert(abi.encodeWithSelector(PythSource.ExponentTooLarge.selector, exponent, 57));
            source.latestPrice();
        }
    }

    // HEDGE-443
    function test_latestPrice_revertsIfNotPositive() external {
        int64[3] memory prices = [int64(0), -1, type(int64).min];
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(block.timestamp + 1);
            _publish(prices[i], 0, -8, block.timestamp);
            vm.expectRevert(abi.encodeWithSelector(IPriceSource.NonPositiveAnswer.selector, int256(prices[i])));
            source.latestPrice();
        }
    }

    // HEDGE-443
    function test_constructor_revertsIfTheFeedDoesNotExist() external {
        vm.expectRevert(PythErrors.PriceFeedNotFound.selector);
        new PythSource(address(pyth), "ETH/USDT");
    }

    // HEDGE-444
    function test_update_paysTheFeeAndReturnsTheRest() external {
        vm.warp(START + 5);
        bytes[] memory updateData = new bytes[](2);
        updateData[0] = _signed(2100e8, 1e8, -8, START + 4)[0];
        updateData[1] = _signed(2200e8, 1e8, -8, START + 5)[0];
        uint256 balance = address(this).balance;
        uint256 fee = source.update{value: 1000}(updateData);
        assertEq(fee, 2 * FEE);
        assertEq(address(this).balance, balance - 2 * FEE);
        assertEq(address(source).balance, 0);
        (uint256 price, uint256 updatedAt,) = source.latestPrice();
        assertEq(price, 2200e18);
        assertEq(updatedAt, START + 5);
    }

    // HEDGE-444
    function test_update_takesTheExactFeeWithoutARefund() external {
        vm.warp(START + 5);
        UnpayableCaller caller = new UnpayableCaller();
        caller.update{value: FEE}(source, _signed(2100e8, 1e8, -8, START + 5));
        (uint256 price,,) = source.latestPrice();
        assertEq(price, 2100e18);
    }

    // HEDGE-444
    function test_update_revertsIfTheFeeWasNotSent() external {
        bytes[] memory updateData = _signed(2100e8, 1e8, -8, START);
        vm.expectRevert(abi.encodeWithSelector(PythSource.FeeNotSent.selector, FEE - 1, FEE));
        source.update{value: FEE - 1}(updateData);
    }

    // HEDGE-444
    function test_update_paysOutOfTheCallersEtherAlone() external {
        vm.deal(address(source), 1 ether); // forced in
        bytes[] memory updateData = _signed(2100e8, 1e8, -8, START);
        vm.expectRevert(abi.encodeWithSelector(PythSource.FeeNotSent.selector, 0, FEE));
        source.update(updateData);
        source.update{value: FEE + 1}(updateData);
        assertEq(address(source).balance, 1 ether);
    }

    // HEDGE-444
    function test_update_revertsIfTheRefundIsNotTaken() external {
        UnpayableCaller caller = new UnpayableCaller();
        bytes[] memory updateData = _signed(2100e8, 1e8, -8, START);
        vm.expectRevert(abi.encodeWithSelector(PythSource.RefundFailed.selector, address(caller), 3));
        caller.update{value: FEE + 3}(source, updateData);
    }

    // HEDGE-445
    function test_update_neverGoesBackInTimeAndNeverFailsForIt() external {
        uint256[2] memory notNewer = [START - 1, START];
        for (uint256 i = 0; i < 2; ++i) {
            source.update{value: FEE}(_signed(1e8, 0, -8, notNewer[i]));
            (uint256 price, uint256 updatedAt,) = source.latestPrice();
            assertEq(price, 2000e18);
            assertEq(updatedAt, START);
        }
    }
}
