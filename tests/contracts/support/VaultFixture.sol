// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {DeltaBook} from "../../../contracts/DeltaBook.sol";
import {HedgeVault} from "../../../contracts/HedgeVault.sol";
import {RebalanceGuard} from "../../../contracts/RebalanceGuard.sol";
import {VaultAdmin} from "../../../contracts/governance/VaultAdmin.sol";
import {ChainlinkSource} from "../../../contracts/oracles/ChainlinkSource.sol";
import {PriceOracle} from "../../../contracts/oracles/PriceOracle.sol";
import {AggregatorDouble} from "../../../contracts/test/AggregatorDouble.sol";
import {Bounds, Leg} from "../../../contracts/types/Rebalance.sol";
import {PriceDefaults} from "./PriceDefaults.sol";
import {ScriptedSource} from "./ScriptedSource.sol";
import {ScriptedVenue} from "./ScriptedVenue.sol";
import {TokenDouble} from "./Tokens.sol";

/// @notice One vault with all that serves it, a scripted venue and a scripted book.
/// @dev The book is short: -52..-48 underlying units at 2,000 USD, as in the base of tests/vectors/guard.
abstract contract VaultFixture is Test {
    uint256 internal constant PRICE = 2000e18; // USD per underlying
    uint256 internal constant START = 1_722_500_000; // 2024-08-01, Unix seconds
    uint256 internal constant SECONDS_OF_COOLDOWN = 600;

    address internal governor = makeAddr("governor");
    address internal guardian = makeAddr("guardian");
    address internal keeper = makeAddr("keeper");
    address internal depositor = makeAddr("depositor");
    address internal attacker = makeAddr("attacker");

    TokenDouble internal token;
    VaultAdmin internal admin;
    AggregatorDouble internal aggregator;
    PriceOracle internal oracle;
    ScriptedSource internal source;
    DeltaBook internal deltaBook;
    RebalanceGuard internal guard;
    HedgeVault internal vault;
    ScriptedVenue internal venue;

    uint256 private _intentCount;

    function setUp() public virtual {
        vm.warp(START);
        _deploy(new TokenDouble(6));
    }

    function _deploy(TokenDouble token_) internal {
        token = token_;
        admin = new VaultAdmin(governor, guardian, keeper);
        aggregator = new AggregatorDouble(8, int256(PRICE / 1e10));
        ChainlinkSource feed = new ChainlinkSource(address(aggregator), 0, type(int256).max);
        oracle = new PriceOracle(admin, PriceDefaults.alone(feed), PriceDefaults.limits());
        deltaBook = new DeltaBook(admin);
        source = new ScriptedSource(-52e18, -48e18);
        guard = new RebalanceGuard(admin, _bounds());
        vault = new HedgeVault(token, "Evenkeel ETH hedge", "ekETH", admin, oracle, deltaBook, guard);
        venue = new ScriptedVenue(address(vault), address(token), PRICE);
        vm.startPrank(governor);
        deltaBook.addSource(source);
        guard.bindVault(address(vault));
        vault.addVenue(venue);
        vm.stopPrank();
    }

    function _bounds() internal pure returns (Bounds memory) {
        return Bounds({
            band: 3e18, // underlying
            minImprovement: 1e18,
            urgentDelta: 20e18,
            maxSizeDelta: 60e18,
            maxNotional: 150_000e18, // USD
            turnoverCapacity: 400_000e18,
            turnoverRefillPerDay: 86_400e18, // 1 USD a second
            maxVenueLeverage: 4e18, // 4x
            maxLeverage: 2e18,
            maxSlippageBps: 50,
            maxFeeBps: 20,
            maxNavLossBps: 100,
            cooldownSeconds: SECONDS_OF_COOLDOWN
        });
    }

    /// @dev Whole units of the asset in its smallest ones.
    function _units(uint256 whole) internal view returns (uint256) {
        return whole * 10 ** token.decimals();
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

    function _nextIntent() internal returns (bytes32) {
        return bytes32(++_intentCount);
    }

    function _rebalance(Leg[] memory legs) internal {
        bytes32 intentId = _nextIntent();
        vm.prank(keeper);
        vault.rebalance(intentId, legs, block.timestamp);
    }

    /// @dev Expects the keeper's rebalance to revert with exactly `expectedError`.
    function _rebalanceExpecting(Leg[] memory legs, bytes memory expectedError) internal {
        bytes32 intentId = _nextIntent();
        vm.prank(keeper);
        vm.expectRevert(expectedError);
        vault.rebalance(intentId, legs, block.timestamp);
    }

    /// @dev The hedge every scenario starts from: 200,000 deposited, 50,000 of margin, 50 bought; W from 52 to 2.
    function _hedge() internal {
        _deposit(depositor, _units(200_000));
        _rebalance(_leg(int256(_units(50_000)), 50e18));
    }
}
