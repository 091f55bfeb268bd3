// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IOptionBook} from "../../contracts/interfaces/IOptionBook.sol";
import {OptionBookFixture} from "./support/OptionBookFixture.sol";

/// @notice HEDGE-431 .. HEDGE-437: the legs of the book, who may change them, and what it refuses.
contract OptionBookTest is OptionBookFixture {
    // --- adding ---------------------------------------------------------------------------------------------------

    // HEDGE-431
    function testFuzz_addLegs_givesBackExactlyWhatWasAdded(IOptionBook.OptionLeg memory added) external {
        added = _anyLeg(added);
        uint256 legId = _add(added);
        _assertSame(book.leg(legId), added);
    }

    // HEDGE-431
    function test_addLegs_givesBackTheExtremesOfEveryField() external {
        IOptionBook.OptionLeg memory low = IOptionBook.OptionLeg({
            strike: book.MIN_STRIKE(),
            expiry: NOW + 1,
            isCall: false,
            quantity: -int256(book.MAX_QUANTITY()),
            ivLow: book.MIN_IV(),
            ivHigh: book.MIN_IV()
        });
        IOptionBook.OptionLeg memory high = IOptionBook.OptionLeg({
            strike: book.MAX_STRIKE(),
            expiry: NOW + book.MAX_TENOR(),
            isCall: true,
            quantity: int256(book.MAX_QUANTITY()),
            ivLow: book.MAX_IV(),
            ivHigh: book.MAX_IV()
        });
        _assertSame(book.leg(_add(low)), low);
        _assertSame(book.leg(_add(high)), high);
        // The largest strike but one step, where the logarithm is least able to tell neighbours apart.
        high.strike -= book.STRIKE_STEP();
        _assertSame(book.leg(_add(high)), high);
        low.strike += book.STRIKE_STEP();
        _assertSame(book.leg(_add(low)), low);
    }

    // HEDGE-431; where a step is the smallest part of a strike, the logarithm must still tell neighbours apart
    /// forge-config: default.fuzz.runs = 32
    function testFuzz_addLegs_tellsTheLargestStrikesApart(uint256 seed) external {
        IOptionBook.OptionLeg[] memory legs = _many(book.MAX_LEGS());
        uint256 lastStep =
            bound(seed, book.MAX_STRIKE() / book.STRIKE_STEP() * 9 / 10, book.MAX_STRIKE() / book.STRIKE_STEP());
        for (uint256 i; i < legs.length; ++i) {
            legs[i].strike = (lastStep - i) * book.STRIKE_STEP();
        }
        vm.prank(governor);
        book.addLegs(legs);
        for (uint256 i; i < legs.length; ++i) {
            assertEq(book.leg(i + 1).strike, legs[i].strike);
        }
    }

    // HEDGE-431
    function test_addLegs_takesOneSlotALeg() external {
        _add(_call(2500e18));
        vm.record();
        _add(_call(2600e18));
        (, bytes32[] memory writes) = vm.accesses(address(book));
        assertEq(writes.length, 3); // the leg, and the count and next id, which share a slot that is written twice
        assertEq(writes[1], writes[2]);
    }

    // HEDGE-432
    function test_addLegs_numbersLegsConsecutivelyAndNeverAgain() external {
        assertEq(_addMany(3), 1);
        vm.prank(governor);
        book.removeLeg(3);
        assertEq(_addMany(2), 4);
        vm.prank(governor);
        book.removeLeg(5);
        assertEq(_addMany(1), 6);
        uint256[] memory ids = book.legIds();
        uint256[4] memory expected = [uint256(1), 2, 4, 6];
        assertEq(ids.length, expected.length);
        for (uint256 i; i < ids.length; ++i) {
            assertEq(ids[i], expected[i]);
        }
    }

    // HEDGE-432
    function test_addLegs_emitsEveryLeg() external {
        IOptionBook.OptionLeg[] memory legs = _many(2);
        vm.expectEmit(address(book));
        emit IOptionBook.LegAdded(1, legs[0]);
        vm.expectEmit(address(book));
        emit IOptionBook.LegAdded(2, legs[1]);
        vm.prank(governor);
        book.addLegs(legs);
    }

    // HEDGE-433
    function test_addLegs_revertsIfTooMany() external {
        uint256 limit = book.MAX_LEGS();
        _addMany(limit);
        IOptionBook.OptionLeg[] memory one = _many(1);
        vm.expectRevert(abi.encodeWithSelector(IOptionBook.TooManyLegs.selector, limit + 1, limit));
        vm.prank(governor);
        book.addLegs(one);
    }

    // HEDGE-434
    function test_addLegs_revertsIfStrikeOutOfRange() external {
        (uint256 least, uint256 most) = (book.MIN_STRIKE(), book.MAX_STRIKE());
        IOptionBook.OptionLeg memory added = _call(0);
        _expectRefused(added, abi.encodeWithSelector(IOptionBook.StrikeOutOfRange.selector, 0, least, most));
        added.strike = most + 1;
        _expectRefused(added, abi.encodeWithSelector(IOptionBook.StrikeOutOfRange.selector, most + 1, least, most));
    }

    // HEDGE-434
    function test_addLegs_revertsIfExpiryOutOfRange() external {
        IOptionBook.OptionLeg memory added = _call(2500e18);
        added.expiry = NOW;
        _expectRefused(added, abi.encodeWithSelector(IOptionBook.LegExpired.selector, NOW, NOW));
        uint256 most = NOW + book.MAX_TENOR();
        added.expiry = most + 1;
        _expectRefused(added, abi.encodeWithSelector(IOptionBook.ExpiryOutOfRange.selector, most + 1, most));
    }

    // HEDGE-434
    function test_addLegs_revertsIfQuantityOutOfRange() external {
        int256 beyond = int256(book.MAX_QUANTITY()) + 1;
        for (int256 sign = -1; sign < 2; sign += 2) {
            IOptionBook.OptionLeg memory added = _call(2500e18);
            added.quantity = sign * beyond;
            _expectRefused(
                added,
                abi.encodeWithSelector(IOptionBook.QuantityOutOfRange.selector, sign * beyond, book.MAX_QUANTITY())
            );
        }
    }

    // HEDGE-434
    function test_addLegs_revertsIfIvIntervalInvalid() external {
        _expectIvRefused(book.MIN_IV() - 1, 0.5e18);
        _expectIvRefused(0.5e18, book.MAX_IV() + 1);
        _expectIvRefused(0.5001e18, 0.5e18);
    }

    // HEDGE-435
    function test_addLegs_revertsIfNotRepresentable() external {
        IOptionBook.OptionLeg memory added = _call(2500e18 + 1);
        _expectNotRepresentable(added, 2500e18 + 1, book.STRIKE_STEP());
        added = _call(book.MAX_STRIKE() - 1);
        _expectNotRepresentable(added, book.MAX_STRIKE() - 1, book.STRIKE_STEP());
        added = _call(2500e18);
        added.quantity = -1e18 - 1;
        _expectNotRepresentable(added, 1e18 + 1, book.QUANTITY_STEP());
        added = _call(2500e18);
        added.ivLow -= 1;
        _expectNotRepresentable(added, added.ivLow, book.IV_STEP());
        added = _call(2500e18);
        added.ivHigh += 1;
        _expectNotRepresentable(added, added.ivHigh, book.IV_STEP());
    }

    // --- changing -------------------------------------------------------------------------------------------------

    // HEDGE-436
    function testFuzz_setQuantity_changesTheQuantityAlone(IOptionBook.OptionLeg memory added, int256 quantity)
        external
    {
        added = _anyLeg(added);
        quantity = _anyQuantity(quantity);
        uint256 legId = _add(added);
        vm.expectEmit(address(book));
        emit IOptionBook.LegQuantitySet(legId, added.quantity, quantity);
        vm.prank(governor);
        book.setQuantity(legId, quantity);
        added.quantity = quantity;
        _assertSame(book.leg(legId), added);
    }

    // HEDGE-436
    function testFuzz_setIvInterval_changesTheIntervalAlone(
        IOptionBook.OptionLeg memory added,
        uint256 ivLow,
        uint256 ivHigh
    ) external {
        added = _anyLeg(added);
        (ivLow, ivHigh) = _anyIvInterval(ivLow, ivHigh);
        uint256 legId = _add(added);
        vm.expectEmit(address(book));
        emit IOptionBook.LegIvIntervalSet(legId, added.ivLow, ivLow, added.ivHigh, ivHigh);
        vm.prank(governor);
        book.setIvInterval(legId, ivLow, ivHigh);
        (added.ivLow, added.ivHigh) = (ivLow, ivHigh);
        _assertSame(book.leg(legId), added);
    }

    // HEDGE-435
    function test_setters_revertIfNotRepresentableOrOutOfRange() external {
        uint256 legId = _add(_call(2500e18));
        (uint256 most, uint256 minIv, uint256 maxIv) = (book.MAX_QUANTITY(), book.MIN_IV(), book.MAX_IV());
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(IOptionBook.NotRepresentable.selector, 1, 1e10));
        book.setQuantity(legId, 1);
        vm.expectRevert(abi.encodeWithSelector(IOptionBook.QuantityOutOfRange.selector, type(int256).min, most));
        book.setQuantity(legId, type(int256).min);
        vm.expectRevert(abi.encodeWithSelector(IOptionBook.NotRepresentable.selector, 0.5e18 + 1, 1e14));
        book.setIvInterval(legId, 0.4e18, 0.5e18 + 1);
        vm.expectRevert(abi.encodeWithSelector(IOptionBook.IvIntervalInvalid.selector, 0.6e18, 0.5e18, minIv, maxIv));
        book.setIvInterval(legId, 0.6e18, 0.5e18);
        vm.stopPrank();
    }

    // HEDGE-436
    function test_setters_revertIfLegExpired() external {
        uint256 legId = _add(_call(2500e18));
        vm.warp(EXPIRY);
        vm.startPrank(governor);
        vm.expectRevert(abi.encodeWithSelector(IOptionBook.LegExpired.selector, EXPIRY, EXPIRY));
        book.setQuantity(legId, 1e18);
        vm.expectRevert(abi.encodeWithSelector(IOptionBook.LegExpired.selector, EXPIRY, EXPIRY));
        book.setIvInterval(legId, 0.4e18, 0.5e18);
        vm.stopPrank();
    }

    // HEDGE-436
    function test_everyLegFunction_revertsIfLegUnknown() external {
        _addMany(2);
        vm.startPrank(governor);
        book.removeLeg(1);
        for (uint256 legId; legId < 4; ++legId) {
            if (legId == 2) continue;
            bytes memory unknown = abi.encodeWithSelector(IOptionBook.LegUnknown.selector, legId);
            vm.expectRevert(unknown);
            book.setQuantity(legId, 1e18);
            vm.expectRevert(unknown);
            book.setIvInterval(legId, 0.4e18, 0.5e18);
            vm.expectRevert(unknown);
            book.removeLeg(legId);
            vm.expectRevert(unknown);
            book.leg(legId);
        }
        vm.stopPrank();
    }

    // HEDGE-437
    function test_changes_revertIfCallerIsNotGovernor() external {
        uint256 legId = _add(_call(2500e18));
        IOptionBook.OptionLeg[] memory legs = _many(1);
        address[3] memory others = [guardian, keeper, stranger];
        for (uint256 i; i < others.length; ++i) {
            bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refused);
            book.addLegs(legs);
            vm.expectRevert(refused);
            book.setQuantity(legId, 1e18);
            vm.expectRevert(refused);
            book.setIvInterval(legId, 0.4e18, 0.5e18);
            vm.expectRevert(refused);
            book.removeLeg(legId);
            vm.stopPrank();
        }
    }

    // HEDGE-437
    function test_removeLeg_isOpenToAnyoneFromExpiryOn() external {
        IOptionBook.OptionLeg memory added = _call(2500e18);
        uint256 legId = _add(added);
        vm.warp(EXPIRY - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        vm.prank(stranger);
        book.removeLeg(legId);
        vm.warp(EXPIRY);
        vm.expectEmit(address(book));
        emit IOptionBook.LegRemoved(legId, added);
        vm.prank(stranger);
        book.removeLeg(legId);
        assertEq(book.legIds().length, 0);
    }

    // HEDGE-431
    function test_removeLeg_clearsItsSlot() external {
        vm.record();
        _add(_call(2500e18));
        (, bytes32[] memory writes) = vm.accesses(address(book));
        assertNotEq(vm.load(address(book), writes[0]), 0);
        vm.prank(governor);
        book.removeLeg(1);
        assertEq(vm.load(address(book), writes[0]), 0);
    }

    // HEDGE-437
    function testFuzz_removeLeg_leavesTheOthersAsTheyWere(uint256 position) external {
        IOptionBook.OptionLeg[] memory legs = _many(5);
        vm.startPrank(governor);
        book.addLegs(legs);
        uint256 removed = bound(position, 1, 5);
        book.removeLeg(removed);
        vm.stopPrank();
        assertEq(book.legIds().length, 4);
        for (uint256 legId = 1; legId < 6; ++legId) {
            if (legId != removed) _assertSame(book.leg(legId), legs[legId - 1]);
        }
    }

    // HEDGE-431
    function test_constants_haveTheirHumanValues() external view {
        assertEq(book.MIN_STRIKE(), 0.000_000_01 ether);
        assertEq(book.MAX_STRIKE(), 100_000_000 ether);
        assertEq(book.MAX_QUANTITY(), 10_000_000_000 ether);
        assertEq(book.MIN_IV(), 1 ether / 100);
        assertEq(book.MAX_IV(), 5 ether);
        assertEq(book.IV_STEP(), 0.01 ether / 100);
        assertEq(book.MAX_TENOR(), 10 * 365 days);
    }

    function _addMany(uint256 count) private returns (uint256) {
        IOptionBook.OptionLeg[] memory legs = _many(count);
        vm.prank(governor);
        return book.addLegs(legs);
    }

    function _expectRefused(IOptionBook.OptionLeg memory added, bytes memory refusal) private {
        IOptionBook.OptionLeg[] memory legs = new IOptionBook.OptionLeg[](2);
        (legs[0], legs[1]) = (_call(2500e18), added);
        vm.expectRevert(refusal);
        vm.prank(governor);
        book.addLegs(legs);
    }

    function _expectNotRepresentable(IOptionBook.OptionLeg memory added, uint256 number, uint256 step) private {
        _expectRefused(added, abi.encodeWithSelector(IOptionBook.NotRepresentable.selector, number, step));
    }

    function _expectIvRefused(uint256 ivLow, uint256 ivHigh) private {
        IOptionBook.OptionLeg memory added = _call(2500e18);
        (added.ivLow, added.ivHigh) = (ivLow, ivHigh);
        bytes4 selector = IOptionBook.IvIntervalInvalid.selector;
        _expectRefused(added, abi.encodeWithSelector(selector, ivLow, ivHigh, book.MIN_IV(), book.MAX_IV()));
    }

    function _assertSame(IOptionBook.OptionLeg memory found, IOptionBook.OptionLeg memory expected) private pure {
        assertEq(keccak256(abi.encode(found)), keccak256(abi.encode(expected)));
    }
}
