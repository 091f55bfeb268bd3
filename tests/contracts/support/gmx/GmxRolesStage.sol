// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVaultAccess} from "../../../../contracts/interfaces/IVaultAccess.sol";
import {GmxV2Market} from "../../../../contracts/venues/gmx/GmxV2Market.sol";
import {GmxV2Releases} from "../../../../contracts/venues/gmx/GmxV2Releases.sol";
import {GmxV2Venue} from "../../../../contracts/venues/gmx/GmxV2Venue.sol";
import {IGmxDataStore} from "../../../../contracts/venues/gmx/IGmxV2.sol";
import {TokenDouble} from "../Tokens.sol";
import {GmxHandlerDouble} from "./GmxHandlerDouble.sol";
import {GmxStage} from "./GmxStage.sol";
import {WntDouble} from "./GmxStoreDouble.sol";

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

    function adapterOf(address vault_, IVaultAccess access, TokenDouble token_) external returns (GmxV2Venue) {
        _raiseFor(vault_, access, token_);
        return venue;
    }

    /// @notice Puts up another release of GMX; the double works by it from then on.
    function release() external returns (GmxV2Releases.Release memory) {
        return _release();
    }

    function revoke(address account) external {
        roles.setRole(account, "CONTROLLER", false);
        roles.setRole(account, "ROUTER_PLUGIN", false);
    }

    function setPrice(uint256 price) external {
        _setPrice(price);
    }

    function setImpact(uint256 factor, uint256 cap) external {
        _setImpact(factor, cap);
    }

    function fill(uint256 price) external {
        _fill(price);
    }

    function present() external view returns (GmxHandlerDouble, WntDouble) {
        return (handler, wnt);
    }

    function next() external view returns (GmxV2Releases.Release memory) {
        return _next;
    }
}
