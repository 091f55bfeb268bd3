// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {console} from "forge-std/console.sol";
import {AttackStage} from "./AttackStage.sol";

/// @notice An attacker who learns: hill climbing over sequences of attacks on the two promises that money hangs on.
/// @dev From the best sequence so far one to three genes are drawn anew; one sequence in eight is all new. EVENKEEL_ATTACKS is
///      the number of sequences of each climb, EVENKEEL_CHAMPION_<goal> the genes that a climb goes on from.
contract AttackersTest is Test {
    enum Goal {
        Loss,
        LossByTrades,
        Exposure
    }

    uint256 private constant WAD = 1e18;

    AttackStage private stage;

    function setUp() external {
        stage = new AttackStage();
    }

    // INV-26
    function test_climb_lossStaysUnderTheBoundOfOneKeeperKey() external {
        uint256 best = _climb(Goal.Loss);
        assertLe(best, WAD, "loss at true prices over lossBounds().keeperKey");
        assertGt(best, 0.4e18, "a bound that nobody comes near proves nothing");
    }

    // INV-26
    function test_climb_lossByTradesAloneStaysUnderTheBound() external {
        uint256 best = _climb(Goal.LossByTrades);
        assertLe(best, WAD, "loss at true prices over lossBounds().keeperKey");
        assertGt(best, 0.1e18, "a bound that nobody comes near proves nothing");
    }

    // INV-01
    function test_climb_exposureStaysInsideWhatIsAllowed() external {
        uint256 best = _climb(Goal.Exposure);
        assertLe(best, WAD, "W over max(band, W before - minImprovement)");
        assertGt(best, 0.9e18, "a bound that nobody comes near proves nothing");
    }

    function _climb(Goal goal) private returns (uint256 best) {
        uint256 count = vm.envOr("EVENKEEL_ATTACKS", uint256(400));
        uint256 seed = uint256(keccak256(abi.encode(vm.envOr("EVENKEEL_SEED", uint256(0)), goal)));
        uint256[] memory champion =
            vm.envOr(string.concat("EVENKEEL_CHAMPION_", vm.toString(uint256(goal))), ",", _random(seed));
        uint256 start = vm.snapshotState();
        for (uint256 i = 0; i < count; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256[] memory genes = i == 0 ? champion : seed % 8 == 0 ? _random(seed) : _mutated(champion, seed);
            stage.run(genes, goal == Goal.Loss);
            uint256 score = goal == Goal.Exposure ? stage.exposure() : stage.lost() * WAD / stage.lossBound();
            if (score >= best) (best, champion) = (score, genes);
            vm.revertToState(start);
            vm.resetGasMetering();
        }
        console.log("goal, sequences, best ratio of the bound (1e18)", uint256(goal), count, best);
        console.log("champion", uint256(goal), _written(champion));
    }

    function _written(uint256[] memory genes) private pure returns (string memory text) {
        for (uint256 i = 0; i < genes.length; ++i) {
            text = string.concat(text, i == 0 ? "" : ",", vm.toString(genes[i]));
        }
    }

    function _random(uint256 seed) private view returns (uint256[] memory genes) {
        genes = new uint256[](stage.GENES());
        for (uint256 i = 0; i < genes.length; ++i) {
            genes[i] = uint256(keccak256(abi.encode(seed, i)));
        }
    }

    function _mutated(uint256[] memory champion, uint256 seed) private pure returns (uint256[] memory genes) {
        genes = new uint256[](champion.length);
        for (uint256 i = 0; i < genes.length; ++i) {
            genes[i] = champion[i];
        }
        for (uint256 i = 0; i < 1 + (seed >> 8) % 3; ++i) {
            uint256 r = uint256(keccak256(abi.encode(seed, "gene", i)));
            genes[r % genes.length] = uint256(keccak256(abi.encode(r)));
        }
    }
}
