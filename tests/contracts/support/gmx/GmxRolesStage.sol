// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVaultAccess} from "../../../../contracts/interfaces/IVaultAccess.sol";
import {GmxV2Market} from "../../../../contracts/venues/gmx/GmxV2Market.sol";
import {GmxV2Releases} from "../../../../contracts/venues/gmx/GmxV2Releases.sol";
import {IGmxDataStore} from "../../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxStage} from "./GmxStage.sol";

/// @notice A market on the double of GMX under somebody else's governance, and a release to add to it.
contract GmxRolesStage is GmxStage {
    GmxV2Releases.Release private _next;

    function governedBy(IVaultAccess access) external returns (GmxV2Market market) {
        _raise();
        IGmxDataStore dataStore = IGmxDataStore(address(store));
        GmxV2Releases.Limits memory limits = gmx.limits();
        market = new GmxV2Market(access, dataStore, address(router), MARKET, 18, _release(), limits);
        _next = _release();
    }

    function next() external view returns (GmxV2Releases.Release memory) {
        return _next;
    }
}
