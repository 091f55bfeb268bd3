// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HyperCore} from "../../../contracts/venues/hyperevm/HyperCore.sol";
import {ICoreWriter} from "../../../contracts/venues/hyperevm/IHyperEvm.sol";
import {HyperStage} from "./HyperStage.sol";

/// @notice HEDGE-597: no call of the adapter takes more gas than tests/vectors/hyperevm/gas.json keeps, but for 1 %; the
///         double of HyperCore beneath it included. Less than 10 % below it the file is to be renewed, by what the test names.
///         What is named "bare" is the same request to CoreWriter or the bridge without the adapter.
contract HyperGasTest is HyperStage {
    uint256 private constant VENUE_GAS = 900_000; // of `VenueRegistry`

    string private kept = vm.readFile("tests/vectors/hyperevm/gas.json");

    function setUp() external {
        _raise();
        _flyCanary();
        token.mint(address(vault), 1e12);
        vm.prank(address(vault));
        token.approve(address(venue), type(uint256).max);
    }

    function test_gas_isWhatIsKept() external {
        vm.startPrank(address(vault));
        _measured("deposit", abi.encodeCall(venue.depositMargin, (10_000e6)));
        _measured("advance, to HyperCore", abi.encodeCall(venue.advance, ()));
        _block();
        _measured("advance, to perpetuals", abi.encodeCall(venue.advance, ()));
        _block();
        _measured("account, flat", abi.encodeCall(venue.account, ()));
        _measured("open", abi.encodeCall(venue.execute, (2e18, 2040e18)));
        _measured("account, order", abi.encodeCall(venue.account, ()));
        bytes32 orderId = venue.openOrder();
        vm.roll(vm.getBlockNumber() + 1);
        _measured("account, order waiting", abi.encodeCall(venue.account, ()));
        _block();
        _measured("reconcile", abi.encodeCall(venue.reconcile, (orderId)));
        _measured("account, position", abi.encodeCall(venue.account, ()));
        _measured("close", abi.encodeCall(venue.execute, (-1e18, 1960e18)));
        vm.warp(vm.getBlockTimestamp() + SETTLE);
        _measured("cancel", abi.encodeCall(venue.cancel, (venue.openOrder())));
        vm.stopPrank();
        vm.prank(vault.keeper());
        venue.recall(1000e6);
        vm.startPrank(address(vault));
        _measured("advance, to spot", abi.encodeCall(venue.advance, ()));
        _block();
        _measured("advance, home", abi.encodeCall(venue.advance, ()));
        _block();
        _measured("withdraw", abi.encodeCall(venue.withdrawMargin, (1000e6)));
        _bare();
        vm.stopPrank();
    }

    function _bare() private {
        bytes memory order = HyperCore.limitOrder(ASSET, true, 2040e8, 2e8, false, 1);
        _measuredOf("order, bare", HyperCore.CORE_WRITER, abi.encodeCall(ICoreWriter.sendRawAction, (order)));
        bytes memory move = HyperCore.classTransfer(1e6, true);
        _measuredOf("to perpetuals, bare", HyperCore.CORE_WRITER, abi.encodeCall(ICoreWriter.sendRawAction, (move)));
        token.approve(address(wallet), 1e6);
        _measuredOf("to HyperCore, bare", address(wallet), abi.encodeCall(wallet.deposit, (1e6, HyperCore.SPOT_DEX)));
    }

    function _measured(string memory name, bytes memory request) private {
        _measuredOf(name, address(venue), request);
    }

    function _measuredOf(string memory name, address target, bytes memory request) private {
        uint256 start = gasleft();
        (bool isDone,) = target.call(request);
        uint256 used = start - gasleft();
        assertTrue(isDone, name);
        if (bytes4(request) == venue.account.selector) assertLt(used, VENUE_GAS / 2, name);
        uint256 limit = vm.parseJsonUint(kept, string.concat("$['", name, "']"));
        assertLe(used, limit * 101 / 100, name);
        assertGe(used, limit * 90 / 100, name);
    }
}
