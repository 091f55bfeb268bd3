// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {DeltaBook} from "../../../contracts/DeltaBook.sol";
import {HedgeVault} from "../../../contracts/HedgeVault.sol";
import {RebalanceGuard} from "../../../contracts/RebalanceGuard.sol";
import {VenueRegistry} from "../../../contracts/VenueRegistry.sol";
import {VaultAccess} from "../../../contracts/governance/VaultAccess.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {ChainlinkSource} from "../../../contracts/oracles/ChainlinkSource.sol";
import {PriceOracle} from "../../../contracts/oracles/PriceOracle.sol";
import {AggregatorDouble} from "../../../contracts/test/AggregatorDouble.sol";
import {Bounds, Intent, Leg} from "../../../contracts/types/Rebalance.sol";
import {OpenGate} from "./OpenGate.sol";
import {PriceDefaults} from "./PriceDefaults.sol";
import {ScriptedSource} from "./ScriptedSource.sol";
import {ScriptedVenue} from "./ScriptedVenue.sol";
import {TokenDouble} from "./Tokens.sol";

/// @notice One vault with all that serves it, a scripted venue and a scripted book.
/// @dev The book is short: -52..-48 underlying units at 2,000 USD, as in the base of tests/vectors/guard.
abstract contract VaultFixture is Test {
    uint256 internal constant PRICE = 2000e18; // USD per underlying
    uint256 internal constant START = 1_722_500_000; // 2024-08-01, Unix seconds
    uint256 internal constant START_BLOCK = 20_000_000;
    uint256 internal constant SECONDS_OF_COOLDOWN = 600;
    uint32 internal constant DELAY = 1 days; // of the governor

    address internal deployer = makeAddr("deployer");
    address internal governor = makeAddr("governor");
    address internal guardian = makeAddr("guardian");
    address internal keeper = makeAddr("keeper");
    address internal depositor = makeAddr("depositor");
    address internal attacker = makeAddr("attacker");

    TokenDouble internal token;
    VaultAccess internal access;
    AggregatorDouble internal aggregator;
    PriceOracle internal oracle;
    ScriptedSource internal source;
    DeltaBook internal deltaBook;
    RebalanceGuard internal guard;
    OpenGate internal gate;
    VenueRegistry internal registry;
    HedgeVault internal vault;
    ScriptedVenue internal venue;

    uint256 private _intentCount;
    uint256 private _unit; // of the asset

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(START_BLOCK);
        _deploy(new TokenDouble(6));
    }

    function _deploy(TokenDouble token_) internal {
        token = token_;
        _unit = 10 ** token_.decimals();
        access = new VaultAccess(deployer);
        aggregator = new AggregatorDouble(8, int256(PRICE / 1e10));
        ChainlinkSource feed = new ChainlinkSource(address(aggregator), 0, type(int256).max);
        oracle = new PriceOracle(access, PriceDefaults.alone(feed), PriceDefaults.limits());
        deltaBook = new DeltaBook(access);
        source = new ScriptedSource(-52e18, -48e18);
        guard = new RebalanceGuard(access, _bounds());
        gate = new OpenGate();
        registry = new VenueRegistry(access);
        vault = _newVault(guard, registry);
        venue = new ScriptedVenue(address(vault), address(token), PRICE);
        vm.startPrank(deployer);
        deltaBook.addSource(source);
        guard.bindVault(address(vault));
        registry.bindVault(address(vault));
        registry.addVenue(venue);
        address[] memory keepers = new address[](1);
        keepers[0] = keeper;
        uint256 timestamp = vm.getBlockTimestamp();
        vm.warp(timestamp - 30 days); // what is called now may have been scheduled in time
        access.handOver(governor, DELAY, guardian, keepers, new address[](0));
        vm.stopPrank();
        vm.warp(timestamp);
    }

    function _newVault(RebalanceGuard guard_, VenueRegistry registry_) internal returns (HedgeVault) {
        return new HedgeVault(token, "Evenkeel ETH hedge", "ekETH", access, oracle, deltaBook, guard_, gate, registry_);
    }

    /// @dev Schedules a governor's call so long ago that its delay has just passed.
    function _scheduleAs(address caller, address target, bytes memory data) internal {
        uint256 timestamp = vm.getBlockTimestamp();
        vm.warp(timestamp - access.delayOf(caller));
        vm.prank(caller);
        access.schedule(target, data, 0);
        vm.warp(timestamp);
    }

    /// @dev Makes a call of the governor's now, scheduled in time.
    function _govern(address target, bytes memory data) internal {
        _scheduleAs(governor, target, data);
        vm.prank(governor);
        access.execute(target, data);
    }

    /// @dev The same of a call that the target refuses with exactly `expectedError`; it is not left scheduled.
    function _governExpecting(address target, bytes memory data, bytes memory expectedError) internal {
        _scheduleAs(governor, target, data);
        vm.startPrank(governor);
        vm.expectRevert(expectedError);
        access.execute(target, data);
        access.cancel(governor, target, data);
        vm.stopPrank();
    }

    /// @dev Closes deposits first, as a removal asks where anything may come home later.
    function _forceRemove(IPerpVenue removed) internal {
        vm.prank(guardian);
        vault.lowerDepositCap(0);
        _govern(address(registry), abi.encodeCall(registry.forceRemoveVenue, (removed)));
    }

    function _addVenue(ScriptedVenue added) internal {
        _govern(address(registry), abi.encodeCall(registry.addVenue, (added)));
    }

    /// @dev One keeper may use the whole of the budgets, and nothing is reserved: tests of shares and reserve set their own.
    function _bounds() internal pure returns (Bounds memory) {
        return Bounds({
            band: 3e18, // underlying
            minImprovement: 1e18,
            urgentDelta: 20e18,
            maxSizeDelta: 60e18,
            minNotional: 100e18, // USD
            maxNotional: 150_000e18,
            maxGrossNotional: 500_000e18,
            turnoverCapacity: 400_000e18,
            turnoverRefillPerDay: 86_400e18, // 1 USD a second
            maxVenueLeverage: 4e18, // 4x
            maxLeverage: 2e18,
            maxSlippageBps: 50,
            maxFeeBps: 20,
            maxNavLossBps: 100,
            lossCapacityBps: 250,
            lossRefillBpsPerDay: 250,
            maxDrawdownBps: 1000,
            idleFloorBps: 500,
            urgentReserveBps: 0,
            keeperShareBps: 10_000,
            cooldownSeconds: uint32(SECONDS_OF_COOLDOWN)
        });
    }

    function _setBounds(Bounds memory b) internal {
        _govern(address(guard), abi.encodeCall(guard.setBounds, (b)));
    }

    /// @dev Whole units of the asset in its smallest ones.
    function _units(uint256 whole) internal view returns (uint256) {
        return whole * _unit;
    }

    function _deposit(address account, uint256 assets) internal returns (uint256 shares) {
        token.mint(account, assets);
        vm.startPrank(account);
        token.approve(address(vault), assets);
        shares = vault.deposit(assets, account);
        vm.stopPrank();
    }

    /// @dev Moves the oracle and the venue's mark and index to one price, now.
    function _publish(uint256 price) internal {
        aggregator.updateAnswer(int256(price / 1e10));
        venue.setPrices(price, price);
    }

    function _leg(int256 marginDelta, int256 sizeDelta) internal view returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = Leg(address(venue), marginDelta, sizeDelta, 0);
    }

    /// @dev In a block of its own, as every rebalance of one keeper is.
    function _nextIntent() internal returns (Intent memory) {
        vm.roll(vm.getBlockNumber() + 1);
        return _intent(bytes32(++_intentCount));
    }

    /// @dev An intent decided on the block before this one, good for this second alone.
    function _intent(bytes32 id) internal view returns (Intent memory) {
        uint256 decidedOn = vm.getBlockNumber() - 1;
        return Intent(id, decidedOn, blockhash(decidedOn), vm.getBlockTimestamp());
    }

    function _rebalance(Leg[] memory legs) internal {
        Intent memory intent = _nextIntent();
        vm.prank(keeper);
        vault.rebalance(intent, legs);
    }

    /// @dev Expects the keeper's rebalance to revert with exactly `expectedError`.
    function _rebalanceExpecting(Leg[] memory legs, bytes memory expectedError) internal {
        Intent memory intent = _nextIntent();
        vm.prank(keeper);
        vm.expectRevert(expectedError);
        vault.rebalance(intent, legs);
    }

    /// @dev All idle becomes margin, the floor too: who leaves needs his part of what the venue holds.
    function _emptyIdle() internal {
        Bounds memory b = guard.bounds();
        b.idleFloorBps = 0;
        _setBounds(b);
        _rebalance(_leg(int256(vault.idleAssets()), 0));
    }

    /// @dev The hedge every scenario starts from: 200,000 deposited, 50,000 of margin, 50 bought; W from 52 to 2.
    function _hedge() internal {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(50_000)), 50e18));
    }
}
