// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {DeltaBook} from "../../../contracts/DeltaBook.sol";
import {HedgeVault} from "../../../contracts/HedgeVault.sol";
import {RebalanceGuard} from "../../../contracts/RebalanceGuard.sol";
import {VenueRegistry} from "../../../contracts/VenueRegistry.sol";
import {VaultAccess} from "../../../contracts/governance/VaultAccess.sol";
import {PriceOracle} from "../../../contracts/oracles/PriceOracle.sol";
import {PriceSources} from "../../../contracts/types/Prices.sol";
import {Bounds, Intent} from "../../../contracts/types/Rebalance.sol";
import {MemberGate} from "../../../contracts/vault/MemberGate.sol";
import {PriceDefaults} from "../support/PriceDefaults.sol";
import {ScriptedPriceSource} from "../support/ScriptedPriceSource.sol";
import {ScriptedSource} from "../support/ScriptedSource.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {TokenDouble} from "../support/Tokens.sol";
import {QueueDouble} from "./QueueDouble.sol";

/// @notice The whole system with two venues, two keepers, two price sources and a redemption queue, and who acts on it.
/// @dev Collateral has 6 decimals. Prices of feed and venues are the stage's to move; it keeps what it published.
abstract contract Stage is Test {
    enum Fault {
        None,
        Stale,
        Zero,
        Jump,
        Silent,
        Disagree,
        FromFuture,
        Depeg // of the collateral: deposits close, nothing else
    }

    uint256 internal constant WAD = 1e18;
    uint256 internal constant BPS = 10_000;
    uint256 internal constant TO_WAD = 1e12; // asset units to WAD
    uint256 internal constant START = 1_722_500_000; // 2024-08-01, Unix seconds
    uint256 internal constant START_BLOCK = 20_000_000;
    uint256 internal constant DEVIATION_BPS = 50;
    uint256 internal constant KEEPERS = 2;
    uint256 internal constant HONEST = 0;
    uint256 internal constant THIEF = 1;

    TokenDouble public token;
    VaultAccess public access;
    PriceOracle public oracle;
    DeltaBook public deltaBook;
    RebalanceGuard public guard;
    MemberGate public gate;
    VenueRegistry public registry;
    HedgeVault public vault;
    QueueDouble public queue;
    ScriptedSource internal book;
    ScriptedPriceSource internal primary;
    ScriptedPriceSource internal secondary;
    ScriptedPriceSource internal peg;

    address internal governor = makeAddr("governor");
    address internal guardian = makeAddr("guardian");
    address internal relay = makeAddr("relay");
    address internal stranger = makeAddr("stranger");
    address[] internal keepers;
    address[] internal members; // the last one makes round trips alone

    ScriptedVenue[] internal everyVenue; // ever registered
    ScriptedVenue[] internal listed; // registered now, in the registry's order

    uint256 internal feedPrice; // WAD USD, as last published
    Fault internal fault;
    uint256 private _intentCount;

    function _build() internal {
        vm.warp(START);
        vm.roll(START_BLOCK);
        token = new TokenDouble(6);
        access = new VaultAccess(address(this));
        feedPrice = 2000e18;
        primary = new ScriptedPriceSource(feedPrice);
        secondary = new ScriptedPriceSource(feedPrice);
        peg = new ScriptedPriceSource(WAD);
        oracle = new PriceOracle(access, PriceSources(primary, secondary, peg, address(0)), PriceDefaults.limits());
        deltaBook = new DeltaBook(access);
        book = new ScriptedSource(-52e18, -48e18);
        deltaBook.addSource(book);
        guard = new RebalanceGuard(access, _initialBounds());
        for (uint256 i = 0; i < 5; ++i) {
            members.push(makeAddr(string.concat("member ", vm.toString(i))));
        }
        gate = new MemberGate(access, members);
        registry = new VenueRegistry(access);
        vault = new HedgeVault(token, "Evenkeel ETH hedge", "ekETH", access, oracle, deltaBook, guard, gate, registry);
        _connect();
    }

    function _connect() private {
        guard.bindVault(address(vault));
        registry.bindVault(address(vault));
        queue = new QueueDouble(vault);
        vault.setRedemptionQueue(address(queue));
        for (uint256 i = 0; i < 2; ++i) {
            registry.addVenue(_newVenue());
        }
        listed = everyVenue;
        keepers.push(makeAddr("honest keeper"));
        keepers.push(makeAddr("thief"));
        address[] memory relays = new address[](1);
        relays[0] = relay;
        access.handOver(governor, 1 days, guardian, keepers, relays);
        for (uint256 i = 0; i < members.length; ++i) {
            vm.startPrank(members[i]);
            token.approve(address(vault), type(uint256).max);
            vault.approve(address(queue), type(uint256).max);
            vm.stopPrank();
        }
        vm.prank(stranger);
        token.approve(address(vault), type(uint256).max);
    }

    function _newVenue() internal returns (ScriptedVenue venue) {
        venue = new ScriptedVenue(address(vault), address(token), feedPrice);
        venue.setMaxFundingRate(0.1e18);
        everyVenue.push(venue);
    }

    /// @dev Two keepers with 60 % each, a fifth kept for urgency: every budget can be the one that ends first.
    function _initialBounds() internal pure returns (Bounds memory) {
        return Bounds({
            band: 3e18, // underlying
            minImprovement: 0.5e18,
            urgentDelta: 30e18,
            maxSizeDelta: 60e18,
            minNotional: 100e18, // USD
            maxNotional: 150_000e18,
            maxGrossNotional: 600_000e18,
            turnoverCapacity: 600_000e18,
            turnoverRefillPerDay: 600_000e18,
            maxVenueLeverage: 4e18, // 4x
            maxLeverage: 2e18,
            maxSlippageBps: 50,
            maxFeeBps: 20,
            maxNavLossBps: 100,
            lossCapacityBps: 250,
            lossRefillBpsPerDay: 250,
            maxDrawdownBps: 1000,
            idleFloorBps: 500,
            urgentReserveBps: 2000,
            keeperShareBps: 6000,
            cooldownSeconds: 600
        });
    }

    // --- time and prices ------------------------------------------------------------------------------------------

    /// @dev A block every 12 seconds, one at least. A feed without a fault publishes again.
    function _advance(uint256 elapsed) internal {
        vm.warp(vm.getBlockTimestamp() + elapsed);
        vm.roll(vm.getBlockNumber() + 1 + elapsed / 12);
        _publish(feedPrice);
    }

    /// @dev Publishes `price`, as far as the fault in force lets the feeds.
    function _publish(uint256 price) internal {
        feedPrice = price;
        uint256 timestamp = vm.getBlockTimestamp();
        peg.set(fault == Fault.Depeg ? 0.97e18 : WAD, timestamp, 0);
        if (fault == Fault.Stale) return;
        uint256 published = fault == Fault.Zero ? 0 : fault == Fault.Jump ? price * 3 : price;
        primary.set(published, fault == Fault.FromFuture ? timestamp + 1 days : timestamp, 0);
        secondary.set(fault == Fault.Disagree ? price * 9 / 10 : price, timestamp, 0);
    }

    /// @dev A feed that stands still is dated back, so that the fault is there at once.
    function _setFault(Fault next) internal {
        fault = next;
        primary.silence(next == Fault.Silent);
        _publish(feedPrice);
        if (next == Fault.Stale) primary.set(feedPrice, vm.getBlockTimestamp() - 2 hours, 0);
    }

    function _isPriceDead() internal view returns (bool) {
        return fault != Fault.None && fault != Fault.Depeg;
    }

    // --- intents --------------------------------------------------------------------------------------------------

    /// @dev In a block of its own, as every rebalance of one keeper is.
    function _nextIntent() internal returns (Intent memory) {
        vm.roll(vm.getBlockNumber() + 1);
        uint256 decidedOn = vm.getBlockNumber() - 1;
        return Intent(bytes32(++_intentCount), decidedOn, blockhash(decidedOn), vm.getBlockTimestamp());
    }
}
