// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {console} from "forge-std/console.sol";
import {InvariantNames} from "./InvariantNames.sol";
import {VaultHandler} from "./VaultHandler.sol";

/// @notice INV-01 .. INV-64 under any order of what members, strangers, keepers, a thief, guardian, governor, feeds, venues
///         and the market may do.
/// @dev forge's own runner knows one run at a time and cannot judge a whole campaign; so the campaign draws its sequences
///      itself, counts, and asserts that each action was accepted often enough and each invariant judged at all. The
///      runner goes over the same handler for its shrinking.
contract InvariantsTest is Test {
    uint256 private constant CALLS_IN_SEQUENCE = 400;
    uint256 private constant CAMPAIGNS = 4;
    uint256 private constant LEAST_ACCEPTED_PERCENT = 30;

    struct Tally {
        uint256[72] judged;
        uint256[72] calls;
        uint256[72] accepted;
    }

    error InvariantBroken(string name);

    VaultHandler private handler;

    function setUp() external {
        handler = new VaultHandler();
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = handler.act.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), selectors));
    }

    /// @dev One campaign judges all: forge would replay the same calls for each function of its own.
    /// forge-config: default.invariant.fail-on-revert = true
    function invariant_all() external {
        handler.check();
        assertEq(handler.broken(), 0, _firstBroken());
    }

    function test_campaign_first() external {
        _campaign(1);
    }

    function test_campaign_second() external {
        _campaign(2);
    }

    function test_campaign_third() external {
        _campaign(3);
    }

    function test_campaign_fourth() external {
        _campaign(4);
    }

    /// @dev A part of the calls, with a seed of its own: forge runs as many parts at once as there are cores.
    function _campaign(uint256 part) private {
        uint256 seed = uint256(keccak256(abi.encode(vm.envOr("EVENKEEL_SEED", uint256(0)), part)));
        uint256 count = vm.envOr("EVENKEEL_CALLS", uint256(200_000)) / CALLS_IN_SEQUENCE / CAMPAIGNS;
        Tally memory tally;
        uint256 start = vm.snapshotState();
        for (uint256 i = 0; i < count; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            this.runSequence(seed);
            _add(tally);
            vm.revertToState(start);
            vm.resetGasMetering();
        }
        _print(tally);
        _assertMeant(tally);
    }

    /// @notice One sequence from a fresh start. Its number tells all of it.
    function runSequence(uint256 seed) external {
        for (uint256 i = 0; i < CALLS_IN_SEQUENCE; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            try handler.act(random) {
                if (handler.broken() == 0) continue;
            } catch (bytes memory reason) {
                console.logBytes(reason);
            }
            console.log("sequence, call", seed, i);
            console.log("action", handler.actionNames()[handler.actionOf(random)]);
            revert InvariantBroken(_firstBroken());
        }
    }

    function _firstBroken() private view returns (string memory) {
        for (uint256 i = 1; i <= InvariantNames.COUNT; ++i) {
            if ((handler.broken() >> i) & 1 == 1) return InvariantNames.nameOf(i);
        }
        return "none: an action reverted";
    }

    function _add(Tally memory tally) private view {
        (uint32[72] memory judged, uint32[72] memory calls, uint32[72] memory accepted) = handler.tallies();
        for (uint256 i = 0; i < 72; ++i) {
            tally.judged[i] += judged[i];
            tally.calls[i] += calls[i];
            tally.accepted[i] += accepted[i];
        }
    }

    function _print(Tally memory tally) private view {
        string[] memory names = handler.actionNames();
        uint256 total = 0;
        console.log("calls accepted refused action");
        for (uint256 i = 0; i < names.length; ++i) {
            console.log(tally.calls[i], tally.accepted[i], tally.calls[i] - tally.accepted[i], names[i]);
            total += tally.calls[i];
        }
        console.log("calls in all", total);
        for (uint256 i = 1; i <= InvariantNames.COUNT; ++i) {
            console.log("judged", tally.judged[i], InvariantNames.nameOf(i));
        }
    }

    /// @dev A slice of a long campaign is too short for its rarest action: there the sum is judged.
    function _assertMeant(Tally memory tally) private view {
        string[] memory names = handler.actionNames();
        uint256 percent = vm.envOr("EVENKEEL_LEAST_ACCEPTED_PERCENT", LEAST_ACCEPTED_PERCENT);
        for (uint256 i = 0; i < names.length; ++i) {
            uint256 least = i < handler.FIRST_REFUSAL() ? percent : 100;
            assertGe(tally.accepted[i] * 100, tally.calls[i] * least, string.concat("too seldom accepted: ", names[i]));
            assertGt(tally.calls[i], 0, names[i]);
        }
        for (uint256 i = 1; i <= InvariantNames.COUNT; ++i) {
            assertGt(tally.judged[i], 0, string.concat("never judged: ", InvariantNames.nameOf(i)));
        }
    }
}
