// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Test} from "forge-std/Test.sol";
import {DeltaBook} from "../../contracts/DeltaBook.sol";
import {Governed} from "../../contracts/governance/Governed.sol";
import {VaultAccess} from "../../contracts/governance/VaultAccess.sol";
import {IDeltaBook} from "../../contracts/interfaces/IDeltaBook.sol";
import {IDeltaSource} from "../../contracts/interfaces/IDeltaSource.sol";
import {DecimalScale} from "../../contracts/libraries/DecimalScale.sol";
import {TokenHoldings} from "../../contracts/book/TokenHoldings.sol";
import {GasBurningSource, LongAnswerSource, NoSource} from "./support/HostileSources.sol";
import {ScriptedSource} from "./support/ScriptedSource.sol";
import {TokenDouble} from "./support/Tokens.sol";

/// @notice HEDGE-411 .. HEDGE-416: the sum of the sources, and plain holdings as one of them.
contract DeltaBookTest is Test {
    address private governor = makeAddr("governor"); // still setting up, so without delay
    address private holder = makeAddr("holder");
    DeltaBook private book;

    function setUp() external {
        book = new DeltaBook(new VaultAccess(governor));
    }

    function _add(int256 low, int256 high) private returns (ScriptedSource source) {
        source = new ScriptedSource(low, high);
        vm.prank(governor);
        book.addSource(source);
    }

    // HEDGE-411
    function test_deltaInterval_isZeroWithoutSources() external view {
        (int256 low, int256 high) = book.deltaInterval(2000e18);
        assertEq(low, 0);
        assertEq(high, 0);
    }

    // HEDGE-411
    function test_deltaInterval_addsLowsAndHighs() external {
        _add(-52e18, -48e18);
        _add(10e18, 10e18);
        _add(-1, 2);
        (int256 low, int256 high) = book.deltaInterval(2000e18);
        assertEq(low, -42e18 - 1);
        assertEq(high, -38e18 + 2);
    }

    // HEDGE-411
    function test_deltaInterval_revertsIfASourceIsInverted() external {
        ScriptedSource source = _add(1, 0);
        vm.expectRevert(abi.encodeWithSelector(IDeltaBook.IntervalInverted.selector, address(source), 1, 0));
        book.deltaInterval(2000e18);
    }

    // HEDGE-412
    function test_addSource_registers() external {
        ScriptedSource source = new ScriptedSource(0, 0);
        vm.expectEmit(address(book));
        emit IDeltaBook.SourceAdded(address(source));
        vm.prank(governor);
        book.addSource(source);
        assertEq(book.sources().length, 1);
        assertEq(address(book.sources()[0]), address(source));
    }

    // HEDGE-412
    function test_addSource_revertsIfRegistered() external {
        ScriptedSource source = _add(0, 0);
        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(IDeltaBook.SourceAlreadyRegistered.selector, address(source)));
        book.addSource(source);
    }

    // HEDGE-412
    function test_addSource_revertsIfItHasNoCode() external {
        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(Governed.NotAContract.selector, holder));
        book.addSource(IDeltaSource(holder));
    }

    // HEDGE-412
    function test_addSource_revertsIfTooMany() external {
        for (uint256 i = 0; i < 16; ++i) {
            _add(0, 0);
        }
        ScriptedSource last = new ScriptedSource(0, 0);
        vm.prank(governor);
        vm.expectRevert(abi.encodeWithSelector(IDeltaBook.TooManySources.selector, 17, 16));
        book.addSource(last);
    }

    // HEDGE-413
    function test_removeSource_forgetsItAlone() external {
        ScriptedSource first = _add(1, 1);
        ScriptedSource second = _add(20, 20);
        ScriptedSource third = _add(300, 300);
        vm.startPrank(governor);
        vm.expectEmit(address(book));
        emit IDeltaBook.SourceRemoved(address(first));
        book.removeSource(first);
        (int256 low,) = book.deltaInterval(0);
        assertEq(low, 320);
        book.removeSource(second);
        book.removeSource(third);
        assertEq(book.sources().length, 0);
    }

    // HEDGE-413
    function test_removeSource_revertsIfUnknown() external {
        ScriptedSource source = _add(0, 0);
        vm.startPrank(governor);
        book.removeSource(source);
        vm.expectRevert(abi.encodeWithSelector(IDeltaBook.SourceNotRegistered.selector, address(source)));
        book.removeSource(source);
    }

    // HEDGE-413
    function test_replaceSource_takesTheOthersPlaceAtOnce() external {
        ScriptedSource first = _add(1, 1);
        _add(20, 20);
        ScriptedSource replacement = new ScriptedSource(300, 300);
        vm.expectEmit(address(book));
        emit IDeltaBook.SourceRemoved(address(first));
        vm.expectEmit(address(book));
        emit IDeltaBook.SourceAdded(address(replacement));
        vm.prank(governor);
        book.replaceSource(first, replacement);
        (int256 low,) = book.deltaInterval(0);
        assertEq(low, 320);
        assertEq(address(book.sources()[0]), address(replacement));
        assertEq(book.sources().length, 2);
    }

    // HEDGE-413
    function test_replaceSource_revertsIfUnknownOrRegisteredOrNotAContract() external {
        ScriptedSource first = _add(1, 1);
        ScriptedSource second = _add(20, 20);
        ScriptedSource third = new ScriptedSource(0, 0);
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(IDeltaBook.SourceNotRegistered.selector, address(third)));
        book.replaceSource(third, third);
        vm.expectRevert(abi.encodeWithSelector(IDeltaBook.SourceAlreadyRegistered.selector, address(second)));
        book.replaceSource(first, second);
        vm.expectRevert(abi.encodeWithSelector(IDeltaBook.SourceAlreadyRegistered.selector, address(first)));
        book.replaceSource(first, first);
        vm.expectRevert(abi.encodeWithSelector(Governed.NotAContract.selector, holder));
        book.replaceSource(first, IDeltaSource(holder));
        vm.stopPrank();
        vm.prank(holder);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, holder));
        book.replaceSource(first, third);
    }

    // HEDGE-415
    function test_deltaInterval_failingSource_isNamedAndCanBeReplaced() external {
        _add(1, 1);
        ScriptedSource huge = new ScriptedSource(-type(int128).max - 1, 0);
        address[7] memory failing = [
            address(new LongAnswerSource(true, 0)),
            address(new LongAnswerSource(true, 64)),
            address(new LongAnswerSource(false, 63)),
            address(new LongAnswerSource(false, 65)),
            address(new NoSource()),
            address(new GasBurningSource()),
            address(huge)
        ];
        for (uint256 i; i < failing.length; ++i) {
            vm.prank(governor);
            book.addSource(IDeltaSource(failing[i]));
            vm.expectRevert(abi.encodeWithSelector(IDeltaBook.SourceFailed.selector, failing[i]));
            book.deltaInterval(2000e18);
            ScriptedSource replacement = new ScriptedSource(2, 2);
            vm.startPrank(governor);
            book.replaceSource(IDeltaSource(failing[i]), replacement);
            (int256 low,) = book.deltaInterval(2000e18);
            assertEq(low, 3);
            book.removeSource(replacement);
            vm.stopPrank();
        }
    }

    // HEDGE-415
    function test_deltaInterval_sourceWhoseCodeIsGone_isNamed() external {
        ScriptedSource source = _add(1, 1);
        vm.etch(address(source), "");
        vm.expectRevert(abi.encodeWithSelector(IDeltaBook.SourceFailed.selector, address(source)));
        book.deltaInterval(2000e18);
    }

    // HEDGE-415
    function test_deltaInterval_largestIntervals_doNotOverflow() external {
        int256 most = book.MAX_ABS_DELTA();
        for (uint256 i; i < 16; ++i) {
            _add(-most, most);
        }
        (int256 low, int256 high) = book.deltaInterval(2000e18);
        assertEq(low, -16 * most);
        assertEq(high, 16 * most);
    }

    // HEDGE-416
    function test_deltaInterval_grantsASourceTheGasThatItSays() external {
        ScriptedSource source = _add(1, 2);
        vm.expectCall(address(source), 0, 1_000_000, abi.encodeCall(IDeltaSource.deltaInterval, (2000e18)));
        book.deltaInterval(2000e18);
    }

    // HEDGE-416
    function test_deltaInterval_hostileSource_costsAtMostItsGas() external {
        uint256 limit = book.SOURCE_GAS() + 50_000;
        address[3] memory hostile = [
            address(new GasBurningSource()),
            address(new LongAnswerSource(true, 300_000)),
            address(new LongAnswerSource(false, 300_000))
        ];
        for (uint256 i; i < 3; ++i) {
            vm.prank(governor);
            book.addSource(IDeltaSource(hostile[i]));
            uint256 used = gasleft();
            (bool answered, bytes memory refusal) =
                address(book).staticcall(abi.encodeCall(book.deltaInterval, (2000e18)));
            used -= gasleft();
            assertFalse(answered);
            assertEq(refusal, abi.encodeWithSelector(IDeltaBook.SourceFailed.selector, hostile[i]));
            assertLt(used, limit);
            vm.prank(governor);
            book.removeSource(IDeltaSource(hostile[i]));
        }
    }

    // HEDGE-416
    function test_deltaInterval_tooLittleGas_neverHidesASource() external {
        _add(5e18, 5e18);
        _add(7e18, 7e18);
        bytes memory question = abi.encodeCall(book.deltaInterval, (2000e18));
        uint256 answers;
        for (uint256 given = 1000; given < 60_000; given += 100) {
            (bool answered, bytes memory answer) = address(book).staticcall{gas: given}(question);
            if (!answered) continue;
            (int256 low,) = abi.decode(answer, (int256, int256));
            assertEq(low, 12e18);
            ++answers;
        }
        assertGt(answers, 10);
    }

    // HEDGE-414
    function test_tokenHoldings_isTheBalanceInWad() external {
        uint8[5] memory decimals = [0, 6, 8, 18, 24];
        for (uint256 i = 0; i < decimals.length; ++i) {
            TokenDouble token = new TokenDouble(decimals[i]);
            TokenHoldings holdings = new TokenHoldings(token, holder);
            token.mint(holder, 7 * 10 ** decimals[i]);
            (int256 low, int256 high) = holdings.deltaInterval(2000e18);
            assertEq(low, 7e18);
            assertEq(high, 7e18);
        }
    }

    // HEDGE-414
    function test_tokenHoldings_roundsOutward() external {
        TokenDouble token = new TokenDouble(20);
        TokenHoldings holdings = new TokenHoldings(token, holder);
        token.mint(holder, 101);
        (int256 low, int256 high) = holdings.deltaInterval(2000e18);
        assertEq(low, 1);
        assertEq(high, 2);
    }

    // HEDGE-414
    function test_tokenHoldings_revertsIfMisdeployed() external {
        TokenDouble token = new TokenDouble(37);
        vm.expectRevert(abi.encodeWithSelector(DecimalScale.TooManyDecimals.selector, 37, 36));
        new TokenHoldings(token, holder);
        vm.expectRevert(TokenHoldings.HolderIsZero.selector);
        new TokenHoldings(token, address(0));
        vm.expectRevert();
        new TokenHoldings(IERC20Metadata(holder), holder);
    }
}
