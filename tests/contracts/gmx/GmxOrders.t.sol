// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {GmxV2Keys} from "../../../contracts/venues/gmx/GmxV2Keys.sol";
import {GmxV2Market} from "../../../contracts/venues/gmx/GmxV2Market.sol";
import {GmxV2Releases} from "../../../contracts/venues/gmx/GmxV2Releases.sol";
import {GmxV2Venue} from "../../../contracts/venues/gmx/GmxV2Venue.sol";
import {IGmxCallbacks, IGmxExchangeRouter, IGmxReader} from "../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxHandlerDouble} from "../support/gmx/GmxHandlerDouble.sol";
import {GmxMath} from "../support/gmx/GmxMath.sol";
import {GmxStage} from "../support/gmx/GmxStage.sol";

/// @notice Orders on the double of GMX: what becomes of them, what it costs, and whom the adapter believes.
contract GmxOrdersTest is GmxStage {
    address private stranger = makeAddr("stranger");

    function setUp() external {
        _raiseFunded(1 ether, 10_000e6);
    }

    function _trade(int256 sizeDelta) private returns (bytes32 orderId) {
        orderId = _request(sizeDelta);
        _fill(venue.markPrice());
    }

    function _equity() private view returns (int256) {
        return venue.account().equity;
    }

    function _status(bytes32 orderId) private view returns (IPerpVenue.OrderStatus) {
        return venue.order(orderId).status;
    }

    function _assertStatus(bytes32 orderId, IPerpVenue.OrderStatus status) private view {
        assertEq(uint256(_status(orderId)), uint256(status));
    }

    // --- value in flight ------------------------------------------------------------------------------------------

    /// HEDGE-572
    function test_value_onItsWayIsInside() external {
        int256 before = _equity();
        assertEq(before, 12_000e18); // 10,000 of margin and an ether at 2,000
        _request(2e18);
        assertEq(_equity(), before);
        assertLt(address(venue).balance, 1 ether);
        assertEq(token.balanceOf(address(venue)), 8000e6);
        _fill(PRICE);
        // 5 bps of 4,000, and 60 % of the execution fee
        uint256 used = gmx.executionFee(true) * 6000 / 10_000;
        assertApproxEqAbs(_equity(), before - 2e18 - int256(used * 2000), 1e6);
    }

    function test_executionFee_aboveTheLimit_namesBoth() external {
        vm.txGasPrice(10 gwei);
        uint256 fee = gmx.executionFee(true);
        vm.prank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(GmxV2Market.ExecutionFeeTooHigh.selector, fee, 0.01 ether));
        venue.execute(1e18, 2040e18);
    }

    function test_executionFee_isWhatGmxAsksFor() external {
        _request(1e18); // the double refuses less
        (, bytes32 key) = venue.orderKeys();
        assertEq(handler.orderOf(key).params.numbers.executionFee, gmx.executionFee(true));
        assertEq(gmx.executionFee(true), 0.1 gwei * uint256(600_000 + 3 * 250_000 + 3_000_000 + 750_000));
    }

    /// HEDGE-581
    function test_callbackGas_isNoMoreThanGmxAllows_soThatExitsGoOn() external {
        _request(5e18);
        _fill(PRICE);
        store.setUint(GmxV2Keys.MAX_CALLBACK_GAS_LIMIT, 500_000);
        _request(-5e18);
        (bytes32 closeKey,) = venue.orderKeys();
        assertEq(gmx.executionFee(false), 0.1 gwei * uint256(600_000 + 3 * 250_000 + 4_000_000 + 500_000));
        assertEq(handler.orderOf(closeKey).params.numbers.callbackGasLimit, 500_000);
        _fill(PRICE);
        assertEq(venue.size(), 0);
    }

    function test_ether_tooLittleIsSaid() external {
        vm.deal(address(venue), 1);
        bytes memory refusal = abi.encodeWithSelector(GmxV2Venue.EtherTooLow.selector, 1, gmx.executionFee(true));
        vm.prank(address(vault));
        vm.expectRevert(refusal);
        venue.execute(1e18, 2040e18);
    }

    // --- callbacks ------------------------------------------------------------------------------------------------

    /// HEDGE-573
    function test_callback_ofAStrangerIsRefused() external {
        IGmxCallbacks.EventLogData memory nothing;
        vm.startPrank(stranger);
        bytes memory refusal = abi.encodeWithSelector(GmxV2Venue.OnlyController.selector, stranger);
        vm.expectRevert(refusal);
        venue.afterOrderExecution(0, nothing, nothing);
        vm.expectRevert(refusal);
        venue.afterOrderCancellation(0, nothing, nothing);
        vm.expectRevert(refusal);
        venue.afterOrderFrozen(0, nothing, nothing);
        vm.expectRevert(refusal);
        venue.refundExecutionFee(0, nothing);
    }

    function test_callback_lostLateOrDoubled_changesNothing() external {
        handler.setDeaf(true);
        bytes32 orderId = _request(2e18);
        _fill(PRICE);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Filled); // lost: seen untold
        IPerpVenue.Order memory seen = venue.order(orderId);
        (, bytes32 key) = venue.orderKeys();
        IGmxCallbacks.EventLogData memory nothing;
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(address(handler));
            venue.afterOrderExecution(key, nothing, nothing);
        }
        vm.prank(address(handler));
        venue.afterOrderCancellation(key, nothing, nothing); // and a lie
        assertEq(abi.encode(venue.order(orderId)), abi.encode(seen));
        bytes32 next = _request(1e18);
        vm.prank(address(handler));
        venue.afterOrderExecution(key, nothing, nothing); // late: of the order before
        _assertStatus(next, IPerpVenue.OrderStatus.Pending);
    }

    function test_callback_inTime_books() external {
        bytes32 orderId = _trade(2e18);
        assertEq(uint256(venue.reconcile(orderId)), uint256(IPerpVenue.OrderStatus.Filled));
        assertEq(vault.sampleCount(), 1);
    }

    // --- what becomes of an order ---------------------------------------------------------------------------------

    function test_frozen_staysOpenAndCanBeCancelled() external {
        bytes32 orderId = _request(2e18);
        (, bytes32 key) = venue.orderKeys();
        handler.freeze(key);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Frozen);
        vm.warp(block.timestamp + 300);
        vm.prank(stranger);
        venue.cancel(orderId);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Cancelled);
        assertEq(token.balanceOf(address(venue)), 10_000e6);
    }

    function test_cancelledOnPrice_bringsTheMarginBack() external {
        bytes32 orderId = _request(2e18);
        _fill(2050e18);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Cancelled);
        assertEq(venue.size(), 0);
        assertEq(token.balanceOf(address(venue)), 10_000e6);
    }

    function test_cancel_beforeGmxLetsGo_isRefusedToAKeeperToo() external {
        bytes32 orderId = _request(2e18);
        uint256 at = venue.order(orderId).expiresAt;
        assertEq(at, block.timestamp + 300);
        vm.warp(at - 1);
        vm.prank(vault.keeper());
        vm.expectRevert(abi.encodeWithSelector(GmxV2Venue.CancelTooEarly.selector, at - 1, at));
        venue.cancel(orderId);
    }

    function test_flip_fillsInTwoParts() external {
        _trade(2e18);
        bytes32 orderId = _request(-5e18);
        (bytes32 closeKey, bytes32 openKey) = venue.orderKeys();
        handler.execute(closeKey, 2000e12);
        _assertStatus(orderId, IPerpVenue.OrderStatus.PartlyFilled);
        assertEq(venue.size(), 0);
        assertEq(venue.order(orderId).filledSizeDelta, -2e18);
        handler.execute(openKey, 2000e12);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Filled);
        assertEq(venue.size(), -3e18);
    }

    function test_keeperThatPicksItsPrice_staysInsideTheLimit(uint256 price, bool isSale) external {
        price = bound(price, 1900e18, 2100e18);
        bytes32 orderId = _request(isSale ? -2e18 : int256(2e18));
        _fill(price);
        IPerpVenue.Order memory order = venue.order(orderId);
        vm.assume(price / 1e6 != 1960e12); // GMX rounds a short's tokens up, and so its price down
        bool isInside = isSale ? price >= 1960e18 : price <= 2040e18;
        assertEq(order.status == IPerpVenue.OrderStatus.Filled, isInside);
        if (isInside) assertApproxEqRel(order.executionPrice, price, 1e9);
        assertLe(order.fee, order.maxFee);
    }

    /// HEDGE-575
    function test_close_isReduceOnly_afterADeleveraging() external {
        _trade(2e18);
        bytes32 orderId = _request(-2e18);
        handler.deleverage(address(venue), true, 3000e30, 2000e12);
        assertEq(venue.size(), 0.5e18);
        assertEq(venue.account().pendingNegative, -0.5e18); // no more than there is
        _fill(PRICE); // more than there is: GMX refuses it
        assertEq(venue.size(), 0.5e18);
        assertEq(venue.openOrder(), 0);
        assertLe(venue.order(orderId).filledSizeDelta, 0);
        _trade(-0.5e18);
        assertEq(venue.size(), 0);
    }

    function test_close_ofNothingInGmxNumbers_isAnError() external {
        _trade(2e18);
        bytes32 key = GmxV2Keys.position(address(venue), MARKET, address(token), true);
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_USD), 1);
        vm.prank(address(vault));
        vm.expectRevert(IPerpVenue.ZeroSize.selector);
        venue.execute(-1e18, 1960e18);
    }

    /// HEDGE-576
    function test_exit_meetsTheUncappedImpact() external {
        _trade(2e18);
        _setImpact(5e28, 5e27); // 5 % before the cap, 0.5 % after it
        int256 before = _equity();
        bytes32 orderId = _request(-2e18); // a limit of 2 %
        _fill(PRICE);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Filled);
        assertEq(venue.size(), 0);
        // 4.5 % of 4,000 come back after the delay, and count now; 0.5 % and the fee are gone.
        uint256 hour = block.timestamp / 3600;
        assertEq(gmx.owedOf(address(venue), address(token), hour), 180e6);
        assertApproxEqAbs(_equity(), before - 20e18 - 2e18, 2e18);
        int256 held = _equity();
        vm.warp(block.timestamp + 6 days);
        assertEq(_equity(), held); // noted by the callback
        venue.claimCollateral(address(token), hour);
        assertEq(_equity(), held);
    }

    function test_impact_isStoredAtTheIncreaseAndCountsAtOnce() external {
        _setImpact(1e27, 5e27); // 0.1 %
        int256 before = _equity();
        _trade(2e18);
        uint256 used = gmx.executionFee(true) * 6000 / 10_000;
        assertApproxEqAbs(_equity(), before - 4e18 - 2e18 - int256(used * 2000), 1e12);
    }

    function test_openInterest_boundsCapacity() external {
        store.setUint(GmxV2Keys.maxOpenInterest(MARKET, true), 4000e30);
        assertEq(venue.capacity(true), 2e18);
        vm.prank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.SizeBeyondLiquidity.selector, 3e18));
        venue.execute(3e18, 2040e18);
    }

    /// HEDGE-581
    /// @dev Of longs GMX reserves what they are worth now, of shorts what they were opened at.
    function test_reserve_boundsCapacity_asGmxDoes(bool isShort) external {
        _setReserve(10 ether, 20_000e6); // nine tenths of 20,000 USD: 9 ether
        assertEq(venue.capacity(!isShort), 9e18);
        int256 side = isShort ? -int256(1e18) : int256(1e18);
        int256 beyond = 9 * side + (isShort ? -int256(1) : int256(1));
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.SizeBeyondLiquidity.selector, beyond));
        venue.quote(beyond);
        _trade(4 * side);
        assertEq(venue.capacity(!isShort), 5e18);
        assertEq(venue.capacity(isShort), 9e18 + 4e18);
        _setPrice(1600e18);
        assertEq(venue.capacity(!isShort), isShort ? uint256(10_000e18) / 1600 : 5e18);
        _setPrice(PRICE);
        _assertStatus(_trade(5 * side), IPerpVenue.OrderStatus.Filled); // the whole of it, at GMX too
        assertEq(venue.capacity(!isShort), 0);
    }

    /// @dev GMX closes the whole position where too little would stay.
    function test_closeThatLeavesTooLittle_closesTheWhole(bool isShort, uint256 price) external {
        int256 side = isShort ? -int256(1) : int256(1);
        _trade(2e18 * side);
        price = bound(price, 1900, 2100) * 1e18;
        _setPrice(price);
        int256 before = _equity();
        bytes32 orderId = _request(-(2e18 - 0.0004e18) * side);
        _fill(price);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Filled);
        assertEq(venue.size(), 0);
        assertEq(venue.openOrder(), 0);
        IPerpVenue.Order memory order = venue.order(orderId);
        assertEq(order.filledSizeDelta, -(2e18 - 0.0004e18) * side); // never more than was asked for
        assertApproxEqRel(order.executionPrice, price, 1e14);
        uint256 ether_ = gmx.executionFee(false) * 6000 / 10_000 * price / 1e18;
        assertApproxEqAbs(_equity(), before - int256(price / 1000 + ether_), 1e18);
    }

    function test_liquidation_takesThePositionAlone() external {
        _trade(2e18);
        _setPrice(1005e18);
        assertEq(gmx.liquidationFactor(), 0.005e18);
        handler.liquidate(address(venue), true, 1001e12);
        assertEq(venue.size(), 0);
        assertGe(token.balanceOf(address(venue)), 8000e6); // the cash is out of its reach
    }

    function test_failedSwap_isInsideAsLongTokens_andBecomesEther() external {
        _trade(2e18);
        _setPrice(2200e18);
        handler.setSwapFails(true);
        int256 before = _equity();
        bytes32 orderId = _request(-2e18);
        _fill(2200e18);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Filled);
        assertGt(wnt.balanceOf(address(venue)), 0.18 ether);
        assertApproxEqAbs(_equity(), before, 6e18); // fees
        int256 held = _equity();
        uint256 wei_ = address(venue).balance + wnt.balanceOf(address(venue));
        venue.unwrap();
        assertEq(address(venue).balance, wei_);
        assertEq(_equity(), held);
    }

    function test_funding_claimableIsInsideAndClaimed() external {
        store.setUint(GmxV2Keys.claimableFunding(MARKET, address(token), address(venue)), 100e6);
        int256 held = _equity();
        assertEq(held, 12_100e18);
        vm.prank(stranger);
        venue.claimFunding();
        assertEq(_equity(), held);
        assertEq(venue.freeCollateral(), 10_100e6);
    }

    function test_borrowing_isOwedAtOnce() external {
        _trade(2e18);
        int256 before = _equity();
        store.setUint(GmxMath.key(GmxMath.BORROWING, MARKET, true), 1e28); // 1 % of 4,000
        assertEq(_equity(), before - 40e18);
    }

    // --- releases -------------------------------------------------------------------------------------------------

    /// HEDGE-577
    function test_rotation_withAPositionAndAnOrderOpen_missesNoExit() external {
        _trade(2e18);
        bytes32 orderId = _request(1e18);
        (GmxHandlerDouble oldHandler, address oldExchange) = (handler, address(exchange));
        reader.setStale(true); // the old Reader decodes nothing from now on
        vm.expectRevert();
        venue.account(); // silent, and not worth nothing
        GmxV2Releases.Release memory release = _release();
        vm.prank(vault.governor());
        gmx.addRelease(release);
        assertEq(venue.account().size, 2e18);
        (, bytes32 key) = venue.orderKeys();
        handler.adopt(oldHandler, key);
        roles.setRole(oldExchange, "CONTROLLER", false);
        roles.setRole(address(oldHandler), "CONTROLLER", false);
        venue.registerCallback();
        vm.warp(block.timestamp + 300);
        vm.prank(stranger);
        venue.cancel(orderId); // by the new router
        _assertStatus(orderId, IPerpVenue.OrderStatus.Cancelled);
        _trade(-2e18); // and the exit goes through it
        assertEq(venue.size(), 0);
        vm.prank(vault.governor());
        gmx.dropRelease(0);
        assertEq(gmx.releases().length, 1);
    }

    function test_exit_needsNoReader() external {
        _trade(2e18);
        reader.setStale(true);
        _trade(-2e18);
        assertEq(venue.size(), 0);
        assertEq(venue.openOrder(), 0);
    }

    /// HEDGE-577
    function test_gmxTakesNoNewOrders_whatIsOpenIsCancelledAndClaimedAllTheSame() external {
        bytes32 orderId = _request(2e18);
        for (uint256 orderType = 2; orderType <= 4; orderType += 2) {
            store.setBool(GmxV2Keys.createOrderDisabled(address(handler), orderType), true);
        }
        vm.warp(block.timestamp + 300);
        venue.cancel(orderId);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Cancelled);
        assertEq(token.balanceOf(address(venue)), 10_000e6);
        store.setUint(GmxV2Keys.claimableFunding(MARKET, address(token), address(venue)), 100e6);
        venue.claimFunding();
        assertEq(venue.freeCollateral(), 10_100e6);
        venue.registerCallback();
        vm.prank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(GmxV2Releases.NoUsableRelease.selector, 1));
        venue.execute(1e18, 2040e18);
    }

    function test_cash_comesHomeWhileAnOrderIsOpen() external {
        bytes32 orderId = _request(2e18);
        vm.prank(address(vault));
        venue.withdrawMargin(8000e6);
        assertEq(token.balanceOf(address(vault)), 1e12 - 2000e6);
        _fill(PRICE);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Filled);
    }

    function test_settle_isGmxsAlone() external {
        bytes32 orderId = _request(2e18);
        vm.expectRevert(abi.encodeWithSelector(GmxV2Venue.OnlyGmxExecutes.selector, orderId));
        venue.settle(orderId, "");
    }

    function test_gas_isBounded() external {
        uint256 start = gasleft();
        _request(2e18);
        assertLt(start - gasleft(), 1_700_000);
        _fill(PRICE);
        start = gasleft();
        venue.account();
        assertLt(start - gasleft(), 450_000); // half of what a venue is given
    }

    function test_release_thatIsSilentIsRefused() external {
        GmxV2Releases.Release memory release = _release();
        reader.setStale(true);
        vm.prank(vault.governor());
        vm.expectRevert(
            abi.encodeWithSelector(
                GmxV2Releases.ReleaseSilent.selector, release.exchangeRouter, release.orderHandler, release.reader
            )
        );
        gmx.addRelease(release);
    }

    function test_release_isTheGovernorsAlone_andTheLastStays() external {
        GmxV2Releases.Release memory release = _release();
        vm.expectRevert();
        gmx.addRelease(release);
        vm.prank(vault.governor());
        vm.expectRevert(abi.encodeWithSelector(GmxV2Releases.LastRelease.selector, 0));
        gmx.dropRelease(0);
    }

    function test_release_withoutRoles_isNotUsed() external {
        roles.setRole(address(exchange), "CONTROLLER", false);
        vm.prank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(GmxV2Releases.NoUsableRelease.selector, 1));
        venue.execute(1e18, 2040e18);
    }

    // --- the ABI --------------------------------------------------------------------------------------------------

    /// @dev Selectors of the ABIs in @gmx-io/sdk 1.4.0, and the one error that is known by its selector.
    function test_abi_isGmxs() external pure {
        assertEq(
            IGmxExchangeRouter.createOrder.selector,
            bytes4(
                keccak256(
                    abi.encodePacked(
                        "createOrder(((address,address,address,address,address,address,address[]),",
                        "(uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256),",
                        "uint8,uint8,bool,bool,bool,bytes32,bytes32[]))"
                    )
                )
            )
        );
        assertEq(IGmxExchangeRouter.multicall.selector, bytes4(0xac9650d8));
        assertEq(GmxHandlerDouble.RequestNotYetCancellable.selector, bytes4(0xe8266438));
        string memory prices = "((uint256,uint256),(uint256,uint256),(uint256,uint256))";
        assertEq(
            IGmxReader.getPositionInfo.selector,
            bytes4(
                keccak256(
                    abi.encodePacked("getPositionInfo(address,address,bytes32,", prices, ",uint256,address,bool)")
                )
            )
        );
        assertEq(
            IGmxReader.getExecutionPrice.selector,
            bytes4(
                keccak256(
                    abi.encodePacked(
                        "getExecutionPrice(address,address,", prices, ",uint256,uint256,int256,int256,bool)"
                    )
                )
            )
        );
    }
}
