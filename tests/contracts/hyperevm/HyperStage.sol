// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {IVaultAccess} from "../../../contracts/interfaces/IVaultAccess.sol";
import {HyperCore} from "../../../contracts/venues/hyperevm/HyperCore.sol";
import {HyperEvmLegs} from "../../../contracts/venues/hyperevm/HyperEvmLegs.sol";
import {HyperEvmLimits} from "../../../contracts/venues/hyperevm/HyperEvmLimits.sol";
import {HyperEvmMarket} from "../../../contracts/venues/hyperevm/HyperEvmMarket.sol";
import {HyperEvmVenue} from "../../../contracts/venues/hyperevm/HyperEvmVenue.sol";
import {TokenDouble} from "../support/Tokens.sol";
import {VaultStand} from "../support/VaultStand.sol";
import {HyperCoreBooks} from "./HyperCoreBooks.sol";
import {HYPER_CORE, HyperCoreDouble} from "./HyperCoreDouble.sol";
import {CoreDepositWalletDouble, CoreWriterDouble, HyperPrecompileDouble} from "./HyperSystemDouble.sol";

/// @notice The stand's vault: its own registry too, with a governor, a guardian, and a queue that waits for what a test says.
contract HyperVaultStand is VaultStand {
    address public immutable governor = address(uint160(uint256(keccak256("governor of the stand"))));
    address public immutable guardian = address(uint160(uint256(keccak256("guardian of the stand"))));
    address public immutable asset;
    uint256 public reservedAssets;
    uint256 public idleAssets;
    bool public isWindingDown;
    bool public isRemoved;
    bool public paused;

    error NotRemoved();

    constructor(address asset_) {
        asset = asset_;
    }

    function setQueue(uint256 reserved, uint256 idle) external {
        (reservedAssets, idleAssets) = (reserved, idle);
    }

    function setEnd(bool isWindingDown_, bool isRemoved_) external {
        (isWindingDown, isRemoved) = (isWindingDown_, isRemoved_);
    }

    function setPaused(bool paused_) external {
        paused = paused_;
    }

    function canCall(address caller, address, bytes4) external view returns (bool isImmediate, uint32 delay) {
        return (caller == governor, 0);
    }

    function requireGuardian(address account) external view override {
        if (account != guardian && account != governor) revert NotGuardian(account);
    }

    function registry() external view returns (address) {
        return address(this);
    }

    function requireRemoved(IPerpVenue) external view {
        if (!isRemoved) revert NotRemoved();
    }
}

/// @notice The double of Hyperliquid's ETH market at 2,000 USD: four decimals of size, fees of 4.5 bps, a margin of a fifth.
abstract contract HyperStage is Test {
    uint256 internal constant PRICE = 2000e18;
    uint32 internal constant ASSET = 1;
    uint256 internal constant SETTLE = 60;
    uint256 internal constant LATE = 1800;

    HyperCoreDouble internal core = HyperCoreDouble(HYPER_CORE);
    TokenDouble internal token = new TokenDouble(6);
    HyperVaultStand internal vault = new HyperVaultStand(address(token));
    CoreDepositWalletDouble internal wallet;
    HyperEvmMarket internal market;
    HyperEvmVenue internal venue;

    /// @dev An adapter that no canary has flown for, and that HyperCore knows.
    function _raise() internal {
        vm.warp(1_800_000_000);
        vm.roll(1000);
        _raiseFor(address(vault), IVaultAccess(address(vault)), token);
    }

    function _raiseFor(address vault_, IVaultAccess access, TokenDouble token_) internal {
        _placeDoubles();
        wallet = new CoreDepositWalletDouble(token_);
        core.open(HyperCoreBooks.Market(ASSET, 4, 25, 55, false, 0, 0, 0, 0, 450), address(wallet));
        _setPrice(PRICE);
        market = _market(access);
        venue = new HyperEvmVenue(vault_, market);
        core.give(address(venue), 0);
        token_.mint(address(wallet), 1e13); // profits of traders here are others' losses there
    }

    function _placeDoubles() internal {
        vm.etch(HYPER_CORE, type(HyperCoreDouble).runtimeCode);
        vm.etch(HyperCore.CORE_WRITER, type(CoreWriterDouble).runtimeCode);
        for (uint160 number = 0x800; number <= 0x813; ++number) {
            vm.etch(address(number), type(HyperPrecompileDouble).runtimeCode);
        }
    }

    function _market(IVaultAccess access) internal returns (HyperEvmMarket) {
        return new HyperEvmMarket(access, ASSET, address(wallet), _limits(), _tiers());
    }

    function _limits() internal pure returns (HyperEvmLimits.Limits memory) {
        return HyperEvmLimits.Limits(0.00045e18, 0.2e18, 0.01e18, 1000e18, uint32(SETTLE), uint32(LATE));
    }

    /// @dev ETH's: 25x below 100 million USD, 15x above.
    function _tiers() internal pure returns (HyperEvmLimits.Tier[] memory tiers) {
        tiers = new HyperEvmLimits.Tier[](2);
        tiers[0] = HyperEvmLimits.Tier(0, 25);
        tiers[1] = HyperEvmLimits.Tier(100_000_000e18, 15);
    }

    // --- what happens ---------------------------------------------------------------------------------------------

    function _setPrice(uint256 price) internal {
        uint64 px = uint64(price / 1e16);
        core.setPrices(px, px, px, px);
    }

    /// @dev Another block, a second later: HyperCore does what is due.
    function _block() internal {
        _pass(1);
    }

    function _pass(uint256 elapsed) internal {
        vm.roll(vm.getBlockNumber() + 1);
        vm.warp(vm.getBlockTimestamp() + elapsed);
        core.step();
    }

    function _fundVenue(uint256 usd) internal {
        token.mint(address(vault), usd * 1e6);
        vm.startPrank(address(vault));
        token.approve(address(venue), usd * 1e6);
        venue.depositMargin(usd * 1e6);
        vm.stopPrank();
    }

    /// @dev Takes legs until nothing is left to move.
    function _moveAll() internal {
        for (uint256 i = 0; i < 8; ++i) {
            try venue.advance() returns (HyperEvmLegs.Leg, uint256) {
                _block();
            } catch {
                return;
            }
        }
    }

    function _request(int256 sizeDelta) internal returns (bytes32) {
        uint256 limit = sizeDelta > 0 ? venue.markPrice() * 102 / 100 : venue.markPrice() * 98 / 100;
        vm.prank(address(vault));
        return venue.execute(sizeDelta, limit).orderId;
    }

    function _deal(int256 sizeDelta) internal returns (bytes32 orderId) {
        orderId = _request(sizeDelta);
        _block();
    }

    /// @dev Buys and sells the least size with margin of its own, for no fee, and gives it all back.
    function _flyCanary() internal {
        core.setTakerFee(0);
        _fundVenue(1000);
        _moveAll();
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(vault.keeper());
            venue.canary();
            _block();
        }
        vm.prank(vault.keeper());
        venue.recall(type(uint256).max);
        _moveAll();
        vm.startPrank(address(vault));
        venue.withdrawMargin(venue.freeCollateral());
        token.transfer(address(0xdead), token.balanceOf(address(vault)));
        vm.stopPrank();
        vm.prank(vault.keeper());
        venue.recall(0);
        core.forget(address(venue)); // with what stays in spot
        core.give(address(venue), 0);
        core.setTakerFee(450);
        assertTrue(venue.isProven());
    }

    function _statusOf(bytes32 orderId) internal view returns (IPerpVenue.OrderStatus) {
        return venue.order(orderId).status;
    }

    function _assertStatus(bytes32 orderId, IPerpVenue.OrderStatus status) internal view {
        assertEq(uint256(_statusOf(orderId)), uint256(status));
    }

    function _equity() internal view returns (int256) {
        return venue.account().equity;
    }
}
