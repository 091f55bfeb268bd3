// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RebalanceGuard} from "../../../contracts/RebalanceGuard.sol";
import {Bounds, Leg} from "../../../contracts/types/Rebalance.sol";
import {PriceLimits} from "../../../contracts/types/Prices.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {OrderActions} from "./OrderActions.sol";

/// @notice A guardian who tightens and cancels, and a governor who may be captured and waits all the same.
/// @dev What is governed is mirrored here by the acts that were accepted; the mirror and the contracts are compared.
abstract contract GovernanceActions is OrderActions {
    enum Kind {
        Bounds,
        DepositCap,
        ShareLock,
        Resume,
        Reopen,
        VenueCap,
        AddVenue,
        RemoveVenue,
        ForceRemoveVenue,
        AddMember,
        PriceLimits,
        WindDown
    }

    struct Proposal {
        Kind kind;
        address target;
        bytes data;
        uint256 proposedAt;
        bool isCancelled;
    }

    struct Mirror {
        bytes32 bounds;
        bytes32 priceLimits;
        uint256 depositCap;
        uint256 shareLock;
        bool isReduceOnly;
        bool isWindingDown;
        uint256 pausedAt; // 0: never
        uint256 pausedUntil;
    }

    uint256 private constant DELAY = 1 days;
    uint256 private constant LONGEST_PAUSE = 3 days;

    Mirror internal mirror;
    Proposal[] private _proposals;

    function _startMirror() internal {
        mirror.bounds = keccak256(abi.encode(guard.bounds()));
        mirror.priceLimits = keccak256(abi.encode(oracle.priceLimits()));
        mirror.depositCap = type(uint128).max;
        for (uint256 i = 0; i < listed.length; ++i) {
            capUsd[listed[i]] = type(uint64).max;
        }
    }

    // --- governor -------------------------------------------------------------------------------------------------

    function _propose(uint256 a, uint256 b) internal returns (bool isAccepted) {
        Proposal memory p = _draft(a, b);
        p.proposedAt = vm.getBlockTimestamp();
        vm.prank(governor);
        (isAccepted,) = address(access).call(abi.encodeCall(access.schedule, (p.target, p.data, 0)));
        if (!isAccepted) return false;
        _forget(p.data); // one that was cancelled, or is void
        _proposals.push(p);
    }

    function _drop(uint256 index) private {
        _proposals[index] = _proposals[_proposals.length - 1];
        _proposals.pop();
    }

    function _draft(uint256 a, uint256 b) private returns (Proposal memory p) {
        uint256 r = a % 64;
        p.target = address(vault);
        ScriptedVenue venue = listed[b % listed.length];
        if (r < 14) {
            (p.kind, p.target, p.data) = (Kind.Bounds, address(guard), _boundsCall(b));
        } else if (r < 18) {
            (p.kind, p.data) = (Kind.DepositCap, abi.encodeCall(vault.setDepositCap, (_capOf(b))));
        } else if (r < 22) {
            (p.kind, p.data) = (Kind.ShareLock, abi.encodeCall(vault.setShareLock, (b % 4 == 0 ? b % 9 days : 0)));
        } else if (r < 38) {
            (p.kind, p.data) = (Kind.Resume, abi.encodeCall(vault.resume, ()));
        } else if (r < 44) {
            (p.kind, p.data) = (Kind.Reopen, abi.encodeCall(registry.reopenVenue, (venue)));
        } else if (r < 48) {
            (p.kind, p.data) = (Kind.VenueCap, abi.encodeCall(registry.setVenueCap, (venue, 1e9)));
        } else if (r < 51) {
            (p.kind, p.data) = (Kind.AddVenue, abi.encodeCall(registry.addVenue, (_newVenue())));
        } else if (r < 53) {
            (p.kind, p.data) = (Kind.RemoveVenue, abi.encodeCall(registry.removeVenue, (venue)));
        } else if (r < 54) {
            (p.kind, p.data) = (Kind.ForceRemoveVenue, abi.encodeCall(registry.forceRemoveVenue, (venue)));
        } else if (r < 60) {
            (p.kind, p.target, p.data) = (Kind.AddMember, address(gate), _memberCall(b));
        } else if (r < 63) {
            (p.kind, p.target, p.data) = (Kind.PriceLimits, address(oracle), _limitsCall(b));
        } else {
            (p.kind, p.data) = (Kind.WindDown, abi.encodeCall(vault.startWindDown, ()));
        }
        if (r >= 38 && r < 54) p.target = address(registry);
    }

    /// @dev Executes the oldest; waits for it, or tries too early, which must not work. A cancelled one never works.
    function _enact(uint256 a, uint256) internal returns (bool isAccepted) {
        if (_proposals.length == 0) return false;
        Proposal memory p = _proposals[0];
        bool isRemoval = p.kind == Kind.RemoveVenue || p.kind == Kind.ForceRemoveVenue;
        if (isRemoval && listed.length == 1) return false; // the actors need one
        uint256 readyAt = p.proposedAt + DELAY;
        bool isEarly = vm.getBlockTimestamp() < readyAt;
        if (isEarly && a % 4 == 0) _judge(49, !_execute(p));
        if (isEarly && !p.isCancelled) _advance(readyAt - vm.getBlockTimestamp());
        uint256 cap = mirror.depositCap;
        if (p.kind == Kind.ForceRemoveVenue && !p.isCancelled) _closeDeposits();
        isAccepted = _execute(p);
        _judge(49, !isAccepted || (!p.isCancelled && vm.getBlockTimestamp() >= readyAt));
        if (isAccepted) _reflect(p);
        _drop(0);
        if (mirror.depositCap != cap && p.kind == Kind.ForceRemoveVenue) {
            _governNow(Kind.DepositCap, address(vault), abi.encodeCall(vault.setDepositCap, (cap)));
        }
        if (p.isCancelled) return true;
        if (isAccepted || p.kind == Kind.Bounds || p.kind == Kind.ShareLock) return isAccepted;
        vm.prank(governor); // it will not be due again
        (bool isWithdrawn,) = address(access).call(abi.encodeCall(access.cancel, (governor, p.target, p.data)));
        return isWithdrawn && isAccepted;
    }

    function _closeDeposits() private {
        vm.prank(guardian);
        vault.lowerDepositCap(0);
        mirror.depositCap = 0;
    }

    function _execute(Proposal memory p) private returns (bool isAccepted) {
        (uint256 used, uint256 at) = (turnoverUsed, turnoverAt);
        if (p.kind == Kind.Bounds) _enterOld();
        vm.prank(governor);
        (isAccepted,) = address(access).call(abi.encodeCall(access.execute, (p.target, p.data)));
        if (!isAccepted) (turnoverUsed, turnoverAt) = (used, at); // refused: settled once less, and rounded once less
    }

    function _veto(uint256 a, uint256) internal returns (bool isAccepted) {
        if (_proposals.length == 0) return false;
        Proposal storage p = _proposals[a % _proposals.length];
        if (p.isCancelled) return false;
        vm.prank(guardian);
        (isAccepted,) = address(access).call(abi.encodeCall(access.cancel, (governor, p.target, p.data)));
        if (isAccepted) p.isCancelled = true;
    }

    /// @dev What an accepted act of the governor changes, and nothing else does.
    function _reflect(Proposal memory p) private {
        if (p.kind == Kind.Bounds) _reflectBounds(abi.decode(_arguments(p.data), (Bounds)));
        if (p.kind == Kind.DepositCap) mirror.depositCap = abi.decode(_arguments(p.data), (uint256));
        if (p.kind == Kind.ShareLock) mirror.shareLock = abi.decode(_arguments(p.data), (uint256));
        if (p.kind == Kind.PriceLimits) mirror.priceLimits = keccak256(_arguments(p.data));
        if (p.kind == Kind.WindDown) mirror.isWindingDown = true;
        if (p.kind == Kind.Resume) {
            mirror.isReduceOnly = false;
            if (mirror.pausedUntil > vm.getBlockTimestamp()) mirror.pausedUntil = vm.getBlockTimestamp();
        }
        if (p.target != address(registry)) return;
        ScriptedVenue venue = ScriptedVenue(abi.decode(_arguments(p.data), (address)));
        if (p.kind == Kind.Reopen) isClosing[venue] = false;
        if (p.kind == Kind.VenueCap) capUsd[venue] = 1e9;
        if (p.kind == Kind.AddVenue) {
            listed.push(venue);
            (isClosing[venue], capUsd[venue]) = (false, type(uint64).max);
            (lastLow[venue], lastHigh[venue]) = (0, 0);
        }
        if (p.kind == Kind.RemoveVenue || p.kind == Kind.ForceRemoveVenue) _unlist(venue);
    }

    function _unlist(ScriptedVenue venue) private {
        uint256 kept = 0;
        for (uint256 i = 0; i < listed.length; ++i) {
            if (listed[i] != venue) listed[kept++] = listed[i];
        }
        listed.pop();
    }

    function _reflectBounds(Bounds memory next) internal {
        mirror.bounds = keccak256(abi.encode(next));
        _judge(51, guard.totalBudget().turnoverUsed >= turnoverUsed);
        _enter(BOUNDS_CHANGE, 0, 0, 0, next);
    }

    /// @dev The bounds that have been in force until now.
    function _enterOld() private {
        Bounds memory old = guard.bounds();
        _settleTurnover(old);
        _enter(BOUNDS_CHANGE, 0, 0, 0, old);
    }

    function _recover(uint256 a, uint256) internal returns (bool isAccepted) {
        ScriptedVenue venue = everyVenue[a % everyVenue.length];
        vm.prank(stranger);
        (isAccepted,) = address(vault).call(abi.encodeCall(vault.recoverMargin, (venue)));
        for (uint256 i = 0; i < listed.length; ++i) {
            if (listed[i] == venue) _judge(55, !isAccepted);
        }
        return true;
    }

    // --- guardian -------------------------------------------------------------------------------------------------

    /// @dev Tightens some fields; and tries to loosen one, which must not work.
    function _tighten(uint256 a, uint256 b) internal returns (bool isAccepted) {
        Bounds memory old = guard.bounds();
        uint256[21] memory f = abi.decode(abi.encode(old), (uint256[21]));
        uint256 i = a % 21;
        uint256[21] memory loose = abi.decode(abi.encode(old), (uint256[21]));
        loose[i] = i == 16 || _isHigherTighter(i) ? loose[i] * 99 / 100 : loose[i] + loose[i] / 100 + 1;
        if (loose[i] != f[i]) _judge(48, !_callTighten(loose));
        if (i != 16) f[i] = _isHigherTighter(i) ? f[i] + f[i] * (b % 10) / 100 : f[i] - f[i] * (b % 10) / 100;
        (uint256 used, uint256 at) = (turnoverUsed, turnoverAt);
        _enterOld();
        isAccepted = _callTighten(f);
        if (!isAccepted) {
            (turnoverUsed, turnoverAt) = (used, at);
            return false;
        }
        Bounds memory next = guard.bounds();
        _judge(48, _isNoLooser(old, next));
        _reflectBounds(next);
    }

    function _callTighten(uint256[21] memory f) private returns (bool isAccepted) {
        vm.prank(guardian);
        (isAccepted,) = address(guard).call(abi.encodePacked(guard.tightenBounds.selector, abi.encode(f)));
    }

    /// @dev Pauses, ends a pause, sets reduce-only; tries to resume, which must not work.
    function _stop(uint256 a, uint256 b) internal returns (bool isAccepted) {
        vm.startPrank(guardian);
        (bool isResumed,) = address(vault).call(abi.encodeCall(vault.resume, ()));
        _judge(47, !isResumed);
        uint256 timestamp = vm.getBlockTimestamp();
        bytes memory call_ = a % 3 == 0
            ? abi.encodeCall(vault.pause, ())
            : a % 3 == 1 ? abi.encodeCall(vault.endPause, ()) : abi.encodeCall(vault.setReduceOnly, ());
        if (a % 3 == 1 && b % 2 == 0 && !vault.paused()) call_ = abi.encodeCall(vault.pause, ());
        (isAccepted,) = address(vault).call(call_);
        vm.stopPrank();
        if (!isAccepted) return false;
        if (bytes4(call_) == vault.pause.selector) {
            _judge(46, mirror.pausedAt == 0 || timestamp >= mirror.pausedAt + 2 * LONGEST_PAUSE);
            (mirror.pausedAt, mirror.pausedUntil) = (timestamp, timestamp + LONGEST_PAUSE);
        } else if (bytes4(call_) == vault.endPause.selector && mirror.pausedUntil > timestamp) {
            mirror.pausedUntil = timestamp;
        }
        if (bytes4(call_) != vault.endPause.selector) mirror.isReduceOnly = true;
    }

    function _closeVenue(uint256 a, uint256 b) internal returns (bool isAccepted) {
        ScriptedVenue venue = listed[a % listed.length];
        vm.startPrank(guardian);
        if (b % 2 == 0) {
            (isAccepted,) = address(registry).call(abi.encodeCall(registry.closeVenue, (venue)));
            if (isAccepted) isClosing[venue] = true;
        } else {
            uint256 cap = b % 3 == 0 ? capUsd[venue] : uint256(20_000 + (b >> 8) % 1_000_000);
            bool isLooser = cap > capUsd[venue];
            (isAccepted,) = address(registry).call(abi.encodeCall(registry.lowerVenueCap, (venue, cap)));
            if (isLooser) _judge(48, !isAccepted);
            if (isAccepted) capUsd[venue] = cap;
        }
        vm.stopPrank();
    }

    function _lowerCap(uint256 a, uint256 b) internal returns (bool isAccepted) {
        uint256 nav = vault.totalAssets();
        uint256 cap = nav + nav * (b % 100) / 20 + 1e9;
        if (a % 2 == 0 || cap > mirror.depositCap) cap = mirror.depositCap;
        vm.startPrank(guardian);
        if (mirror.depositCap != type(uint256).max) {
            (bool isLooser,) = address(vault).call(abi.encodeCall(vault.lowerDepositCap, (mirror.depositCap + 1)));
            _judge(48, !isLooser);
        }
        (isAccepted,) = address(vault).call(abi.encodeCall(vault.lowerDepositCap, (cap)));
        vm.stopPrank();
        if (isAccepted) mirror.depositCap = cap;
    }

    /// @dev Takes a member off, who then gets nothing and may still leave.
    function _expel(uint256 a, uint256 b) internal returns (bool isAccepted) {
        address account = members[a % (members.length - 2)];
        vm.prank(guardian);
        (isAccepted,) = address(gate).call(abi.encodeCall(gate.removeMember, (account)));
        _judge(13, !_come(account, account, 1e6 + b % 1e9, b % 2 == 0));
        uint256 most = vault.maxRedeem(account);
        if (most != 0) _leave(account, most, vault.previewRedeem(most), true, 19);
    }

    /// @dev Dismisses the thief, who then gets nothing; the governor waits and appoints him again.
    function _dismiss(uint256, uint256) internal returns (bool isAccepted) {
        vm.prank(guardian);
        (isAccepted,) = address(access).call(abi.encodeCall(access.dismissKeeper, (keepers[THIEF])));
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(listed[0]), 1, 0, 0);
        _judge(52, !_send(THIEF, _nextIntent(), legs, false) && !_send(THIEF, _nextIntent(), legs, true));
        bytes memory call_ = abi.encodeCall(access.grantRole, (access.KEEPER_ROLE(), keepers[THIEF], 0));
        vm.prank(governor);
        access.schedule(address(access), call_, 0);
        _advance(DELAY);
        vm.prank(governor);
        access.execute(address(access), call_);
    }

    /// @dev Governor and guardian bring everything back into order, and wait as long as that takes.
    function _restore(uint256, uint256) internal returns (bool) {
        _setFault(Fault.None);
        _healVenues(0, 0);
        if (mirror.isReduceOnly) _governNow(Kind.Resume, address(vault), abi.encodeCall(vault.resume, ()));
        for (uint256 i = 0; i < listed.length; ++i) {
            ScriptedVenue venue = listed[i];
            if (isClosing[venue]) {
                _governNow(Kind.Reopen, address(registry), abi.encodeCall(registry.reopenVenue, (venue)));
            }
        }
        for (uint256 i = 0; i < members.length; ++i) {
            if (gate.isMember(members[i])) continue;
            _governNow(Kind.AddMember, address(gate), abi.encodeCall(gate.addMember, (members[i])));
        }
        if (mirror.shareLock != 0) _governNow(Kind.ShareLock, address(vault), abi.encodeCall(vault.setShareLock, (0)));
        if (guard.isBreakerTripped()) _advance(33 hours);
        return !mirror.isReduceOnly;
    }

    /// @dev Scheduled, waited for and executed; if it was scheduled before, it is withdrawn first.
    function _governNow(Kind kind, address target, bytes memory data) private {
        vm.startPrank(governor);
        address(access).call(abi.encodeCall(access.cancel, (governor, target, data)));
        access.schedule(target, data, 0);
        uint256 proposedAt = vm.getBlockTimestamp();
        vm.stopPrank();
        _forget(data);
        _advance(DELAY);
        Proposal memory p = Proposal(kind, target, data, proposedAt, false);
        bool isAccepted = _execute(p);
        if (isAccepted) _reflect(p);
    }

    function _forget(bytes memory data) private {
        for (uint256 i = _proposals.length; i != 0; --i) {
            if (keccak256(_proposals[i - 1].data) == keccak256(data)) _drop(i - 1);
        }
    }

    // --- drafts ---------------------------------------------------------------------------------------------------

    /// @dev Near what the stage began with; one in eight goes for a field far outside its hard limit.
    function _boundsCall(uint256 b) private pure returns (bytes memory) {
        uint256[21] memory f = abi.decode(abi.encode(_initialBounds()), (uint256[21]));
        for (uint256 i = 0; i < 21; ++i) {
            if (i != 16) f[i] = f[i] * (75 + (b >> (i * 8)) % 51) / 100;
        }
        if (f[2] < f[0]) f[2] = f[0];
        if ((b >> 200) % 8 == 0) f[(b >> 208) % 21] = uint256(1) << ((b >> 216) % 2 == 0 ? 127 : 15);
        return abi.encodePacked(RebalanceGuard.setBounds.selector, abi.encode(f));
    }

    function _memberCall(uint256 b) private view returns (bytes memory) {
        address account = members[b % members.length];
        for (uint256 i = 0; i < members.length; ++i) {
            if (!gate.isMember(members[i])) account = members[i];
        }
        return abi.encodeCall(gate.addMember, (account));
    }

    function _capOf(uint256 b) private view returns (uint256) {
        return b % 2 == 0 ? type(uint256).max : vault.totalAssets() + 1e9 + b % 2_000_000e6;
    }

    /// @dev The deviation stays, since prices of the stage are measured by it.
    function _limitsCall(uint256 b) private view returns (bytes memory) {
        PriceLimits memory limits = oracle.priceLimits();
        limits.maxAgeSeconds = uint32(30 minutes + b % 1 hours);
        return abi.encodeCall(oracle.setPriceLimits, (limits));
    }

    /// @dev Fields of which more is tighter: least improvement, urgency, least trade, floors, cooldown.
    function _isHigherTighter(uint256 i) internal pure returns (bool) {
        return i == 1 || i == 2 || i == 4 || i == 17 || i == 18 || i == 20;
    }

    function _isNoLooser(Bounds memory old, Bounds memory next) private pure returns (bool) {
        uint256[21] memory a = abi.decode(abi.encode(old), (uint256[21]));
        uint256[21] memory b = abi.decode(abi.encode(next), (uint256[21]));
        for (uint256 i = 0; i < 21; ++i) {
            if (i == 16 ? a[i] != b[i] : _isHigherTighter(i) ? b[i] < a[i] : b[i] > a[i]) return false;
        }
        return true;
    }

    function _arguments(bytes memory data) private pure returns (bytes memory arguments) {
        arguments = new bytes(data.length - 4);
        for (uint256 i = 0; i < arguments.length; ++i) {
            arguments[i] = data[i + 4];
        }
    }
}
