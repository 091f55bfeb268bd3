// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {LyraOptions} from "../../../contracts/book/LyraOptions.sol";
import {IOptionVenue, OptionCaps, OptionOrder, OptionRisk} from "../../../contracts/interfaces/IOptionVenue.sol";
import {IRebalanceGuard} from "../../../contracts/interfaces/IRebalanceGuard.sol";
import {IVaultAccess} from "../../../contracts/interfaces/IVaultAccess.sol";
import {GuardRules} from "../../../contracts/libraries/GuardRules.sol";
import {OptionBookRisk} from "../../../contracts/libraries/OptionBookRisk.sol";
import {Intent, Measurement} from "../../../contracts/types/Rebalance.sol";
import {LyraOptionJudge} from "../../../contracts/venues/lyra/LyraOptionJudge.sol";
import {LyraOptionVenue} from "../../../contracts/venues/lyra/LyraOptionVenue.sol";
import {LyraPricing} from "../../../contracts/venues/lyra/LyraPricing.sol";
import {LyraVenueStage} from "./LyraVenueStage.sol";

/// @notice HEDGE-622 .. HEDGE-625, HEDGE-629, HEDGE-631, HEDGE-633: who may trade, when, and within what.
contract LyraVenueRulesTest is LyraVenueStage {
    // --- risk ---------------------------------------------------------------------------------------------------------

    function test_risk_isOfBookHedgeAndAllThatIsHeld() external {
        _trade(_straddle());
        uint256 price = PRICE - 7;
        OptionRisk memory found =
            new LyraOptionJudge(vault, quotes).risk(vault.measure(), price, optionSource.positionIds());
        uint256 gamma;
        uint256 vega;
        for (uint256 i = 0; i < 2; ++i) {
            (uint256 oneGamma, uint256 oneVega) = quotes.greeks(_held(i).positionId, price);
            assertNotEq(oneGamma * price % 100e18, 0);
            gamma += Math.ceilDiv(oneGamma * price, 100e18);
            vega += oneVega;
        }
        assertEq(found.heldGamma, gamma);
        assertEq(found.heldVega, vega);
        assertEq(found.worstNetDelta, GuardRules.worstNetDelta(vault.measure()));
        assertEq(found.gamma, OptionBookRisk.gammaSpan(deltaBook, price));
        assertEq(found.vega, OptionBookRisk.vega(deltaBook, price) + int256(vega));
        assertGt(found.gamma, 0);
        assertLt(found.vega, 0);
    }

    // --- the rule on delta --------------------------------------------------------------------------------------------

    function _risk(uint256 worst) private pure returns (OptionRisk memory) {
        return OptionRisk(worst, 5e18, -700e18, 0, 0);
    }

    /// @dev Judged as a sale, which may leave gamma and vega as they are.
    function _judge(LyraOptionJudge judge, uint256 worstBefore, uint256 worstAfter, uint256 firmNav) private view {
        judge.judge(_caps(), _risk(worstBefore), _risk(worstAfter), firmNav, PRICE, false, false);
    }

    function test_delta_isInTheBand_orBetterByTheLeastImprovement() external {
        LyraOptionJudge judge = new LyraOptionJudge(vault, quotes);
        _judge(judge, 30e18, 29e18, NAV);
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.NetDeltaNotImproved.selector, 29e18 + 1, 29e18));
        _judge(judge, 30e18, 29e18 + 1, NAV);
        _judge(judge, 0.5e18, 3e18, NAV); // the band, whatever it was before
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.NetDeltaNotImproved.selector, 3e18 + 1, 3e18));
        _judge(judge, 0.5e18, 3e18 + 1, NAV);
        // A quarter of a NAV of 8,000 USD is one unit.
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.NetDeltaNotImproved.selector, 1e18 + 1, 1e18));
        _judge(judge, 0.5e18, 1e18 + 1, 8000e18);
    }

    function test_trade_outsideTheBand_hasToImproveTheWorstDelta() external {
        _setSource(-30e18);
        uint256 worst = options.risk().worstNetDelta;
        OptionOrder[] memory orders = _two(_buy(1, true, 2.5e18), _buy(1, false, 5e18));
        bytes memory refusal = _refusal(orders); // puts make it worse
        assertEq(bytes4(refusal), IOptionVenue.NetDeltaNotImproved.selector);
        assertEq(_word(refusal, 1), worst - 1e18);
        _trade(_two(_buy(1, true, 6e18), _buy(1, false, 1e18)));
        assertLe(options.risk().worstNetDelta, worst - 1e18);
    }

    /// @dev Word of an error's arguments.
    function _word(bytes memory refusal, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(refusal, add(36, mul(index, 32))))
        }
    }

    // --- gamma and vega -----------------------------------------------------------------------------------------------

    function test_purchase_ofMoreThanTheBookIsShort_isRefused() external {
        _setQuantity(-1e18);
        assertEq(bytes4(_refusal(_straddle())), IOptionVenue.GammaNotReduced.selector);
    }

    function _setQuantity(int256 quantity) private {
        uint256[] memory ids = book.legIds();
        for (uint256 i = 0; i < ids.length; ++i) {
            _govern(address(book), abi.encodeCall(book.setQuantity, (ids[i], quantity)));
        }
    }

    function test_sale_thatRaisesGamma_waitsForAModeThatReduces() external {
        _trade(_straddle());
        assertEq(bytes4(_refusal(_soldStraddle())), IOptionVenue.GammaNotReduced.selector);
        _reduceOnly();
        _trade(_soldStraddle());
        assertEq(options.risk().heldVega, 0);
    }

    function test_caps_ofGammaAndVega_holdAPurchase() external {
        OptionCaps memory caps = _caps();
        caps.maxGamma = 0.05e18;
        _setCaps(caps);
        assertEq(bytes4(_refusal(_straddle())), IOptionVenue.GammaCapExceeded.selector);
        (caps.maxGamma, caps.maxVega) = (1e18, 500e18);
        _setCaps(caps);
        assertEq(bytes4(_refusal(_straddle())), IOptionVenue.VegaCapExceeded.selector);
    }

    // --- budgets ------------------------------------------------------------------------------------------------------

    function test_budgets_thatAreTooSmall_refuse() external {
        OptionCaps memory caps = _caps();
        caps.premiumCapacityBps = 50;
        _setCaps(caps);
        assertEq(bytes4(_refusal(_straddle())), IOptionVenue.PremiumBudgetExceeded.selector);
        (caps.premiumCapacityBps, caps.lossCapacityBps) = (1000, 1);
        _setCaps(caps);
        assertEq(bytes4(_refusal(_straddle())), IOptionVenue.OptionLossBudgetExceeded.selector);
    }

    function test_budgets_refillByTheDay_andAtTheOldRateUntilItIsChanged() external {
        _trade(_straddle());
        (uint256 premium, uint256 loss) = options.available();
        uint256 nav = _firmNav();
        OptionCaps memory caps = _caps();
        vm.warp(block.timestamp + 2.4 hours); // a tenth of a day
        (caps.premiumRefillBpsPerDay, caps.lossRefillBpsPerDay) = (0, 0);
        _act(guardian, abi.encodeCall(options.tightenCaps, (caps)));
        vm.warp(block.timestamp + 2.4 hours);
        vm.mockCall(address(vault), abi.encodeCall(vault.measureHedge, ()), abi.encode(_measured(nav)));
        (uint256 premiumLater, uint256 lossLater) = options.available();
        assertApproxEqAbs(premiumLater, premium + nav * 50 / 10_000, 1e6);
        assertApproxEqAbs(lossLater, loss + nav * 10 / 10_000, 1e6);
    }

    function test_available_refillsWithTimeAlone() external {
        _trade(_straddle());
        (uint256 premium, uint256 loss) = options.available();
        uint256 nav = _firmNav();
        vm.warp(block.timestamp + 2.4 hours);
        vm.mockCall(address(vault), abi.encodeCall(vault.measureHedge, ()), abi.encode(_measured(nav)));
        (uint256 premiumLater, uint256 lossLater) = options.available();
        assertApproxEqAbs(premiumLater, premium + nav * 50 / 10_000, 1e6);
        assertApproxEqAbs(lossLater, loss + nav * 10 / 10_000, 1e6);
    }

    /// @dev What the vault measures now, at another NAV.
    function _measured(uint256 firmNav) private view returns (Measurement memory m) {
        m = vault.measureHedge();
        m.firmNav = firmNav;
    }

    // --- caps ---------------------------------------------------------------------------------------------------------

    function test_caps_areThoseOfDeployment_andToldWhenTheyChange() external {
        assertEq(abi.encode(options.caps()), abi.encode(_caps()));
        OptionCaps memory next = _caps();
        next.maxVega = 19_000e18;
        _scheduleAs(governor, address(options), abi.encodeCall(options.setCaps, (next)));
        vm.expectEmit(address(options));
        emit IOptionVenue.CapsSet(_caps(), next);
        _act(governor, abi.encodeCall(options.setCaps, (next)));
        assertEq(abi.encode(options.caps()), abi.encode(next));
        OptionCaps memory tighter = options.caps();
        tighter.maxVega = 18_000e18;
        vm.expectEmit(address(options));
        emit IOptionVenue.CapsSet(next, tighter);
        _act(guardian, abi.encodeCall(options.tightenCaps, (tighter)));
        assertEq(abi.encode(options.caps()), abi.encode(tighter));
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.CapsLooser.selector, tighter, next));
        _act(guardian, abi.encodeCall(options.tightenCaps, (next)));
    }

    function test_caps_beyondHardLimits_areRefused_atDeploymentToo() external {
        OptionCaps memory beyond = _caps();
        beyond.maxCostBps = 501;
        bytes memory refusal = abi.encodeWithSelector(IOptionVenue.CapsOutOfRange.selector, beyond);
        _governExpecting(address(options), abi.encodeCall(options.setCaps, (beyond)), refusal);
        vm.expectRevert(refusal);
        new LyraOptionVenue(access, vault, quotes, beyond);
    }

    // --- roles --------------------------------------------------------------------------------------------------------

    function test_roles_areAskedFor() external {
        Intent memory intent = _nextIntent();
        vm.startPrank(attacker);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotKeeper.selector, attacker));
        options.trade(intent, _straddle());
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        options.setCaps(_caps());
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, attacker));
        options.tightenCaps(_caps());
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, attacker));
        options.bindSource(optionSource);
        vm.stopPrank();
    }

    function test_intent_isGoodOnce_andLateNever() external {
        Intent memory intent = _nextIntent();
        vm.prank(keeper);
        options.trade(intent, _one(_buy(1, true, 1e18)));
        assertEq(options.lastTradeBlock(keeper), block.number);
        vm.roll(block.number + 1);
        vm.prank(keeper);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRebalanceGuard.IntentOutdated.selector, intent.id, intent.blockNumber, block.number - 1
            )
        );
        options.trade(intent, _one(_buy(1, true, 1e18)));
        intent = _nextIntent();
        intent.deadline = block.timestamp - 1;
        vm.prank(keeper);
        vm.expectRevert(
            abi.encodeWithSelector(IRebalanceGuard.DeadlinePassed.selector, block.timestamp, block.timestamp - 1)
        );
        options.trade(intent, _one(_buy(1, true, 1e18)));
    }

    // --- source -------------------------------------------------------------------------------------------------------

    function test_source_isBoundOnce_andOnlyTheVenuesOwnOfThisMarket() external {
        LyraOptionVenue fresh = new LyraOptionVenue(access, vault, quotes, _caps());
        LyraOptions own = _newSource(address(fresh));
        _expectMismatch(fresh, optionSource); // another holder
        vm.mockCall(address(own), abi.encodeCall(own.market, ()), abi.encode(attacker));
        _expectMismatch(fresh, own);
        vm.clearMockedCalls();
        vm.mockCall(address(own), abi.encodeCall(own.positionToken, ()), abi.encode(attacker));
        _expectMismatch(fresh, own);
        vm.clearMockedCalls();
        _scheduleAs(governor, address(fresh), abi.encodeCall(fresh.bindSource, (own)));
        vm.prank(governor);
        vm.expectEmit(address(fresh));
        emit IOptionVenue.SourceBound(address(own));
        fresh.bindSource(own);
        assertEq(address(fresh.source()), address(own));
        _governExpecting(
            address(fresh),
            abi.encodeCall(fresh.bindSource, (own)),
            abi.encodeWithSelector(IOptionVenue.SourceAlreadyBound.selector, own)
        );
    }

    function _expectMismatch(LyraOptionVenue fresh, LyraOptions other) private {
        bytes memory refusal = abi.encodeWithSelector(IOptionVenue.SourceMismatch.selector, other);
        _governExpecting(address(fresh), abi.encodeCall(fresh.bindSource, (other)), refusal);
    }

    function test_purchase_withoutASourceInTheBook_isRefused_andASaleIsNot() external {
        _trade(_buy(1, true, 5e18));
        _govern(address(deltaBook), abi.encodeCall(deltaBook.removeSource, (optionSource)));
        _refused(_one(_buy(1, true, 1e18)), abi.encodeWithSelector(IOptionVenue.SourceNotInBook.selector, optionSource));
        _reduceOnly();
        _trade(_sell(1, true, 5e18));
        LyraOptionJudge judge = new LyraOptionJudge(vault, quotes);
        vm.expectRevert(IOptionVenue.SourceNotBound.selector);
        judge.requireInBook(address(0));
    }

    // --- modes --------------------------------------------------------------------------------------------------------

    function _onlySales(OptionOrder[] memory orders, uint256 index) private {
        _refused(orders, abi.encodeWithSelector(IOptionVenue.OnlySalesAllowed.selector, index));
    }

    function test_paused_nothingTrades() external {
        _trade(_straddle());
        vm.prank(guardian);
        vault.pause();
        _refused(_soldStraddle(), abi.encodeWithSelector(IOptionVenue.TradingStopped.selector));
    }

    function test_reduceOnly_orTheBreakerTripped_salesAlone() external {
        _trade(_straddle());
        uint256 snapshot = vm.snapshotState();
        _reduceOnly();
        _onlySales(_two(_sell(1, true, 1e18), _buy(1, true, 1e18)), 1);
        _trade(_soldStraddle());
        vm.revertToState(snapshot);
        vm.mockCall(address(guard), abi.encodeCall(guard.isBreakerTripped, ()), abi.encode(true));
        _onlySales(_one(_buy(1, true, 1e18)), 0);
        _trade(_soldStraddle());
        assertEq(options.holdings().length, 0);
    }

    function test_closingOrRemovedVenue_salesWhateverTheDeltaAndTheBookSay() external {
        _trade(_straddle());
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 2; ++i) {
            if (i == 0) {
                vm.prank(guardian);
                registry.closeVenue(options);
            } else {
                _forceRemove(options);
            }
            source.set(1, 0); // the book fails
            _onlySales(_one(_buy(1, true, 1e18)), 0);
            (OptionRisk memory beforeTrade, OptionRisk memory afterTrade) = _trade(_sell(1, true, 5e18));
            assertEq(beforeTrade.gamma + afterTrade.gamma, 0);
            assertEq(options.holdings().length, 1);
            vm.revertToState(snapshot);
        }
    }

    function test_otherVenuesClosing_changeNothingHere() external {
        vm.prank(guardian);
        registry.closeVenue(venue);
        _trade(_straddle());
    }

    function test_windingDown_salesWhateverTheDeltaAndTheBookSay() external {
        _trade(_straddle());
        _govern(address(vault), abi.encodeCall(vault.startWindDown, ()));
        source.set(1, 0); // the book fails
        _onlySales(_one(_buy(1, true, 1e18)), 0);
        _trade(_sell(1, true, 5e18));
        assertEq(options.holdings().length, 1);
    }

    function test_windingDown_sellsAtLyrasPriceWhereTheFeedIsSilent() external {
        _trade(_straddle());
        vm.prank(guardian);
        registry.closeVenue(options);
        vm.warp(block.timestamp + 2 hours); // the feed is stale
        _refused(_one(_sell(1, true, 1e18)), abi.encodeWithSelector(IOptionVenue.NoHealthyPrice.selector));
        _govern(address(vault), abi.encodeCall(vault.startWindDown, ()));
        assertEq(vault.measureHedge().price, 0);
        _onlySales(_one(_buy(1, true, 1e18)), 0);
        _setSpot(1990e18);
        bytes memory asked = abi.encodeCall(
            quotes.fairValue, (strikes[1], true, 1990e18, LyraPricing.Prices(1990e18, 1990e18), 0.1e18, 0.1e18)
        );
        vm.expectCall(address(quotes), asked);
        _trade(_soldStraddle());
        assertEq(options.holdings().length, 0);
    }
}
