// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What an adapter asks its vault for: whether it rests, and whom it trusts. It is its own access and its own guard.
contract VaultStand {
    address public keeper = address(uint160(uint256(keccak256("keeper of the stand"))));
    bool public isEntered;
    uint256 public sampleCount;

    error NotGuardian(address caller);

    function setEntered(bool isEntered_) external {
        isEntered = isEntered_;
    }

    function access() external view returns (address) {
        return address(this);
    }

    function guard() external view returns (address) {
        return address(this);
    }

    function isKeeper(address account) external view returns (bool) {
        return account == keeper;
    }

    function requireGuardian(address account) external view virtual {
        revert NotGuardian(account);
    }

    function recordResult() external {
        ++sampleCount;
    }
}
