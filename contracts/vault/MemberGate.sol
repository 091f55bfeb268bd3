// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governed} from "../governance/Governed.sol";
import {IMemberGate} from "../interfaces/IMemberGate.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";

/// @title Gate of members
/// @notice Purpose. The book that a vault hedges belongs to its members and stays outside it: a stranger's share would hold
///         the hedge without the book. So the vault gives shares to members alone.
///
///         Trust. The governor names members, after its delay; the guardian takes them off at once. Whoever is taken off
///         keeps shares and may leave with them, but gets no more. Until the deployer has handed over nobody is let in: while
///         a vault is being put together, and one account could still rearrange it, no deposit is taken.
contract MemberGate is IMemberGate, Governed {
    mapping(address account => bool isNamed) private _isNamed;

    event MemberSet(address indexed account, bool oldIsMember, bool newIsMember);

    /// @param members Accounts that are members from the start.
    constructor(IVaultAccess access_, address[] memory members) Governed(access_) {
        for (uint256 i = 0; i < members.length; ++i) {
            _set(members[i], true);
        }
    }

    /// @inheritdoc IMemberGate
    function isMember(address account) external view returns (bool) {
        return _isNamed[account] && access.handedOver();
    }

    /// @notice Names a member. Governor only.
    function addMember(address account) external onlyGovernor {
        _set(account, true);
    }

    /// @notice Takes a member off. Guardian or governor.
    function removeMember(address account) external onlyGuardian {
        _set(account, false);
    }

    function _set(address account, bool isMember_) private {
        emit MemberSet(account, _isNamed[account], isMember_);
        _isNamed[account] = isMember_;
    }
}
