// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IHedgeVault} from "../../contracts/interfaces/IHedgeVault.sol";
import {IShareFees} from "../../contracts/interfaces/IShareFees.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {Governed} from "../../contracts/governance/Governed.sol";
import {ShareFees} from "../../contracts/vault/ShareFees.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-052 .. HEDGE-058: management and performance fees, paid in shares.
contract ShareFeesTest is VaultFixture {
    uint256 private constant YEAR = 365 days;

    address private recipient = makeAddr("recipient");
    ShareFees private fees;

    function setUp() public override {
        super.setUp();
        fees = new ShareFees(access, vault);
        _govern(address(vault), abi.encodeCall(vault.setShareFees, (fees)));
    }

    function _setFees(uint256 managementBps, uint256 performanceBps) private {
        _govern(address(fees), abi.encodeCall(fees.setFees, (managementBps, performanceBps, recipient)));
    }

    /// @dev Gain or loss of the whole vault, asset units.
    function _gain(uint256 assets) private {
        token.mint(address(vault), assets);
    }

    function _lose(uint256 assets) private {
        token.burn(address(vault), assets);
    }

    function _pass(uint256 time) private {
        vm.warp(vm.getBlockTimestamp() + time);
        _publish(PRICE);
    }

    function _worth(address account) private view returns (uint256) {
        return vault.previewRedeem(vault.balanceOf(account));
    }

    // HEDGE-052
    function test_fees_offUntilSet() external {
        _deposit(depositor, _units(1000));
        _gain(_units(1000));
        _pass(YEAR);
        vault.accrueFees();
        assertEq(vault.totalSupply(), 1000e12);
        (,,, address to) = fees.terms();
        assertEq(to, address(0));
    }

    // HEDGE-052
    function test_setFees_governorAloneInsideTheHardLimits() external {
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardian));
        fees.setFees(1, 1, recipient);
        bytes memory tooHigh = abi.encodeWithSelector(ShareFees.FeeTooHigh.selector, 201, 200);
        _governExpecting(address(fees), abi.encodeCall(fees.setFees, (201, 0, recipient)), tooHigh);
        tooHigh = abi.encodeWithSelector(ShareFees.FeeTooHigh.selector, 2001, 2000);
        _governExpecting(address(fees), abi.encodeCall(fees.setFees, (0, 2001, recipient)), tooHigh);
        _governExpecting(
            address(fees),
            abi.encodeCall(fees.setFees, (0, 0, address(0))),
            abi.encodeWithSelector(ShareFees.FeeRecipientIsZero.selector)
        );
        _setFees(200, 2000);
        (uint16 management, uint16 performance, uint48 accruedAt, address to) = fees.terms();
        assertEq(management, 200);
        assertEq(performance, 2000);
        assertEq(accruedAt, vm.getBlockTimestamp());
        assertEq(to, recipient);
    }

    // HEDGE-052
    function test_lowerFees_guardianNeverRaises() external {
        _setFees(100, 1000);
        vm.prank(attacker);
        vm.expectRevert(abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, attacker));
        fees.lowerFees(0, 0);
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(ShareFees.FeeTooHigh.selector, 101, 100));
        fees.lowerFees(101, 0);
        vm.expectRevert(abi.encodeWithSelector(ShareFees.FeeTooHigh.selector, 1001, 1000));
        fees.lowerFees(0, 1001);
        fees.lowerFees(50, 0);
        vm.stopPrank();
        (uint16 management, uint16 performance,, address to) = fees.terms();
        assertEq(management, 50);
        assertEq(performance, 0);
        assertEq(to, recipient);
    }

    // HEDGE-055
    function test_setFees_revertsIfAPerformanceFeeWouldBeginWithoutAVenue() external {
        _hedge();
        bytes memory call_ = abi.encodeCall(fees.setFees, (0, 1, recipient));
        venue.setCash(-100_000e18);
        IHedgeVault.DepositBlock reason = IHedgeVault.DepositBlock.VenueUnderWater;
        _governExpecting(address(fees), call_, abi.encodeWithSelector(ShareFees.NavNotTold.selector, reason));
        venue.setHalted(true);
        reason = IHedgeVault.DepositBlock.VenueSilent;
        _governExpecting(address(fees), call_, abi.encodeWithSelector(ShareFees.NavNotTold.selector, reason));
        _setFees(100, 0); // without a mark nothing is lost
        venue.setHalted(false);
        venue.setCash(-50_000e18);
        _setFees(100, 1);
        venue.setHalted(true);
        _setFees(100, 2000); // the mark stands
    }

    // HEDGE-053
    function test_managementFee_isItsPartOfNavAYear() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(200, 0);
        _pass(YEAR);
        vault.accrueFees();
        assertApproxEqAbs(_worth(recipient), _units(20_000), 2);
        assertLe(_worth(recipient), _units(20_000));
        assertApproxEqAbs(_worth(depositor), _units(980_000), 2);
    }

    // HEDGE-053
    function test_managementFee_accruedOftenIsNoMore() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(200, 0);
        for (uint256 i = 0; i < 365; ++i) {
            _pass(1 days);
            vault.accrueFees();
            vault.accrueFees(); // the same second: nothing
        }
        assertLe(_worth(recipient), _units(20_000));
        assertGt(_worth(recipient), _units(19_800)); // 1 - (1 - 0.02 / 365)^365 = 1.98 %
    }

    // HEDGE-053
    function test_managementFee_isByTheTermsOfItsTime() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(100, 0);
        _pass(YEAR);
        _setFees(200, 0); // the year before still costs 1 %
        assertApproxEqAbs(_worth(recipient), _units(10_000), 2);
        _pass(YEAR);
        vm.prank(guardian);
        fees.lowerFees(0, 0);
        assertApproxEqAbs(_worth(recipient), _units(10_000) + _units(990_000) * 2 / 100, 300e6);
        uint256 supply = vault.totalSupply();
        _pass(YEAR);
        vault.accrueFees();
        assertEq(vault.totalSupply(), supply);
    }

    // HEDGE-054
    function test_performanceFee_isItsPartOfTheGainOnce() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(0, 2000);
        _gain(_units(100_000));
        vault.accrueFees();
        assertApproxEqAbs(_worth(recipient), _units(20_000), 2);
        assertLe(_worth(recipient), _units(20_000));
        uint256 supply = vault.totalSupply();
        for (uint256 i = 0; i < 3; ++i) {
            _pass(1 days);
            vault.accrueFees();
        }
        assertEq(vault.totalSupply(), supply);
    }

    // HEDGE-054
    function test_performanceFee_isNotChargedForWhatWasLostAndRegained() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(0, 2000);
        _gain(_units(100_000));
        vault.accrueFees();
        uint256 supply = vault.totalSupply();
        _lose(_units(300_000));
        vault.accrueFees();
        _gain(_units(300_000));
        vault.accrueFees();
        assertEq(vault.totalSupply(), supply);
        _gain(_units(10_000));
        vault.accrueFees();
        assertApproxEqAbs(_worth(recipient), _units(22_000) + _units(8000) * 2 / 110, 1e5); // and its part of what is left of the gain
    }

    // HEDGE-054
    function test_performanceFee_turnedOffAndOnKeepsTheMark() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(0, 2000);
        uint256 mark = fees.highWaterMark();
        _lose(_units(500_000));
        vm.prank(guardian);
        fees.lowerFees(0, 0);
        _setFees(0, 2000);
        assertEq(fees.highWaterMark(), mark);
        _gain(_units(499_999));
        vault.accrueFees();
        assertEq(vault.balanceOf(recipient), 0);
    }

    // HEDGE-055
    function test_performanceFee_startsAtTheHigherNav() external {
        _hedge();
        venue.setPrices(PRICE * 95 / 100, PRICE); // the interval is 5,000 wide
        _setFees(0, 2000);
        _publish(PRICE);
        vault.accrueFees();
        assertEq(vault.balanceOf(recipient), 0);
    }

    // HEDGE-055
    function test_performanceFee_isNotChargedForWhatAnEntryPays() external {
        _hedge();
        venue.setPrices(PRICE * 95 / 100, PRICE);
        _setFees(0, 2000);
        _publish(PRICE);
        vault.accrueFees();
        venue.setPrices(PRICE * 95 / 100, PRICE);
        uint256 priceBefore = vault.previewRedeem(1e18);
        uint256 markBefore = fees.highWaterMark();
        _deposit(attacker, _units(500_000));
        uint256 lift = vault.previewRedeem(1e18) - priceBefore;
        assertGt(lift, 0); // the entry has lifted the lower price
        assertApproxEqAbs(fees.highWaterMark() - markBefore, lift * 1e6, 2e6);
        _publish(PRICE);
        vault.accrueFees();
        assertEq(vault.balanceOf(recipient), 0);
    }

    // HEDGE-055
    function test_performanceFee_emptyVaultStartsAnew() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(200, 2000);
        _lose(_units(500_000));
        uint256 shares = vault.balanceOf(depositor);
        vm.prank(depositor);
        vault.redeem(shares, depositor, depositor);
        _pass(YEAR);
        _deposit(attacker, _units(1000));
        vault.accrueFees();
        assertEq(vault.balanceOf(recipient), 0);
        _gain(_units(100));
        vault.accrueFees();
        assertApproxEqAbs(_worth(recipient), _units(20), 2);
    }

    // HEDGE-056
    function test_previews_agreeWithActionsToTheUnit(uint256 gain, uint256 time, uint256 assets) external {
        _hedge();
        _setFees(200, 2000);
        venue.setPrices(PRICE * 99 / 100, PRICE);
        _gain(bound(gain, 0, _units(100_000)));
        _pass(bound(time, 0, 3 * YEAR));
        venue.setPrices(PRICE * 99 / 100, PRICE);
        assets = bound(assets, 1, _units(100_000));
        token.mint(attacker, 2 * assets + 2);
        vm.startPrank(attacker);
        token.approve(address(vault), type(uint256).max);
        uint256 state = vm.snapshotState();
        uint256 expected = vault.previewDeposit(assets);
        assertEq(vault.deposit(assets, attacker), expected);
        vm.revertToState(state);
        uint256 charged = vault.previewMint(expected);
        assertEq(vault.mint(expected, attacker), charged);
        vm.stopPrank();
        vm.revertToState(state);
        vm.startPrank(depositor);
        uint256 most = vault.maxWithdraw(depositor);
        assets = Math.min(assets, most);
        expected = vault.previewWithdraw(assets);
        assertEq(vault.withdraw(assets, depositor, depositor), expected);
        vm.revertToState(state);
        uint256 shares = vault.maxRedeem(depositor);
        expected = vault.previewRedeem(shares);
        assertEq(vault.redeem(shares, depositor, depositor), expected);
        vm.stopPrank();
    }

    // HEDGE-056
    function test_accrual_takesNothingFromWhoComesAfterIt() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(200, 2000);
        _gain(_units(100_000));
        _pass(YEAR);
        _deposit(attacker, _units(1000)); // accrues before it enters
        assertApproxEqAbs(_worth(attacker), _units(1000), 2);
        uint256 supply = vault.totalSupply();
        vault.accrueFees();
        assertEq(vault.totalSupply(), supply);
    }

    // HEDGE-056
    function test_exit_paysTheFeesBeforeItLeaves() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(200, 0);
        _pass(YEAR);
        uint256 shares = vault.balanceOf(depositor);
        vm.prank(depositor);
        assertApproxEqAbs(vault.redeem(shares, depositor, depositor), _units(980_000), 2);
        assertApproxEqAbs(_worth(recipient), _units(20_000), 2);
    }

    // HEDGE-057
    function test_recipient_needBeNoMemberAndHoldsUpNoExit() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(200, 0);
        gate.shutOut(recipient);
        _pass(YEAR);
        uint256 shares = vault.balanceOf(depositor);
        vm.prank(depositor);
        vault.redeem(shares, depositor, depositor);
        shares = vault.balanceOf(recipient);
        vm.prank(recipient);
        assertApproxEqAbs(vault.redeem(shares, recipient, recipient), _units(20_000), 2);
    }

    // HEDGE-057
    function test_maxima_doNotRevertWhateverNavIs(uint256 nav) external {
        _deposit(depositor, _units(1_000_000));
        _setFees(200, 2000);
        _pass(YEAR);
        deal(address(token), address(vault), nav);
        vault.maxDeposit(depositor);
        vault.maxMint(depositor);
        assertLe(vault.maxWithdraw(depositor), nav);
        assertLe(vault.maxRedeem(depositor), vault.balanceOf(depositor));
    }

    // HEDGE-058
    function test_setShareFees_onceAndBeforeTheFirstDeposit() external {
        bytes memory refused = abi.encodeWithSelector(IHedgeVault.ShareFeesFixed.selector);
        _governExpecting(address(vault), abi.encodeCall(vault.setShareFees, (fees)), refused);
        _deploy(token);
        fees = new ShareFees(access, vault);
        _deposit(depositor, _units(1));
        _governExpecting(address(vault), abi.encodeCall(vault.setShareFees, (fees)), refused);
        _deploy(token);
        _governExpecting(
            address(vault),
            abi.encodeCall(vault.setShareFees, (IShareFees(attacker))),
            abi.encodeWithSelector(Governed.NotAContract.selector, attacker)
        );
    }

    // HEDGE-058
    function test_accrue_isTheVaultsAlone() external {
        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(ShareFees.OnlyVault.selector, governor, vault));
        fees.accrue(1, 1);
    }

    // HEDGE-055
    function test_highWaterMark_betweenAnEntryAndTheNextAccrualIsWhatWillBeBooked(uint256 assets) external {
        _hedge();
        _setFees(0, 2000);
        venue.setPrices(PRICE * 95 / 100, PRICE);
        vault.accrueFees();
        _deposit(attacker, bound(assets, 1, _units(10_000_000)));
        uint256 mark = fees.highWaterMark();
        vault.accrueFees();
        assertEq(fees.highWaterMark(), mark);
        assertEq(vault.balanceOf(recipient), 0);
    }

    // HEDGE-054
    function test_bothFees_theGainIsWhatTheManagementFeeLeaves() external {
        _deposit(depositor, _units(1_000_000));
        _setFees(200, 2000);
        _gain(_units(100_000));
        _pass(YEAR);
        vault.accrueFees();
        // 1,100,000 less 2 % is 1,078,000 for the million; a fifth of the gain is 15,600.
        assertApproxEqAbs(_worth(depositor), _units(1_062_400), 2);
        assertApproxEqAbs(_worth(recipient), _units(37_600), 2);
    }

    // HEDGE-054
    function test_performanceFee_roundsDownHoweverManyShares(uint256 assets, uint256 gain) external {
        assets = bound(assets, _units(1e12), _units(1e15));
        _deposit(depositor, assets);
        _setFees(0, 2000);
        _gain(bound(gain, assets / 100, assets));
        uint256 supply = vault.totalSupply();
        uint256 mark = fees.highWaterMark();
        uint256 price = Math.mulDiv(vault.totalAssets() + 1, 1e24, supply + 1e6, Math.Rounding.Ceil);
        uint256 fee = (price - mark) * 2000 / 10_000;
        uint256 shares = fees.due(vault.totalAssets());
        assertLe(shares * (price - fee), supply * fee);
        assertApproxEqRel(shares * (price - fee), supply * fee, 1e6); // 1e-12
    }

    // HEDGE-055
    function test_performanceFee_noPathOfEntriesAndMarksIsAGain(uint256[12] memory seeds) external {
        _hedge();
        _setFees(0, 2000);
        for (uint256 i = 0; i < seeds.length; ++i) {
            uint256 seed = seeds[i] / 4;
            if (seeds[i] % 4 == 0) _deposit(attacker, bound(seed, 1, _units(300_000)));
            if (seeds[i] % 4 == 1) venue.setPrices(PRICE * bound(seed, 90, 110) / 100, PRICE);
            if (seeds[i] % 4 == 2) vault.accrueFees();
            if (seeds[i] % 4 == 3) {
                _publish(PRICE);
                uint256 shares = bound(seed, 0, vault.maxRedeem(attacker));
                if (vault.previewRedeem(shares) == 0) continue;
                vm.prank(attacker);
                vault.redeem(shares, attacker, attacker);
            }
        }
        _publish(PRICE);
        vault.accrueFees();
        assertLe(_worth(recipient), seeds.length); // units of rounding
    }

    // HEDGE-052
    function test_events_tellTermsOldAndNewAndWhatAccrued() external {
        _setFees(100, 0);
        ShareFees.Terms memory old = ShareFees.Terms(100, 0, uint48(START), recipient);
        ShareFees.Terms memory next = ShareFees.Terms(50, 0, uint48(START), recipient);
        vm.expectEmit(address(fees));
        emit ShareFees.TermsSet(old, next);
        vm.prank(guardian);
        fees.lowerFees(50, 0);
        _deposit(depositor, _units(1000));
        _pass(YEAR);
        uint256 shares = fees.due(vault.totalAssets());
        assertGt(shares, 0);
        vm.expectEmit(address(fees));
        emit ShareFees.FeesAccrued(recipient, shares, fees.highWaterMark());
        vault.accrueFees();
    }

    // HEDGE-052
    function test_setShareFees_emits() external {
        _deploy(token);
        fees = new ShareFees(access, vault);
        _scheduleAs(governor, address(vault), abi.encodeCall(vault.setShareFees, (fees)));
        vm.expectEmit(address(vault));
        emit IHedgeVault.ShareFeesSet(address(fees));
        vm.prank(governor);
        vault.setShareFees(fees);
    }
}
