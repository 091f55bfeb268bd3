// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HyperCore} from "../../../contracts/venues/hyperevm/HyperCore.sol";
import {HyperEvmLimits} from "../../../contracts/venues/hyperevm/HyperEvmLimits.sol";
import {HyperEvmMarket} from "../../../contracts/venues/hyperevm/HyperEvmMarket.sol";
import {IVaultAccess} from "../../../contracts/interfaces/IVaultAccess.sol";
import {HyperCoreBooks} from "./HyperCoreBooks.sol";
import {HyperStage} from "./HyperStage.sol";

/// @notice What HyperCore answers badly is no answer, is named, and costs a bounded amount. What the governor sets has its range.
contract HyperReadsTest is HyperStage {
    uint256 private constant VENUE_GAS = 900_000; // of `VenueRegistry`

    function setUp() external {
        _raise();
        _flyCanary();
        _fundVenue(10_000);
        _moveAll();
        _deal(2e18);
    }

    function _fault(address precompile, bool isBurning, bytes memory answer) private {
        core.setFault(precompile, HyperCoreBooks.Fault(true, isBurning, answer));
    }

    function _assertNamed(address precompile) private {
        bytes memory refusal = abi.encodeWithSelector(HyperCore.CoreReadFailed.selector, precompile);
        vm.expectRevert(refusal);
        venue.account();
        core.setFault(precompile, HyperCoreBooks.Fault(false, false, ""));
        assertEq(venue.account().size, 2e18);
    }

    function _accountReads() private pure returns (address[5] memory) {
        return [
            HyperCore.POSITION,
            HyperCore.ACCOUNT_MARGIN_SUMMARY,
            HyperCore.SPOT_BALANCE,
            HyperCore.MARK_PX,
            HyperCore.ORACLE_PX
        ];
    }

    /// HEDGE-596
    function test_read_thatBurnsItsGas_isNamedForLessThanAVenueIsGiven() external {
        address[5] memory reads = _accountReads();
        for (uint256 i = 0; i < reads.length; ++i) {
            _fault(reads[i], true, "");
            uint256 start = gasleft();
            (bool isDone, bytes memory reason) = address(venue).call(abi.encodeCall(venue.account, ()));
            assertLt(start - gasleft(), VENUE_GAS / 2);
            assertFalse(isDone);
            assertEq(reason, abi.encodeWithSelector(HyperCore.CoreReadFailed.selector, reads[i]));
            core.setFault(reads[i], HyperCoreBooks.Fault(false, false, ""));
        }
    }

    function test_read_ofAnotherLength_isNoAnswer() external {
        address[5] memory reads = _accountReads();
        for (uint256 i = 0; i < 4; ++i) {
            _fault(reads[i], false, "");
            _assertNamed(reads[i]);
            _fault(reads[i], false, new bytes(31));
            _assertNamed(reads[i]);
            _fault(reads[i], false, new bytes(6 * 32)); // longer, and all zero
            _assertNamed(reads[i]);
        }
    }

    function test_read_thatItsTypeCannotHold_isNoAnswer() external {
        uint256 tooMuch = uint256(type(uint64).max) + 1;
        int256 above = int256(type(int64).max) + 1;
        int256 below = int256(type(int64).min) - 1;
        _fault(HyperCore.MARK_PX, false, abi.encode(tooMuch));
        _assertNamed(HyperCore.MARK_PX);
        _fault(HyperCore.MARK_PX, false, abi.encode(0)); // no price is not a price of nothing
        _assertNamed(HyperCore.MARK_PX);
        _fault(HyperCore.SPOT_BALANCE, false, abi.encode(tooMuch, 0, 0));
        _assertNamed(HyperCore.SPOT_BALANCE);
        _fault(HyperCore.POSITION, false, abi.encode(above, 0, 0, 1, false));
        _assertNamed(HyperCore.POSITION);
        _fault(HyperCore.POSITION, false, abi.encode(below, 0, 0, 1, false));
        _assertNamed(HyperCore.POSITION);
        _fault(HyperCore.POSITION, false, abi.encode(1, tooMuch, 0, 1, false));
        _assertNamed(HyperCore.POSITION);
        _fault(HyperCore.ACCOUNT_MARGIN_SUMMARY, false, abi.encode(above, 0, 0, 0));
        _assertNamed(HyperCore.ACCOUNT_MARGIN_SUMMARY);
        _fault(HyperCore.ACCOUNT_MARGIN_SUMMARY, false, abi.encode(0, 0, 0, below));
        _assertNamed(HyperCore.ACCOUNT_MARGIN_SUMMARY);
    }

    function test_read_ofTheLargestNumbers_isTold() external {
        _fault(HyperCore.POSITION, false, abi.encode(type(int64).min, type(uint64).max, 0, 1, false));
        assertEq(venue.size(), int256(type(int64).min) * 1e14);
        _fault(
            HyperCore.ACCOUNT_MARGIN_SUMMARY,
            false,
            abi.encode(type(int64).max, type(uint64).max, type(uint64).max, type(int64).min)
        );
        assertEq(venue.account().equity, int256(type(int64).max) * 1e12);
    }

    function test_read_withTooLittleGas_isTheCallersFault() external {
        (bool isDone, bytes memory reason) = address(venue).call{gas: 104_000}(abi.encodeCall(venue.size, ()));
        assertTrue(isDone); // enough for what it takes
        _fault(HyperCore.POSITION, true, "");
        (isDone, reason) = address(venue).call{gas: 104_000}(abi.encodeCall(venue.size, ()));
        assertFalse(isDone);
        assertEq(bytes4(reason), HyperCore.InsufficientGas.selector);
        uint256 required; // behind the length, the selector and what was offered
        assembly ("memory-safe") {
            required := mload(add(reason, 68))
        }
        assertEq(required, 106_000);
    }

    function test_otherReads_areNamedToo() external {
        _fault(HyperCore.BBO, true, "");
        vm.expectRevert(abi.encodeWithSelector(HyperCore.CoreReadFailed.selector, HyperCore.BBO));
        venue.quote(1e18);
        _fault(HyperCore.CORE_USER_EXISTS, false, abi.encode(2));
        _fundVenue(100);
        vm.expectRevert(abi.encodeWithSelector(HyperCore.CoreReadFailed.selector, HyperCore.CORE_USER_EXISTS));
        venue.advance();
        _fault(HyperCore.POSITION, true, "");
        vm.prank(address(vault));
        vm.expectRevert(abi.encodeWithSelector(HyperCore.CoreReadFailed.selector, HyperCore.POSITION));
        venue.execute(1e18, 2040e18);
        core.setFault(HyperCore.POSITION, HyperCoreBooks.Fault(false, false, ""));
        _fault(HyperCore.WITHDRAWABLE, true, "");
        vm.expectRevert(abi.encodeWithSelector(HyperCore.CoreReadFailed.selector, HyperCore.WITHDRAWABLE));
        market.freeOf(address(venue));
    }

    function test_assetInfo_thatIsBad_isNoMarket() external {
        bytes memory refusal = abi.encodeWithSelector(HyperCore.CoreReadFailed.selector, HyperCore.PERP_ASSET_INFO);
        bytes[6] memory answers = [
            bytes(""),
            new bytes(6 * 32),
            new bytes(2000),
            abi.encode(32, 160, 55, 4, 25, 0), // good, but for the name
            abi.encode(32, 160, 55, 7, 25, 0, 3, "ETH"), // seven decimals
            abi.encode(32, 160, 55, 4, 0, 0, 3, "ETH") // no leverage
        ];
        for (uint256 i = 0; i < answers.length; ++i) {
            _fault(HyperCore.PERP_ASSET_INFO, false, answers[i]);
            vm.expectRevert(refusal);
            _market(IVaultAccess(address(vault)));
        }
        _fault(HyperCore.PERP_ASSET_INFO, true, "");
        vm.expectRevert(refusal);
        _market(IVaultAccess(address(vault)));
    }

    function test_exit_ofCash_needsNoRead() external {
        _fundVenue(500);
        address[5] memory reads = _accountReads();
        for (uint256 i = 0; i < reads.length; ++i) {
            _fault(reads[i], true, "");
        }
        assertEq(venue.freeCollateral(), 500e6);
        vm.prank(address(vault));
        venue.withdrawMargin(500e6);
        assertEq(token.balanceOf(address(vault)), 500e6);
    }

    // --- what HyperCore is written ------------------------------------------------------------------------------------

    /// @dev Bytes as Hyperliquid's CoreWriter.sol has them: 1, three bytes of the action, ABI-encoded fields.
    function test_actions_areEncodedAsHyperliquidHasThem() external pure {
        assertEq(
            HyperCore.limitOrder(7, true, 2e8, 3e8, true, 9),
            bytes.concat(
                hex"01000001", abi.encode(uint32(7), true, uint64(2e8), uint64(3e8), true, uint8(3), uint128(9))
            )
        );
        assertEq(HyperCore.cancelByCloid(7, 9), bytes.concat(hex"0100000b", abi.encode(uint32(7), uint128(9))));
        assertEq(HyperCore.classTransfer(5e6, false), bytes.concat(hex"01000007", abi.encode(uint64(5e6), false)));
        assertEq(
            HyperCore.sendHome(5e8),
            bytes.concat(
                hex"0100000d",
                abi.encode(
                    0x2000000000000000000000000000000000000000,
                    address(0),
                    type(uint32).max,
                    type(uint32).max,
                    uint64(0),
                    uint64(5e8)
                )
            )
        );
    }

    // --- governed -------------------------------------------------------------------------------------------------

    function _expectRange(HyperEvmLimits.Limits memory limits, uint256 actual, uint256 low, uint256 high) private {
        vm.prank(vault.governor());
        vm.expectRevert(abi.encodeWithSelector(HyperEvmLimits.LimitOutOfRange.selector, actual, low, high));
        market.setLimits(limits);
    }

    function test_limits_haveTheirRanges() external {
        HyperEvmLimits.Limits memory l = _limits();
        l.takerFee = 0.01e18 + 1;
        _expectRange(l, 0.01e18 + 1, 0, 0.01e18);
        l = _limits();
        l.marginFactor = 0.04e18; // 25x
        _expectRange(l, 0.04e18, 0.04e18 + 1, 1e18);
        l.marginFactor = 1e18 + 1;
        _expectRange(l, 1e18 + 1, 0.04e18 + 1, 1e18);
        l = _limits();
        l.canarySize = 0;
        _expectRange(l, 0, 1e14, 1000e18);
        l.canarySize = 1001e18;
        _expectRange(l, 1001e18, 1e14, 1000e18);
        l.canarySize = 1.5e14;
        _expectRange(l, 0.5e14, 0, 0);
        l = _limits();
        l.settleSeconds = 9;
        _expectRange(l, 9, 10, 1 hours);
        l.settleSeconds = 3601;
        _expectRange(l, 3601, 10, 1 hours);
        l = _limits();
        l.lateSeconds = 59;
        _expectRange(l, 59, 60, 7 days);
        l.lateSeconds = 7 days + 1;
        _expectRange(l, 7 days + 1, 60, 7 days);
        l = HyperEvmLimits.Limits(0.01e18, 1e18, 1000e18, 1000e18, 10, 10);
        vm.prank(vault.governor());
        market.setLimits(l);
        assertEq(abi.encode(market.limits()), abi.encode(l));
    }

    function test_tiers_areOfTheMarketAndRise() external {
        HyperEvmLimits.Tier[] memory t = _tiers();
        vm.startPrank(vault.governor());
        t[0].maxLeverage = 20;
        vm.expectRevert(abi.encodeWithSelector(HyperEvmLimits.TiersNotOfMarket.selector, 2, 20, 25));
        market.setTiers(t);
        t = _tiers();
        t[0].from = 1;
        vm.expectRevert(abi.encodeWithSelector(HyperEvmLimits.TiersNotOfMarket.selector, 2, 25, 25));
        market.setTiers(t);
        t = _tiers();
        t[1].from = 0;
        vm.expectRevert(abi.encodeWithSelector(HyperEvmLimits.TierNotAbove.selector, 1, 0, 0));
        market.setTiers(t);
        t = _tiers();
        t[1].maxLeverage = 26;
        vm.expectRevert(abi.encodeWithSelector(HyperEvmLimits.LimitOutOfRange.selector, 26, 1, 25));
        market.setTiers(t);
        for (uint256 count = 0; count <= 9; count += 9) {
            vm.expectRevert(abi.encodeWithSelector(HyperEvmLimits.TiersNotOfMarket.selector, count, 0, 25));
            market.setTiers(new HyperEvmLimits.Tier[](count));
        }
        core.setMarketTable(56, 10, false);
        t = new HyperEvmLimits.Tier[](1);
        t[0].maxLeverage = 10;
        market.setTiers(t);
        assertEq(market.tiers().length, 1);
        assertEq(market.marginTableId(), 56);
        assertEq(market.maintenanceMargin(100e18), 5e18);
    }

    function test_isolatedMarket_isRefused() external {
        core.setMarketTable(55, 25, true);
        vm.expectRevert(abi.encodeWithSelector(HyperEvmLimits.OnlyIsolatedMargin.selector, ASSET));
        _market(IVaultAccess(address(vault)));
    }

    function test_depositWallet_isAContract() external {
        vm.startPrank(vault.governor());
        vm.expectRevert();
        market.setDepositWallet(address(0xdead));
        market.setDepositWallet(address(token));
        assertEq(market.depositWallet(), address(token));
    }
}
