// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test} from "forge-std/Test.sol";
import {VmSafe} from "forge-std/Vm.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {IPriceOracle} from "../../../contracts/interfaces/IPriceOracle.sol";
import {VenueValuation} from "../../../contracts/libraries/VenueValuation.sol";
import {VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {BurningSource, HugeRevertingSource} from "../support/HostilePriceSources.sol";

/// @notice What every adapter does, whatever its venue. A venue joins with a stand that puts it up and moves its market.
/// @dev The adapter's vault answers `isEntered`, `access` and `guard`; calls of the vault are pranked. Prices are WAD USD.
abstract contract VenueConformance is Test {
    uint256 internal constant VENUE_GAS = 900_000; // of `VenueRegistry`
    int256 internal constant WAD = 1e18;

    address private stranger = makeAddr("stranger");

    // --- the stand ------------------------------------------------------------------------------------------------

    function _venue() internal view virtual returns (IPerpVenue);

    /// @dev Asset units of 1 USD.
    function _unit() internal view virtual returns (uint256);

    /// @dev Gives the vault collateral and the venue's allowance to take it.
    function _endow(uint256 assets) internal virtual;

    /// @dev Collateral that the vault holds.
    function _held() internal view virtual returns (uint256);

    /// @dev Moves mark and index.
    function _movePrice(uint256 price) internal virtual;

    /// @dev Has the order of a venue that fills later executed; nothing where it fills at once.
    function _complete(IPerpVenue.Execution memory execution) internal virtual;

    /// @dev Sets the position to 0 as a liquidation does.
    function _liquidate() internal virtual;

    /// @dev Brings what is deposited to where the venue needs it for a trade; nothing where it is there at once.
    function _bringMargin() internal virtual {}

    /// @dev Has the venue pay the account so many USD of funding for its long position, or charge them; false where the stand
    ///      cannot have it do so.
    function _fund(int256 usd) internal virtual returns (bool) {
        usd;
        return false;
    }

    // --- what the tests do ----------------------------------------------------------------------------------------

    function _deposit(uint256 usd) internal {
        _endow(usd * _unit());
        vm.prank(_venue().vault());
        _venue().depositMargin(usd * _unit());
    }

    function _execute(int256 sizeDelta) internal returns (IPerpVenue.Execution memory execution) {
        _bringMargin();
        uint256 limit = sizeDelta > 0 ? _venue().markPrice() * 102 / 100 : _venue().markPrice() * 98 / 100;
        vm.prank(_venue().vault());
        return _venue().execute(sizeDelta, limit);
    }

    function _trade(int256 sizeDelta) internal {
        _complete(_execute(sizeDelta));
    }

    function _measured() internal view returns (VenueMeasurement memory m) {
        IPerpVenue.Account memory a = _venue().account();
        assertTrue(VenueValuation.isPossible(a), "an answer that no account can give");
        VenueValuation.value(m, a, IPriceOracle.Reading(0, 0, 0, 0, 50, 0));
        assertTrue(VenueValuation.isBounded(m), "an account worth more than any");
    }

    // --- custody ----------------------------------------------------------------------------------------------------

    function test_fresh_isFlatWithoutEquityOrOrders() external view {
        VenueMeasurement memory m = _measured();
        assertEq(m.sizeLow, 0);
        assertEq(m.sizeHigh, 0);
        assertEq(m.equity, 0);
        assertEq(_venue().openOrder(), 0);
        assertEq(_venue().freeCollateral(), 0);
        assertNotEq(_venue().collateral(), address(0));
    }

    function test_deposit_isEquityToTheUnit() external {
        _deposit(10_000);
        assertEq(_measured().equity, 10_000 * WAD);
        assertEq(_venue().position().margin, 10_000 * WAD);
        assertEq(_held(), 0);
    }

    function test_withdrawal_bringsExactlyWhatWasAskedFor() external {
        _deposit(10_000);
        vm.prank(_venue().vault());
        _venue().withdrawMargin(4000 * _unit());
        assertEq(_held(), 4000 * _unit());
        assertEq(_measured().equity, 6000 * WAD);
    }

    function test_freeCollateral_ofAFlatAccount_comesHomeWhole() external {
        _deposit(10_000);
        uint256 free = _venue().freeCollateral();
        assertEq(free, 10_000 * _unit());
        vm.prank(_venue().vault());
        _venue().withdrawMargin(free);
        assertEq(_measured().equity, 0);
    }

    function test_withdrawal_ofMoreThanThereIs_reverts() external {
        _deposit(10_000);
        vm.prank(_venue().vault());
        vm.expectRevert();
        _venue().withdrawMargin(10_000 * _unit() + 1);
    }

    function test_whatTheVaultDoes_isTheVaultsAlone() external {
        _deposit(10_000);
        bytes[4] memory calls = [
            abi.encodeCall(IPerpVenue.depositMargin, (1)),
            abi.encodeCall(IPerpVenue.withdrawMargin, (1)),
            abi.encodeCall(IPerpVenue.execute, (WAD, type(uint256).max)),
            abi.encodeCall(IPerpVenue.bracketTrade, (true))
        ];
        bytes memory refusal = abi.encodeWithSelector(IPerpVenue.OnlyVault.selector, stranger, _venue().vault());
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(stranger);
            (bool isDone, bytes memory reason) = address(_venue()).call(calls[i]);
            assertFalse(isDone);
            assertEq(reason, refusal);
        }
    }

    // --- trades -----------------------------------------------------------------------------------------------------

    function test_purchaseAndSale_haveTheirSigns() external {
        _deposit(10_000);
        _trade(2e18);
        assertEq(_venue().size(), 2e18);
        _trade(-5e18);
        assertEq(_venue().size(), -3e18);
        assertEq(_venue().position().size, -3e18);
        assertEq(_measured().sizeLow, -3e18);
    }

    function test_equity_followsThePriceBySize() external {
        _deposit(10_000);
        _trade(2e18);
        int256 before = _measured().equity;
        uint256 mark = _venue().markPrice();
        _movePrice(mark * 105 / 100);
        assertApproxEqAbs(_measured().equity, before + 2 * int256(mark * 5 / 100), 2);
    }

    function test_equity_atAnyPriceIsLinearFromTheMark() external {
        _deposit(10_000);
        _trade(-2e18);
        IPerpVenue.Account memory a = _venue().account();
        _movePrice(a.markPrice * 9 / 10);
        int256 expected = a.equity + a.size * (int256(_venue().markPrice()) - int256(a.markPrice)) / WAD;
        assertApproxEqAbs(_venue().account().equity, expected, 2);
    }

    function test_equity_holdsTheAccountAtItsMark() external {
        _deposit(10_000);
        _trade(2e18);
        (int256 low, int256 high) = _venue().equity();
        int256 atMark = _venue().account().equity;
        assertLe(low, atMark + 1);
        assertGe(high, atMark - 1);
    }

    function test_short_gainsAsThePriceFalls() external {
        _deposit(10_000);
        _trade(-2e18);
        int256 before = _measured().equity;
        uint256 mark = _venue().markPrice();
        _movePrice(mark * 95 / 100);
        assertApproxEqAbs(_measured().equity, before + 2 * int256(mark * 5 / 100), 2);
    }

    function test_trades_toOneSideAddUp_andAPartlyClosedOneKeepsTheRest() external {
        _deposit(10_000);
        _trade(1e18);
        _trade(2e18);
        assertEq(_venue().size(), 3e18);
        int256 before = _measured().equity;
        _trade(-1e18);
        assertEq(_venue().size(), 2e18);
        assertLe(_measured().equity, before + 2);
        assertEq(_venue().position().size, 2e18);
    }

    function test_margin_movedBesideAPosition_isAllThatTheEquityMovesBy() external {
        _deposit(10_000);
        _trade(2e18);
        int256 before = _measured().equity;
        _deposit(1000);
        assertApproxEqAbs(_measured().equity, before + 1000 * WAD, 2);
        uint256 free = _venue().freeCollateral();
        assertGe(free, 500 * _unit());
        vm.prank(_venue().vault());
        _venue().withdrawMargin(500 * _unit());
        assertApproxEqAbs(_measured().equity, before + 500 * WAD, 2);
    }

    function test_views_areOfOneAccount() external {
        _deposit(10_000);
        _trade(2e18);
        IPerpVenue.Account memory a = _venue().account();
        assertEq(a.size, _venue().size());
        assertEq(a.markPrice, _venue().markPrice());
        assertEq(a.indexPrice, _venue().indexPrice());
        assertEq(a.size, _venue().position().size);
        assertGt(_venue().position().entryPrice, 0);
    }

    function test_bracketOfATrade_changesNothingByItself() external {
        _deposit(10_000);
        _trade(2e18);
        int256 equity = _measured().equity;
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(_venue().vault());
            _venue().bracketTrade(i == 0);
            assertEq(_venue().size(), 2e18);
        }
        assertEq(_measured().equity, equity);
    }

    function test_collateralOfAStranger_isNobodysLoss() external {
        _deposit(10_000);
        _trade(2e18);
        VenueMeasurement memory before = _measured();
        address token = _venue().collateral();
        deal(token, address(_venue()), IERC20(token).balanceOf(address(_venue())) + 1000 * _unit());
        assertGe(_measured().equityLow, before.equityLow);
        assertEq(_measured().notional, before.notional);
        _trade(-2e18);
        assertEq(_venue().size(), 0);
    }

    function test_close_leavesNothing() external {
        _deposit(10_000);
        _trade(2e18);
        _trade(-2e18);
        VenueMeasurement memory m = _measured();
        assertEq(m.notional, 0);
        assertLe(m.equity, 10_000 * WAD); // a round trip gains nothing
        assertEq(m.equityLow, m.equityHigh);
    }

    function test_tradeOfNothing_isAnError() external {
        vm.prank(_venue().vault());
        vm.expectRevert(IPerpVenue.ZeroSize.selector);
        _venue().execute(0, type(uint256).max);
    }

    function test_limitThatCannotBeMet_fillsNothing() external {
        _deposit(10_000);
        vm.prank(_venue().vault());
        (bool isDone, bytes memory answer) =
            address(_venue()).call(abi.encodeCall(IPerpVenue.execute, (2e18, _venue().markPrice() / 2)));
        if (isDone) {
            IPerpVenue.Execution memory execution = abi.decode(answer, (IPerpVenue.Execution));
            vm.expectRevert();
            _venue().settle(execution.orderId, "");
        }
        assertEq(_venue().size(), 0);
    }

    function test_quote_isNoBetterThanTheTradeThatFollows() external {
        _deposit(10_000);
        (uint256 price, uint256 fee) = _venue().quote(2e18);
        _trade(2e18);
        int256 paid = 10_000 * WAD - _venue().account().equity + 2 * int256(_venue().markPrice());
        assertApproxEqAbs(paid, 2 * int256(price) + int256(fee), 2);
    }

    function test_quote_ofNothingOrBeyondTheCapacity_isAnError() external {
        vm.expectRevert(IPerpVenue.ZeroSize.selector);
        _venue().quote(0);
        int256 beyond = int256(_venue().capacity(true)) + WAD;
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.SizeBeyondLiquidity.selector, beyond));
        _venue().quote(beyond);
        beyond = -int256(_venue().capacity(false)) - WAD;
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.SizeBeyondLiquidity.selector, beyond));
        _venue().quote(beyond);
    }

    function test_quote_ofAClose_isNoBetterThanTheTradeThatFollows() external {
        _deposit(10_000);
        _trade(-3e18);
        int256 before = _measured().equity;
        (uint256 price, uint256 fee) = _venue().quote(2e18);
        _trade(2e18);
        int256 quoted = 2 * (int256(price) - int256(_venue().markPrice())) + int256(fee);
        assertLe(before - _measured().equity, quoted + 2e12); // a millionth of a dollar a side
    }

    function test_funding_isInTheEquityAsItAccrues_andOnce() external {
        _deposit(10_000);
        _trade(2e18);
        uint256 snapshot = vm.snapshotState();
        for (int256 usd = -40; usd <= 40; usd += 80) {
            int256 before = _measured().equity;
            if (!_fund(usd)) return;
            assertApproxEqAbs(_measured().equity, before + usd * WAD, 2e12);
            IPerpVenue.Position memory p = _venue().position();
            (int256 low,) = _venue().equity();
            assertLe(p.margin + p.unrealisedPnl + p.fundingAccrued, low + 2);
            assertEq(p.size, 2e18);
            int256 accrued = _measured().equity;
            (, uint256 fee) = _venue().quote(-2e18);
            _trade(-2e18);
            assertApproxEqAbs(_measured().equity, accrued - int256(fee), 4e12);
            vm.revertToState(snapshot);
        }
    }

    function test_capacity_isWhatCanBeQuoted() external view {
        for (uint256 i = 0; i < 2; ++i) {
            assertGt(_venue().capacity(i == 0), 2e18);
        }
    }

    function test_funding_isInsideItsLimit() external view {
        int256 perDay = _venue().fundingRate();
        assertLe(uint256(perDay > 0 ? perDay : -perDay), _venue().maxFundingRate());
    }

    // --- measuring --------------------------------------------------------------------------------------------------

    function test_account_takesLessGasThanItIsGiven() external {
        _deposit(10_000);
        _trade(2e18);
        _execute(-2e18); // open where the venue fills later
        uint256 gasBefore = gasleft();
        _venue().account();
        assertLt(gasBefore - gasleft(), VENUE_GAS);
    }

    /// @dev Whatever the account is read from, found by watching it being read, falls silent or turns hostile, one after the
    ///      other. The adapter may say nothing; it never says anything else than before, nor when all is well again.
    function test_protocolThatIsSilentOrHostile_isNotTakenForAnotherAccount() external {
        _deposit(10_000);
        _trade(2e18);
        _execute(-1e18); // open where the venue fills later
        bytes32 before = keccak256(abi.encode(_venue().account()));
        address[] memory asked = _askedByAccount();
        bytes[3] memory codes = [bytes(hex"00"), type(BurningSource).runtimeCode, type(HugeRevertingSource).runtimeCode];
        for (uint256 i = 0; i < asked.length; ++i) {
            bytes memory code = asked[i].code;
            for (uint256 kind = 0; kind < codes.length; ++kind) {
                vm.etch(asked[i], codes[kind]);
                try _venue().account{gas: VENUE_GAS}() returns (IPerpVenue.Account memory a) {
                    assertEq(keccak256(abi.encode(a)), before, vm.toString(asked[i]));
                } catch {
                    assertGt(gasleft(), VENUE_GAS);
                }
            }
            vm.etch(asked[i], code);
            assertEq(keccak256(abi.encode(_venue().account())), before);
        }
    }

    /// @dev Every contract but the adapter that is called while the account is read, once.
    function _askedByAccount() private returns (address[] memory asked) {
        vm.startStateDiffRecording();
        _venue().account();
        VmSafe.AccountAccess[] memory calls = vm.stopAndReturnStateDiff();
        asked = new address[](calls.length);
        uint256 count = 0;
        for (uint256 i = 0; i < calls.length; ++i) {
            address target = calls[i].account;
            bool isKnown = target == address(_venue()) || target == address(vm) || target.code.length == 0;
            for (uint256 k = 0; k < count && !isKnown; ++k) {
                isKnown = asked[k] == target;
            }
            if (!isKnown) asked[count++] = target;
        }
        assembly ("memory-safe") {
            mstore(asked, count)
        }
    }

    function test_liquidation_isSeenAtOnce() external {
        _deposit(10_000);
        _trade(2e18);
        _liquidate();
        assertEq(_measured().notional, 0);
        assertEq(_venue().size(), 0);
    }

    function test_pending_isWhatTheAccountSays() external {
        _deposit(10_000);
        _execute(2e18);
        IPerpVenue.Account memory a = _venue().account();
        (int256 negative, int256 positive) = _venue().pending();
        assertEq(negative, a.pendingNegative);
        assertEq(positive, a.pendingPositive);
        assertEq(a.size + a.pendingPositive, 2e18); // filled or pending, and once
    }

    function test_unknownOrder_isRefused() external {
        bytes32 orderId = keccak256("unknown");
        bytes memory unknown = abi.encodeWithSelector(IPerpVenue.UnknownOrder.selector, orderId);
        vm.expectRevert(unknown);
        _venue().settle(orderId, "");
        vm.expectRevert(unknown);
        _venue().reconcile(orderId);
        vm.expectRevert(unknown);
        _venue().cancel(orderId);
        assertEq(uint256(_venue().order(orderId).status), 0);
    }
}
