// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IVaultAccess} from "../../../contracts/interfaces/IVaultAccess.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {GmxV2Keys} from "../../../contracts/venues/gmx/GmxV2Keys.sol";
import {GmxV2Market} from "../../../contracts/venues/gmx/GmxV2Market.sol";
import {GmxV2Positions} from "../../../contracts/venues/gmx/GmxV2Positions.sol";
import {GmxV2Prices} from "../../../contracts/venues/gmx/GmxV2Prices.sol";
import {GmxV2Releases} from "../../../contracts/venues/gmx/GmxV2Releases.sol";
import {GmxV2Venue} from "../../../contracts/venues/gmx/GmxV2Venue.sol";
import {IGmxDataStore, IGmxReader} from "../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxReaderDouble} from "../support/gmx/GmxReaderDouble.sol";
import {GmxStage} from "../support/gmx/GmxStage.sol";

/// @notice What a trade on the double of GMX is said to cost, and what it costs; and what the market refuses to work with.
contract GmxQuotesTest is GmxStage {
    function setUp() external {
        _raiseFunded(1 ether, 100_000e6);
        handler.setFeeUsed(10_000); // no ether comes back
    }

    function _trade(int256 sizeDelta) private {
        uint256 limit = sizeDelta > 0 ? PRICE * 150 / 100 : PRICE * 60 / 100;
        vm.prank(address(vault));
        venue.execute(sizeDelta, limit);
        _fill(venue.markPrice());
        assertEq(venue.openOrder(), 0);
    }

    /// @dev Trades and returns what that cost the account, and what the quote said before, WAD USD.
    function _costs(int256 sizeDelta) private returns (int256 paid, int256 quoted) {
        (uint256 price, uint256 fee) = venue.quote(sizeDelta);
        int256 perUnit = int256(price) - int256(venue.markPrice());
        quoted = sizeDelta * perUnit / 1e18 + int256(fee);
        int256 before = venue.account().equity;
        _trade(sizeDelta);
        paid = before - venue.account().equity;
    }

    // --- a quote is what is paid ----------------------------------------------------------------------------------

    function test_quoteOfAnOpening_isWhatItCosts(uint256 size, uint256 impact, bool isShort) external {
        size = bound(size, 0.01e18, 20e18);
        _setImpact(bound(impact, 0, 1e28), 1e29);
        (int256 paid, int256 quoted) = _costs(isShort ? -int256(size) : int256(size));
        assertApproxEqAbs(paid, quoted, 1e15);
    }

    function test_quoteOfAClose_isWhatItCosts(uint256 part, uint256 stored, uint256 impact, bool isShort) external {
        int256 size = isShort ? -10e18 : int256(10e18);
        _setImpact(bound(stored, 0, 5e27), 1e29);
        _trade(size);
        _setImpact(bound(impact, 0, 5e27), isShort ? 1e29 : 4e27); // of both together, up to the cap or beyond it
        (int256 paid, int256 quoted) = _costs(-size * int256(bound(part, 0.001e18, 1e18)) / 1e18);
        assertApproxEqAbs(paid, quoted, 1e15);
    }

    function test_quoteOfAClose_countsTheImpactUpToTheCapAlone(uint256 impact, bool isShort) external {
        int256 size = isShort ? -10e18 : int256(10e18);
        _trade(size);
        _setImpact(bound(impact, 6e27, 1e29), 5e27); // beyond 0.5 % comes back later
        (int256 paid, int256 quoted) = _costs(-size);
        assertApproxEqAbs(quoted, 100e18 + 10e18 + int256(gmx.etherUsd(gmx.executionFee(false))), 1e15);
        assertApproxEqAbs(paid, quoted, 1e15);
    }

    function test_quoteOfAClose_afterAMoveCountsNoProfit(uint256 price, bool isShort) external {
        int256 size = isShort ? -10e18 : int256(10e18);
        _trade(size);
        _setPrice(bound(price, 1500, 2500) * 1e18);
        (int256 paid, int256 quoted) = _costs(-size);
        assertApproxEqAbs(paid, quoted, 1e15);
    }

    function test_quoteOfATradePast0_isOfBothParts(uint256 beyond, uint256 impact, bool isShort) external {
        int256 size = isShort ? -10e18 : int256(10e18);
        _trade(size);
        _setImpact(bound(impact, 0, 5e27), 1e29);
        int256 more = int256(bound(beyond, 0.01e18, 20e18));
        (int256 paid, int256 quoted) = _costs(isShort ? 10e18 + more : -10e18 - more);
        assertApproxEqAbs(paid, quoted, 1e15);
    }

    function test_quote_isAtTheFeeOfTheSideThatGmxNames() external {
        store.setUint(GmxV2Keys.positionFeeFactor(MARKET, true), 2e26); // of trades that improve the balance
        (, uint256 fee) = venue.quote(10e18);
        assertEq(fee, 10e18 + gmx.etherUsd(gmx.executionFee(true)));
        _trade(10e18);
        (, fee) = venue.quote(-10e18);
        assertEq(fee, 10e18 + gmx.etherUsd(gmx.executionFee(false)));
    }

    function test_quote_beyondCapacityOrOfNothing_isRefused() external {
        store.setUint(GmxV2Keys.maxOpenInterest(MARKET, true), 4000e30);
        venue.quote(2e18);
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.SizeBeyondLiquidity.selector, 2e18 + 1));
        venue.quote(2e18 + 1);
        vm.expectRevert(IPerpVenue.ZeroSize.selector);
        venue.quote(0);
        vm.prank(address(vault));
        vm.expectRevert(IPerpVenue.ZeroSize.selector);
        venue.execute(0, PRICE);
    }

    function test_quote_withoutAReader_isNone() external {
        reader.setStale(true);
        vm.mockCall(address(reader), abi.encodeWithSelector(IGmxReader.getExecutionPrice.selector), "");
        vm.expectRevert(abi.encodeWithSelector(GmxV2Positions.NoReaderAnswers.selector, bytes32(0)));
        venue.quote(1e18);
    }

    // --- what the account says ------------------------------------------------------------------------------------

    function test_position_addsUpToTheEquity(uint256 price, bool isShort) external {
        _setImpact(1e27, 1e29);
        _trade(isShort ? -10e18 : int256(10e18));
        _setPrice(bound(price, 1500, 2500) * 1e18);
        store.setUint(GmxV2Keys.claimableFunding(MARKET, address(token), address(venue)), 0);
        IPerpVenue.Position memory p = venue.position();
        (int256 low, int256 high) = venue.equity();
        int256 ether_ = int256(gmx.etherUsd(address(venue).balance));
        assertEq(p.margin + p.unrealisedPnl + p.fundingAccrued + ether_, low);
        assertEq(low, high);
        assertEq(p.size, venue.size());
        assertEq(p.entryPrice, PRICE);
    }

    function test_funding_isOfADayAndBelowTheMost() external view {
        assertEq(venue.fundingRate(), 1e22 * int256(1 days) / 1e12);
        assertEq(venue.maxFundingRate(), 1e23 * uint256(1 days) / 1e12);
        assertLe(SignedMath.abs(venue.fundingRate()), venue.maxFundingRate());
    }

    // --- delayed collateral ---------------------------------------------------------------------------------------

    function _owe(uint256 hour, uint256 assets) private {
        store.setUint(GmxV2Keys.claimableCollateral(MARKET, address(token), hour, address(venue)), assets);
    }

    function test_delayedCollateral_ofOtherHoursCountsOnceItIsNoted() external {
        int256 before = venue.account().equity;
        uint256 now_ = gmx.hour();
        _owe(now_, 1e6);
        _owe(now_ - 1, 2e6);
        _owe(now_ - 7, 4e6);
        assertEq(venue.account().equity, before + 3e18);
        venue.noteCollateral(now_ - 7);
        assertEq(venue.account().equity, before + 7e18);
        for (uint256 i = 0; i < 2; ++i) {
            venue.noteCollateral(now_ - i);
            venue.noteCollateral(now_ - 7);
        }
        assertEq(venue.account().equity, before + 7e18); // none of them twice
    }

    function test_delayedLongTokens_ofANotedHourCount() external {
        int256 before = venue.account().equity;
        uint256 hour = gmx.hour() - 9;
        store.setUint(GmxV2Keys.claimableCollateral(MARKET, address(wnt), hour, address(venue)), 0.01 ether);
        assertEq(venue.account().equity, before);
        venue.noteCollateral(hour);
        assertEq(venue.account().equity, before + 20e18);
    }

    function test_delayedCollateral_sixHoursAreFollowedAtMost() external {
        uint256 now_ = gmx.hour();
        for (uint256 i = 2; i < 9; ++i) {
            _owe(now_ - i, 1e6);
            if (i == 8) vm.expectRevert(abi.encodeWithSelector(GmxV2Venue.NothingToNote.selector, now_ - 8));
            venue.noteCollateral(now_ - i);
        }
        vm.expectRevert(abi.encodeWithSelector(GmxV2Venue.NothingToNote.selector, now_ - 99));
        venue.noteCollateral(now_ - 99);
    }

    function test_delayedCollateral_ofReleasedFundsLeavesRoomForOthers() external {
        uint256 now_ = gmx.hour();
        for (uint256 i = 2; i < 8; ++i) {
            _owe(now_ - i, 1e6);
            venue.noteCollateral(now_ - i);
        }
        int256 before = venue.account().equity;
        vm.warp(block.timestamp + 6 days);
        venue.claimCollateral(address(token), now_ - 2);
        assertEq(venue.account().equity, before);
        assertEq(venue.freeCollateral(), 100_001e6);
        _owe(now_ - 8, 1e6);
        venue.noteCollateral(now_ - 8);
        assertEq(venue.account().equity, before + 1e18);
    }

    // --- what it refuses to work with -----------------------------------------------------------------------------

    function test_price_thatIsNoneIsSaid() external {
        bytes memory refusal = abi.encodeWithSelector(GmxV2Prices.PriceMissing.selector, address(wnt));
        feed.updateAnswer(0);
        vm.expectRevert(refusal);
        venue.markPrice();
        feed.updateAnswer(-1);
        vm.expectRevert(refusal);
        venue.account();
        store.setAddress(GmxV2Keys.priceFeed(address(wnt)), address(0));
        vm.expectRevert(refusal);
        venue.indexPrice();
    }

    function test_margin_tooLittleForGmxIsSaid() external {
        vm.prank(address(vault));
        venue.withdrawMargin(99_990e6);
        uint256 needed = 2000e6 * 105 / 10_000; // 1 % of 2,000, and the fee of 5 bps
        vm.prank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(GmxV2Market.MarginTooLow.selector, 10e6, needed));
        venue.execute(1e18, 2040e18);
    }

    function test_margin_isTheGovernedPartOfWhatOpens() external {
        vm.prank(address(vault));
        venue.execute(2e18, 2040e18);
        assertEq(venue.freeCollateral(), 98_000e6);
    }

    function test_limits_belowGmxsLeastMargin_areRefused() external {
        vm.prank(vault.governor());
        vm.expectRevert(abi.encodeWithSelector(GmxV2Releases.MarginFactorTooLow.selector, 0.01e18, 0.01e18));
        gmx.setLimits(GmxV2Releases.Limits(0.01 ether, 0.01e18, 750_000));
        vm.prank(vault.governor());
        gmx.setLimits(GmxV2Releases.Limits(0.02 ether, 0.01e18 + 1, 1));
        assertEq(gmx.limits().marginFactor, 0.01e18 + 1);
    }

    function test_releases_threeAtATime() external {
        address governor = vault.governor();
        for (uint256 i = 1; i < 4; ++i) {
            GmxV2Releases.Release memory release = _release();
            vm.prank(governor);
            if (i == 3) vm.expectRevert(abi.encodeWithSelector(GmxV2Releases.TooManyReleases.selector, 4, 3));
            gmx.addRelease(release);
        }
        GmxV2Releases.Release[] memory kept = gmx.releases();
        vm.prank(vault.governor());
        gmx.dropRelease(1);
        assertEq(gmx.releases().length, 2);
        assertEq(gmx.releases()[0].reader, kept[0].reader);
        assertEq(gmx.releases()[1].reader, kept[2].reader);
    }

    function test_release_thatTakesNoOrders_isPassedOver() external {
        address before = gmx.usable(2).exchangeRouter;
        GmxV2Releases.Release memory release = _release();
        vm.prank(vault.governor());
        gmx.addRelease(release);
        assertEq(gmx.usable(2).exchangeRouter, release.exchangeRouter);
        store.setBool(GmxV2Keys.createOrderDisabled(release.orderHandler, 2), true);
        assertEq(gmx.usable(2).exchangeRouter, before);
        assertEq(gmx.usable(4).exchangeRouter, release.exchangeRouter);
    }

    function test_reader_thatAnswersTooLittle_isPassedOver() external {
        (uint256 price, uint256 fee) = venue.quote(1e18);
        GmxV2Releases.Release memory newer = _release();
        vm.startPrank(vault.governor());
        gmx.addRelease(newer);
        vm.stopPrank();
        bytes[2] memory answers = [bytes(""), abi.encode(1, 2, 3, 4, 5)];
        for (uint256 i = 0; i < 2; ++i) {
            vm.mockCall(address(reader), abi.encodeWithSelector(IGmxReader.getExecutionPrice.selector), answers[i]);
            (uint256 price_, uint256 fee_) = venue.quote(1e18); // by the older one
            assertEq(abi.encode(price_, fee_), abi.encode(price, fee));
        }
    }

    function test_router_thatRevertsOrAnswersTooMuch_isNotUsable() external {
        GmxV2Releases.Release memory release = gmx.releases()[0];
        bytes memory question = abi.encodeWithSignature("dataStore()");
        assertTrue(gmx.isUsable(release));
        vm.mockCallRevert(address(exchange), question, abi.encode(store));
        assertFalse(gmx.isUsable(release));
        vm.mockCall(address(exchange), question, abi.encode(store, store));
        assertFalse(gmx.isUsable(release));
        vm.mockCall(address(exchange), question, abi.encode(store));
        assertTrue(gmx.isUsable(release));
    }

    function test_limit_thatIsNone_isNoneInTheNumbersOfAnyToken() external {
        GmxV2Market.Plan memory nothing;
        GmxV2Market ofBitcoin = new GmxV2Market(
            IVaultAccess(address(vault)),
            IGmxDataStore(address(store)),
            address(router),
            MARKET,
            8,
            gmx.releases()[0],
            GmxV2Releases.Limits(0.01 ether, 0.5e18, 750_000)
        );
        assertEq(ofBitcoin.acceptablePrice(type(uint256).max, true, false, nothing), type(uint256).max);
        assertEq(ofBitcoin.acceptablePrice(60_000e18, true, false, nothing), 60_000e22); // 1e30 less eight decimals
    }

    function test_market_ofOneTokenAlone_isRefused() external {
        IGmxReader.Market memory one = IGmxReader.Market(MARKET, address(wnt), address(token), address(token));
        GmxV2Releases.Release memory release = gmx.releases()[0];
        release.reader = address(new GmxReaderDouble(one));
        vm.expectRevert(abi.encodeWithSelector(GmxV2Prices.WrongMarket.selector, MARKET, address(token)));
        new GmxV2Market(
            IVaultAccess(address(vault)),
            IGmxDataStore(address(store)),
            address(router),
            MARKET,
            18,
            release,
            GmxV2Releases.Limits(0.01 ether, 0.5e18, 750_000)
        );
    }
}
