// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RedemptionQueue} from "../../contracts/vault/RedemptionQueue.sol";
import {AggregatorDouble} from "../../contracts/test/AggregatorDouble.sol";
import {PriceSources} from "../../contracts/types/Prices.sol";
import {Leg} from "../../contracts/types/Rebalance.sol";
import {PriceFaultStage, StagedFeeds} from "./support/PriceFaultStage.sol";
import {ScriptedPriceSource} from "./support/ScriptedPriceSource.sol";
import {ScriptedVenue} from "./support/ScriptedVenue.sol";
import {VaultFixture} from "./support/VaultFixture.sol";

/// @notice HEDGE-457: the table of faults and actions of docs/spec.md, walked whole against a vault.
/// @dev tests/vectors/oracle/actions.json is the table as a machine reads it; a gate holds the two together.
contract FaultTableTest is VaultFixture {
    string private constant FILE = "tests/vectors/oracle/actions.json";

    StagedFeeds private feeds;
    ScriptedVenue private flat;
    RedemptionQueue private queue;
    string private json;

    function setUp() public override {
        super.setUp();
        json = vm.readFile(FILE);
        feeds = StagedFeeds(
            new ScriptedPriceSource(PRICE),
            new ScriptedPriceSource(PRICE),
            new ScriptedPriceSource(1e18),
            new AggregatorDouble(0, 0)
        );
        PriceFaultStage.heal(feeds);
        PriceSources memory sources =
            PriceSources(feeds.primary, feeds.secondary, feeds.collateral, address(feeds.sequencer));
        _govern(address(oracle), abi.encodeCall(oracle.setSources, (sources)));
        flat = new ScriptedVenue(address(vault), address(token), PRICE);
        _addVenue(flat);
        queue = _newQueue();
        _hedge();
        _rebalance(_on(flat, int256(_units(10_000)), 0));
        vm.startPrank(depositor);
        vault.approve(address(queue), type(uint256).max);
        queue.request(_units(1000) * 1e6);
        vm.stopPrank();
        source.set(-50e18, -50e18); // W is 0
        vm.warp(START + 2 hours);
    }

    function _newQueue() private returns (RedemptionQueue made) {
        made = new RedemptionQueue(vault, 2000);
        _govern(address(vault), abi.encodeCall(vault.setRedemptionQueue, (address(made))));
    }

    // HEDGE-457
    function test_everyPairOfFaults_allowsWhatTheTableSays() external {
        uint256 rowCount = 27; // 9 states of the price, 3 of the collateral
        uint256 checked = 0;
        for (uint256 i = 0; i < rowCount; ++i) {
            string memory path = string.concat(".rows[", vm.toString(i), "]");
            string memory price = vm.parseJsonString(json, string.concat(path, ".price"));
            string memory collateral = vm.parseJsonString(json, string.concat(path, ".collateral"));
            string[] memory allowed = vm.parseJsonStringArray(json, string.concat(path, ".allowed"));
            checked += _walk(price, collateral, allowed);
        }
        // 14 faults of the price or none, 5 of the collateral or none, 8 actions
        assertEq(checked, 15 * 6 * 8);
    }

    function _walk(string memory price, string memory collateral, string[] memory allowed)
        private
        returns (uint256 checked)
    {
        string[] memory priceFaults = _faultsOf(".price_states", 9, price);
        string[] memory collateralFaults = _faultsOf(".collateral_states", 3, collateral);
        string[] memory actions = vm.parseJsonStringArray(json, ".actions");
        for (uint256 i = 0; i < priceFaults.length; ++i) {
            for (uint256 j = 0; j < collateralFaults.length; ++j) {
                PriceFaultStage.heal(feeds);
                if (bytes(priceFaults[i]).length != 0) PriceFaultStage.add(feeds, priceFaults[i]);
                if (bytes(collateralFaults[j]).length != 0) PriceFaultStage.add(feeds, collateralFaults[j]);
                for (uint256 k = 0; k < actions.length; ++k) {
                    string memory label = string.concat(priceFaults[i], "/", collateralFaults[j], ": ", actions[k]);
                    assertEq(_try(actions[k]), _contains(allowed, actions[k]), label);
                    ++checked;
                }
            }
        }
    }

    /// @dev Faults of a state; one empty name where it has none.
    function _faultsOf(string memory path, uint256 count, string memory name)
        private
        view
        returns (string[] memory faults)
    {
        for (uint256 i = 0; i < count; ++i) {
            string memory state = string.concat(path, "[", vm.toString(i), "]");
            if (!_isSame(vm.parseJsonString(json, string.concat(state, ".name")), name)) continue;
            faults = vm.parseJsonStringArray(json, string.concat(state, ".faults"));
        }
        if (faults.length == 0) faults = new string[](1);
    }

    // --- actions; each is undone ------------------------------------------------------------------------------------

    function _try(string memory action) private returns (bool done) {
        uint256 snapshot = vm.snapshotState();
        done = this.act(action);
        vm.revertToState(snapshot);
    }

    function act(string memory action) external returns (bool) {
        if (_isSame(action, "deposit")) return _attemptDeposit();
        if (_isSame(action, "exit_from_idle")) {
            return _call(
                depositor,
                address(vault),
                abi.encodeWithSignature("redeem(uint256,address,address)", _units(1000) * 1e6, depositor, depositor)
            );
        }
        if (_isSame(action, "redemption_queue")) {
            uint256 held = vault.balanceOf(address(queue));
            return
                _call(attacker, address(queue), abi.encodeCall(queue.serve, ()))
                    && vault.balanceOf(address(queue)) < held;
        }
        if (_isSame(action, "trade_that_reduces")) {
            source.set(-60e18, -60e18);
            return _attempt(_leg(0, 5e18));
        }
        if (_isSame(action, "trade_that_enlarges")) return _attempt(_leg(0, -1e18));
        if (_isSame(action, "margin_top_up")) return _attempt(_leg(int256(_units(1000)), 0));
        if (_isSame(action, "margin_home_of_flat_venue")) return _attempt(_on(flat, -int256(_units(10_000)), 0));
        assertTrue(_isSame(action, "wind_down"), action);
        _govern(address(vault), abi.encodeCall(vault.startWindDown, ()));
        return _attempt(_leg(0, -10e18));
    }

    function _attemptDeposit() private returns (bool) {
        token.mint(attacker, _units(1000));
        vm.prank(attacker);
        token.approve(address(vault), _units(1000));
        return
            _call(attacker, address(vault), abi.encodeWithSignature("deposit(uint256,address)", _units(1000), attacker));
    }

    function _attempt(Leg[] memory legs) private returns (bool) {
        return _call(keeper, address(vault), abi.encodeCall(vault.rebalance, (_nextIntent(), legs)));
    }

    function _call(address sender, address target, bytes memory data) private returns (bool done) {
        vm.prank(sender);
        (done,) = target.call(data);
    }

    function _on(ScriptedVenue where, int256 marginDelta, int256 sizeDelta) private pure returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = Leg(address(where), marginDelta, sizeDelta, 0);
    }

    function _contains(string[] memory names, string memory name) private pure returns (bool) {
        for (uint256 i = 0; i < names.length; ++i) {
            if (_isSame(names[i], name)) return true;
        }
        return false;
    }

    function _isSame(string memory a, string memory b) private pure returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
