// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {LyraOptionType} from "../../../contracts/book/ILyra.sol";
import {IOptionVenue, OptionHolding, OptionOrder} from "../../../contracts/interfaces/IOptionVenue.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {Intent} from "../../../contracts/types/Rebalance.sol";
import {LyraAccount} from "../../../contracts/venues/lyra/LyraAccount.sol";
import {LyraOptionVenue} from "../../../contracts/venues/lyra/LyraOptionVenue.sol";
import {LyraPricing} from "../../../contracts/venues/lyra/LyraPricing.sol";
import {CallbackTokenDouble} from "../support/Tokens.sol";
import {LyraVenueStage} from "./LyraVenueStage.sol";

/// @notice HEDGE-621, HEDGE-628 .. HEDGE-632: what the account shows, who moves its cash, and how expired options come home.
contract LyraVenueAccountTest is LyraVenueStage {
    // --- worth --------------------------------------------------------------------------------------------------------

    /// @dev The sum of cash and worths as `holdings` tells them.
    function _sums() private view returns (uint256 low, uint256 high) {
        (low, high) = (_cash(), _cash());
        OptionHolding[] memory held = options.holdings();
        for (uint256 i = 0; i < held.length; ++i) {
            low += held[i].worthLow;
            high += held[i].worthHigh;
        }
    }

    function _assertEquity(uint256 low, uint256 high) private view {
        (int256 foundLow, int256 foundHigh) = options.equity();
        assertEq(foundLow, int256(low), "low");
        assertEq(foundHigh, int256(high), "high");
    }

    function test_cashAlone_isItsEquity() external view {
        IPerpVenue.Account memory a = options.account();
        IPerpVenue.Account memory expected;
        expected.equity = int256(CASH);
        assertEq(abi.encode(a), abi.encode(expected));
        _assertEquity(CASH, CASH);
        (int256 negative, int256 positive) = options.pending();
        assertEq(negative, 0);
        assertEq(positive, 0);
        assertEq(options.holdings().length, 0);
    }

    function test_optionsHeld_areBidAndAsk_byAnOrderOfOneUnit() external {
        _trade(_straddle());
        (uint256 low, uint256 high) = _sums();
        assertGt(high, low);
        _assertEquity(low, high);
        uint256 priceHigh = quotes.prices().high;
        IPerpVenue.Account memory expected;
        expected.equity = int256(high);
        (expected.markPrice, expected.indexPrice, expected.pendingCeiling) = (priceHigh, priceHigh, priceHigh);
        (expected.pendingPositive, expected.pendingFee) = (1, high - low);
        assertEq(abi.encode(options.account()), abi.encode(expected));
        (int256 negative, int256 positive) = options.pending();
        assertEq(negative, 0);
        assertEq(positive, 1);
        assertEq(options.position().margin, int256(_cash()));
        (uint256 navLow, uint256 navHigh) = vault.navBounds();
        assertApproxEqAbs(navLow, token.balanceOf(address(vault)) + low, 1e4);
        assertApproxEqAbs(navHigh, token.balanceOf(address(vault)) + high, 1e4);
    }

    function test_holdings_areWhatLyraKnowsOfThem() external {
        _trade(_straddle());
        uint256[] memory ids = optionSource.positionIds();
        (uint256[] memory lows, uint256[] memory highs) = quotes.worths(ids, quotes.prices());
        for (uint256 i = 0; i < 2; ++i) {
            OptionHolding memory expected =
                OptionHolding(ids[i], strikes[1], i == 0, 5e18, PRICE, expiry, lows[i], highs[i]);
            assertEq(abi.encode(_held(i)), abi.encode(expected));
        }
        _passTo(expiry, 2100e18);
        market.settleExpiredBoard(board);
        _settlePositions(ids[0]);
        assertEq(_held(0).size, 0);
        assertEq(_held(1).size, 5e18);
    }

    function test_worthlessOptions_besideACentLessThanTheOrderCouldTake_areNoDebt() external {
        _trade(_buy(2, true, 1e18));
        _fund(-int256(_cash()));
        _passTo(expiry, PRICE);
        LyraPricing.Prices memory prices = quotes.prices();
        uint256 least = prices.high / 1e18 + 2;
        assertLt(prices.low / 1e18 + 2, least);
        IPerpVenue.Account memory expected;
        token.mint(address(options), least);
        expected.equity = int256(least);
        assertEq(abi.encode(options.account()), abi.encode(expected));
        token.mint(address(options), 1);
        expected.equity = int256(least + 1);
        (expected.markPrice, expected.indexPrice, expected.pendingCeiling) = (prices.high, prices.high, prices.high);
        expected.pendingPositive = 1;
        assertEq(abi.encode(options.account()), abi.encode(expected));
    }

    function test_optionThatLyraWouldNotBuyBack_isABidOfNothing() external {
        _trade(_buy(2, true, 1e18));
        _fund(-int256(_cash()));
        _passTo(expiry - 1 days, 1800e18);
        OptionHolding memory held = _held(0);
        assertEq(held.worthLow, 0);
        assertGt(held.worthHigh, 1e6);
        IPerpVenue.Account memory a = options.account();
        assertEq(a.equity, int256(held.worthHigh));
        assertEq(a.pendingFee, held.worthHigh - (quotes.prices().high / 1e18 + 2));
    }

    function test_optionGivenByAStranger_countsForNothing() external {
        _trade(_buy(1, true, 5e18));
        uint256 given = _open(1, LyraOptionType.LONG_CALL, 3e18, 0);
        vm.warp(block.timestamp + 12);
        (uint256 low, uint256 high) = _sums();
        vm.prank(trader);
        _set(address(optionToken)).transferFrom(trader, address(options), given);
        _assertEquity(low, high);
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.NotHeld.selector, given));
        options.settleExpired(given);
    }

    // --- the vault's instructions -------------------------------------------------------------------------------------

    function test_margin_isMovedByTheVaultAlone_andTold() external {
        bytes memory refusal = abi.encodeWithSelector(IPerpVenue.OnlyVault.selector, keeper, vault);
        vm.startPrank(keeper);
        vm.expectRevert(refusal);
        options.depositMargin(1);
        vm.expectRevert(refusal);
        options.withdrawMargin(1);
        vm.expectRevert(refusal);
        options.bracketTrade(true);
        vm.expectRevert(refusal);
        options.execute(1e18, 0);
        vm.stopPrank();
        vm.expectEmit(address(options));
        emit IPerpVenue.MarginDeposited(7e18);
        _fund(7e18);
        assertEq(_cash(), CASH + 7e18);
        vm.expectEmit(address(options));
        emit IPerpVenue.MarginWithdrawn(3e18);
        _fund(-3e18);
        assertEq(_cash(), CASH + 4e18);
        vm.startPrank(address(vault));
        options.bracketTrade(true);
        vm.expectRevert(IOptionVenue.TradesOptionsOnly.selector);
        options.execute(1e18, 0);
        vm.stopPrank();
    }

    function test_collateral_ofOtherDecimals_isRefused() external {
        for (uint8 decimals = 17; decimals < 20; ++decimals) {
            vm.mockCall(address(token), abi.encodeCall(token.decimals, ()), abi.encode(decimals));
            if (decimals != 18) {
                vm.expectRevert(abi.encodeWithSelector(LyraAccount.UnsupportedDecimals.selector, decimals, 18));
            }
            LyraOptionVenue fresh = new LyraOptionVenue(access, vault, quotes, _caps());
            if (decimals == 18) assertEq(fresh.collateral(), address(token));
        }
    }

    // --- expiry -------------------------------------------------------------------------------------------------------

    function test_expired_anyoneBringsThePayoffHome() external {
        _trade(_straddle());
        (uint256 call, uint256 put) = (_held(0).positionId, _held(1).positionId);
        _passTo(expiry - 1, 2100e18);
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.NotExpired.selector, call, expiry));
        options.settleExpired(call);
        _passTo(expiry, 1900e18);
        (uint256 idle, uint256 cash) = (token.balanceOf(address(vault)), _cash());
        vm.expectEmit(address(options));
        emit IOptionVenue.OptionSettled(put, 500e18);
        vm.prank(attacker);
        assertEq(options.settleExpired(put), 500e18);
        assertEq(token.balanceOf(address(vault)), idle + 500e18);
        vm.expectEmit(address(options));
        emit IOptionVenue.OptionSettled(call, 0);
        assertEq(options.settleExpired(call), 0);
        assertEq(_cash(), cash);
        assertEq(options.holdings().length, 0);
        assertEq(optionSource.positionIds().length, 0);
        vm.expectRevert(abi.encodeWithSelector(IOptionVenue.NotHeld.selector, put));
        options.settleExpired(put);
    }

    function test_expired_settledByAnotherAlready_comesHomeJustTheSame() external {
        _trade(_buy(1, true, 5e18));
        uint256 call = _held(0).positionId;
        _passTo(expiry, 2100e18);
        market.settleExpiredBoard(board);
        _settlePositions(call);
        uint256 idle = token.balanceOf(address(vault));
        assertEq(options.settleExpired(call), 500e18);
        assertEq(token.balanceOf(address(vault)), idle + 500e18);
    }

    function test_expired_whosePayoffHasGoneHomeAlready_bringsWhatIsLeft() external {
        _trade(_buy(1, true, 5e18));
        uint256 call = _held(0).positionId;
        _passTo(expiry, 2100e18);
        market.settleExpiredBoard(board);
        _settlePositions(call);
        _fund(-int256(_cash() - 300e18));
        assertEq(options.settleExpired(call), 300e18);
        assertEq(_cash(), 0);
        assertEq(options.holdings().length, 0);
    }

    // --- in the middle of something -----------------------------------------------------------------------------------

    /// @dev The asset calls `target` in the middle of its transfers, and is a keeper.
    function _callBack(address target, bytes memory data) private {
        _govern(address(access), abi.encodeCall(access.grantRole, (access.KEEPER_ROLE(), address(token), 0)));
        CallbackTokenDouble(address(token)).script(target, data);
    }

    function _answer() private view returns (bytes4) {
        assertFalse(CallbackTokenDouble(address(token)).lastCallSucceeded());
        return bytes4(CallbackTokenDouble(address(token)).lastAnswer());
    }

    function _tradeCall() private returns (bytes memory) {
        return abi.encodeCall(options.trade, (_nextIntent(), _one(_buy(1, true, 1e18))));
    }

    function test_whileTrading_nothingIsRead() external {
        _callBack(address(options), abi.encodeCall(options.account, ()));
        _trade(_buy(1, true, 1e18));
        assertEq(_answer(), LyraAccount.Trading.selector);
        CallbackTokenDouble(address(token)).script(address(options), abi.encodeCall(options.equity, ()));
        _trade(_buy(1, true, 1e18));
        assertEq(_answer(), LyraAccount.Trading.selector);
        options.account();
        options.equity();
    }

    function test_whileTrading_nothingIsTradedNorSettled() external {
        _callBack(address(options), _tradeCall());
        _trade(_buy(1, true, 1e18));
        assertEq(_answer(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        bytes memory data = abi.encodeCall(options.settleExpired, (_held(0).positionId));
        CallbackTokenDouble(address(token)).script(address(options), data);
        _trade(_buy(1, true, 1e18));
        assertEq(_answer(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }

    function test_whileSettling_nothingIsTraded() external {
        _trade(_buy(1, true, 1e18));
        uint256 call = _held(0).positionId;
        _passTo(expiry, 2100e18);
        _callBack(address(options), _tradeCall());
        options.settleExpired(call);
        assertEq(_answer(), ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }

    function test_whileTheVaultIsEntered_nothingIsTradedNorSettled() external {
        _callBack(address(options), _tradeCall());
        _deposit(depositor, 1e18);
        assertEq(_answer(), IPerpVenue.VaultEntered.selector);
        bytes memory data = abi.encodeCall(options.settleExpired, (1));
        CallbackTokenDouble(address(token)).script(address(options), data);
        _deposit(depositor, 1e18);
        assertEq(_answer(), IPerpVenue.VaultEntered.selector);
    }
}
