// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";

/// @title Base of contracts governed through `VaultAccess`
/// @notice Which function needs which role is written here and nowhere else: `VaultAccess` keeps no table of functions.
abstract contract Governed is AccessManaged {
    /// @notice Holder of the roles. Fixed for the life of the contract.
    IVaultAccess public immutable access;

    error NotAContract(address account);
    error AuthorityIsFixed(address authority);

    modifier onlyKeeper() {
        access.requireKeeper(msg.sender);
        _;
    }

    modifier onlyRelay() {
        access.requireRelay(msg.sender);
        _;
    }

    /// @dev Only for what tightens: a guardian acts at once.
    modifier onlyGuardian() {
        access.requireGuardian(msg.sender);
        _;
    }

    /// @dev The very call must have been scheduled on `access` and its delay have passed. External functions only.
    modifier onlyGovernor() {
        _checkCanCall(msg.sender, msg.data);
        _;
    }

    constructor(IVaultAccess access_) AccessManaged(_requireContract(address(access_))) {
        access = access_;
    }

    /// @notice Reverts `AuthorityIsFixed`, whoever calls.
    function setAuthority(address) public view override {
        revert AuthorityIsFixed(authority());
    }

    /// @notice Address of `access`.
    function authority() public view override returns (address) {
        return address(access);
    }

    /// @dev Catches a mistyped address at deployment, where it costs nothing.
    function _requireContract(address account) internal view returns (address) {
        if (account.code.length == 0) revert NotAContract(account);
        return account;
    }
}
