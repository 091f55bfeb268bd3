// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {LaterVenueStage} from "./LaterVenueStage.sol";

/// @notice Members, a keeper, a guardian, the market and a venue that fills later, in turns by a seed; after each turn what must
///         hold of the whole vault. 150 turns, or as many as EVENKEEL_ORDERS says.
/// @dev What is asked after each turn:
///      - what closing everything brings lies between the two ends of NAV, but for the cost of closing;
///      - what was pending was counted at its worst: the venue's next turn leads to no size outside;
///      - entering and leaving at once brings nothing, and takes nothing from the others' share;
///      - in the end all members together take no more than is there.
abstract contract VenueScene is LaterVenueStage {
    uint256 private seed = 0x6576656e6b65656c;
    uint256 internal scenePrice = PRICE;
    address[3] private members = [makeAddr("ann"), makeAddr("bob"), makeAddr("cid")];

    uint256 private given; // by strangers, asset units
    uint256 private trades;
    uint256 private moves;
    uint256 private entries;
    uint256 private exits;

    // --- of the venue -------------------------------------------------------------------------------------------------

    /// @dev A block passes, and whoever works for the venue does one thing.
    /// @return isForced Whether it took the position without an order of ours.
    function _turnOfVenue() internal virtual returns (bool isForced);

    /// @dev Ends what is open, one way or the other, closes the position, and brings what can come into the adapter's cash.
    function _closeAll() internal virtual;

    /// @dev What the vault and the venue hold, from their own records, WAD USD.
    function _there() internal view virtual returns (int256);

    /// @dev Most that closing costs, WAD USD.
    function _closingCost() internal view virtual returns (uint256);

    /// @dev How far a fill may differ from the size that was asked for, of that size, 1e-4.
    function _fillToleranceBps() internal pure virtual returns (uint256);

    // --- the scene --------------------------------------------------------------------------------------------------------

    function _next(uint256 below) internal returns (uint256) {
        seed = uint256(keccak256(abi.encode(seed)));
        return seed % below;
    }

    function _play() internal {
        uint256 count = vm.envOr("EVENKEEL_ORDERS", uint256(150));
        vm.pauseGasMetering();
        for (uint256 i = 0; i < count; ++i) {
            this.turn(i); // a call of its own: memory is never given back
        }
        assertGt(trades, count / 20, "trades");
        assertGt(moves, count / 20, "margin");
        assertGt(entries, count / 75, "entries");
        assertGt(exits, count / 150, "exits");
        _leave();
    }

    function turn(uint256 number) external {
        _act(_next(12));
        VenueMeasurement memory pending = _measuredLater();
        if (!_turnOfVenue()) _requireWithin(pending);
        _requireNoGain();
        if (number % 3 == 0) _requireWorth();
    }

    function _act(uint256 way) private {
        if (way < 4) _trade();
        if (way == 4 || way == 5) _moveMargin();
        if (way == 6) _enter(members[_next(3)]);
        if (way == 7) _exit(members[_next(3)]);
        if (way == 8) _setMode();
        if (way == 9) _give();
        if (way >= 10) {
            scenePrice = scenePrice * (9950 + _next(101)) / 10_000;
            scenePrice -= scenePrice % 1e17;
        }
        _publishAll(scenePrice);
    }

    function _trade() private {
        int256 aim = int256(_next(40)) * 1e18 - 20e18;
        source.set(-aim, -aim);
        vm.warp(vm.getBlockTimestamp() + SECONDS_OF_COOLDOWN);
        _publishAll(scenePrice);
        if (_attemptRebalance(_legOf(0, aim - _later().size()))) ++trades;
    }

    function _moveMargin() private {
        _publishAll(scenePrice);
        uint256 free = _later().freeCollateral();
        int256 delta = _next(2) == 0 ? int256(_next(_units(20_000))) : -int256(_next(free + 1));
        if (_attemptRebalance(_legOf(delta, 0))) ++moves;
    }

    function _enter(address member) private {
        _publishAll(scenePrice);
        uint256 worth = vault.previewRedeem(1e12);
        if (_attemptDeposit(member, _units(1000 + _next(30_000)))) ++entries;
        assertGe(vault.previewRedeem(1e12), worth, "an entry takes from the others");
    }

    function _exit(address member) private {
        _publishAll(scenePrice);
        uint256 worth = vault.previewRedeem(1e12);
        if (_attemptExit(member) != 0) ++exits;
        assertGe(vault.previewRedeem(1e12), worth, "an exit takes from the others");
    }

    /// @dev What a stranger sends may stand in for margin that is on its way, and counts once that is there.
    function _give() private {
        uint256 assets = _next(_units(100));
        given += assets;
        token.mint(_next(2) == 0 ? address(_later()) : address(vault), assets);
    }

    function _setMode() private {
        uint256 way = _next(4);
        if (way == 0) _intervene(address(vault), abi.encodeCall(vault.pause, ()));
        if (way == 1) _intervene(address(vault), abi.encodeCall(vault.setReduceOnly, ()));
        if (way > 1) _attemptAsGovernor(address(vault), abi.encodeCall(vault.resume, ()));
    }

    // --- what must hold -------------------------------------------------------------------------------------------------

    function _requireWithin(VenueMeasurement memory pending) private view {
        int256 size = _later().size();
        int256 room = (pending.sizeHigh - pending.sizeLow) * int256(_fillToleranceBps()) / 10_000 + 1e10;
        assertGe(size, pending.sizeLow - room, "sold more than was pending");
        assertLe(size, pending.sizeHigh + room, "bought more than was pending");
    }

    function _requireNoGain() private {
        uint256 snapshot = vm.snapshotState();
        _publishAll(scenePrice);
        uint256 worth = vault.previewRedeem(1e12);
        if (_attemptDeposit(attacker, _units(30_000))) {
            uint256 paid = _attemptExit(attacker);
            assertLe(paid, _units(30_000), "in and out gains");
            assertGe(vault.previewRedeem(1e12), worth, "in and out takes from the others");
        }
        vm.revertToState(snapshot);
    }

    function _requireWorth() private {
        uint256 snapshot = vm.snapshotState();
        _publishAll(scenePrice);
        (uint256 low, uint256 high) = vault.navBounds();
        int256 cost = int256(_closingCost());
        _closeAll();
        int256 there = _there();
        assertGe(there + cost, int256(_usd(low)), "the lower end of NAV is not there");
        assertLe(there, int256(_usd(high + given) + 1e15), "there is more than the higher end of NAV");
        vm.revertToState(snapshot);
    }

    /// @dev Everybody leaves: together they take what is there, but for what no share can be paid with.
    function _leave() private {
        assertTrue(_attemptAsGovernor(address(vault), abi.encodeCall(vault.startWindDown, ())));
        _publishAll(scenePrice);
        _closeAll();
        vm.roll(vm.getBlockNumber() + 1);
        _publishAll(scenePrice);
        uint256 free = _later().freeCollateral();
        vault.bringMarginHome(_later(), free);
        uint256 there = uint256(_there());
        uint256 taken = _attemptExit(depositor);
        for (uint256 i = 0; i < 3; ++i) {
            taken += _attemptExit(members[i]);
        }
        assertLe(_usd(taken), there, "more is taken than is there");
        assertGe(_usd(taken) + uint256(_there()) + 1e16, there, "less is left than was not taken");
    }
}
