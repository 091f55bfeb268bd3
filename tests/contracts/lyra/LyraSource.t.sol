// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {
    ILyraOptionMarket,
    ILyraOptionToken,
    LyraOptionType,
    LyraPositionState
} from "../../../contracts/book/ILyra.sol";
import {ListedPositions} from "../../../contracts/book/ListedPositions.sol";
import {LyraOptions} from "../../../contracts/book/LyraOptions.sol";
import {Governed} from "../../../contracts/governance/Governed.sol";
import {VaultAccess} from "../../../contracts/governance/VaultAccess.sol";
import {Black76} from "../../../contracts/libraries/Black76.sol";
import {NormalCdf} from "../../../contracts/libraries/NormalCdf.sol";
import {TokenDouble} from "../support/Tokens.sol";
import {LyraMarketStage} from "./LyraMarketStage.sol";

/// @notice HEDGE-487 .. HEDGE-491: the delta of positions in Lyra's own contracts, to the unit.
contract LyraSourceTest is LyraMarketStage {
    uint256 private constant SPOT = 1750e18;
    uint256 private constant IV = 1e18; // of the strike in the middle
    uint256 private constant TOLERANCE = 0.1e18;

    VaultAccess private access;
    LyraOptions private source;

    function setUp() external {
        vm.warp(1_722_500_000);
        _openLyra(new TokenDouble(18), SPOT, 250e18);
        access = new VaultAccess(address(this)); // it has not handed over: what it sets waits for nothing
        source = new LyraOptions(access, market, optionToken, trader, _limits());
        _set(address(pricer)).setPricingParams(_pricingWithoutMoves());
    }

    function _limits() private pure returns (LyraOptions.Limits memory) {
        return LyraOptions.Limits(0.5e18, 2e18, TOLERANCE, TOLERANCE);
    }

    /// @dev A position that the source counts.
    function _hold(uint256 place, LyraOptionType kind, uint256 size, uint256 collateral) private returns (uint256 id) {
        id = _open(place, kind, size, collateral);
        vm.prank(trader);
        source.addOwnPosition(id);
    }

    /// @dev N(d1) of a call at the middle strike at `price`, at the ends of volatility and of the forward, 2^52 to the unit.
    function _callEnds(uint256 strike, uint256 left, uint256 ivLow, uint256 ivHigh)
        private
        pure
        returns (int256, int256)
    {
        int256 carry = int256(TOLERANCE * left / 365 days + 1);
        int256 moneyness = Black76.lnPrice(SPOT) - Black76.lnPrice(strike);
        uint256 root = Black76.halfRootTau(left);
        (int256 low,) = Black76.callDeltaBoundsX52(moneyness - carry, root, ivLow, ivHigh);
        (, int256 high) = Black76.callDeltaBoundsX52(moneyness + carry, root, ivLow, ivHigh);
        return (low, high);
    }

    function _assertInterval(int256 low, int256 high) private view {
        (int256 foundLow, int256 foundHigh) = source.deltaInterval(SPOT);
        assertEq(foundLow, low, "low");
        assertEq(foundHigh, high, "high");
    }

    // --- kinds --------------------------------------------------------------------------------------------------------

    function test_eachKind_inAndOutOfTheMoney_isBlack76AtItsEnds_roundedOutward() external {
        LyraOptionType[4] memory kinds = [
            LyraOptionType.LONG_CALL,
            LyraOptionType.LONG_PUT,
            LyraOptionType.SHORT_CALL_QUOTE,
            LyraOptionType.SHORT_PUT_QUOTE
        ];
        int256 one = NormalCdf.ONE_X52;
        uint256 snapshot = vm.snapshotState();
        for (uint256 i = 0; i < 12; ++i) {
            (uint256 place, uint256 kind) = (i / 4, i % 4);
            uint256 vol = 0.9e18 + place * 0.1e18; // as the skews of the board
            (int256 low, int256 high) = _callEnds(1500e18 + place * 250e18, TENOR, vol - TOLERANCE, vol + TOLERANCE);
            assertLt(high - low, one / 10);
            if (kind == 1) (low, high) = (low - one, high - one);
            if (kind == 2) (low, high) = (-high, -low);
            if (kind == 3) (low, high) = (one - high, one - low);
            _hold(place, kinds[kind], 2e18 + 1, kind < 2 ? 0 : 4500e18);
            _assertInterval((low * (2e18 + 1)) >> 52, -(-high * (2e18 + 1) >> 52));
            vm.revertToState(snapshot);
        }
    }

    function test_baseThatCoversAShortCall_countsOneForOne() external {
        (int256 low, int256 high) = _callEnds(1750e18, TENOR, IV - TOLERANCE, IV + TOLERANCE);
        _hold(1, LyraOptionType.SHORT_CALL_BASE, 4e18, 3e18);
        int256 base = 3e18 << 52;
        _assertInterval((base - high * 4e18) >> 52, -(-(base - low * 4e18) >> 52));
    }

    function test_severalPositions_areAddedUp_andThoseThatAreGoneCountNothing() external {
        (int256 low, int256 high) = _callEnds(1750e18, TENOR, IV - TOLERANCE, IV + TOLERANCE);
        _hold(1, LyraOptionType.LONG_CALL, 5e18, 0);
        uint256 sold = _hold(1, LyraOptionType.LONG_CALL, 7e18, 0);
        uint256 given = _hold(1, LyraOptionType.LONG_CALL, 2e18, 0);
        _hold(1, LyraOptionType.LONG_CALL, 3e18, 0);
        _close(1, LyraOptionType.LONG_CALL, 7e18, sold);
        vm.prank(trader);
        _set(address(optionToken)).transferFrom(trader, address(this), given);
        _assertInterval((low * 8e18) >> 52, -(-high * 8e18 >> 52));
    }

    function test_tokenThatIsThereAndNotActive_countsNothing() external {
        uint256 id = _hold(1, LyraOptionType.LONG_CALL, 5e18, 0);
        ILyraOptionToken.OptionPosition memory held = optionToken.getOptionPosition(id);
        held.state = LyraPositionState.LIQUIDATED;
        vm.mockCall(address(optionToken), abi.encodeCall(optionToken.getOptionPosition, (id)), abi.encode(held));
        _assertInterval(0, 0);
    }

    // --- expiry -------------------------------------------------------------------------------------------------------

    function test_lastSecondAndAfter_isTakenAsTheLastSecond() external {
        (int256 low, int256 high) = _callEnds(1500e18, 1, 0.9e18 - TOLERANCE, 0.9e18 + TOLERANCE);
        _hold(0, LyraOptionType.LONG_CALL, 10e18, 0);
        _hold(1, LyraOptionType.LONG_CALL, 1e18, 0);
        (int256 atLow, int256 atHigh) = _callEnds(1750e18, 1, IV - TOLERANCE, IV + TOLERANCE);
        assertGt(atHigh, atLow);
        uint256[3] memory moments = [expiry - 1, expiry, expiry + 1 days];
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(moments[i]);
            _assertInterval((low * 10e18 + atLow * 1e18) >> 52, -(-(high * 10e18 + atHigh * 1e18) >> 52));
        }
        vm.warp(expiry - 2);
        (int256 before,) = source.deltaInterval(1750e18 + 1e15);
        vm.warp(expiry - 1);
        (int256 atLast,) = source.deltaInterval(1750e18 + 1e15);
        assertNotEq(before, atLast);
    }

    function test_settled_baseIsWhatLyraGivesBack_andOptionsAreNothing() external {
        uint256 covered = _hold(1, LyraOptionType.SHORT_CALL_BASE, 4e18, 3e18);
        _hold(1, LyraOptionType.LONG_CALL, 4e18, 0);
        _hold(1, LyraOptionType.SHORT_CALL_QUOTE, 1e18, 3000e18);
        vm.warp(expiry);
        _setSpot(1900e18);
        market.settleExpiredBoard(board);
        (int256 low, int256 high) = source.deltaInterval(SPOT);
        assertEq(low, high);
        uint256 before = baseToken.balanceOf(trader);
        _settlePositions(covered);
        assertApproxEqAbs(uint256(low), baseToken.balanceOf(trader) - before, 10);
        _assertInterval(0, 0);
    }

    function test_settled_lossBeyondTheBase_leavesNone() external {
        _hold(1, LyraOptionType.SHORT_CALL_BASE, 4e18, 3e18);
        vm.warp(expiry);
        _setSpot(1900e18);
        market.settleExpiredBoard(board);
        bytes memory taken = abi.encode(1750e18, 1900e18, 0.9e18); // 3.6 of 3
        vm.mockCall(address(market), abi.encodeCall(market.getSettlementParameters, (strikes[1])), taken);
        _assertInterval(0, 0);
    }

    // --- volatility ---------------------------------------------------------------------------------------------------

    function test_volatility_atEitherLevelIsBelieved_andAUnitBeyondIsNot() external {
        uint256 id = _hold(1, LyraOptionType.LONG_CALL, 1e18, 0);
        source.setLimits(LyraOptions.Limits(IV, IV, 0, 0));
        (int256 low, int256 high) = source.deltaInterval(SPOT);
        assertLt(high - low, 1e9);
        assertGt(low, 0.5e18);
        source.setLimits(LyraOptions.Limits(IV + 1, 2e18, 0, 0));
        vm.expectRevert(abi.encodeWithSelector(LyraOptions.IvOutOfRange.selector, id, IV, IV + 1, 2e18));
        source.deltaInterval(SPOT);
        source.setLimits(LyraOptions.Limits(0.5e18, IV - 1, 0, 0));
        vm.expectRevert(abi.encodeWithSelector(LyraOptions.IvOutOfRange.selector, id, IV, 0.5e18, IV - 1));
        source.deltaInterval(SPOT);
    }

    function test_volatility_whoseToleranceGoesBeyondAllThatIs_isCutOff() external {
        _hold(1, LyraOptionType.LONG_CALL, 1e18, 0);
        uint256[2] memory ivs = [uint256(0.3e18), 4.8e18];
        uint256[2][2] memory ends = [[uint256(0.01e18), 0.8e18], [uint256(4.3e18), 5e18]];
        for (uint256 i = 0; i < 2; ++i) {
            source.setLimits(LyraOptions.Limits(0.01e18, 5e18, 0.5e18, TOLERANCE));
            _mockBoardIv(ivs[i]);
            (int256 low, int256 high) = _callEnds(1750e18, TENOR, ends[i][0], ends[i][1]);
            _assertInterval((low * 1e18) >> 52, -(-high * 1e18 >> 52));
        }
    }

    function _mockBoardIv(uint256 iv) private {
        (ILyraOptionMarket.Strike memory strike, ILyraOptionMarket.OptionBoard memory listed) =
            market.getStrikeAndBoard(strikes[1]);
        listed.iv = iv;
        bytes memory answer = abi.encode(strike, listed);
        vm.mockCall(address(market), abi.encodeCall(market.getStrikeAndBoard, (strikes[1])), answer);
    }

    // --- limits -------------------------------------------------------------------------------------------------------

    function test_limits_atTheirHardEnds_areTakenAndTold() external {
        LyraOptions.Limits memory narrow = LyraOptions.Limits(0.01e18, 0.01e18, 0, 0);
        LyraOptions.Limits memory wide = LyraOptions.Limits(0.01e18, 5e18, 0.5e18, 0.5e18);
        vm.expectEmit(address(source));
        emit LyraOptions.LimitsSet(_limits(), narrow);
        source.setLimits(narrow);
        vm.expectEmit(address(source));
        emit LyraOptions.LimitsSet(narrow, wide);
        source.setLimits(wide);
        (uint256 minIv, uint256 maxIv, uint256 ivTolerance, uint256 carryTolerance) = source.limits();
        assertEq(abi.encode(minIv, maxIv, ivTolerance, carryTolerance), abi.encode(wide));
    }

    function test_limits_aUnitBeyondAnEnd_areRefused() external {
        LyraOptions.Limits[5] memory refused = [
            LyraOptions.Limits(0.01e18 - 1, 1e18, 0, 0),
            LyraOptions.Limits(1e18, 1e18 - 1, 0, 0),
            LyraOptions.Limits(1e18, 5e18 + 1, 0, 0),
            LyraOptions.Limits(1e18, 1e18, 0.5e18 + 1, 0),
            LyraOptions.Limits(1e18, 1e18, 0, 0.5e18 + 1)
        ];
        for (uint256 i = 0; i < 5; ++i) {
            vm.expectRevert(abi.encodeWithSelector(LyraOptions.LimitsOutOfRange.selector, refused[i]));
            source.setLimits(refused[i]);
        }
        vm.expectRevert(abi.encodeWithSelector(LyraOptions.LimitsOutOfRange.selector, refused[0]));
        new LyraOptions(access, market, optionToken, trader, refused[0]);
    }

    function test_limits_ofAStranger_areRefused() external {
        vm.prank(trader);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, trader));
        source.setLimits(_limits());
    }

    function test_source_ofNoMarketIsRefused() external {
        vm.expectRevert(abi.encodeWithSelector(Governed.NotAContract.selector, trader));
        new LyraOptions(access, ILyraOptionMarket(trader), optionToken, trader, _limits());
    }

    function test_hardLimits_areWhatADeskReads() external view {
        assertEq(source.MAX_SIZE(), 10_000_000_000e18);
        assertEq(source.MAX_POSITIONS(), 6);
        assertEq(source.MIN_IV(), 0.01e18);
        assertEq(source.MAX_IV(), 5e18);
        assertEq(source.MAX_IV_TOLERANCE(), 0.5e18);
        assertEq(source.MAX_CARRY_TOLERANCE(), 0.5e18);
    }

    // --- positions ----------------------------------------------------------------------------------------------------

    function test_size_andCollateral_atTheLargestAreRead_andAUnitBeyondIsNot() external {
        uint256 id = _hold(1, LyraOptionType.SHORT_CALL_BASE, 4e18, 3e18);
        (int256 low,) = _callEnds(1750e18, TENOR, IV - TOLERANCE, IV + TOLERANCE);
        _mockPosition(id, 1e28, 1e28);
        (, int256 high) = source.deltaInterval(SPOT);
        assertEq(high, -(-((1e28 << 52) - low * 1e28) >> 52));
        _mockPosition(id, 1e28 + 1, 0);
        _expectTooLarge(id);
        _mockPosition(id, 0, 1e28 + 1);
        _expectTooLarge(id);
    }

    function _expectTooLarge(uint256 id) private {
        vm.expectRevert(abi.encodeWithSelector(LyraOptions.SizeOutOfRange.selector, id, 1e28 + 1, 1e28));
        source.deltaInterval(SPOT);
    }

    function _mockPosition(uint256 id, uint256 size, uint256 collateral) private {
        ILyraOptionToken.OptionPosition memory held = optionToken.getOptionPosition(id);
        (held.amount, held.collateral) = (size, collateral);
        vm.mockCall(address(optionToken), abi.encodeCall(optionToken.getOptionPosition, (id)), abi.encode(held));
    }

    function test_position_ofAStrikeThatTheMarketDoesNotList_isRefused() external {
        uint256 id = _open(1, LyraOptionType.LONG_CALL, 1e18, 0);
        uint256[2] memory strangers = [uint256(0), 99];
        for (uint256 i = 0; i < 2; ++i) {
            ILyraOptionToken.OptionPosition memory held = optionToken.getOptionPosition(id);
            held.strikeId = strangers[i];
            vm.mockCall(address(optionToken), abi.encodeCall(optionToken.getOptionPosition, (id)), abi.encode(held));
            vm.prank(trader);
            vm.expectRevert(abi.encodeWithSelector(LyraOptions.PositionNotOfMarket.selector, id, strangers[i]));
            source.addOwnPosition(id);
        }
    }

    function test_positions_beyondTheSixthAreRefused() external {
        for (uint256 i = 0; i < 6; ++i) {
            _hold(1, LyraOptionType.LONG_CALL, 1e18, 0);
        }
        uint256 id = _open(1, LyraOptionType.LONG_CALL, 1e18, 0);
        vm.prank(trader);
        vm.expectRevert(abi.encodeWithSelector(ListedPositions.TooManyPositions.selector, 7, 6));
        source.addOwnPosition(id);
    }
}
