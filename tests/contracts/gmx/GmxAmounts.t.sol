// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {GmxV2Keys} from "../../../contracts/venues/gmx/GmxV2Keys.sol";
import {GmxV2Market} from "../../../contracts/venues/gmx/GmxV2Market.sol";
import {GmxV2Releases} from "../../../contracts/venues/gmx/GmxV2Releases.sol";
import {GmxV2Venue} from "../../../contracts/venues/gmx/GmxV2Venue.sol";
import {IGmxReader} from "../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxMath} from "../support/gmx/GmxMath.sol";
import {GmxStage} from "../support/gmx/GmxStage.sol";

/// @notice A router of GMX's that calls back into the account in the middle of a claim.
contract CuriousExchange {
    address public immutable dataStore;
    address public immutable orderHandler;
    bytes public answer;

    constructor(address dataStore_, address orderHandler_) {
        (dataStore, orderHandler) = (dataStore_, orderHandler_);
    }

    function claimFundingFees(address[] calldata, address[] calldata, address receiver) external {
        (, answer) = receiver.call(abi.encodeCall(GmxV2Venue.claimCollateral, (address(this), 0)));
    }
}

/// @notice What an order on the double of GMX came to, to the unit, whatever else moves the account's cash meanwhile.
contract GmxAmountsTest is GmxStage {
    int256 private constant FEE_OF_ONE = 1e18; // 5 bps of 2,000 USD

    function setUp() external {
        _raiseFunded(10 ether, 100_000e6);
        handler.setFeeUsed(10_000);
    }

    /// @dev Ether of `count` of GMX's orders, WAD USD.
    function _executions(bool isIncrease, uint256 count) private view returns (uint256) {
        return gmx.etherUsd(gmx.executionFee(isIncrease) * count);
    }

    function _assertTerms(bytes32 orderId, int256 filled, uint256 price, uint256 fee) private view {
        IPerpVenue.Order memory order = venue.order(orderId);
        assertEq(order.filledSizeDelta, filled);
        assertApproxEqAbs(order.executionPrice, price, 1e9);
        assertApproxEqAbs(order.fee, fee, 1e9);
    }

    // --- terms of an order ----------------------------------------------------------------------------------------

    function test_opening_isItsPriceAndItsFee(bool isShort) external {
        int256 size = isShort ? -2e18 : int256(2e18);
        bytes32 orderId = _request(size);
        _fill(PRICE);
        _assertTerms(orderId, size, PRICE, uint256(2 * FEE_OF_ONE) + _executions(true, 1));
    }

    function test_close_isItsPriceAndItsFee(bool isShort, uint256 price) external {
        int256 size = isShort ? -2e18 : int256(2e18);
        price = bound(price, 1970, 2030) * 1e18;
        _request(size);
        _fill(PRICE);
        bytes32 orderId = _request(-size);
        _fill(price);
        _assertTerms(orderId, -size, price, uint256(2 * FEE_OF_ONE) + _executions(false, 1));
    }

    function test_tradePast0_isThePriceOfBothPartsAndBothFees(bool isShort) external {
        int256 size = isShort ? -2e18 : int256(2e18);
        _request(size);
        _fill(PRICE);
        bytes32 orderId = _request(-size * 5 / 2);
        _fill(PRICE);
        _assertTerms(orderId, -size * 5 / 2, PRICE, uint256(5 * FEE_OF_ONE) + _executions(false, 2));
    }

    function test_tradePast0_whoseFirstPartAloneFills_countsThatPart() external {
        _request(2e18);
        _fill(PRICE);
        bytes32 orderId = _request(-5e18);
        (bytes32 closeKey,) = venue.orderKeys();
        handler.execute(closeKey, 2000e12);
        _assertTerms(orderId, -2e18, PRICE, uint256(2 * FEE_OF_ONE)); // ether when it is over
        vm.warp(block.timestamp + 300);
        venue.cancel(orderId);
        _assertTerms(orderId, -2e18, PRICE, uint256(2 * FEE_OF_ONE) + _executions(false, 2));
        assertEq(uint256(venue.order(orderId).status), uint256(IPerpVenue.OrderStatus.Cancelled));
    }

    function test_fee_isNeverMoreThanWhatWasSaid() external {
        bytes32 orderId = _request(2e18);
        uint256 said = venue.order(orderId).maxFee;
        assertEq(said, uint256(2 * FEE_OF_ONE) + _executions(true, 1));
        vm.warp(block.timestamp + 300);
        venue.cancel(orderId);
        assertEq(venue.order(orderId).fee, said - uint256(2 * FEE_OF_ONE));
        orderId = _request(2e18);
        _setPrice(20_000e18); // and so the ether of the execution
        vm.warp(block.timestamp + 300);
        assertGt(_executions(true, 1), said);
        venue.cancel(orderId);
        assertEq(venue.order(orderId).fee, said);
    }

    function test_close_isTheSame_whateverElseMovesTheCash() external {
        _request(-2e18);
        _fill(PRICE);
        bytes32 orderId = _request(2e18);
        store.setUint(GmxV2Keys.claimableFunding(MARKET, address(token), address(venue)), 500e6);
        venue.claimFunding();
        vm.startPrank(address(vault));
        venue.depositMargin(3000e6);
        venue.depositMargin(4000e6);
        venue.withdrawMargin(1000e6);
        vm.stopPrank();
        _fill(1990e18);
        _assertTerms(orderId, 2e18, 1990e18, uint256(2 * FEE_OF_ONE) + _executions(false, 1));
    }

    function test_close_isItsPrice_withoutWhatWasOwedBefore(bool isShort) external {
        int256 size = isShort ? -2e18 : int256(2e18);
        _request(size);
        _fill(PRICE);
        store.setUint(GmxMath.key(GmxMath.BORROWING, MARKET, !isShort), 1e28); // 1 %
        bytes32 orderId = _request(-size);
        _fill(PRICE);
        _assertTerms(orderId, -size, PRICE, uint256(2 * FEE_OF_ONE) + _executions(false, 1));
    }

    function test_close_beforeALiquidationOfTheRest_countsNoMoreThanWasAskedFor() external {
        _request(2e18);
        _fill(PRICE);
        bytes32 orderId = _request(-0.5e18);
        handler.liquidate(address(venue), true, 1001e12);
        assertEq(venue.order(orderId).filledSizeDelta, 0); // still listed
        _fill(PRICE); // of a position that is gone
        assertEq(venue.size(), 0);
        assertEq(venue.order(orderId).filledSizeDelta, -0.5e18);
    }

    function test_limit_thatThePriceIsBeyond_isRefused() external {
        vm.startPrank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.LimitPriceViolated.selector, PRICE, PRICE - 1));
        venue.execute(1e18, PRICE - 1);
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.LimitPriceViolated.selector, PRICE, PRICE + 1));
        venue.execute(-1e18, PRICE + 1);
        vm.stopPrank();
    }

    function test_tradePast0_ofWhichAPartIsNothing_isAnError() external {
        _request(1e18);
        _fill(PRICE);
        bytes32 key = GmxV2Keys.position(address(venue), MARKET, address(token), true);
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_USD), 0);
        vm.prank(address(vault));
        vm.expectRevert(IPerpVenue.ZeroSize.selector);
        venue.execute(-3e18, PRICE);
    }

    function test_callback_thatCanReconcile_saysSo() external {
        bytes32 orderId = _request(1e18);
        (, bytes32 key) = venue.orderKeys();
        vm.expectEmit(address(venue));
        emit GmxV2Venue.OrderHinted(key, 0, true);
        handler.execute(key, 2000e12);
        vault.setEntered(true); // in the middle of the vault's own call nothing is booked
        vm.expectEmit(address(venue));
        emit GmxV2Venue.OrderHinted(key, 2, false);
        handler.freeze(key);
        assertEq(uint256(venue.order(orderId).status), uint256(IPerpVenue.OrderStatus.Filled));
    }

    function test_limit_atThePriceIsTaken() external {
        _request(1e18, PRICE);
        _fill(PRICE);
        _request(-1e18, PRICE);
        _fill(PRICE);
        assertEq(venue.size(), 0);
    }

    function test_margin_aUnitBelowWhatGmxAsksForIsTooLittle() external {
        vm.startPrank(address(vault));
        venue.withdrawMargin(100_000e6 - 21e6); // 1 % and 5 bps of 2,000
        venue.execute(1e18, PRICE);
        vm.stopPrank();
        vm.warp(block.timestamp + 300);
        venue.cancel(venue.openOrder());
        vm.prank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(GmxV2Market.MarginTooLow.selector, 21e6, 21e6 + 1));
        venue.execute(1e18 + 1, PRICE);
    }

    function test_money_thatMovesIsTold() external {
        vm.startPrank(address(vault));
        vm.expectEmit(address(venue));
        emit IPerpVenue.MarginWithdrawn(7);
        venue.withdrawMargin(7);
        vm.expectEmit(address(venue));
        emit IPerpVenue.MarginDeposited(5);
        venue.depositMargin(5);
        vm.stopPrank();
        store.setUint(GmxV2Keys.claimableFunding(MARKET, address(token), address(venue)), 3);
        vm.expectEmit(address(venue));
        emit GmxV2Venue.Claimed(3);
        venue.claimFunding();
    }

    function test_sale_countsAsWhatItIsAtItsLimit() external {
        _request(-5e18, 1900e18);
        int256 most = -5e18 * int256(2000e18) / 1900e18 - 1;
        assertEq(venue.account().pendingNegative, most);
        _fill(1901e18);
        assertGe(venue.size(), most);
        assertLt(venue.size(), -5e18);
    }

    function test_limit_thatIsNoneIsGmxsNone() external {
        _request(-2e18);
        _fill(PRICE);
        bytes32 orderId = _request(2e18, type(uint256).max);
        _fill(2500e18);
        assertEq(uint256(venue.order(orderId).status), uint256(IPerpVenue.OrderStatus.Filled));
    }

    function test_sale_withoutALimitCountsAtHalfThePrice() external {
        _request(-5e18, 0);
        assertEq(venue.account().pendingNegative, -10e18 - 1);
        assertEq(venue.account().pendingFloor, 1000e18);
    }

    function test_close_asksForTheImpactOfItsOwnSide(bool isShort) external {
        int256 size = isShort ? -2e18 : int256(2e18);
        _request(size);
        _fill(PRICE);
        GmxV2Market.Side memory side = gmx.sideOf(address(venue), !isShort);
        IGmxReader.MarketPrices memory prices;
        (prices.indexTokenPrice, prices.longTokenPrice) = (_at(2000e12), _at(2000e12));
        prices.shortTokenPrice = _at(1e24);
        (uint256 usd, uint256 tokens) = (side.sizeInUsd, side.sizeInTokens);
        bytes memory asked = abi.encodeCall(
            IGmxReader.getExecutionPrice, (address(store), MARKET, prices, usd, tokens, -int256(usd), 0, !isShort)
        );
        vm.expectCall(address(reader), asked);
        _request(-size);
    }

    function _at(uint256 price) private pure returns (IGmxReader.Price memory) {
        return IGmxReader.Price(price, price);
    }

    function test_opening_isNotAskedForBeyondItsLimit() external {
        _setImpact(3e28, 5e27); // 3 % before the cap: a close would be let through
        bytes32 orderId = _request(2e18);
        _fill(PRICE);
        assertEq(uint256(venue.order(orderId).status), uint256(IPerpVenue.OrderStatus.Cancelled));
    }

    // --- ether ----------------------------------------------------------------------------------------------------

    function test_executionFee_atTheLimitIsPaid_andAWeiAboveIsNot() external {
        uint96 fee = uint96(gmx.executionFee(true));
        vm.startPrank(vault.governor());
        gmx.setLimits(GmxV2Releases.Limits(fee, 0.5e18, 750_000));
        vm.stopPrank();
        _request(1e18);
        vm.startPrank(vault.governor());
        gmx.setLimits(GmxV2Releases.Limits(fee - 1, 0.5e18, 750_000));
        vm.stopPrank();
        _fill(PRICE);
        vm.prank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(GmxV2Market.ExecutionFeeTooHigh.selector, fee, fee - 1));
        venue.execute(1e18, 2040e18);
    }

    function test_ether_exactlyEnoughIsEnough() external {
        vm.deal(address(venue), gmx.executionFee(true));
        _request(1e18);
        assertEq(address(venue).balance, 0);
    }

    // --- value ----------------------------------------------------------------------------------------------------

    function test_profit_isRoundedDown() external {
        _request(1e18);
        _fill(PRICE);
        bytes32 key = GmxV2Keys.position(address(venue), MARKET, address(token), true);
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_TOKENS), 1e18);
        int256[3] memory profits = [int256(-1), int256(0), int256(0)];
        for (uint256 i = 0; i < 3; ++i) {
            store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_USD), 2000e30 + 1 - i);
            assertEq(venue.position().unrealisedPnl, profits[i]);
        }
    }

    function test_profit_isWhatThePoolHasForIt() external {
        _request(1e18);
        _fill(PRICE);
        int256 before = venue.account().equity;
        uint256 wei_ = address(venue).balance;
        _setPrice(2100e18);
        int256 ofEther = int256(wei_ * 100);
        assertEq(venue.account().equity, before + 100e18 + ofEther);
        reader.setProfitCap(40e30);
        assertEq(venue.account().equity, before + 40e18 + ofEther);
    }

    function test_fundingThatIsNotSettledYet_isInside() external {
        _request(1e18);
        _fill(PRICE);
        int256 before = venue.account().equity;
        reader.setClaimable(0.01 ether, 7e6);
        assertEq(venue.account().equity, before + 20e18 + 7e18);
    }

    function test_delayedLongTokens_ofThisHourAndTheLast_areInside() external {
        int256 before = venue.account().equity;
        uint256 now_ = gmx.hour();
        store.setUint(GmxV2Keys.claimableCollateral(MARKET, address(wnt), now_, address(venue)), 0.01 ether);
        store.setUint(GmxV2Keys.claimableCollateral(MARKET, address(wnt), now_ - 1, address(venue)), 0.02 ether);
        store.setUint(GmxV2Keys.claimableCollateral(MARKET, address(wnt), now_ + 1, address(venue)), 0.04 ether);
        assertEq(venue.account().equity, before + 60e18);
    }

    function test_delayedCollateral_isLessGmxsReductionAndWhatWasClaimed() external {
        int256 before = venue.account().equity;
        uint256 now_ = gmx.hour();
        store.setUint(GmxV2Keys.claimableCollateral(MARKET, address(token), now_, address(venue)), 100e6);
        store.setUint(GmxV2Keys.collateralReduction(MARKET, address(token), now_, address(venue)), 0.25e30);
        assertEq(venue.account().equity, before + 75e18);
        store.setUint(GmxV2Keys.claimedCollateral(MARKET, address(token), now_, address(venue)), 15e6);
        assertEq(venue.account().equity, before + 60e18);
    }

    // --- who calls in ---------------------------------------------------------------------------------------------

    function test_liquidation_isHeard() external {
        _request(2e18);
        _fill(PRICE);
        _setPrice(1005e18);
        vm.expectEmit(true, false, false, false, address(venue));
        emit GmxV2Venue.OrderHinted("liquidation", 0, false);
        handler.liquidate(address(venue), true, 1001e12);
    }

    function test_registerCallback_namesTheAccount() external {
        bytes32 key = keccak256(abi.encode("SAVED_CALLBACK", address(venue), MARKET));
        store.setAddress(key, address(0));
        venue.registerCallback();
        assertEq(store.getAddress(key), address(venue));
    }

    function test_claim_cannotBeEnteredTwice() external {
        CuriousExchange curious = new CuriousExchange(address(store), address(handler));
        roles.setRole(address(curious), "CONTROLLER", true);
        roles.setRole(address(curious), "ROUTER_PLUGIN", true);
        vm.startPrank(vault.governor());
        gmx.addRelease(GmxV2Releases.Release(address(curious), address(handler), address(reader)));
        vm.stopPrank();
        venue.claimFunding();
        assertEq(bytes4(curious.answer()), bytes4(keccak256("ReentrancyGuardReentrantCall()")));
    }

    function test_claim_waitsUntilTheVaultIsDone() external {
        vault.setEntered(true);
        vm.expectRevert(IPerpVenue.VaultEntered.selector);
        venue.claimFunding();
    }

    function test_releases_tellWhatCameAndWent() external {
        GmxV2Releases.Release memory old = gmx.releases()[0];
        GmxV2Releases.Release memory release = _release();
        vm.startPrank(vault.governor());
        vm.expectEmit(address(gmx));
        emit GmxV2Releases.ReleaseAdded(release.exchangeRouter, release.orderHandler, release.reader);
        gmx.addRelease(release);
        vm.expectEmit(address(gmx));
        emit GmxV2Releases.ReleaseDropped(old.exchangeRouter, old.orderHandler, old.reader);
        gmx.dropRelease(0);
        vm.expectEmit(address(gmx));
        emit GmxV2Releases.LimitsSet(1, 0.5e18, 2);
        gmx.setLimits(GmxV2Releases.Limits(1, 0.5e18, 2));
        vm.stopPrank();
    }
}
