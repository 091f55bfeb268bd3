// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VaultAccess} from "../../../contracts/governance/VaultAccess.sol";
import {VaultModes} from "../../../contracts/vault/VaultModes.sol";
import {Governed} from "../../../contracts/governance/Governed.sol";
import {IVaultAccess} from "../../../contracts/interfaces/IVaultAccess.sol";

interface ICheats {
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
}

/// @notice Modes of a vault and nothing else.
contract ModesAlone is VaultModes {
    constructor(IVaultAccess access_) Governed(access_) {}
}

/// @title Proofs of roles and modes
/// @notice Bounds of the proofs: the state after a hand-over with one holder a role, one call from any account.
contract VaultAccessProof {
    ICheats private constant VM = ICheats(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant START = 1_722_500_000; // Unix seconds
    address private constant GOVERNOR = address(0x1001);
    address private constant GUARDIAN = address(0x1002);
    address private constant KEEPER = address(0x1003);
    address private constant RELAY = address(0x1004);

    VaultAccess private _access;
    ModesAlone private _modes;

    function setUp() public {
        VM.warp(START);
        _access = new VaultAccess(address(this));
        _modes = new ModesAlone(_access);
        _access.handOver(GOVERNOR, 1 days, GUARDIAN, _list(KEEPER), _list(RELAY));
        VM.warp(START + 1 days);
    }

    function check_keeper__accepted__is_the_keeper(address account) external view {
        _access.requireKeeper(account);
        assert(account == KEEPER);
    }

    function check_relay__accepted__is_the_relay(address account) external view {
        _access.requireRelay(account);
        assert(account == RELAY);
    }

    function check_guardian__accepted__is_guardian_or_governor(address account) external view {
        _access.requireGuardian(account);
        assert(account == GUARDIAN || account == GOVERNOR);
    }

    function check_hand_over__again__never(address governor, uint32 delay, address guardian) external {
        _refused(
            address(_access), abi.encodeCall(_access.handOver, (governor, delay, guardian, _list(KEEPER), _list(RELAY)))
        );
    }

    function check_hand_over__accepted__delay_inside_the_limits(address governor, uint32 delay, address guardian)
        external
    {
        VaultAccess access = new VaultAccess(address(this));
        access.handOver(governor, delay, guardian, _list(KEEPER), _list(RELAY));
        assert(delay >= 1 days && delay <= 30 days);
        assert(governor != address(this) && governor != guardian);
    }

    function check_dismissal__accepted__takes_that_role_alone(address sender, address account) external {
        VM.prank(sender);
        _access.dismissKeeper(account);
        assert(sender == GUARDIAN || sender == GOVERNOR);
        assert(account == KEEPER && !_access.isKeeper(KEEPER));
        assert(_holds(0, GOVERNOR) && _holds(2, GUARDIAN) && _holds(3, RELAY));
    }

    function check_relays_dismissal__accepted__takes_that_role_alone(address sender, address account) external {
        VM.prank(sender);
        _access.dismissRelay(account);
        assert(sender == GUARDIAN || sender == GOVERNOR);
        assert(account == RELAY && !_holds(3, RELAY));
        assert(_holds(0, GOVERNOR) && _holds(2, GUARDIAN) && _holds(1, KEEPER));
    }

    /// @dev Nothing was scheduled: not even the governor grants.
    function check_grant__not_scheduled__never(address sender, uint64 roleId, address account, uint32 delay) external {
        VM.prank(sender);
        _refused(address(_access), abi.encodeCall(_access.grantRole, (roleId, account, delay)));
    }

    function check_revoke__not_scheduled__never(address sender, uint64 roleId, address account) external {
        VM.prank(sender);
        _refused(address(_access), abi.encodeCall(_access.revokeRole, (roleId, account)));
    }

    /// @dev The last governor cannot leave; whoever else leaves gives up his own role alone.
    function check_renounce__accepted__is_ones_own_role(address sender, uint64 roleId) external {
        if (roleId > 3) return;
        VM.prank(sender);
        _access.renounceRole(roleId, sender);
        assert(_holds(0, GOVERNOR));
        assert(_holds(1, KEEPER) || (sender == KEEPER && roleId == 1));
        assert(_holds(2, GUARDIAN) || (sender == GUARDIAN && roleId == 2));
        assert(_holds(3, RELAY) || (sender == RELAY && roleId == 3));
    }

    function check_pause__accepted__by_a_guardian_and_bounded(address sender, uint32 later) external {
        VM.prank(sender);
        _modes.pause();
        assert(sender == GUARDIAN || sender == GOVERNOR);
        assert(_modes.paused() && _modes.isReduceOnly());
        uint256 now_ = START + 1 days;
        VM.warp(now_ + later);
        assert(_modes.paused() == (later < 3 days));
    }

    /// @dev A second pause begins no sooner than as long after the first as that was.
    function check_pause__second__is_rationed(uint32 later) external {
        VM.prank(GUARDIAN);
        _modes.pause();
        VM.warp(START + 1 days + later);
        VM.prank(GUARDIAN);
        _modes.pause();
        assert(later >= 6 days);
    }

    /// @dev Nothing was scheduled: nobody loosens.
    function check_resume__not_scheduled__never(address sender) external {
        VM.prank(GUARDIAN);
        _modes.setReduceOnly();
        VM.prank(sender);
        _refused(address(_modes), abi.encodeCall(_modes.resume, ()));
    }

    function check_wind_down__not_scheduled__never(address sender) external {
        VM.prank(sender);
        _refused(address(_modes), abi.encodeCall(_modes.startWindDown, ()));
    }

    // --- private ----------------------------------------------------------------------------------------------------

    function _refused(address target, bytes memory data) private {
        (bool isDone,) = target.call(data);
        assert(!isDone);
    }

    function _holds(uint64 roleId, address account) private view returns (bool isMember) {
        (isMember,) = _access.hasRole(roleId, account);
    }

    function _list(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }
}
