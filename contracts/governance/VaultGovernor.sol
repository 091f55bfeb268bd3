// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {VaultAccess} from "./VaultAccess.sol";

/// @title Governor of one vault, by votes of a token
/// @notice Purpose. A DAO's hand on the vault: OpenZeppelin's `Governor`, whose every act goes through `VaultAccess`. Queueing
///         a proposal schedules each of its calls there, where anyone sees it for the whole delay and a guardian cancels it.
///         This contract holds `ADMIN_ROLE`.
///
///         Trust. The majority is not trusted more than any governor of `VaultAccess`: it waits, in sight, and passes no
///         guardian. That holds for its own settings too, because `VaultAccess` is the executor: votes, quorum and periods
///         change by a scheduled call as all else does. OpenZeppelin's `GovernorTimelockAccess` is not used: it leaves its own
///         settings, by which a call can be taken off the manager, out of the guardian's sight, and could not queue the
///         dismissal of a guardian, which waits twice.
///
///         Obligations. Quorum and threshold are to be such that no flash of votes passes: votes count as they were at the
///         proposal's snapshot. Anyone may queue and execute what has passed; somebody has to, within a week after the delay.
///
///         Liveness. One vetoed call cancels its whole proposal: half of it never runs. A proposal that dismisses a guardian
///         waits twice as a whole.
///
///         Known limits. A call that waits on `VaultAccess` already cannot be queued again, by the same proposal or another.
///         Targets see `VaultAccess` as the caller: what asks for a guardian (`MemberGate.removeMember`), and ether sent with
///         no call data, goes by `relay`, in which this contract calls itself. Votes are those of the token: an account with
///         most of them decides alone, and what stands between it and the vault is the delay and the guardian.
contract VaultGovernor is GovernorSettings, GovernorCountingSimple, GovernorVotes, GovernorVotesQuorumFraction {
    /// @notice Roles and delays of the vault. Executes what this contract decides.
    VaultAccess public immutable access;

    /// @dev A call of a proposal as `VaultAccess` keeps it. Another nonce there: cancelled, and scheduled anew by another.
    struct Operation {
        bytes32 id;
        uint32 nonce;
    }

    mapping(uint256 proposalId => Operation[] operations) private _operationsOf;

    error NotAContract(address account);

    /// @param votingDelay_ From a proposal to the snapshot of votes, in the token's clock (seconds for `GovernanceToken`).
    /// @param votingPeriod_ How long is voted, in the same.
    /// @param proposalThreshold_ Votes that a proposer needs.
    /// @param quorumPercent Part of the supply that must vote for or abstain, 1e-2.
    constructor(
        VaultAccess access_,
        IVotes token_,
        string memory name_,
        uint48 votingDelay_,
        uint32 votingPeriod_,
        uint256 proposalThreshold_,
        uint256 quorumPercent
    )
        Governor(name_)
        GovernorSettings(votingDelay_, votingPeriod_, proposalThreshold_)
        GovernorVotes(token_)
        GovernorVotesQuorumFraction(quorumPercent)
    {
        if (address(access_).code.length == 0) revert NotAContract(address(access_));
        access = access_;
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @notice State of a proposal. Queued, it is cancelled with the first of its calls, and expires with them.
    function state(uint256 proposalId) public view override returns (ProposalState) {
        ProposalState current = super.state(proposalId);
        if (current != ProposalState.Queued) return current;
        if (block.timestamp >= proposalEta(proposalId) + access.expiration()) return ProposalState.Expired;
        Operation[] storage operations = _operationsOf[proposalId];
        for (uint256 i = 0; i < operations.length; ++i) {
            bytes32 id = operations[i].id;
            if (access.getSchedule(id) == 0 || access.getNonce(id) != operations[i].nonce) {
                return ProposalState.Canceled;
            }
        }
        return current;
    }

    /// @notice True: nothing runs that was not scheduled.
    function proposalNeedsQueuing(uint256) public pure override returns (bool) {
        return true;
    }

    /// @inheritdoc GovernorSettings
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    // --- internal -------------------------------------------------------------------------------------------------

    /// @dev All calls of a proposal become ready together, when the one that waits longest does.
    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory,
        bytes[] memory calldatas,
        bytes32
    ) internal override returns (uint48 readyAt) {
        uint256 wait;
        for (uint256 i = 0; i < targets.length; ++i) {
            uint256 own = access.waitOf(address(this), targets[i], calldatas[i]);
            if (own > wait) wait = own;
        }
        readyAt = uint48(block.timestamp + wait);
        for (uint256 i = 0; i < targets.length; ++i) {
            (bytes32 id, uint32 nonce) = access.schedule(targets[i], calldatas[i], readyAt);
            _operationsOf[proposalId].push(Operation(id, nonce));
        }
    }

    function _executeOperations(
        uint256,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32
    ) internal override {
        for (uint256 i = 0; i < targets.length; ++i) {
            access.execute{value: values[i]}(targets[i], calldatas[i]);
        }
    }

    /// @dev Own settings change when `VaultAccess` calls, and only in a proposal's execution (`onlyGovernance`).
    function _executor() internal view override returns (address) {
        return address(access);
    }
}
