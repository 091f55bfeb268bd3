// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {HyperEvmLimits} from "../../../contracts/venues/hyperevm/HyperEvmLimits.sol";
import {HyperEvmMarket} from "../../../contracts/venues/hyperevm/HyperEvmMarket.sol";
import {HyperEvmVenue} from "../../../contracts/venues/hyperevm/HyperEvmVenue.sol";
import {HyperStage} from "./HyperStage.sol";

/// @notice Orders on the double of HyperCore: what becomes of them, what they cost, and what is not asked for.
contract HyperOrdersTest is HyperStage {
    address private stranger = makeAddr("stranger");

    function setUp() external {
        _raise();
        _flyCanary();
        _fundVenue(10_000);
        _moveAll();
    }

    function _expectRefusal(int256 sizeDelta, uint256 limit, bytes memory refusal) private {
        vm.prank(address(vault));
        vm.expectRevert(refusal);
        venue.execute(sizeDelta, limit);
    }

    // --- without a word -------------------------------------------------------------------------------------------

    /// HEDGE-585
    function test_refused_isOpenUntilTwiceTheExpiry_thenExpired() external {
        core.setRefusing(1, true);
        bytes32 orderId = _request(2e18);
        uint256 start = vm.getBlockTimestamp();
        _pass(2 * SETTLE - 1);
        assertEq(core.refusedCount(), 1);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Pending);
        assertEq(venue.account().pendingPositive, 2e18);
        _pass(1);
        assertEq(vm.getBlockTimestamp(), start + 120);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Expired);
        assertEq(venue.account().pendingPositive, 0);
        vm.prank(stranger);
        assertEq(uint256(venue.reconcile(orderId)), uint256(IPerpVenue.OrderStatus.Expired));
        core.setRefusing(1, false);
        _deal(2e18); // and there is room for the next
        assertEq(venue.size(), 2e18);
    }

    function test_late_butInsideItsTime_isFilled() external {
        core.setOrderDelay(SETTLE);
        bytes32 orderId = _request(2e18);
        _pass(SETTLE);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Filled);
    }

    function test_laterThanItsTime_isInThePositionAlone() external {
        core.setOrderDelay(2 * SETTLE + 5);
        bytes32 orderId = _request(2e18);
        _pass(2 * SETTLE);
        venue.reconcile(orderId);
        _pass(5);
        IPerpVenue.Account memory a = venue.account();
        assertEq(a.size, 2e18);
        assertEq(a.pendingPositive, 0); // once
        _assertStatus(orderId, IPerpVenue.OrderStatus.Expired);
        assertEq(venue.order(orderId).filledSizeDelta, 0);
    }

    /// HEDGE-586
    function test_ownBlock_showsNothingOfTheOrder() external {
        bytes32 orderId = _request(2e18);
        core.fund(address(venue), 0);
        assertEq(venue.account().size, 0);
        assertEq(venue.account().pendingPositive, 2e18);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Pending);
        _block();
        assertEq(venue.account().size, 2e18);
        assertEq(venue.account().pendingPositive, 0);
    }

    function test_part_isFilled_theRestExpires() external {
        core.setFill(2500, 0);
        bytes32 orderId = _deal(-4e18);
        _assertStatus(orderId, IPerpVenue.OrderStatus.PartlyFilled);
        assertEq(venue.account().size, -1e18);
        assertEq(venue.account().pendingNegative, -3e18);
        _pass(2 * SETTLE);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Expired);
        assertEq(venue.order(orderId).filledSizeDelta, -1e18);
        assertEq(venue.account().pendingNegative, 0);
    }

    function test_part_thatIsCancelled_keepsWhatIsFilled() external {
        core.setFill(2500, 0);
        bytes32 orderId = _deal(4e18);
        _pass(SETTLE);
        vm.prank(stranger);
        venue.cancel(orderId);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Cancelled);
        assertEq(venue.order(orderId).filledSizeDelta, 1e18);
        _block();
        assertEq(core.cancelCount(), 1); // HyperCore was told
    }

    function test_cancel_beforeTheExpiry_isRefusedToAKeeperToo() external {
        bytes32 orderId = _request(2e18);
        uint256 expiresAt = venue.order(orderId).expiresAt;
        vm.warp(expiresAt - 1);
        vm.prank(vault.keeper());
        vm.expectRevert(abi.encodeWithSelector(HyperEvmVenue.CancelTooEarly.selector, expiresAt - 1, expiresAt));
        venue.cancel(orderId);
    }

    function test_settle_isHyperCoresAlone() external {
        bytes32 orderId = _request(2e18);
        vm.expectRevert(abi.encodeWithSelector(HyperEvmVenue.OnlyHyperCoreExecutes.selector, orderId));
        venue.settle(orderId, "");
    }

    function test_cancel_ofOneOrder_doesNotEndTheNext() external {
        core.setRefusing(1, true);
        bytes32 first = _request(2e18);
        _pass(SETTLE);
        venue.cancel(first);
        core.setRefusing(1, false);
        bytes32 second = _request(2e18);
        _assertStatus(second, IPerpVenue.OrderStatus.Pending);
        _block();
        _assertStatus(second, IPerpVenue.OrderStatus.Filled);
        assertNotEq(venue.cloidOf(first), venue.cloidOf(second));
    }

    // --- closes ---------------------------------------------------------------------------------------------------

    /// HEDGE-587
    function test_close_isReduceOnly_afterADeleveraging() external {
        _deal(2e18);
        bytes32 orderId = _request(-2e18);
        core.deleverage(address(venue), -15_000, 200_000);
        assertEq(venue.account().pendingNegative, -0.5e18); // no more than there is
        _block();
        assertEq(venue.size(), 0);
        _assertStatus(orderId, IPerpVenue.OrderStatus.Filled);
    }

    function test_close_ofALiquidatedPosition_opensNothing() external {
        _deal(2e18);
        core.setOrderDelay(10);
        _request(-2e18);
        core.liquidate(address(venue), false);
        _pass(10);
        assertEq(venue.size(), 0);
        assertEq(core.refusedCount(), 1);
    }

    function test_close_needsNeitherCanaryNorMargin() external {
        _deal(2e18);
        vm.prank(vault.guardian());
        market.distrust();
        core.fund(address(venue), -9000e6);
        _deal(-2e18);
        assertEq(venue.size(), 0);
    }

    function test_closeBesideAMove_isToldAtItsWorstTerms() external {
        _deal(2e18);
        core.setRefusing(7, true);
        _fundVenue(100);
        venue.advance();
        _block();
        venue.advance(); // spot to perpetuals, refused
        core.setRefusing(7, false);
        bytes32 orderId = _deal(-2e18);
        IPerpVenue.Order memory order = venue.order(orderId);
        assertEq(uint256(order.status), uint256(IPerpVenue.OrderStatus.Filled));
        assertEq(order.executionPrice, order.limitPrice);
        assertEq(order.fee, order.maxFee);
    }

    function test_openingBesideAMove_isToldAtItsWorstTerms() external {
        _fundVenue(100);
        venue.advance();
        _block();
        venue.advance();
        bytes32 orderId = _deal(2e18);
        IPerpVenue.Order memory order = venue.order(orderId);
        assertEq(venue.size(), 2e18);
        assertEq(order.executionPrice, order.limitPrice);
        assertEq(order.fee, order.maxFee);
    }

    // --- terms ----------------------------------------------------------------------------------------------------

    /// HEDGE-588
    function test_terms_ofAnOpening_areHyperCoresOwn() external {
        core.setFill(10_000, 200_150); // 2,001.50
        core.setTakerFee(350); // less than the most that is counted with
        IPerpVenue.Order memory order = venue.order(_deal(2e18));
        assertEq(order.executionPrice, 2001.5e18);
        assertEq(order.fee, 2 * 2001.5e18 * 35 / 100_000);
        order = venue.order(_deal(1e18)); // onto it
        assertEq(order.executionPrice, 2001.5e18);
        assertEq(order.fee, 2001.5e18 * 35 / 100_000);
    }

    function test_terms_ofAClose_areWhatItBrought() external {
        _deal(2e18);
        core.setFill(10_000, 199_000);
        IPerpVenue.Order memory order = venue.order(_deal(-2e18));
        assertApproxEqAbs(order.executionPrice, 1990e18, 1e13);
        assertApproxEqAbs(order.fee, 2 * 1990e18 * 45 / 100_000, 1e13);
        assertLe(order.fee, order.maxFee);
    }

    function test_terms_ofAFlip_areWhatItChanged() external {
        _deal(2e18);
        core.setFill(10_000, 199_000);
        IPerpVenue.Order memory order = venue.order(_deal(-5e18));
        assertApproxEqAbs(order.executionPrice, 1990e18, 1e13);
        assertEq(venue.size(), -3e18);
        assertEq(venue.position().entryPrice, 1990e18);
    }

    function test_limit_isOnATickAndNoWorse(uint256 limit, bool isSale) external {
        limit = bound(limit, 2000e18, 2900e18);
        if (isSale) limit = 4000e18 - limit;
        if (limit < 1000e18) limit = 1000e18;
        bytes32 orderId;
        vm.prank(address(vault));
        try venue.execute(isSale ? -2e18 : int256(2e18), limit) returns (IPerpVenue.Execution memory execution) {
            orderId = execution.orderId;
        } catch {
            assertTrue(isSale && limit > 1999.9e18); // between the last tick and the bid
            return;
        }
        uint256 kept = venue.order(orderId).limitPrice;
        assertEq(kept % 0.1e18, 0); // five figures of a price of four digits
        if (isSale) assertTrue(kept >= limit && kept < limit + 0.1e18);
        else assertTrue(kept <= limit && kept + 0.1e18 > limit);
        _block();
        _assertStatus(orderId, IPerpVenue.OrderStatus.Filled); // the double takes no price off its ticks
    }

    function test_limit_ofManyDigits_isAWholeNumber() external {
        _setPrice(123_456e18);
        assertEq(_limitOf(0.02e18, 123_999.9e18), 123_999e18);
        assertEq(_limitOf(-0.02e18, 123_000.1e18), 123_001e18);
        _setPrice(0.5e18);
        assertEq(_limitOf(1000e18, 0.519e18), 0.51e18); // 6 - 4 decimals
    }

    function _limitOf(int256 sizeDelta, uint256 limit) private view returns (uint256) {
        return market.plan(address(venue), sizeDelta, limit).limitPrice;
    }

    function test_limit_farAway_isBroughtNear() external {
        assertEq(_limitOf(1e18, type(uint128).max), 3000e18);
        assertEq(_limitOf(-1e18, 0), 1000e18);
    }

    function test_limit_beyondTheBook_isRefused() external {
        core.setPrices(200_000, 200_000, 199_000, 201_000);
        bytes4 violated = IPerpVenue.LimitPriceViolated.selector;
        _expectRefusal(2e18, 2009e18, abi.encodeWithSelector(violated, 2010e18, 2009e18));
        _expectRefusal(-2e18, 1991e18, abi.encodeWithSelector(violated, 1990e18, 1991e18));
        (uint256 price, uint256 fee) = venue.quote(2e18);
        assertEq(price, 2010e18);
        assertEq(fee, 2 * 2010e18 * 45 / 100_000);
        core.setPrices(200_000, 200_000, 0, 0);
        _expectRefusal(2e18, 2100e18, abi.encodeWithSelector(HyperEvmMarket.BookEmpty.selector, true));
    }

    /// HEDGE-560
    function testFuzz_orderTerms_foretellTheHighestFee(int64 size, uint8 limitBps, uint64 takerFee) external {
        int256 sizeDelta = int256(size) % 20e18;
        vm.assume(sizeDelta < -0.01e18 || sizeDelta > 0.01e18);
        HyperEvmLimits.Limits memory limits = _limits();
        limits.takerFee = uint64(bound(takerFee, 0, 0.01e18));
        vm.prank(vault.governor());
        market.setLimits(limits);
        uint256 limit = sizeDelta > 0 ? PRICE + PRICE * limitBps / 10_000 : PRICE - PRICE * limitBps / 10_000;
        (uint256 feeRate, uint256 fixedFee, uint256 saleRise,) = venue.orderTerms();
        (uint256 quoted,) = venue.quote(sizeDelta);
        uint256 price = sizeDelta > 0 ? limit : quoted + quoted * saleRise / 1e18;
        uint256 foreseen = Math.mulDiv(SignedMath.abs(sizeDelta), price, 1e18, Math.Rounding.Ceil);
        foreseen = Math.mulDiv(foreseen, feeRate, 1e18, Math.Rounding.Ceil) + fixedFee;
        vm.prank(address(vault));
        uint256 told = venue.order(venue.execute(sizeDelta, limit).orderId).maxFee;
        assertLe(told, foreseen);
        assertGe(told + 0.5e18, foreseen); // a lot, a tick and a rounding apart
    }

    function test_size_isCutToLots() external {
        (,,, uint256 sizeStep) = venue.orderTerms();
        assertEq(sizeStep, 1e14);
        bytes32 orderId = _deal(2e18 + 0.99e14);
        assertEq(venue.order(orderId).sizeDelta, 2e18);
        assertEq(venue.size(), 2e18);
        _expectRefusal(0.99e14, 2040e18, abi.encodeWithSelector(IPerpVenue.ZeroSize.selector));
        _expectRefusal(-0.99e14, 1960e18, abi.encodeWithSelector(IPerpVenue.ZeroSize.selector));
    }

    function test_opening_belowTheLeastNotional_namesBoth() external {
        bytes memory refusal = abi.encodeWithSelector(HyperEvmMarket.OrderTooSmall.selector, 8e18, 10e18);
        _expectRefusal(0.004e18, 2000e18, refusal);
        vm.prank(address(vault));
        venue.execute(0.005e18, 2000e18); // the least
        _block();
        _deal(0.005e18);
        _deal(-0.004e18); // a close is asked for all the same
        assertEq(venue.size(), 0.006e18);
    }

    function test_opening_withTooLittleMargin_namesBoth() external {
        // (25 x 2,000 x 0.2 = 10,000) + the fee of 22.5
        bytes memory refusal = abi.encodeWithSelector(HyperEvmMarket.MarginTooLow.selector, 10_000e18, 10_022.5e18);
        _expectRefusal(25e18, 2000e18, refusal);
        _expectRefusal(-25e18, 1960e18, refusal); // at the mark, where the limit is below it
        _deal(24e18);
        assertEq(venue.size(), 24e18);
    }

    function test_opening_beyondTheGovernedSize_isRefused() external {
        _expectRefusal(1001e18, 2040e18, abi.encodeWithSelector(IPerpVenue.SizeBeyondLiquidity.selector, 1001e18));
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.SizeBeyondLiquidity.selector, -1001e18));
        venue.quote(-1001e18);
    }

    // --- the canary -----------------------------------------------------------------------------------------------

    /// HEDGE-589
    function test_canary_mustComeBackBeforeAnythingIsOpened() external {
        vm.prank(vault.guardian());
        market.distrust();
        _expectRefusal(2e18, 2040e18, abi.encodeWithSelector(HyperEvmVenue.CanaryMissing.selector, 2));
        _canary();
        assertEq(venue.order(venue.canaryId()).limitPrice, 2020e18); // 1 % from the book
        assertEq(venue.size(), 0.01e18);
        assertFalse(venue.isProven());
        _expectRefusal(2e18, 2040e18, abi.encodeWithSelector(HyperEvmVenue.CanaryMissing.selector, 2));
        _canary();
        assertEq(venue.order(venue.canaryId()).limitPrice, 1980e18);
        assertEq(venue.size(), 0);
        assertFalse(venue.isProven());
        _canary();
        assertTrue(venue.isProven());
        vm.prank(vault.keeper());
        vm.expectRevert(abi.encodeWithSelector(HyperEvmVenue.CanaryFlownAlready.selector, 2));
        venue.canary();
        _deal(2e18);
        assertEq(venue.size(), 2e18);
    }

    function _canary() private {
        vm.prank(vault.keeper());
        venue.canary();
        _block();
    }

    function test_canary_thatIsRefused_provesNothing() external {
        vm.prank(vault.guardian());
        market.distrust();
        core.setRefusing(1, true);
        for (uint256 i = 0; i < 4; ++i) {
            _canary();
            _pass(2 * SETTLE);
            assertFalse(venue.isProven());
        }
        assertEq(venue.size(), 0);
        core.setRefusing(1, false);
        _canary();
        core.setRefusing(1, true);
        _canary(); // the sale is refused
        _pass(2 * SETTLE);
        core.setRefusing(1, false);
        _canary(); // sold again
        assertFalse(venue.isProven());
        _canary();
        assertTrue(venue.isProven());
    }

    function test_canary_isAKeepersOrAGuardians_besideNoPosition() external {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(HyperEvmVenue.OnlyKeeperOrGuardian.selector, stranger));
        venue.canary();
        _deal(-2e18);
        vm.startPrank(vault.guardian());
        market.distrust();
        vm.expectRevert(abi.encodeWithSelector(HyperEvmVenue.CanaryInPosition.selector, -2e18, 0.01e18));
        venue.canary();
        vm.stopPrank();
        _deal(2e18);
        vm.prank(vault.guardian());
        venue.canary();
        _block();
        assertEq(venue.size(), 0.01e18);
    }

    function test_canary_ofAnotherSide_isNoProof() external {
        _deal(-0.01e18);
        vm.prank(vault.guardian());
        market.distrust();
        _deal(0.01e18); // a vault's order, filled; no canary has flown
        _canary();
        assertFalse(venue.isProven());
        assertEq(venue.size(), 0.01e18);
    }

    // --- the market -----------------------------------------------------------------------------------------------

    function test_funding_isOfThePresentPremium() external {
        assertEq(venue.fundingRate(), 0.0003e18); // interest of 0.01 % for 8 hours
        core.setPrices(201_000, 200_000, 201_000, 201_000); // P = 0.5 %: 0.45 % for 8 hours
        assertEq(venue.fundingRate(), 0.0135e18);
        core.setPrices(100_000, 200_000, 100_000, 100_000);
        assertEq(venue.fundingRate(), -0.96e18); // 4 % an hour
        assertEq(venue.maxFundingRate(), 0.96e18);
    }

    function test_funding_thatIsPaid_isInTheEquityAtOnce() external {
        _deal(2e18);
        int256 before = _equity();
        core.fund(address(venue), -12e6);
        assertEq(_equity(), before - 12e18);
    }

    function test_position_isOpenedAtItsEntry() external {
        _deal(2e18);
        _setPrice(2100e18);
        IPerpVenue.Position memory p = venue.position();
        assertEq(p.entryPrice, 2000e18);
        assertEq(p.unrealisedPnl, 200e18);
        assertEq(p.margin, 10_000e18 - 1.8e18);
        assertEq(p.fundingAccrued, 0);
        core.setPrices(210_000, 209_000, 210_000, 210_000);
        (int256 low, int256 high) = venue.equity();
        assertEq(high, 10_198.2e18);
        assertEq(low, 10_178.2e18);
        core.setPrices(210_000, 211_000, 210_000, 210_000);
        (low, high) = venue.equity();
        assertEq(low, 10_198.2e18);
        assertEq(high, 10_218.2e18);
    }

    function test_liquidation_ofAllMargin_isSeenAtOnce() external {
        _deal(20e18);
        _setPrice(1600e18);
        core.liquidate(address(venue), true);
        assertEq(venue.account().size, 0);
        assertEq(_equity(), 0);
    }

    /// HEDGE-590
    function test_maintenanceMargin_isByTheTiersOfTheTable(uint256 notional) external view {
        assertEq(market.maintenanceMargin(50_000_000e18), 1_000_000e18); // a fiftieth
        assertEq(market.maintenanceMargin(100_000_000e18), 2_000_000e18);
        // 1/30 of it less the deduction of 100 million x (1/30 - 1/50)
        assertApproxEqAbs(market.maintenanceMargin(130_000_000e18), 3_000_000e18, 1);
        notional = bound(notional, 0, 1e27);
        assertGe(market.maintenanceMargin(notional + 1e18), market.maintenanceMargin(notional));
    }

    function test_tiers_ofATableThatHasChanged_areTold() external {
        assertTrue(market.areTiersPresent());
        core.setMarketTable(56, 25, false);
        assertFalse(market.areTiersPresent());
    }
}
