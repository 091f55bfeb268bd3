// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {Leg, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";
import {HyperEvmLegs} from "../../../contracts/venues/hyperevm/HyperEvmLegs.sol";
import {HyperEvmVenue} from "../../../contracts/venues/hyperevm/HyperEvmVenue.sol";
import {VaultFixture} from "../support/VaultFixture.sol";
import {HyperCoreBooks} from "./HyperCoreBooks.sol";
import {HYPER_CORE, HyperCoreDouble} from "./HyperCoreDouble.sol";
import {HyperRolesStage} from "./HyperRolesStage.sol";

/// @notice A real vault that hedges on the double of HyperCore: in, order, fill, close, home.
contract HyperVaultTest is VaultFixture {
    HyperCoreDouble private core = HyperCoreDouble(HYPER_CORE);
    HyperEvmVenue private hyper;
    address private stranger = makeAddr("stranger");

    function setUp() public override {
        super.setUp();
        hyper = new HyperRolesStage().adapterOf(address(vault), access, token);
        _govern(address(registry), abi.encodeCall(registry.addVenue, (hyper)));
        _deposit(depositor, _units(200_000));
    }

    function _step(uint256 elapsed) private {
        vm.roll(vm.getBlockNumber() + 1);
        vm.warp(vm.getBlockTimestamp() + elapsed);
        core.step();
        aggregator.updateAnswer(int256(PRICE / 1e10));
    }

    function _move(int256 marginDelta, int256 sizeDelta) private {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(hyper), marginDelta, sizeDelta, 0);
        _rebalance(legs);
    }

    function _advance() private {
        vm.prank(stranger);
        hyper.advance();
        _step(1);
    }

    function _nav() private view returns (uint256) {
        return vault.measure().nav;
    }

    function _prove() private {
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(keeper);
            hyper.canary();
            _step(1);
        }
    }

    /// HEDGE-591, HEDGE-592
    function test_hedge_inOrderFillCloseAndHome_keepsNav() external {
        _move(int256(_units(50_000)), 0);
        assertEq(_nav(), 200_000e18);
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(stranger);
            hyper.advance();
            assertEq(_nav(), 200_000e18); // in its own block
            _step(1);
            assertEq(_nav(), 200_000e18);
        }
        _prove();
        uint256 nav = 200_000e18 - 0.018e18; // 20 USD bought and sold, at 4.5 bps
        assertEq(_nav(), nav);
        _move(0, 50e18);
        VenueMeasurement memory m = vault.measure().venues[1];
        assertEq(m.sizeLow, 0);
        assertEq(m.sizeHigh, 50e18);
        assertEq(_nav(), nav);
        bytes32 orderId = hyper.openOrder();
        _step(1);
        m = vault.measure().venues[1];
        assertEq(m.sizeLow, 50e18);
        assertEq(m.sizeHigh, 50e18);
        nav -= 45e18;
        assertEq(_nav(), nav);
        vm.prank(stranger);
        assertEq(uint256(hyper.reconcile(orderId)), uint256(IPerpVenue.OrderStatus.Filled));
        source.set(-1e18, 1e18); // the book is hedged elsewhere
        _step(SECONDS_OF_COOLDOWN);
        _move(0, -50e18);
        _step(1);
        nav -= 45e18;
        assertEq(_nav(), nav);
        _goHome(nav);
    }

    /// @dev By anyone's hand, once the vault winds down.
    function _goHome(uint256 nav) private {
        _govern(address(vault), abi.encodeCall(vault.startWindDown, ()));
        _step(1);
        _advance();
        assertEq(_nav(), nav);
        _advance();
        assertEq(_nav(), nav);
        uint256 free = hyper.freeCollateral();
        assertEq(free * 1e12, 50_000e18 - 90.018e18 - 0.1e18); // 0.1 stays for what the way home may cost
        vm.prank(stranger);
        vault.bringMarginHome(hyper, free);
        assertEq(vault.idleAssets() * 1e12, nav - 0.1e18);
        vm.expectRevert(HyperEvmLegs.NothingToMove.selector);
        hyper.advance();
    }

    function test_orderThatIsRefused_isHedgedAgain() external {
        _move(int256(_units(50_000)), 0);
        _advance();
        _advance();
        _prove();
        core.setRefusing(1, true);
        _move(0, 50e18);
        _step(121);
        assertEq(hyper.openOrder(), 0);
        assertEq(vault.measure().venues[1].sizeHigh, 0);
        core.setRefusing(1, false);
        _step(SECONDS_OF_COOLDOWN);
        _move(0, 50e18);
        _step(1);
        assertEq(hyper.size(), 50e18);
    }

    function test_readThatFails_isASilentVenue_andStopsNothingElse() external {
        _move(int256(_units(50_000)), 0);
        core.setFault(address(0x806), HyperCoreBooks.Fault(true, true, ""));
        assertTrue(vault.measure().venues[1].isSilent);
        assertEq(_nav(), 150_000e18);
        vm.prank(depositor);
        vault.withdraw(_units(1000), depositor, depositor);
    }
}
