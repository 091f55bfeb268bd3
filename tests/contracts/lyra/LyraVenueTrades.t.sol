// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Vm} from "forge-std/Vm.sol";
import {LyraOptionType} from "../../../contracts/book/ILyra.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {IOptionVenue, OptionCaps, OptionOrder, OptionRisk} from "../../../contracts/interfaces/IOptionVenue.sol";
import {IPriceOracle} from "../../../contracts/interfaces/IPriceOracle.sol";
import {ILyraTradingMarket} from "../../../contracts/venues/lyra/ILyraTrading.sol";
import {LyraPricing} from "../../../contracts/venues/lyra/LyraPricing.sol";
import {LyraVenueStage} from "./LyraVenueStage.sol";

/// @notice HEDGE-622 .. HEDGE-627: trades with the real Lyra, what they cost, and what that is held against, to the unit.
contract LyraVenueTradesTest is LyraVenueStage {
    // Lyra's own.
    bytes4 private constant OUTSIDE_LIMITS =
        bytes4(keccak256("TotalCostOutsideOfSpecifiedBounds(address,uint256,uint256,uint256)"));
    bytes4 private constant DELTA_IN_RANGE =
        bytes4(keccak256("ForceCloseDeltaOutOfRange(address,int256,int256,int256)"));

    /// @dev What Lyra would answer the venue, and what a price is held against, before the order is sent.
    struct Dry {
        ILyraTradingMarket.Result result;
        LyraPricing.Fair fair;
    }

    function _fair(OptionOrder memory order) private view returns (LyraPricing.Fair memory) {
        IPriceOracle.Reading memory r = oracle.read();
        OptionCaps memory caps = options.caps();
        return quotes.fairValue(
            order.strikeId,
            order.isCall,
            r.price,
            LyraPricing.Prices(r.low, r.high),
            caps.ivTolerance,
            caps.carryTolerance
        );
    }

    /// @dev Of one order by itself.
    function _dry(OptionOrder memory order, uint256 positionId) private returns (Dry memory dry) {
        dry.fair = _fair(order);
        uint256 snapshot = vm.snapshotState();
        dry.result = _sent(order, positionId);
        vm.revertToState(snapshot);
    }

    function _sent(OptionOrder memory order, uint256 positionId)
        private
        returns (ILyraTradingMarket.Result memory result)
    {
        bool isBuy = order.sizeDelta > 0;
        ILyraTradingMarket.TradeInputParameters memory input;
        (input.strikeId, input.positionId, input.iterations) = (order.strikeId, positionId, 1);
        input.optionType = order.isCall ? LyraOptionType.LONG_CALL : LyraOptionType.LONG_PUT;
        input.amount = uint256(isBuy ? order.sizeDelta : -order.sizeDelta);
        input.maxTotalCost = NO_LIMIT;
        vm.startPrank(address(options));
        token.approve(address(market), NO_LIMIT);
        result = isBuy ? market.openPosition(input) : market.closePosition(input);
        token.approve(address(market), 0);
        vm.stopPrank();
    }

    function _fairOf(uint256 one, uint256 size) private pure returns (uint256 floor, uint256 ceiling) {
        return (Math.mulDiv(one, size, 1e18), Math.mulDiv(one, size, 1e18, Math.Rounding.Ceil));
    }

    // --- what a trade tells -------------------------------------------------------------------------------------------

    function test_purchase_tellsWhatItCost_andTheRiskBeforeAndAfter() external {
        OptionOrder memory order = _buy(1, true, 5e18 + 1);
        Dry memory dry = _dry(order, 0);
        OptionRisk memory beforeTrade = options.risk();
        uint256 cash = _cash();
        vm.expectEmit(true, true, true, true, address(options));
        emit IOptionVenue.OptionTraded(
            bytes32(uint256(2)),
            strikes[1],
            dry.result.positionId,
            true,
            5e18 + 1,
            dry.result.totalCost,
            dry.result.totalFee
        );
        uint256 snapshot = vm.snapshotState();
        (OptionRisk memory toldBefore, OptionRisk memory toldAfter) = _trade(order);
        _assertSame(toldBefore, beforeTrade);
        _assertSame(toldAfter, options.risk());
        assertEq(cash - _cash(), dry.result.totalCost);
        assertEq(token.allowance(address(options), address(market)), 0);
        assertEq(optionSource.positionIds().length, 1);
        assertEq(optionSource.positionIds()[0], dry.result.positionId);
        vm.revertToState(snapshot);
        (uint256 middle,) = _fairOf(dry.fair.middle, 5e18 + 1);
        vm.expectEmit(true, true, true, true, address(options));
        emit IOptionVenue.OptionsTraded(
            bytes32(uint256(2)), keeper, toldBefore, toldAfter, dry.result.totalCost, dry.result.totalCost - middle
        );
        _trade(order);
    }

    function test_sale_tellsWhatItBrought_andItsLossRoundedUp() external {
        _trade(_buy(1, true, 5e18));
        _reduceOnly();
        uint256 positionId = _held(0).positionId;
        OptionOrder memory order = _sell(1, true, 2e18 + 1);
        Dry memory dry = _dry(order, positionId);
        (uint256 floor, uint256 ceiling) = _fairOf(dry.fair.middle, 2e18 + 1);
        assertEq(ceiling, floor + 1);
        uint256 cash = _cash();
        vm.expectEmit(true, true, true, true, address(options));
        emit IOptionVenue.OptionTraded(
            bytes32(uint256(3)), strikes[1], positionId, true, -2e18 - 1, dry.result.totalCost, dry.result.totalFee
        );
        uint256 snapshot = vm.snapshotState();
        (OptionRisk memory beforeTrade, OptionRisk memory afterTrade) = _trade(order);
        assertEq(_cash() - cash, dry.result.totalCost);
        assertEq(_held(0).size, 3e18 - 1);
        vm.revertToState(snapshot);
        vm.expectEmit(true, true, true, true, address(options));
        emit IOptionVenue.OptionsTraded(
            bytes32(uint256(3)), keeper, beforeTrade, afterTrade, 0, ceiling - dry.result.totalCost
        );
        _trade(order);
    }

    /// @dev Trades; what the venue tells of it altogether.
    function _told(OptionOrder[] memory orders) private returns (uint256 premium, uint256 loss) {
        vm.recordLogs();
        _trade(orders);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        Vm.Log memory last = logs[logs.length - 1];
        assertEq(last.topics[0], IOptionVenue.OptionsTraded.selector);
        (,, premium, loss) = abi.decode(last.data, (OptionRisk, OptionRisk, uint256, uint256));
    }

    /// @dev What two orders of five options each come to one after the other, and the fair middle of both.
    function _dryBoth(OptionOrder[] memory orders, uint256[2] memory ids)
        private
        returns (uint256 usd, uint256 middle)
    {
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 2; ++i) {
            middle += 5 * _fair(orders[i]).middle;
            usd += _sent(orders[i], ids[i]).totalCost;
        }
        vm.revertToState(snapshot);
    }

    function test_severalOrders_addUpWhatTheyPayAndLose() external {
        (uint256 cost, uint256 middle) = _dryBoth(_straddle(), [uint256(0), 0]);
        (uint256 premium, uint256 loss) = _told(_straddle());
        assertEq(premium, cost);
        assertEq(loss, cost - middle);
        _reduceOnly();
        uint256 brought;
        (brought, middle) = _dryBoth(_soldStraddle(), [_held(0).positionId, _held(1).positionId]);
        (premium, loss) = _told(_soldStraddle());
        assertEq(premium, 0);
        assertEq(loss, middle - brought);
    }

    function test_saleAboveTheMiddle_losesNothing() external {
        _trade(_straddle());
        for (uint256 i = 0; i < 3; ++i) {
            _open(1, LyraOptionType.LONG_CALL, 15e18, 0); // Lyra's volatility of now is beyond its average
        }
        _reduceOnly();
        (, uint256 loss) = _told(_one(_sell(1, true, 1e18)));
        assertEq(loss, 0);
    }

    function test_budgets_areUsedByPartsOfTheLowerNav() external {
        (uint256 premium, uint256 loss) = options.available();
        assertEq(premium, _firmNav() / 10);
        assertEq(loss, _firmNav() / 50);
        uint256 navBefore = _firmNav();
        (uint256 cost, uint256 lost) = _told(_straddle());
        uint256 nav = _firmNav();
        assertLt(nav, navBefore);
        (premium, loss) = options.available();
        assertEq(premium, (0.1e18 - Math.ceilDiv(cost * 1e18, nav)) * nav / 1e18);
        assertEq(loss, (0.02e18 - Math.ceilDiv(lost * 1e18, nav)) * nav / 1e18);
    }

    // --- limits of the order ------------------------------------------------------------------------------------------

    function test_limit_exactlyReachedIsTaken_andAUnitBeyondLyraRefuses() external {
        OptionOrder memory order = _buy(1, true, 5e18);
        order.limitCost = _dry(order, 0).result.totalCost - 1;
        assertEq(bytes4(_refusal(_one(order))), OUTSIDE_LIMITS);
        ++order.limitCost;
        _trade(order);
        _reduceOnly();
        order = _sell(1, true, 5e18);
        order.limitCost = _dry(order, _held(0).positionId).result.totalCost + 1;
        // Lyra refuses the plain close for the limit, and a forced one for a delta that is in range.
        assertEq(bytes4(_refusal(_one(order))), DELTA_IN_RANGE);
        --order.limitCost;
        _trade(order);
        assertEq(options.holdings().length, 0);
    }

    function test_purchase_dearerThanTheCash_isRefused() external {
        _fund(-int256(CASH - 100e18));
        assertEq(bytes4(_refusal(_one(_buy(1, true, 5e18)))), IERC20Errors.ERC20InsufficientAllowance.selector);
        _trade(_buy(1, true, 0.1e18));
        assertEq(token.allowance(address(options), address(market)), 0);
    }

    // --- fair prices --------------------------------------------------------------------------------------------------

    /// @dev A price without fees, to the volatility: every trade is worse than that.
    function _allowNothing() private {
        OptionCaps memory caps = _caps();
        (caps.ivTolerance, caps.carryTolerance, caps.maxCostBps) = (0.001e18, 0.001e18, 1);
        _setCaps(caps);
    }

    function test_purchase_isHeldAgainstTheDearestFairPrice() external {
        _allowNothing();
        _refuseAboveFair(true);
        _refuseAboveFair(false);
    }

    function _refuseAboveFair(bool isCall) private {
        OptionOrder memory order = _buy(1, isCall, 5e18 + 1);
        Dry memory dry = _dry(order, 0);
        uint256 extra = PRICE / 10_000;
        (uint256 most,) = _fairOf(dry.fair.high + extra, 5e18 + 1);
        assertLt(most, dry.result.totalCost);
        _refused(_one(order), abi.encodeWithSelector(IOptionVenue.CostExceeded.selector, 0, dry.result.totalCost, most));
    }

    function test_sale_isHeldAgainstTheCheapestFairPrice_roundedUp() external {
        _trade(_straddle());
        _reduceOnly();
        _allowNothing();
        _refuseBelowFair(true);
        _refuseBelowFair(false);
    }

    function _refuseBelowFair(bool isCall) private {
        OptionOrder memory order = _sell(1, isCall, 3e18 + 1);
        Dry memory dry = _dry(order, _held(isCall ? 0 : 1).positionId);
        (, uint256 least) = _fairOf(dry.fair.low - PRICE / 10_000, 3e18 + 1);
        assertGt(least, dry.result.totalCost);
        _refused(
            _one(order), abi.encodeWithSelector(IOptionVenue.ProceedsTooLow.selector, 0, dry.result.totalCost, least)
        );
    }

    function test_sale_atExactlyTheCheapestFairPrice_isTaken() external {
        _trade(_straddle());
        _reduceOnly();
        OptionOrder memory order = _sell(1, true, 5e18);
        Dry memory dry = _dry(order, _held(0).positionId);
        LyraPricing.Fair memory fair;
        _setSource(2e18);
        // What is fair is told by the test: with the cap on costs it is what Lyra pays, to the unit.
        uint256 extra = PRICE * 300 / 10_000;
        fair.low = Math.ceilDiv(dry.result.totalCost, 5) + extra;
        fair.high = fair.middle = fair.low;
        if (dry.result.totalCost % 5 != 0) --fair.low;
        vm.mockCall(address(quotes), abi.encodeWithSelector(quotes.fairValue.selector), abi.encode(fair));
        _trade(order);
    }

    function test_lyrasOwnPrice_isNoMeasureOfATradeWithLyra() external {
        _setSpot(PRICE * 108 / 100);
        assertEq(bytes4(_refusal(_one(_buy(1, true, 5e18)))), IOptionVenue.CostExceeded.selector);
    }

    function test_poolPushedUpBefore_isRefused() external {
        for (uint256 i = 0; i < 6; ++i) {
            _open(1, LyraOptionType.LONG_CALL, 18e18, 0);
        }
        assertEq(bytes4(_refusal(_one(_buy(1, true, 5e18)))), IOptionVenue.CostExceeded.selector);
    }

    function test_poolPushedDownBeforeASale_isRefused() external {
        _trade(_buy(1, true, 5e18));
        _reduceOnly();
        for (uint256 i = 0; i < 7; ++i) {
            _open(1, LyraOptionType.SHORT_PUT_QUOTE, 20e18, 40_000e18);
        }
        assertEq(bytes4(_refusal(_one(_sell(1, true, 5e18)))), IOptionVenue.ProceedsTooLow.selector);
    }

    // --- what may be traded -------------------------------------------------------------------------------------------

    function test_tenor_atTheCapIsTaken_andASecondBeyondIsNot() external {
        OptionCaps memory caps = _caps();
        caps.maxTenorSeconds = uint32(expiry - block.timestamp);
        _setCaps(caps);
        uint256 snapshot = vm.snapshotState();
        _trade(_buy(1, true, 1e18));
        vm.revertToState(snapshot);
        --caps.maxTenorSeconds;
        _setCaps(caps);
        _refused(
            _one(_buy(1, true, 1e18)), abi.encodeWithSelector(IOptionVenue.TenorTooLong.selector, expiry, expiry - 1)
        );
    }

    function test_sale_ofMoreThanHeld_isRefused() external {
        _trade(_buy(1, true, 5e18));
        bytes4 selector = IOptionVenue.SaleExceedsHolding.selector;
        _refused(_one(_sell(1, true, 5e18 + 1)), abi.encodeWithSelector(selector, 0, 5e18 + 1, 5e18));
        _refused(_one(_sell(1, false, 1)), abi.encodeWithSelector(selector, 0, 1, 0));
        _refused(_one(_sell(2, true, 1)), abi.encodeWithSelector(selector, 0, 1, 0));
        OptionOrder[] memory orders = _two(_buy(1, true, 1e18), _sell(1, false, 1));
        _refused(orders, abi.encodeWithSelector(selector, 1, 1, 0));
        _reduceOnly();
        _trade(_sell(1, true, 5e18));
        assertEq(options.holdings().length, 0);
        assertEq(optionSource.positionIds().length, 0);
    }

    function test_orders_ofNothing_areRefused() external {
        _refused(new OptionOrder[](0), abi.encodeWithSelector(IOptionVenue.NoOrders.selector));
        _refused(_two(_buy(1, true, 1e18), _buy(1, true, 0)), abi.encodeWithSelector(IPerpVenue.ZeroSize.selector));
    }

    function test_moreOfTheSame_enlargesThePosition() external {
        _trade(_straddle());
        _trade(_straddle());
        assertEq(options.holdings().length, 2);
        assertEq(_held(0).size, 10e18);
        assertEq(_held(1).size, 10e18);
        assertEq(optionSource.positionIds().length, 2);
    }

    function test_fourthPosition_isRefused_andAFirstThatIsGoneMakesRoom() external {
        _trade(_straddle());
        _trade(_buy(0, true, 1e18));
        _refused(_one(_buy(2, true, 1e18)), abi.encodeWithSelector(IOptionVenue.TooManyHoldings.selector, 4, 3));
        uint256[3] memory ids = [_held(0).positionId, _held(1).positionId, _held(2).positionId];
        _reduceOnly();
        _setSource(2e18);
        _trade(_sell(1, true, 5e18));
        assertEq(options.holdings().length, 2);
        assertEq(_held(0).positionId, ids[2]);
        assertEq(_held(1).positionId, ids[1]);
        assertEq(optionSource.positionIds().length, 2);
    }

    function test_positionThatTheGovernorTookOffTheList_isSoldAllTheSame() external {
        _trade(_straddle());
        _govern(address(optionSource), abi.encodeCall(optionSource.removePosition, (_held(0).positionId)));
        _reduceOnly();
        _trade(_soldStraddle());
        assertEq(options.holdings().length, 0);
        assertEq(optionSource.positionIds().length, 0);
    }

    function test_closeThatLyraRefuses_isForced_andToldWithItsFee() external {
        OptionCaps memory caps = _caps();
        (caps.ivTolerance, caps.maxCostBps, caps.lossCapacityBps) = (0.5e18, 500, 500);
        _setCaps(caps);
        _trade(_buy(0, true, 5e18));
        _reduceOnly();
        _passTo(expiry - 6 hours, PRICE);
        uint256 positionId = _held(0).positionId;
        uint256 snapshot = vm.snapshotState();
        ILyraTradingMarket.TradeInputParameters memory input =
            _tradeInput(0, LyraOptionType.LONG_CALL, 5e18, positionId, 0);
        vm.prank(address(options));
        ILyraTradingMarket.Result memory result = market.forceClosePosition(input);
        vm.revertToState(snapshot);
        assertApproxEqAbs(options.quoteOption(strikes[0], true, -5e18), result.totalCost, 1e12);
        uint256 cash = _cash();
        vm.expectEmit(true, true, true, true, address(options));
        emit IOptionVenue.OptionTraded(
            bytes32(uint256(3)), strikes[0], positionId, true, -5e18, result.totalCost, result.totalFee
        );
        _trade(_sell(0, true, 5e18));
        assertEq(_cash() - cash, result.totalCost);
        assertEq(options.holdings().length, 0);
    }
}
