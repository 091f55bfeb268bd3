// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVaultAccess} from "../../../contracts/interfaces/IVaultAccess.sol";
import {HyperEvmMarket} from "../../../contracts/venues/hyperevm/HyperEvmMarket.sol";
import {HyperEvmVenue} from "../../../contracts/venues/hyperevm/HyperEvmVenue.sol";
import {TokenDouble} from "../support/Tokens.sol";
import {HyperStage} from "./HyperStage.sol";

/// @notice A market on the double of HyperCore under somebody else's governance, and an adapter of somebody else's vault.
contract HyperRolesStage is HyperStage {
    function governedBy(IVaultAccess access) external returns (HyperEvmMarket) {
        _raise();
        return _market(access);
    }

    function adapterOf(address vault_, IVaultAccess access, TokenDouble token_) external returns (HyperEvmVenue) {
        _raiseFor(vault_, access, token_);
        return venue;
    }
}
