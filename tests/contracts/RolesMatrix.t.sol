// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {RebalanceGuard} from "../../contracts/RebalanceGuard.sol";
import {VenueRegistry} from "../../contracts/VenueRegistry.sol";
import {ILyraOptionMarket, ILyraOptionToken} from "../../contracts/book/ILyra.sol";
import {IUniswapV3FeePool, IUniswapV3PositionManager} from "../../contracts/book/IUniswapV3.sol";
import {LyraOptions} from "../../contracts/book/LyraOptions.sol";
import {OptionBook} from "../../contracts/book/OptionBook.sol";
import {SignedReports} from "../../contracts/book/SignedReports.sol";
import {UniswapV3Positions} from "../../contracts/book/UniswapV3Positions.sol";
import {IIvReporting} from "../../contracts/interfaces/IIvReporting.sol";
import {IOptionBook} from "../../contracts/interfaces/IOptionBook.sol";
import {ISignedReports} from "../../contracts/interfaces/ISignedReports.sol";
import {OptionCaps} from "../../contracts/interfaces/IOptionVenue.sol";
import {IVaultAccess} from "../../contracts/interfaces/IVaultAccess.sol";
import {RescueDesk} from "../../contracts/relay/RescueDesk.sol";
import {GmxV2Market} from "../../contracts/venues/gmx/GmxV2Market.sol";
import {GmxV2Releases} from "../../contracts/venues/gmx/GmxV2Releases.sol";
import {HyperEvmMarket} from "../../contracts/venues/hyperevm/HyperEvmMarket.sol";
import {
    ILyraExchange,
    ILyraGreekCache,
    ILyraLiquidityPool,
    ILyraPricer,
    ILyraShortCollateral,
    ILyraTradingMarket
} from "../../contracts/venues/lyra/ILyraTrading.sol";
import {LyraOptionVenue} from "../../contracts/venues/lyra/LyraOptionVenue.sol";
import {LyraPricing} from "../../contracts/venues/lyra/LyraPricing.sol";
import {LyraQuotes} from "../../contracts/venues/lyra/LyraQuotes.sol";
import {MemberGate} from "../../contracts/vault/MemberGate.sol";
import {ShareFees} from "../../contracts/vault/ShareFees.sol";
import {PriceLimits} from "../../contracts/types/Prices.sol";
import {HyperRolesStage} from "./hyperevm/HyperRolesStage.sol";
import {GmxRolesStage} from "./support/gmx/GmxRolesStage.sol";
import {PositionsDouble} from "./support/PositionsDouble.sol";
import {ScriptedSource} from "./support/ScriptedSource.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {TokenDouble} from "./support/Tokens.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-305: every restricted function against every role; who may not gets the error of the role that may.
contract RolesMatrixTest is VaultFixture {
    enum Needs {
        Keeper,
        Relay,
        Guardian,
        Governor
    }

    struct Entry {
        address target;
        bytes call;
        Needs needs;
    }

    Entry[] private _entries;
    address private relay = makeAddr("relay");

    function setUp() public override {
        super.setUp();
        _govern(address(access), abi.encodeCall(access.grantRole, (access.RELAY_ROLE(), relay, 0)));
        _addVaultEntries();
        _addRegistryEntries();
        _addAccessEntries();
        _addPeripheryEntries();
        RebalanceGuard unbound = new RebalanceGuard(access, _bounds());
        _add(address(unbound), abi.encodeCall(guard.bindVault, (address(vault))), Needs.Governor);
        _add(address(guard), abi.encodeCall(guard.setBounds, (_bounds())), Needs.Governor);
        _add(address(guard), abi.encodeCall(guard.tightenBounds, (_bounds())), Needs.Guardian);
        PriceLimits memory limits = oracle.priceLimits();
        _add(address(oracle), abi.encodeCall(oracle.setSources, (oracle.sources())), Needs.Governor);
        _add(address(oracle), abi.encodeCall(oracle.setPriceLimits, (limits)), Needs.Governor);
        _add(address(oracle), abi.encodeCall(oracle.tightenPriceLimits, (limits)), Needs.Guardian);
        ScriptedSource extra = new ScriptedSource(0, 0);
        _add(address(deltaBook), abi.encodeCall(deltaBook.addSource, (extra)), Needs.Governor);
        _add(address(deltaBook), abi.encodeCall(deltaBook.removeSource, (source)), Needs.Governor);
        _add(address(deltaBook), abi.encodeCall(deltaBook.replaceSource, (source, extra)), Needs.Governor);
        _addOptionBookEntries();
        _addReportsEntries();
        _addPositionsEntries();
        _addGmxEntries();
        _addHyperEntries();
    }

    function _addGmxEntries() private {
        uint256 present = block.timestamp;
        GmxRolesStage stage = new GmxRolesStage();
        GmxV2Market gmx = stage.governedBy(access);
        vm.warp(present);
        GmxV2Releases.Release memory next = stage.next();
        _govern(address(gmx), abi.encodeCall(gmx.addRelease, (next)));
        _add(address(gmx), abi.encodeCall(gmx.addRelease, (next)), Needs.Governor);
        _add(address(gmx), abi.encodeCall(gmx.dropRelease, (0)), Needs.Governor);
        _add(address(gmx), abi.encodeCall(gmx.setLimits, (gmx.limits())), Needs.Governor);
    }

    function _addHyperEntries() private {
        (uint256 present, uint256 number) = (block.timestamp, block.number);
        HyperEvmMarket hyper = new HyperRolesStage().governedBy(access);
        vm.warp(present);
        vm.roll(number);
        _add(address(hyper), abi.encodeCall(hyper.setLimits, (hyper.limits())), Needs.Governor);
        _add(address(hyper), abi.encodeCall(hyper.setTiers, (hyper.tiers())), Needs.Governor);
        _add(address(hyper), abi.encodeCall(hyper.setDepositWallet, (hyper.depositWallet())), Needs.Governor);
        _add(address(hyper), abi.encodeCall(hyper.writeOffLate, ()), Needs.Governor);
        _add(address(hyper), abi.encodeCall(hyper.distrust, ()), Needs.Guardian);
    }

    function _addVaultEntries() private {
        _add(address(vault), abi.encodeCall(vault.pause, ()), Needs.Guardian);
        _add(address(vault), abi.encodeCall(vault.endPause, ()), Needs.Guardian);
        _add(address(vault), abi.encodeCall(vault.setReduceOnly, ()), Needs.Guardian);
        _add(address(vault), abi.encodeCall(vault.resume, ()), Needs.Governor);
        _add(address(vault), abi.encodeCall(vault.startWindDown, ()), Needs.Governor);
        _add(address(vault), abi.encodeCall(vault.setDepositCap, (1)), Needs.Governor);
        _add(address(vault), abi.encodeCall(vault.lowerDepositCap, (1)), Needs.Guardian);
        _add(address(vault), abi.encodeCall(vault.setShareLock, (1)), Needs.Governor);
        _add(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(this))), Needs.Governor);
        _add(address(vault), abi.encodeCall(vault.sweep, (address(new TokenDouble(18)), attacker)), Needs.Governor);
        _add(address(vault), abi.encodeCall(vault.rebalance, (_intent("intent"), _leg(0, 0))), Needs.Keeper);
        _add(address(vault), abi.encodeCall(vault.rebalanceFor, (keeper, _intent("intent"), _leg(0, 0))), Needs.Relay);
    }

    function _addRegistryEntries() private {
        ScriptedVenue fresh = new ScriptedVenue(address(vault), address(token), PRICE);
        _add(address(registry), abi.encodeCall(registry.addVenue, (fresh)), Needs.Governor);
        _add(address(registry), abi.encodeCall(registry.removeVenue, (venue)), Needs.Governor);
        _add(address(registry), abi.encodeCall(registry.forceRemoveVenue, (venue)), Needs.Governor);
        _add(address(registry), abi.encodeCall(registry.closeVenue, (venue)), Needs.Guardian);
        _add(address(registry), abi.encodeCall(registry.reopenVenue, (venue)), Needs.Governor);
        _add(address(registry), abi.encodeCall(registry.setVenueCap, (venue, 1)), Needs.Governor);
        _add(address(registry), abi.encodeCall(registry.lowerVenueCap, (venue, 1)), Needs.Guardian);
        VenueRegistry unbound = new VenueRegistry(access);
        _add(address(unbound), abi.encodeCall(registry.bindVault, (address(vault))), Needs.Governor);
        MemberGate members = new MemberGate(access, new address[](0));
        _add(address(members), abi.encodeCall(members.addMember, (attacker)), Needs.Governor);
        _add(address(members), abi.encodeCall(members.removeMember, (attacker)), Needs.Guardian);
    }

    function _addPeripheryEntries() private {
        RescueDesk.Terms memory terms = RescueDesk.Terms(1 hours, 1_000_000, 1 ether, 1 ether);
        ShareFees fees = new ShareFees(access, vault);
        _add(address(vault), abi.encodeCall(vault.setShareFees, (fees)), Needs.Governor);
        _add(address(fees), abi.encodeCall(fees.setFees, (200, 2000, attacker)), Needs.Governor);
        _add(address(fees), abi.encodeCall(fees.lowerFees, (0, 0)), Needs.Guardian);
        RescueDesk desk = new RescueDesk(access, vault, guard, terms);
        _add(address(desk), abi.encodeCall(desk.setTerms, (terms)), Needs.Governor);
        _add(address(desk), abi.encodeCall(desk.tightenTerms, (terms)), Needs.Guardian);
        _add(address(desk), abi.encodeCall(desk.withdraw, (0, payable(attacker))), Needs.Governor);
    }

    function _addAccessEntries() private {
        _add(address(access), abi.encodeCall(access.dismissKeeper, (keeper)), Needs.Guardian);
        _add(address(access), abi.encodeCall(access.dismissRelay, (relay)), Needs.Guardian);
        for (uint64 roleId = access.KEEPER_ROLE(); roleId <= access.RELAY_ROLE(); ++roleId) {
            _add(address(access), abi.encodeCall(access.grantRole, (roleId, attacker, 0)), Needs.Governor);
            if (roleId == access.GUARDIAN_ROLE()) continue; // waits longer: GuardianVeto.t.sol
            _add(address(access), abi.encodeCall(access.revokeRole, (roleId, attacker)), Needs.Governor);
        }
        _add(address(access), abi.encodeCall(access.grantRole, (0, attacker, DELAY)), Needs.Governor);
        _add(address(access), abi.encodeCall(access.revokeRole, (0, attacker)), Needs.Governor);
    }

    function _addOptionBookEntries() private {
        OptionBook book = new OptionBook(access);
        IOptionBook.OptionLeg[] memory legs = new IOptionBook.OptionLeg[](1);
        legs[0] = IOptionBook.OptionLeg(2000e18, START + 30 days, true, -1e18, 0.5e18, 0.6e18);
        _govern(address(book), abi.encodeCall(book.addLegs, (legs)));
        _add(address(book), abi.encodeCall(book.addLegs, (legs)), Needs.Governor);
        _add(address(book), abi.encodeCall(book.setQuantity, (1, 1e18)), Needs.Governor);
        _add(address(book), abi.encodeCall(book.setIvInterval, (1, 0.4e18, 0.5e18)), Needs.Governor);
        _add(address(book), abi.encodeCall(book.removeLeg, (1)), Needs.Governor);
        _add(address(book), abi.encodeCall(book.setSettlementWindow, (30 minutes)), Needs.Governor);
        _add(address(book), abi.encodeCall(book.setIvReporter, (attacker)), Needs.Governor);
        _add(address(book), abi.encodeCall(book.dismissIvReporter, ()), Needs.Guardian);
        IIvReporting.IvLimits memory limits = IIvReporting.IvLimits(0.2e18, 1e18, 0.02e18, 0.05e18, 0.1e18);
        _add(address(book), abi.encodeCall(book.setIvLimits, (limits)), Needs.Governor);
    }

    function _addReportsEntries() private {
        address[] memory signers = new address[](1);
        signers[0] = relay;
        ISignedReports.Limits memory limits = ISignedReports.Limits(1 hours, 1 minutes, 1e18, 1e18, 1e18);
        SignedReports reports = new SignedReports(access, signers, 1, limits);
        _add(address(reports), abi.encodeCall(reports.revokeReport, ()), Needs.Guardian);
        _add(address(reports), abi.encodeCall(reports.removeSigner, (relay)), Needs.Guardian);
        _add(address(reports), abi.encodeCall(reports.addSigner, (attacker)), Needs.Governor);
        _add(address(reports), abi.encodeCall(reports.setThreshold, (1)), Needs.Governor);
        _add(address(reports), abi.encodeCall(reports.setAnchor, (-1, 1)), Needs.Governor);
        _add(address(reports), abi.encodeCall(reports.setLimits, (limits)), Needs.Governor);
    }

    function _addPositionsEntries() private {
        address double = address(new PositionsDouble(depositor, address(token)));
        UniswapV3Positions uniswap = new UniswapV3Positions(
            access, IUniswapV3PositionManager(double), IUniswapV3FeePool(double), double, depositor, 0
        );
        LyraOptions.Limits memory limits = LyraOptions.Limits(0.2e18, 1e18, 0.1e18, 0.1e18);
        LyraOptions lyra =
            new LyraOptions(access, ILyraOptionMarket(double), ILyraOptionToken(double), depositor, limits);
        vm.startPrank(depositor);
        uniswap.addOwnPosition(1);
        lyra.addOwnPosition(1);
        vm.stopPrank();
        _add(address(uniswap), abi.encodeCall(uniswap.addPosition, (2)), Needs.Governor);
        _add(address(uniswap), abi.encodeCall(uniswap.removePosition, (1)), Needs.Governor);
        _add(address(uniswap), abi.encodeCall(uniswap.setPriceTolerance, (50)), Needs.Governor);
        _add(address(lyra), abi.encodeCall(lyra.addPosition, (2)), Needs.Governor);
        _add(address(lyra), abi.encodeCall(lyra.removePosition, (1)), Needs.Governor);
        _add(address(lyra), abi.encodeCall(lyra.setLimits, (limits)), Needs.Governor);
        _addOptionVenueEntries(double, limits);
    }

    function _addOptionVenueEntries(address double, LyraOptions.Limits memory limits) private {
        LyraPricing.Contracts memory contracts = LyraPricing.Contracts(
            ILyraTradingMarket(double),
            ILyraOptionToken(double),
            ILyraPricer(double),
            ILyraGreekCache(double),
            ILyraLiquidityPool(double),
            ILyraExchange(double),
            ILyraShortCollateral(double)
        );
        OptionCaps memory caps = OptionCaps(1e18, 1e22, 0.1e18, 0.1e18, 90 days, 300, 1000, 500, 200, 100);
        LyraQuotes quotes = new LyraQuotes(contracts, oracle);
        vm.mockCall(address(token), abi.encodeWithSelector(token.decimals.selector), abi.encode(uint8(18))); // as Lyra's quote token
        LyraOptionVenue options = new LyraOptionVenue(access, vault, quotes, caps);
        vm.clearMockedCalls();
        LyraOptions source =
            new LyraOptions(access, ILyraOptionMarket(double), ILyraOptionToken(double), address(options), limits);
        _add(address(options), abi.encodeCall(options.setCaps, (caps)), Needs.Governor);
        _add(address(options), abi.encodeCall(options.tightenCaps, (caps)), Needs.Guardian);
        _add(address(options), abi.encodeCall(options.bindSource, (source)), Needs.Governor);
    }

    function _add(address target, bytes memory call, Needs needs) private {
        _entries.push(Entry(target, call, needs));
    }

    function _mayCall(address actor, Needs needs) private view returns (bool) {
        if (needs == Needs.Keeper) return actor == keeper;
        if (needs == Needs.Relay) return actor == relay;
        if (needs == Needs.Guardian) return actor == guardian || actor == governor;
        return actor == governor;
    }

    /// @dev Error that `actor` gets for a call of its own. Nothing is scheduled, so the governor gets one as well.
    function _denial(Entry memory entry, address actor) private view returns (bytes memory) {
        if (entry.needs == Needs.Keeper) return abi.encodeWithSelector(IVaultAccess.NotKeeper.selector, actor);
        if (entry.needs == Needs.Relay) return abi.encodeWithSelector(IVaultAccess.NotRelay.selector, actor);
        if (entry.needs == Needs.Guardian) return abi.encodeWithSelector(IVaultAccess.NotGuardian.selector, actor);
        if (actor == governor) {
            bytes32 operationId = access.hashOperation(actor, entry.target, entry.call);
            return abi.encodeWithSelector(IAccessManager.AccessManagerNotScheduled.selector, operationId);
        }
        if (entry.target != address(access)) {
            return abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, actor);
        }
        return abi.encodeWithSelector(IAccessManager.AccessManagerUnauthorizedAccount.selector, actor, uint64(0));
    }

    function _actors() private view returns (address[8] memory) {
        return [governor, guardian, keeper, relay, depositor, deployer, address(vault), address(access)];
    }

    function _assertCall(Entry memory entry, address actor, bool expected, string memory label) private {
        vm.prank(actor);
        (bool succeeded, bytes memory answer) = entry.target.call(entry.call);
        assertEq(succeeded, expected, label);
        if (!expected) assertEq(answer, _denial(entry, actor), label);
    }

    // HEDGE-305
    function test_everyRestrictedFunction_obeysItsRoleAlone() external {
        address[8] memory actors = _actors();
        for (uint256 i = 0; i < _entries.length; ++i) {
            Entry memory entry = _entries[i];
            for (uint256 j = 0; j < actors.length; ++j) {
                string memory label = string.concat("entry ", vm.toString(i), " actor ", vm.toString(j));
                uint256 snapshot = vm.snapshotState();
                bool atOnce = entry.needs != Needs.Governor && _mayCall(actors[j], entry.needs);
                _assertCall(entry, actors[j], atOnce, label);
                vm.revertToState(snapshot);
            }
        }
    }

    // HEDGE-305, HEDGE-306
    function test_everyGovernedFunction_isTheGovernorsOnceScheduled() external {
        address[8] memory actors = _actors();
        for (uint256 i = 0; i < _entries.length; ++i) {
            Entry memory entry = _entries[i];
            if (entry.needs != Needs.Governor) continue;
            for (uint256 j = 0; j < actors.length; ++j) {
                string memory label = string.concat("entry ", vm.toString(i), " actor ", vm.toString(j));
                uint256 snapshot = vm.snapshotState();
                _scheduleAs(governor, entry.target, entry.call);
                _assertCall(entry, actors[j], actors[j] == governor, label);
                vm.revertToState(snapshot);
            }
        }
    }

    // HEDGE-305
    function test_everyGovernedFunction_isScheduledByTheGovernorAlone() external {
        address[8] memory actors = _actors();
        for (uint256 i = 0; i < _entries.length; ++i) {
            Entry memory entry = _entries[i];
            for (uint256 j = 1; j < actors.length; ++j) {
                vm.prank(actors[j]);
                vm.expectRevert(
                    abi.encodeWithSelector(
                        IAccessManager.AccessManagerUnauthorizedCall.selector,
                        actors[j],
                        entry.target,
                        bytes4(entry.call)
                    )
                );
                access.schedule(entry.target, entry.call, 0);
            }
        }
    }

    // HEDGE-305
    function testFuzz_canCall_deniesByDefault(address caller, address target, bytes4 selector) external view {
        (bool immediate, uint32 delay) = access.canCall(caller, target, selector);
        assertFalse(immediate);
        assertEq(delay, caller == governor ? DELAY : 0);
        address[8] memory actors = _actors();
        for (uint256 i = 0; i < actors.length; ++i) {
            (immediate, delay) = access.canCall(actors[i], target, selector);
            assertFalse(immediate);
            assertEq(delay, actors[i] == governor ? DELAY : 0);
        }
    }
}
