// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IHedgeVault} from "../interfaces/IHedgeVault.sol";
import {Leg, Measurement} from "../types/Rebalance.sol";

/// @title What a leaver may close and bring home
library UnwindRules {
    /// @notice Reverts unless each leg closes no more than the part of `shares` in its position, and moves margin only home.
    /// @param indexes Of the legs' venues.
    /// @dev Rounded toward the leaver: a part of a position rounds up, by a wei.
    function requirePart(
        Measurement memory m,
        Leg[] memory legs,
        uint256[] memory indexes,
        uint256 shares,
        uint256 supply
    ) internal pure {
        // What is too young to carry exposure has no part in it: or a deposit of a moment could close the others' hedge.
        if (m.nav != 0) shares = Math.mulDiv(shares, m.firmNav, m.nav);
        for (uint256 i = 0; i < legs.length; ++i) {
            if (legs[i].marginDelta > 0) revert IHedgeVault.MarginNotAllowed(i);
            for (uint256 j = 0; j < i; ++j) {
                if (indexes[j] == indexes[i]) revert IHedgeVault.TradeNotAllowed(i); // one leg a venue, one part
            }
            int256 size = m.venues[indexes[i]].sizeLow;
            int256 sizeDelta = legs[i].sizeDelta;
            if (sizeDelta == 0) continue;
            // What an open order may close must not be closed twice.
            if (size != m.venues[indexes[i]].sizeHigh) revert IHedgeVault.TradeNotAllowed(i);
            uint256 limit = Math.mulDiv(SignedMath.abs(size), shares, supply, Math.Rounding.Ceil);
            if ((sizeDelta > 0) == (size > 0) || SignedMath.abs(sizeDelta) > limit) {
                revert IHedgeVault.UnwindTooLarge(i, sizeDelta, limit);
            }
        }
    }
}
