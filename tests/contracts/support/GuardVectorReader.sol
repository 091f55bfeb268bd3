// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Usage} from "../../../contracts/libraries/GuardRules.sol";
import {Bounds, Budget, Fill, Measurement, Track, VenueMeasurement} from "../../../contracts/types/Rebalance.sol";

/// @notice Everything one vector feeds to the rules.
struct Scenario {
    Bounds bounds;
    Usage usage;
    Measurement beforeTrade;
    Fill[] fills;
    Measurement afterTrade;
    uint256 timestamp;
}

/// @notice Reads the files that tests/vectors/guard/README.md describes.
/// @dev Cheatcodes copy the whole file into memory on each call; the free-memory pointer is put back where only a number is
///      kept, or a file of 30 vectors would exhaust it.
abstract contract GuardVectorReader is Test {
    using SafeCast for int256;
    using SafeCast for uint256;

    uint256 private constant UNCAPPED = 1e36;

    /// @dev Takes from `json` at `path` what is there and leaves the rest of `scenario` as it is.
    function _overlay(Scenario memory scenario, string memory json, string memory path) internal view {
        _overlayBounds(scenario.bounds, json, string.concat(path, ".bounds"));
        _overlayUsage(scenario.usage, json, string.concat(path, ".usage"));
        _overlayMeasurement(scenario.beforeTrade, json, string.concat(path, ".before"));
        _overlayMeasurement(scenario.afterTrade, json, string.concat(path, ".after"));
        string memory fillsPath = string.concat(path, ".fills");
        if (_exists(json, fillsPath)) scenario.fills = _fills(json, fillsPath);
        scenario.timestamp = _uint(json, string.concat(path, ".timestamp"), scenario.timestamp);
    }

    function _overlayBounds(Bounds memory b, string memory json, string memory path) private view {
        if (!_exists(json, path)) return;
        _overlaySizes(b, json, path);
        _overlayRatios(b, json, path);
    }

    function _overlaySizes(Bounds memory b, string memory json, string memory path) private view {
        b.band = _uint128(json, path, ".band", b.band);
        b.minImprovement = _uint128(json, path, ".min_improvement", b.minImprovement);
        b.urgentDelta = _uint128(json, path, ".urgent_delta", b.urgentDelta);
        b.maxSizeDelta = _uint128(json, path, ".max_size_delta", b.maxSizeDelta);
        b.minNotional = _uint128(json, path, ".min_notional", b.minNotional);
        b.maxNotional = _uint128(json, path, ".max_notional", b.maxNotional);
        b.maxGrossNotional = _uint128(json, path, ".max_gross_notional", b.maxGrossNotional);
        b.turnoverCapacity = _uint128(json, path, ".turnover_capacity", b.turnoverCapacity);
        b.turnoverRefillPerDay = _uint128(json, path, ".turnover_refill_per_day", b.turnoverRefillPerDay);
    }

    function _overlayRatios(Bounds memory b, string memory json, string memory path) private view {
        b.maxVenueLeverage = _uint64(json, path, ".max_venue_leverage", b.maxVenueLeverage);
        b.maxLeverage = _uint64(json, path, ".max_leverage", b.maxLeverage);
        b.maxSlippageBps = _uint16(json, path, ".max_slippage_bps", b.maxSlippageBps);
        b.maxFeeBps = _uint16(json, path, ".max_fee_bps", b.maxFeeBps);
        b.maxNavLossBps = _uint16(json, path, ".max_nav_loss_bps", b.maxNavLossBps);
        b.lossCapacityBps = _uint16(json, path, ".loss_capacity_bps", b.lossCapacityBps);
        b.lossRefillBpsPerDay = _uint16(json, path, ".loss_refill_bps_per_day", b.lossRefillBpsPerDay);
        b.maxDrawdownBps = _uint16(json, path, ".max_drawdown_bps", b.maxDrawdownBps);
        b.idleFloorBps = _uint16(json, path, ".idle_floor_bps", b.idleFloorBps);
        b.urgentReserveBps = _uint16(json, path, ".urgent_reserve_bps", b.urgentReserveBps);
        b.keeperShareBps = _uint16(json, path, ".keeper_share_bps", b.keeperShareBps);
        b.cooldownSeconds = _uint32(json, path, ".cooldown_seconds", b.cooldownSeconds);
    }

    function _overlayUsage(Usage memory u, string memory json, string memory path) internal view {
        if (!_exists(json, path)) return;
        _overlayBudget(u.all, json, string.concat(path, ".all"));
        _overlayBudget(u.own, json, string.concat(path, ".own"));
        _overlayTrack(u.track, json, string.concat(path, ".track"));
    }

    function _overlayBudget(Budget memory b, string memory json, string memory path) private view {
        if (!_exists(json, path)) return;
        b.turnoverUsed = _uint(json, string.concat(path, ".turnover_used"), b.turnoverUsed).toUint96();
        b.lossUsed = _uint(json, string.concat(path, ".loss_used"), b.lossUsed).toUint96();
        b.updatedAt = _uint32(json, path, ".updated_at", b.updatedAt);
        b.lastTradeAt = _uint32(json, path, ".last_trade_at", b.lastTradeAt);
    }

    function _overlayTrack(Track memory t, string memory json, string memory path) private view {
        if (!_exists(json, path)) return;
        t.size = _int(json, string.concat(path, ".size"), t.size).toInt128();
        t.price = _uint(json, string.concat(path, ".price"), t.price).toUint96();
        t.period = _uint32(json, path, ".period", t.period);
        t.flows = _int(json, string.concat(path, ".flows"), t.flows).toInt128();
        t.explained = _int(json, string.concat(path, ".explained"), t.explained).toInt128();
        string memory highs = string.concat(path, ".highs");
        for (uint256 i = 0; i < t.highs.length; ++i) {
            t.highs[i] = _int(json, _item(highs, i), t.highs[i]).toInt64();
        }
    }

    function _overlayMeasurement(Measurement memory m, string memory json, string memory path) private view {
        if (!_exists(json, path)) return;
        m.price = _uint(json, string.concat(path, ".price"), m.price);
        m.isReduceOnly = _bool(json, string.concat(path, ".is_reduce_only"), m.isReduceOnly);
        m.bookDeltaLow = _int(json, string.concat(path, ".book_delta_low"), m.bookDeltaLow);
        m.bookDeltaHigh = _int(json, string.concat(path, ".book_delta_high"), m.bookDeltaHigh);
        m.idle = _uint(json, string.concat(path, ".idle"), m.idle);
        m.nav = _uint(json, string.concat(path, ".nav"), m.nav);
        m.firmNav = _uint(json, string.concat(path, ".firm_nav"), m.firmNav);
        m.netFlows = _int(json, string.concat(path, ".net_flows"), m.netFlows);
        string memory venuesPath = string.concat(path, ".venues");
        if (_exists(json, venuesPath)) m.venues = _venues(json, venuesPath, m.price);
    }

    function _venues(string memory json, string memory path, uint256 price)
        private
        view
        returns (VenueMeasurement[] memory venues)
    {
        venues = new VenueMeasurement[](_length(json, path));
        for (uint256 i = 0; i < venues.length; ++i) {
            _readVenue(venues[i], json, _item(path, i), price);
        }
    }

    /// @dev What a venue leaves out has the value that README.md names.
    function _readVenue(VenueMeasurement memory v, string memory json, string memory item, uint256 price) private view {
        v.isSilent = _bool(json, string.concat(item, ".is_silent"), false);
        v.isClosing = _bool(json, string.concat(item, ".is_closing"), false);
        v.price = _uint(json, string.concat(item, ".price"), price);
        v.priceLow = _uint(json, string.concat(item, ".price_low"), v.price);
        v.priceHigh = _uint(json, string.concat(item, ".price_high"), v.price);
        v.sizeLow = vm.parseJsonInt(json, string.concat(item, ".size_low"));
        v.sizeHigh = vm.parseJsonInt(json, string.concat(item, ".size_high"));
        v.notional = vm.parseJsonUint(json, string.concat(item, ".notional"));
        v.equityLow = vm.parseJsonInt(json, string.concat(item, ".equity_low"));
        v.equityHigh = vm.parseJsonInt(json, string.concat(item, ".equity_high"));
        v.equity = _int(json, string.concat(item, ".equity"), v.equityLow);
        v.cap = _uint(json, string.concat(item, ".cap"), UNCAPPED);
    }

    function _fills(string memory json, string memory path) private view returns (Fill[] memory fills) {
        fills = new Fill[](_length(json, path));
        for (uint256 i = 0; i < fills.length; ++i) {
            string memory item = _item(path, i);
            fills[i].venueIndex = vm.parseJsonUint(json, string.concat(item, ".venue_index"));
            fills[i].sizeDelta = vm.parseJsonInt(json, string.concat(item, ".size_delta"));
            fills[i].executionPrice = vm.parseJsonUint(json, string.concat(item, ".execution_price"));
            fills[i].fee = vm.parseJsonUint(json, string.concat(item, ".fee"));
            fills[i].isPending = _bool(json, string.concat(item, ".is_pending"), false);
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

    function _uint128(string memory json, string memory path, string memory field, uint128 fallbackNumber)
        private
        view
        returns (uint128)
    {
        return _uint(json, string.concat(path, field), fallbackNumber).toUint128();
    }

    function _uint64(string memory json, string memory path, string memory field, uint64 fallbackNumber)
        private
        view
        returns (uint64)
    {
        return _uint(json, string.concat(path, field), fallbackNumber).toUint64();
    }

    function _uint32(string memory json, string memory path, string memory field, uint32 fallbackNumber)
        private
        view
        returns (uint32)
    {
        return _uint(json, string.concat(path, field), fallbackNumber).toUint32();
    }

    function _uint16(string memory json, string memory path, string memory field, uint16 fallbackNumber)
        private
        view
        returns (uint16)
    {
        return _uint(json, string.concat(path, field), fallbackNumber).toUint16();
    }

    function _bool(string memory json, string memory path, bool fallbackAnswer) private view returns (bool answer) {
        if (!_exists(json, path)) return fallbackAnswer;
        uint256 free = _freeMemory();
        answer = vm.parseJsonBool(json, path);
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
