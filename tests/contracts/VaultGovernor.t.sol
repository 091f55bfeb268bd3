// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {GovernanceToken} from "../../contracts/governance/GovernanceToken.sol";
import {VaultAccess} from "../../contracts/governance/VaultAccess.sol";
import {VaultGovernor} from "../../contracts/governance/VaultGovernor.sol";
import {Bounds} from "../../contracts/types/Rebalance.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-318 .. HEDGE-324: a DAO as governor of a vault, alone in `ADMIN_ROLE`.
contract VaultGovernorTest is VaultFixture {
    uint64 private constant ADMIN = 0;
    uint64 private constant KEEPER = 1;
    uint64 private constant GUARDIAN = 2;
    uint48 private constant VOTING_DELAY = 1 days; // in the token's clock, seconds
    uint32 private constant VOTING_PERIOD = 3 days;
    uint256 private constant THRESHOLD = 10_000e18; // 1 % of the supply
    uint256 private constant QUORUM_PERCENT = 10;
    string private constant WHY = "tighter slippage";

    address private majority = makeAddr("majority");
    address private minority = makeAddr("minority");

    GovernanceToken private votes;
    VaultGovernor private dao;

    struct Proposal {
        address[] targets;
        uint256[] values;
        bytes[] calldatas;
    }

    function setUp() public override {
        super.setUp();
        address[] memory holders = new address[](2);
        (holders[0], holders[1]) = (majority, minority);
        uint256[] memory balances = new uint256[](2);
        (balances[0], balances[1]) = (950_000e18, 50_000e18);
        votes = new GovernanceToken("Evenkeel votes", "EKV", holders, balances);
        for (uint256 i = 0; i < holders.length; ++i) {
            vm.prank(holders[i]);
            votes.delegate(holders[i]);
        }
        dao = new VaultGovernor(
            access, IVotes(address(votes)), "Evenkeel DAO", VOTING_DELAY, VOTING_PERIOD, THRESHOLD, QUORUM_PERCENT
        );
        _govern(address(access), abi.encodeCall(access.grantRole, (ADMIN, address(dao), DELAY)));
        vm.warp(vm.getBlockTimestamp() + DELAY); // a further governor begins after the old delay
        vm.startPrank(governor);
        bytes memory retire = abi.encodeCall(access.revokeRole, (ADMIN, governor));
        access.schedule(address(access), retire, 0);
        vm.warp(vm.getBlockTimestamp() + DELAY);
        access.execute(address(access), retire);
        vm.stopPrank();
    }

    // --- support --------------------------------------------------------------------------------------------------

    function _proposal(address target, bytes memory data) private pure returns (Proposal memory p) {
        p = Proposal(new address[](1), new uint256[](1), new bytes[](1));
        (p.targets[0], p.calldatas[0]) = (target, data);
    }

    function _slippage(uint16 bps) private view returns (bytes memory) {
        Bounds memory b = _bounds();
        b.maxSlippageBps = bps;
        return abi.encodeCall(guard.setBounds, (b));
    }

    function _propose(Proposal memory p) private returns (uint256 id) {
        vm.prank(minority);
        return dao.propose(p.targets, p.values, p.calldatas, WHY);
    }

    function _pass(Proposal memory p) private returns (uint256 id) {
        id = _propose(p);
        vm.warp(vm.getBlockTimestamp() + VOTING_DELAY + 1);
        vm.prank(majority);
        dao.castVote(id, 1);
        vm.warp(vm.getBlockTimestamp() + VOTING_PERIOD);
    }

    function _queue(Proposal memory p) private {
        dao.queue(p.targets, p.values, p.calldatas, keccak256(bytes(WHY)));
    }

    function _execute(Proposal memory p) private {
        dao.execute(p.targets, p.values, p.calldatas, keccak256(bytes(WHY)));
    }

    function _passAndWait(Proposal memory p, uint256 wait) private returns (uint256 id) {
        id = _pass(p);
        _queue(p);
        vm.warp(vm.getBlockTimestamp() + wait);
    }

    function _idOf(Proposal memory p, uint256 i) private view returns (bytes32) {
        return access.hashOperation(address(dao), p.targets[i], p.calldatas[i]);
    }

    function _assertState(uint256 id, IGovernor.ProposalState expected) private view {
        assertEq(uint8(dao.state(id)), uint8(expected));
    }

    function _expectState(uint256 id, IGovernor.ProposalState actual, IGovernor.ProposalState needed) private {
        vm.expectRevert(
            abi.encodeWithSelector(
                IGovernor.GovernorUnexpectedProposalState.selector, id, actual, bytes32(1 << uint8(needed))
            )
        );
    }

    // --- whole life -----------------------------------------------------------------------------------------------

    // HEDGE-318
    function test_proposal_isVotedScheduledInSightAndRunAfterTheDelay() external {
        Proposal memory p = _proposal(address(guard), _slippage(40));
        uint256 id = _pass(p);
        _assertState(id, IGovernor.ProposalState.Succeeded);
        uint48 readyAt = uint48(vm.getBlockTimestamp() + DELAY);
        vm.expectEmit(address(access));
        emit IAccessManager.OperationScheduled(_idOf(p, 0), 1, readyAt, address(dao), p.targets[0], p.calldatas[0]);
        _queue(p);
        assertEq(dao.proposalEta(id), readyAt);
        vm.warp(readyAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IAccessManager.AccessManagerNotReady.selector, _idOf(p, 0)));
        _execute(p);
        vm.warp(readyAt);
        _execute(p);
        assertEq(guard.bounds().maxSlippageBps, 40);
        _assertState(id, IGovernor.ProposalState.Executed);
    }

    // HEDGE-318
    function test_execute_revertsIfNothingWasScheduled() external {
        Proposal memory p = _proposal(address(guard), _slippage(40));
        uint256 id = _pass(p);
        _expectState(id, IGovernor.ProposalState.Succeeded, IGovernor.ProposalState.Queued);
        _execute(p);
    }

    // HEDGE-318
    function test_proposal_ofSeveralCallsRunsThemAllAtOnce() external {
        Proposal memory p = Proposal(new address[](3), new uint256[](3), new bytes[](3));
        (p.targets[0], p.targets[1], p.targets[2]) = (address(guard), address(vault), address(access));
        p.calldatas[0] = _slippage(40);
        p.calldatas[1] = abi.encodeCall(vault.setDepositCap, (_units(1_000_000)));
        p.calldatas[2] = abi.encodeCall(access.revokeRole, (KEEPER, keeper));
        _passAndWait(p, DELAY);
        _execute(p);
        assertEq(guard.bounds().maxSlippageBps, 40);
        assertEq(vault.depositCap(), _units(1_000_000));
        assertFalse(access.isKeeper(keeper));
    }

    // --- veto -----------------------------------------------------------------------------------------------------

    // HEDGE-319
    function test_guardian_cancelsOneCallAndTheWholeProposalNeverRuns() external {
        Proposal memory p = Proposal(new address[](2), new uint256[](2), new bytes[](2));
        (p.targets[0], p.targets[1]) = (address(guard), address(access));
        p.calldatas[0] = _slippage(40);
        p.calldatas[1] = abi.encodeCall(access.grantRole, (KEEPER, attacker, 0));
        uint256 id = _passAndWait(p, DELAY);
        vm.prank(guardian);
        access.cancel(address(dao), p.targets[1], p.calldatas[1]);
        _assertState(id, IGovernor.ProposalState.Canceled);
        _expectState(id, IGovernor.ProposalState.Canceled, IGovernor.ProposalState.Queued);
        _execute(p);
        assertEq(guard.bounds().maxSlippageBps, _bounds().maxSlippageBps);
    }

    // HEDGE-319
    function test_vetoedProposal_doesNotReviveWithTheSameCallOfAnother() external {
        Proposal memory p = _proposal(address(guard), _slippage(40));
        uint256 vetoed = _passAndWait(p, 0);
        vm.prank(guardian);
        access.cancel(address(dao), p.targets[0], p.calldatas[0]);
        vm.prank(minority);
        uint256 again = dao.propose(p.targets, p.values, p.calldatas, "again");
        vm.warp(vm.getBlockTimestamp() + VOTING_DELAY + 1);
        vm.prank(majority);
        dao.castVote(again, 1);
        vm.warp(vm.getBlockTimestamp() + VOTING_PERIOD);
        dao.queue(p.targets, p.values, p.calldatas, keccak256("again"));
        vm.warp(vm.getBlockTimestamp() + DELAY);
        _assertState(vetoed, IGovernor.ProposalState.Canceled);
        _assertState(again, IGovernor.ProposalState.Queued);
    }

    // HEDGE-319
    function test_capturedMajority_neitherPassesTheGuardianNorShortensTheDelay() external {
        bytes[4] memory ways = [
            abi.encodeCall(access.grantRole, (ADMIN, address(dao), 1 days - 1)), // another delay for itself
            abi.encodeCall(access.grantRole, (ADMIN, attacker, 1 days)),
            abi.encodeCall(access.grantRole, (GUARDIAN, address(dao), 0)),
            abi.encodeCall(access.setTargetAdminDelay, (address(guard), 0))
        ];
        for (uint256 i = 0; i < ways.length; ++i) {
            uint256 snapshot = vm.snapshotState();
            Proposal memory p = _proposal(address(access), ways[i]);
            uint256 id = _passAndWait(p, DELAY);
            if (i != 1) {
                // what is not refused for good is vetoed
                vm.expectRevert();
                _execute(p);
            }
            vm.prank(guardian);
            access.cancel(address(dao), p.targets[0], p.calldatas[0]);
            _assertState(id, IGovernor.ProposalState.Canceled);
            vm.revertToState(snapshot);
        }
        assertEq(access.delayOf(address(dao)), DELAY);
    }

    // HEDGE-320
    function test_dismissalOfAGuardian_waitsTwiceAsAWholeAndCannotBeVetoed() external {
        Proposal memory p = Proposal(new address[](2), new uint256[](2), new bytes[](2));
        (p.targets[0], p.targets[1]) = (address(access), address(access));
        p.calldatas[0] = abi.encodeCall(access.grantRole, (GUARDIAN, minority, 0));
        p.calldatas[1] = abi.encodeCall(access.revokeRole, (GUARDIAN, guardian));
        uint256 id = _pass(p);
        _queue(p);
        assertEq(dao.proposalEta(id), vm.getBlockTimestamp() + 2 * DELAY);
        assertEq(access.getSchedule(_idOf(p, 0)), dao.proposalEta(id));
        vm.prank(guardian);
        vm.expectPartialRevert(IAccessManager.AccessManagerUnauthorizedCancel.selector);
        access.cancel(address(dao), p.targets[1], p.calldatas[1]);
        vm.warp(dao.proposalEta(id));
        _execute(p);
        access.requireGuardian(minority);
        (bool isGuardian,) = access.hasRole(GUARDIAN, guardian);
        assertFalse(isGuardian);
    }

    // HEDGE-320
    function test_waitOf_isTheDelayAndTwiceThatForADismissal() external {
        assertEq(access.waitOf(address(dao), address(guard), _slippage(40)), DELAY);
        bytes memory dismissal = abi.encodeCall(access.revokeRole, (GUARDIAN, guardian));
        assertEq(access.waitOf(address(dao), address(access), dismissal), 2 * DELAY);
        vm.expectRevert(abi.encodeWithSelector(VaultAccess.NotGovernor.selector, guardian));
        access.waitOf(guardian, address(access), dismissal);
    }

    // --- expiry ---------------------------------------------------------------------------------------------------

    // HEDGE-321
    function test_proposal_expiresAWeekAfterItsDelay() external {
        Proposal memory p = _proposal(address(guard), _slippage(40));
        uint256 id = _passAndWait(p, DELAY + 7 days - 1);
        _assertState(id, IGovernor.ProposalState.Queued);
        vm.warp(vm.getBlockTimestamp() + 1);
        _assertState(id, IGovernor.ProposalState.Expired);
        _expectState(id, IGovernor.ProposalState.Expired, IGovernor.ProposalState.Queued);
        _execute(p);
    }

    // --- votes ----------------------------------------------------------------------------------------------------

    // HEDGE-322
    function test_proposal_failsBelowQuorum() external {
        Proposal memory p = _proposal(address(guard), _slippage(40));
        uint256 id = _propose(p);
        vm.warp(vm.getBlockTimestamp() + VOTING_DELAY + 1);
        vm.prank(minority); // 5 % of the supply
        dao.castVote(id, 1);
        vm.warp(vm.getBlockTimestamp() + VOTING_PERIOD);
        _assertState(id, IGovernor.ProposalState.Defeated);
        _expectState(id, IGovernor.ProposalState.Defeated, IGovernor.ProposalState.Succeeded);
        _queue(p);
    }

    // HEDGE-322
    function test_votes_boughtAfterTheSnapshotCountForNothing() external {
        uint256 id = _propose(_proposal(address(guard), _slippage(40)));
        vm.warp(vm.getBlockTimestamp() + VOTING_DELAY + 1);
        vm.prank(majority);
        votes.transfer(attacker, 900_000e18);
        vm.startPrank(attacker);
        votes.delegate(attacker);
        assertEq(dao.castVote(id, 1), 0);
        vm.stopPrank();
    }

    // HEDGE-322
    function test_propose_revertsIfVotesAreBelowTheThreshold() external {
        Proposal memory p = _proposal(address(guard), _slippage(40));
        vm.prank(attacker);
        vm.expectRevert(
            abi.encodeWithSelector(IGovernor.GovernorInsufficientProposerVotes.selector, attacker, 0, THRESHOLD)
        );
        dao.propose(p.targets, p.values, p.calldatas, WHY);
    }

    // --- its own settings -----------------------------------------------------------------------------------------

    // HEDGE-323
    function test_settings_changeByAScheduledCallAlone() external {
        bytes memory data = abi.encodeCall(dao.setVotingPeriod, (1 days));
        Proposal memory p = _proposal(address(dao), data);
        _passAndWait(p, 0);
        assertEq(access.getSchedule(_idOf(p, 0)), vm.getBlockTimestamp() + DELAY);
        vm.warp(vm.getBlockTimestamp() + DELAY);
        _execute(p);
        assertEq(dao.votingPeriod(), 1 days);
    }

    // HEDGE-323
    function test_settings_areVetoedLikeAllElse() external {
        Proposal memory p = _proposal(address(dao), abi.encodeCall(dao.updateQuorumNumerator, (0)));
        uint256 id = _passAndWait(p, DELAY);
        vm.prank(guardian);
        access.cancel(address(dao), p.targets[0], p.calldatas[0]);
        _assertState(id, IGovernor.ProposalState.Canceled);
        assertEq(dao.quorumNumerator(), QUORUM_PERCENT);
    }

    // HEDGE-323
    function test_settings_revertIfAnotherGovernorOrAnyoneCalls() external {
        _passAndWait(_proposal(address(access), abi.encodeCall(access.grantRole, (ADMIN, attacker, DELAY))), DELAY);
        _execute(_proposal(address(access), abi.encodeCall(access.grantRole, (ADMIN, attacker, DELAY))));
        vm.warp(vm.getBlockTimestamp() + DELAY);
        bytes memory data = abi.encodeCall(dao.setVotingPeriod, (1));
        vm.startPrank(attacker);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, attacker));
        dao.setVotingPeriod(1);
        access.schedule(address(dao), data, 0);
        vm.warp(vm.getBlockTimestamp() + DELAY);
        vm.expectRevert(); // the executor calls, but no proposal does
        access.execute(address(dao), data);
        vm.stopPrank();
    }

    // HEDGE-323
    function test_relay_waitsToo() external {
        bytes memory pause = abi.encodeCall(vault.pause, ());
        Proposal memory p = _proposal(address(dao), abi.encodeCall(dao.relay, (address(vault), 0, pause)));
        _passAndWait(p, DELAY);
        assertFalse(vault.paused());
        _execute(p);
        assertTrue(vault.paused());
    }

    // --- construction ---------------------------------------------------------------------------------------------

    // HEDGE-324
    function test_constructor_revertsIfNoContract() external {
        vm.expectRevert(abi.encodeWithSelector(VaultGovernor.NotAContract.selector, attacker));
        new VaultGovernor(VaultAccess(attacker), IVotes(address(votes)), "", 1, 1, 0, 1);
        vm.expectRevert(); // has no clock
        new VaultGovernor(access, IVotes(attacker), "", 1, 1, 0, 1);
    }

    // HEDGE-324
    function test_token_supplyIsFixedAndHeldByTheNamed() external {
        assertEq(votes.totalSupply(), 1_000_000e18);
        assertEq(votes.balanceOf(majority), 950_000e18);
        assertEq(votes.CLOCK_MODE(), "mode=timestamp");
        vm.expectRevert(abi.encodeWithSelector(GovernanceToken.HoldersMismatch.selector, 0, 1));
        new GovernanceToken("", "", new address[](0), new uint256[](1));
    }
}
