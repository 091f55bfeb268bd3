// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {Bounds, Budget, Fill, Measurement, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";

/// @notice Everything one vector feeds to the rules.
struct Scenario {
    Bounds bounds;
    Budget budget;
    Measurement beforeTrade;
    Fill[] fills;
    Measurement afterTrade;
    uint256 timestamp;
}

/// @notice Reads the files that tests/vectors/guard/README.md describes.
/// @dev Cheatcodes copy the whole file into memory on each call; the free-memory pointer is put back where only a number is
///      kept, or a file of 30 vectors would exhaust it.
abstract contract GuardVectorReader is Test {
    /// @dev Takes from `json` at `path` what is there and leaves the rest of `scenario` as it is.
    function _overlay(Scenario memory scenario, string memory json, string memory path) internal view {
        _overlayBounds(scenario.bounds, json, string.concat(path, ".bounds"));
        _overlayBudget(scenario.budget, json, string.concat(path, ".budget"));
        _overlayMeasurement(scenario.beforeTrade, json, string.concat(path, ".before"));
        _overlayMeasurement(scenario.afterTrade, json, string.concat(path, ".after"));
        string memory fillsPath = string.concat(path, ".fills");
        if (_exists(json, fillsPath)) scenario.fills = _fills(json, fillsPath);
        scenario.timestamp = _uint(json, string.concat(path, ".timestamp"), scenario.timestamp);
    }

    function _overlayBounds(Bounds memory b, string memory json, string memory path) private view {
        if (!_exists(json, path)) return;
        b.band = _uint(json, string.concat(path, ".band"), b.band);
        b.minImprovement = _uint(json, string.concat(path, ".min_improvement"), b.minImprovement);
        b.urgentDelta = _uint(json, string.concat(path, ".urgent_delta"), b.urgentDelta);
        b.maxSizeDelta = _uint(json, string.concat(path, ".max_size_delta"), b.maxSizeDelta);
        b.maxNotional = _uint(json, string.concat(path, ".max_notional"), b.maxNotional);
        b.turnoverCapacity = _uint(json, string.concat(path, ".turnover_capacity"), b.turnoverCapacity);
        b.turnoverRefillPerDay = _uint(json, string.concat(path, ".turnover_refill_per_day"), b.turnoverRefillPerDay);
        b.maxVenueLeverage = _uint(json, string.concat(path, ".max_venue_leverage"), b.maxVenueLeverage);
        b.maxLeverage = _uint(json, string.concat(path, ".max_leverage"), b.maxLeverage);
        b.maxSlippageBps = _uint(json, string.concat(path, ".max_slippage_bps"), b.maxSlippageBps);
        b.maxFeeBps = _uint(json, string.concat(path, ".max_fee_bps"), b.maxFeeBps);
        b.maxNavLossBps = _uint(json, string.concat(path, ".max_nav_loss_bps"), b.maxNavLossBps);
        b.cooldownSeconds = _uint(json, string.concat(path, ".cooldown_seconds"), b.cooldownSeconds);
    }

    function _overlayBudget(Budget memory b, string memory json, string memory path) internal view {
        if (!_exists(json, path)) return;
        b.turnoverAvailable = _uint(json, string.concat(path, ".turnover_available"), b.turnoverAvailable);
        b.updatedAt = _uint(json, string.concat(path, ".updated_at"), b.updatedAt);
        b.lastTradeAt = _uint(json, string.concat(path, ".last_trade_at"), b.lastTradeAt);
    }

    function _overlayMeasurement(Measurement memory m, string memory json, string memory path) private view {
        if (!_exists(json, path)) return;
        m.price = _uint(json, string.concat(path, ".price"), m.price);
        m.bookDeltaLow = _int(json, string.concat(path, ".book_delta_low"), m.bookDeltaLow);
        m.bookDeltaHigh = _int(json, string.concat(path, ".book_delta_high"), m.bookDeltaHigh);
        m.navLow = _uint(json, string.concat(path, ".nav_low"), m.navLow);
        m.navHigh = _uint(json, string.concat(path, ".nav_high"), m.navHigh);
        string memory venuesPath = string.concat(path, ".venues");
        if (_exists(json, venuesPath)) m.venues = _venues(json, venuesPath);
    }

    function _venues(string memory json, string memory path) private view returns (VenueMeasurement[] memory venues) {
        venues = new VenueMeasurement[](_length(json, path));
        for (uint256 i = 0; i < venues.length; ++i) {
            string memory item = _item(path, i);
            venues[i].sizeLow = vm.parseJsonInt(json, string.concat(item, ".size_low"));
            venues[i].sizeHigh = vm.parseJsonInt(json, string.concat(item, ".size_high"));
            venues[i].notional = vm.parseJsonUint(json, string.concat(item, ".notional"));
            venues[i].equityLow = vm.parseJsonInt(json, string.concat(item, ".equity_low"));
            venues[i].equityHigh = vm.parseJsonInt(json, string.concat(item, ".equity_high"));
        }
    }

    function _fills(string memory json, string memory path) private view returns (Fill[] memory fills) {
        fills = new Fill[](_length(json, path));
        for (uint256 i = 0; i < fills.length; ++i) {
            string memory item = _item(path, i);
            fills[i].venueIndex = vm.parseJsonUint(json, string.concat(item, ".venue_index"));
            fills[i].sizeDelta = vm.parseJsonInt(json, string.concat(item, ".size_delta"));
            fills[i].executionPrice = vm.parseJsonUint(json, string.concat(item, ".execution_price"));
            fills[i].fee = vm.parseJsonUint(json, string.concat(item, ".fee"));
        }
    }

    function _item(string memory path, uint256 index) internal pure returns (string memory) {
        return string.concat(path, "[", vm.toString(index), "]");
    }

    function _length(string memory json, string memory path) internal view returns (uint256 length) {
        while (_exists(json, _item(path, length))) ++length;
    }

    function _exists(string memory json, string memory path) internal view returns (bool found) {
        uint256 free = _freeMemory();
        found = vm.keyExistsJson(json, path);
        _resetFreeMemory(free);
    }

    function _uint(string memory json, string memory path, uint256 fallbackNumber)
        private
        view
        returns (uint256 number)
    {
        if (!_exists(json, path)) return fallbackNumber;
        uint256 free = _freeMemory();
        number = vm.parseJsonUint(json, path);
        _resetFreeMemory(free);
    }

    function _int(string memory json, string memory path, int256 fallbackNumber) private view returns (int256 number) {
        if (!_exists(json, path)) return fallbackNumber;
        uint256 free = _freeMemory();
        number = vm.parseJsonInt(json, path);
        _resetFreeMemory(free);
    }

    function _freeMemory() private pure returns (uint256 free) {
        assembly ("memory-safe") {
            free := mload(0x40)
        }
    }

    function _resetFreeMemory(uint256 free) private pure {
        assembly ("memory-safe") {
            mstore(0x40, free)
        }
    }
}
