// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IVaultAccess} from "../interfaces/IVaultAccess.sol";

/// @title Roles and delays of one vault
/// @notice Purpose. One place answers who may rebalance (keeper), bring a keeper's rebalance (relay), tighten and pause
///         (guardian) and change parameters (governor: `ADMIN_ROLE`), and makes every act of a governor wait where all can see
///         it. It is OpenZeppelin's `AccessManager` with less to configure: the roles and what they may do are fixed, their
///         holders are not.
///
///         Trust. The deployer connects the contracts without delay and can appoint nobody; `handOver` names the holders and
///         takes every power from it. From then on a governor's act, on the contracts or on the roles, is scheduled
///         (`OperationScheduled`), waits that governor's delay, `MIN_DELAY` or more, and is void a week later. Until it is
///         executed a guardian may cancel it. So a captured governor alone gets nothing past a guardian who looks once in a
///         delay, and a captured guardian alone moves nothing.
///
///         Obligations. Nobody vetoes the loss of his own role. To take the guardian role from any account waits twice the
///         delay, and only who scheduled it may cancel it: neither this guardian, nor another, nor another governor can keep
///         a captured guardian in office. In that time the guardian can still cancel all else, and another governor with the
///         guardian's consent can remove the one who schedules, which waits once. A governor cannot cancel its own removal
///         either. To appoint a further guardian waits once and may be cancelled, or a captured governor's own guardian would
///         save it from its colleagues. Nobody is guardian and governor at once. Keepers and relays are dismissed at once.
///
///         Liveness. The last governor can neither be removed nor leave. Delays are at most `MAX_DELAY`, so a captured
///         guardian holds governance up for two delays and no longer. A guardian that is dismissed or leaves may be the last:
///         the successor is appointed before, or, against a captured guardian, after, with one delay without any.
///
///         Known limits. Until `handedOver` the deployer acts without delay, and `MemberGate` lets nobody in. Cancelling is one
///         call an operation (`multicall` takes many), and costs less gas than scheduling. A governor may pause, tighten and
///         dismiss at once, as a guardian may. An operation of a governor who lost the role cannot be executed, unless the
///         role is given back before it expires.
contract VaultAccess is AccessManager, IVaultAccess {
    /// @notice May rebalance inside the bounds, and spends its own budget. No delay.
    uint64 public constant KEEPER_ROLE = 1;

    /// @notice May tighten, pause, dismiss keepers and relays, and cancel what governors schedule. No delay.
    uint64 public constant GUARDIAN_ROLE = 2;

    /// @notice May rebalance in any keeper's name: for contracts that check its signature. No delay.
    uint64 public constant RELAY_ROLE = 3;

    /// @notice Least delay of a governor.
    uint32 public constant MIN_DELAY = 1 days; // seconds

    /// @notice Most delay of a governor: a slip of a zero must not freeze the parameters.
    uint32 public constant MAX_DELAY = 30 days; // seconds

    /// @notice Most accounts that hold `KEEPER_ROLE`: each has a budget of its own to lose.
    uint256 public constant MAX_KEEPERS = 4;

    /// @notice Account that set the vault up. Without any power once `handedOver`.
    address public immutable deployer;

    /// @inheritdoc IVaultAccess
    bool public handedOver;

    /// @notice Number of accounts that hold `ADMIN_ROLE`.
    uint256 public governorCount;

    /// @notice Number of accounts that hold `KEEPER_ROLE`.
    uint256 public keeperCount;

    event HandedOver(address indexed governor, uint32 delay, address indexed guardian);

    error AlreadyHandedOver();
    error NotHandedOver();
    error NotDeployer(address caller, address deployer);
    error DeployerKeepsRole(uint64 roleId, address deployer);
    error NotGovernor(address account);
    error LastGovernor(address governor);
    error TooManyKeepers(uint256 count, uint256 limit);
    error UnknownRole(uint64 roleId);
    error InvalidRoleHolder(uint64 roleId, address account);
    error GovernorIsGuardian(address account);
    error DelayOutOfRange(uint64 roleId, uint32 delay, uint32 least, uint32 most);
    error DismissalTooSoon(uint48 when, uint48 earliest);

    constructor(address deployer_) AccessManager(deployer_) {
        deployer = deployer_;
        emit RoleLabel(KEEPER_ROLE, "KEEPER");
        emit RoleLabel(GUARDIAN_ROLE, "GUARDIAN");
        emit RoleLabel(RELAY_ROLE, "RELAY");
    }

    // --- hand-over ------------------------------------------------------------------------------------------------

    /// @notice Names the holders of the roles and ends the deployer's power. Deployer only, once.
    /// @param delay The governor's delay, seconds, `MIN_DELAY` to `MAX_DELAY`.
    /// @param keepers At most `MAX_KEEPERS`.
    /// @dev The caller must be the deployer itself: by way of `execute` it would be this contract that loses the role.
    function handOver(
        address governor,
        uint32 delay,
        address guardian,
        address[] calldata keepers,
        address[] calldata relays
    ) external {
        if (msg.sender != deployer) revert NotDeployer(msg.sender, deployer);
        if (handedOver) revert AlreadyHandedOver();
        handedOver = true;
        _appoint(ADMIN_ROLE, governor, delay);
        _appoint(GUARDIAN_ROLE, guardian, 0);
        for (uint256 i = 0; i < keepers.length; ++i) {
            _appoint(KEEPER_ROLE, keepers[i], 0);
        }
        for (uint256 i = 0; i < relays.length; ++i) {
            _appoint(RELAY_ROLE, relays[i], 0);
        }
        _revokeRole(ADMIN_ROLE, deployer);
        emit HandedOver(governor, delay, guardian);
    }

    // --- at once --------------------------------------------------------------------------------------------------

    /// @notice Takes the keeper role, and no other, from a keeper whose key may be stolen. Guardian or governor.
    /// @dev Reverts `NotKeeper` where there is nothing to take: a mistyped address must not look like a dismissal.
    function dismissKeeper(address account) external {
        requireGuardian(msg.sender);
        if (!_revokeRole(KEEPER_ROLE, account)) revert NotKeeper(account);
    }

    /// @notice Takes the relay role, and no other, from a relay whose key may be stolen. Guardian or governor.
    function dismissRelay(address account) external {
        requireGuardian(msg.sender);
        if (!_revokeRole(RELAY_ROLE, account)) revert NotRelay(account);
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @notice Delay that the acts of a governor wait, seconds. Reverts `NotGovernor` for anyone else.
    function delayOf(address governor) external view returns (uint32) {
        return _delayOf(governor);
    }

    /// @notice Time that a call of a governor waits from the moment it is scheduled, seconds: its delay, and twice that to take
    ///         the guardian role from an account. Reverts `NotGovernor` for anyone else.
    function waitOf(address governor, address target, bytes calldata data) external view returns (uint32) {
        uint32 delay = _delayOf(governor);
        return _revokes(GUARDIAN_ROLE, target, data) ? 2 * delay : delay;
    }

    /// @inheritdoc IVaultAccess
    function requireKeeper(address account) external view {
        if (!isKeeper(account)) revert NotKeeper(account);
    }

    /// @inheritdoc IVaultAccess
    function requireRelay(address account) external view {
        if (!_holds(RELAY_ROLE, account)) revert NotRelay(account);
    }

    /// @inheritdoc IVaultAccess
    function isKeeper(address account) public view returns (bool) {
        return _holds(KEEPER_ROLE, account);
    }

    /// @inheritdoc IVaultAccess
    function requireGuardian(address account) public view {
        if (!_holds(GUARDIAN_ROLE, account) && !_holds(ADMIN_ROLE, account)) revert NotGuardian(account);
    }

    /// @notice `GUARDIAN_ROLE`, for every role.
    function getRoleGuardian(uint64) public pure override returns (uint64) {
        return GUARDIAN_ROLE;
    }

    // --- operations -----------------------------------------------------------------------------------------------

    /// @inheritdoc AccessManager
    /// @dev To take the guardian role from an account waits twice the caller's delay.
    function schedule(address target, bytes calldata data, uint48 when)
        public
        override
        returns (bytes32 operationId, uint32 nonce)
    {
        if (_revokes(GUARDIAN_ROLE, target, data)) {
            (, uint32 delay) = hasRole(ADMIN_ROLE, msg.sender);
            uint48 earliest = uint48(block.timestamp) + 2 * uint48(delay);
            if (when == 0) when = earliest;
            if (when < earliest) revert DismissalTooSoon(when, earliest);
        }
        return super.schedule(target, data, when);
    }

    /// @notice Gives a role to an account, or an existing governor another delay. Governor, scheduled.
    /// @param executionDelay Seconds: `MIN_DELAY` to `MAX_DELAY` for a governor, 0 for the other roles. A shorter one takes
    ///        effect after the difference to the old one.
    function grantRole(uint64 roleId, address account, uint32 executionDelay) public override {
        if (!handedOver) revert NotHandedOver();
        super.grantRole(roleId, account, executionDelay);
    }

    // --- fixed: who may do what, and how long it waits, is code ---------------------------------------------------

    /// @notice Reverts `AccessManagerLockedFunction`.
    function labelRole(uint64, string calldata) public pure override {
        _revertLocked();
    }

    /// @notice Reverts `AccessManagerLockedFunction`.
    function setRoleAdmin(uint64, uint64) public pure override {
        _revertLocked();
    }

    /// @notice Reverts `AccessManagerLockedFunction`.
    function setRoleGuardian(uint64, uint64) public pure override {
        _revertLocked();
    }

    /// @notice Reverts `AccessManagerLockedFunction`.
    function setGrantDelay(uint64, uint32) public pure override {
        _revertLocked();
    }

    /// @notice Reverts `AccessManagerLockedFunction`.
    function setTargetFunctionRole(address, bytes4[] calldata, uint64) public pure override {
        _revertLocked();
    }

    /// @notice Reverts `AccessManagerLockedFunction`.
    function setTargetAdminDelay(address, uint32) public pure override {
        _revertLocked();
    }

    /// @notice Reverts `AccessManagerLockedFunction`.
    function setTargetClosed(address, bool) public pure override {
        _revertLocked();
    }

    /// @notice Reverts `AccessManagerLockedFunction`.
    function updateAuthority(address, address) public pure override {
        _revertLocked();
    }

    // --- internal -------------------------------------------------------------------------------------------------

    /// @dev The constructor's own grant to the deployer is the one that has no delay: `handedOver` is false in it alone.
    function _grantRole(uint64 roleId, address account, uint32 grantDelay, uint32 executionDelay)
        internal
        override
        returns (bool granted)
    {
        if (roleId > RELAY_ROLE) revert UnknownRole(roleId);
        if (account == address(0) || account == address(this)) revert InvalidRoleHolder(roleId, account);
        if (handedOver) {
            _requireDelay(roleId, executionDelay);
            _requireSeparate(roleId, account);
        }
        granted = super._grantRole(roleId, account, grantDelay, executionDelay);
        if (!granted) return false;
        if (roleId == ADMIN_ROLE) ++governorCount;
        if (roleId == KEEPER_ROLE && ++keeperCount > MAX_KEEPERS) revert TooManyKeepers(keeperCount, MAX_KEEPERS);
    }

    /// @dev Every way to lose a role comes through here: revoked, renounced, dismissed, handed over.
    function _revokeRole(uint64 roleId, address account) internal override returns (bool revoked) {
        revoked = super._revokeRole(roleId, account);
        if (!revoked) return false;
        if (roleId == ADMIN_ROLE && --governorCount == 0) revert LastGovernor(account);
        if (roleId == KEEPER_ROLE) --keeperCount;
    }

    /// @dev Who scheduled it may always cancel. Otherwise guardians and governors may, but nobody a guardian's dismissal,
    ///      and no governor its own removal.
    function _canCancel(address caller, address target, bytes calldata data) internal view override returns (bool) {
        if (caller == msg.sender) return true;
        if (_revokes(GUARDIAN_ROLE, target, data)) return false;
        if (_holds(GUARDIAN_ROLE, msg.sender)) return true;
        bool isOwnRemoval = _revokes(ADMIN_ROLE, target, data) && _accountOf(data) == msg.sender;
        return _holds(ADMIN_ROLE, msg.sender) && !isOwnRemoval;
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _appoint(uint64 roleId, address account, uint32 delay) private {
        if (account == deployer) revert DeployerKeepsRole(roleId, account);
        _grantRole(roleId, account, 0, delay);
    }

    function _delayOf(address governor) private view returns (uint32) {
        (bool isGovernor, uint32 delay) = hasRole(ADMIN_ROLE, governor);
        if (!isGovernor) revert NotGovernor(governor);
        return delay;
    }

    function _holds(uint64 roleId, address account) private view returns (bool isMember) {
        (isMember,) = hasRole(roleId, account);
    }

    function _requireSeparate(uint64 roleId, address account) private view {
        bool collides = (roleId == ADMIN_ROLE && _holds(GUARDIAN_ROLE, account))
            || (roleId == GUARDIAN_ROLE && _holds(ADMIN_ROLE, account));
        if (collides) revert GovernorIsGuardian(account);
    }

    /// @dev Whether an operation is `revokeRole(roleId, ...)` on this contract. `execute` and `multicall` cannot carry one:
    ///      what they would call is not the function that was authorised. A call too short to name its account never runs.
    function _revokes(uint64 roleId, address target, bytes calldata data) private view returns (bool) {
        return target == address(this) && data.length >= 68 && bytes4(data[:4]) == this.revokeRole.selector
            && uint256(bytes32(data[4:36])) == roleId;
    }

    /// @dev Account that a `revokeRole` names.
    function _accountOf(bytes calldata data) private pure returns (address) {
        return address(uint160(uint256(bytes32(data[36:68]))));
    }

    function _requireDelay(uint64 roleId, uint32 delay) private pure {
        (uint32 least, uint32 most) = roleId == ADMIN_ROLE ? (MIN_DELAY, MAX_DELAY) : (uint32(0), uint32(0));
        if (delay < least || delay > most) revert DelayOutOfRange(roleId, delay, least, most);
    }

    function _revertLocked() private pure {
        revert AccessManagerLockedFunction(msg.sig);
    }
}
