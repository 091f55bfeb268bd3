// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {LaterVenueStage} from "./LaterVenueStage.sol";

/// @notice Attacks that are alike on every venue that fills later.
abstract contract LaterVenueAttacks is LaterVenueStage {
    /// @dev From one size to the other for a day, each order filled at its limit.
    /// @param isWanted Whether the book asks for these sizes.
    /// @return accepted How many trades the vault let pass.
    function _tradeAtTheLimitAllDay(int256 first, int256 second, bool isWanted) internal returns (uint256 accepted) {
        uint256 bound = guard.lossBounds().keeperKey;
        int256 before = _wealth();
        for (uint256 i = 0; i < 144; ++i) {
            _pass(SECONDS_OF_COOLDOWN);
            int256 aim = i % 2 == 0 ? first : second;
            if (isWanted) source.set(-aim, -aim);
            if (!_attemptRebalance(_legOf(0, aim - _later().size()))) continue;
            ++accepted;
            _fillAtTheLimit();
        }
        _attackYieldsAtMost(_loss(before, _wealth()), bound);
    }

    /// @dev The next thing that happens around the member of `_gainsNothingAround`.
    function _step(uint256 i) internal virtual;

    /// @dev A member comes before each of so many steps and leaves after it or any later one. The figure is the most that he
    ///      gets beyond what he brought; what a share of the others' is worth at the end is no less for him.
    function _gainsNothingAround(uint256 steps) internal {
        (, uint256 without) = _around(steps, steps, steps);
        uint256 best = 0;
        for (uint256 enters = 0; enters < steps; ++enters) {
            for (uint256 leaves = enters; leaves < steps; ++leaves) {
                (uint256 gain, uint256 price) = _around(steps, enters, leaves);
                best = gain > best ? gain : best;
                assertGe(price, without, "the others' share");
            }
        }
        _attackYieldsAtMost(_usd(best), 0);
    }

    function _around(uint256 steps, uint256 enters, uint256 leaves) private returns (uint256 gain, uint256 price) {
        uint256 snapshot = vm.snapshotState();
        uint256 paid = 0;
        bool isIn = false;
        for (uint256 i = 0; i < steps; ++i) {
            if (i == enters) isIn = _attemptDeposit(attacker, _units(50_000));
            _step(i);
            if (i == leaves && isIn) paid = _attemptExit(attacker);
        }
        assertEq(_later().openOrder(), 0);
        assertEq(_later().size(), 0);
        price = vault.previewRedeem(1e12);
        gain = isIn ? _gain(_units(50_000), paid + vault.previewRedeem(vault.balanceOf(attacker))) : 0;
        vm.revertToState(snapshot);
    }
}
