// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {GuardRules, Usage} from "../../../contracts/libraries/GuardRules.sol";
import {Bounds, Fill, Measurement} from "../../../contracts/types/Rebalance.sol";
import {GuardProof} from "./GuardProof.sol";

/// @title Proofs of one bound each: an accepted rebalance is inside it
/// @notice Bounds of the proofs: one venue, one fill; 96 bits an amount; what a rule does not look at is concrete.
contract GuardBoundsProof is GuardProof {
    function check_size__accepted__at_most_the_bound(int96 sizeDelta, uint96 maxSizeDelta) external pure {
        Bounds memory b = _loosest();
        b.maxSizeDelta = maxSizeDelta;
        Fill[] memory fills = _noFill();
        fills[0].sizeDelta = sizeDelta;
        _evaluate(b, _unused(), _measured(1), fills, _measured(1));
        int256 size = sizeDelta;
        assert((size < 0 ? -size : size) <= int256(uint256(maxSizeDelta)));
    }

    function check_slippage__accepted__price_inside_the_limit(bool isBuy, uint96 executionPrice, uint16 maxSlippageBps)
        external
        pure
    {
        if (maxSlippageBps > 10_000) return;
        Bounds memory b = _loosest();
        b.maxSlippageBps = maxSlippageBps;
        Fill[] memory fills = _noFill();
        fills[0].sizeDelta = isBuy ? int256(1) : -1;
        fills[0].executionPrice = executionPrice;
        _evaluate(b, _unused(), _measured(1), fills, _measured(1));
        uint256 limit = GuardRules.limitPrice(PRICE, fills[0].sizeDelta, maxSlippageBps);
        assert(isBuy ? executionPrice <= limit : executionPrice >= limit);
    }

    function check_fee__accepted__at_most_the_bound(uint96 fee, uint16 maxFeeBps) external pure {
        Bounds memory b = _loosest();
        b.maxFeeBps = maxFeeBps;
        Fill[] memory fills = _noFill();
        fills[0].sizeDelta = 1e18;
        fills[0].fee = fee;
        _evaluate(b, _unused(), _measured(1), fills, _measured(1));
        assert(fee <= GuardRules.share(PRICE, maxFeeBps));
    }

    function check_notional__accepted__at_most_the_bound(uint64 executionPrice, uint96 maxNotional) external pure {
        Bounds memory b = _loosest();
        b.maxNotional = maxNotional;
        Fill[] memory fills = _noFill();
        (fills[0].sizeDelta, fills[0].executionPrice) = (3e18, executionPrice);
        _evaluate(b, _unused(), _measured(1), fills, _measured(1));
        assert(GuardRules.notionalUp(3e18, executionPrice) <= maxNotional);
    }

    function check_notional__accepted__no_dust(uint64 executionPrice, uint96 minNotional) external pure {
        Bounds memory b = _loosest();
        (b.band, b.minNotional) = (0, minNotional);
        Fill[] memory fills = _noFill();
        (fills[0].sizeDelta, fills[0].executionPrice) = (3e18, executionPrice);
        Measurement memory m = _measured(1);
        m.venues[0].sizeHigh = 5e18; // neither in the band nor closed
        m.bookDeltaLow = -3e18;
        _evaluate(b, _unused(), m, fills, m);
        assert(GuardRules.notionalUp(3e18, executionPrice) >= minNotional);
    }

    function check_cooldown__not_urgent__is_waited(
        uint32 lastTradeAt,
        uint32 cooldownSeconds,
        int96 book,
        uint96 urgent
    ) external pure {
        if (book < 0 || uint96(book) >= urgent || lastTradeAt == 0 || lastTradeAt > NOW) return;
        Bounds memory b = _loosest();
        (b.urgentDelta, b.cooldownSeconds) = (urgent, cooldownSeconds);
        Measurement memory m = _measured(1);
        m.bookDeltaHigh = book;
        Usage memory usage = _unused();
        usage.own.lastTradeAt = lastTradeAt;
        _evaluate(b, usage, m, _noFill(), m);
        assert(NOW >= uint256(lastTradeAt) + cooldownSeconds);
    }

    function check_gross__accepted__inside_or_not_raised(uint96 old, uint96 current, uint96 maxGross) external pure {
        Bounds memory b = _loosest();
        b.maxGrossNotional = maxGross;
        (b.maxVenueLeverage, b.maxLeverage) = (type(uint64).max, type(uint64).max);
        (Measurement memory beforeTrade, Measurement memory afterTrade) = (_measured(1), _measured(1));
        (beforeTrade.venues[0].notional, afterTrade.venues[0].notional) = (old, current);
        _evaluate(b, _unused(), beforeTrade, _noFill(), afterTrade);
        assert(current <= maxGross || current <= old);
    }

    function check_cap__accepted__inside_or_no_margin_moved_in(int96 old, int96 current, uint96 cap) external pure {
        (Measurement memory beforeTrade, Measurement memory afterTrade) = (_measured(1), _measured(1));
        (beforeTrade.venues[0].equity, afterTrade.venues[0].equity) = (old, current);
        afterTrade.venues[0].cap = cap;
        _evaluate(_loosest(), _unused(), beforeTrade, new Fill[](0), afterTrade);
        assert(current <= 0 || uint96(current) <= cap || current <= old);
    }

    /// @dev Equity of the venue is concrete.
    function check_venue_leverage__accepted__inside_or_not_raised(uint96 old, uint96 current, uint64 maxLeverage)
        external
        pure
    {
        Bounds memory b = _loosest();
        b.maxVenueLeverage = maxLeverage;
        (Measurement memory beforeTrade, Measurement memory afterTrade) = (_measured(1), _measured(1));
        (beforeTrade.venues[0].notional, afterTrade.venues[0].notional) = (old, current);
        (beforeTrade.venues[0].equityLow, afterTrade.venues[0].equityLow) = (1e18, 1e18);
        GuardRules.requireLeverage(b, beforeTrade, afterTrade);
        assert(GuardRules.leverageUp(current, 1e18) <= maxLeverage || current <= old);
    }

    /// @dev Whatever equity margin moves make of it, a notional above the bound is not raised.
    function check_total_leverage__above_the_bound__notional_not_raised(uint96 old, uint96 current, uint64 maxLeverage)
        external
        pure
    {
        Bounds memory b = _loosest();
        b.maxLeverage = maxLeverage;
        (Measurement memory beforeTrade, Measurement memory afterTrade) = (_measured(1), _measured(1));
        (beforeTrade.firmNav, afterTrade.firmNav) = (1e18, 1e18);
        (beforeTrade.venues[0].notional, afterTrade.venues[0].notional) = (old, current);
        (beforeTrade.venues[0].equityLow, afterTrade.venues[0].equityLow) = (type(int128).max, type(int128).max);
        GuardRules.requireLeverage(b, beforeTrade, afterTrade);
        assert(GuardRules.leverageUp(current, 1e18) <= maxLeverage || current <= old);
    }

    /// @dev A position that no equity backs may only shrink.
    function check_venue_leverage__no_equity__position_not_raised(uint96 old, uint96 current, int96 equityLow)
        external
        pure
    {
        if (equityLow > 0) return;
        (Measurement memory beforeTrade, Measurement memory afterTrade) = (_measured(1), _measured(1));
        (beforeTrade.venues[0].notional, afterTrade.venues[0].notional) = (old, current);
        beforeTrade.venues[0].equityLow = 1e18;
        afterTrade.venues[0].equityLow = equityLow;
        GuardRules.requireLeverage(_loosest(), beforeTrade, afterTrade);
        assert(current == 0);
    }

    function check_idle__accepted__above_the_floor_or_not_lowered(uint96 old, uint96 current, uint16 floorBps)
        external
        pure
    {
        Bounds memory b = _loosest();
        b.idleFloorBps = floorBps;
        (Measurement memory beforeTrade, Measurement memory afterTrade) = (_measured(1), _measured(1));
        (beforeTrade.idle, afterTrade.idle) = (old, current);
        _evaluate(b, _unused(), beforeTrade, new Fill[](0), afterTrade);
        assert(current >= old || current >= GuardRules.share(1_000_000e18, floorBps));
    }

    function check_nav_loss__accepted__at_most_the_bound(uint96 navAfter, uint16 maxNavLossBps) external pure {
        if (navAfter > 1_000_000e18) return;
        Bounds memory b = _loosest();
        b.maxNavLossBps = maxNavLossBps;
        Measurement memory afterTrade = _measured(1);
        afterTrade.nav = navAfter;
        _evaluate(b, _unused(), _measured(1), new Fill[](0), afterTrade);
        assert(1_000_000e18 - uint256(navAfter) <= GuardRules.share(1_000_000e18, maxNavLossBps));
    }

    /// @dev The ceiling of a buy rounds down and the floor of a sale up; neither is on the wrong side of the price. The bound
    ///      is one of three.
    function check_limit_price__any_price__rounds_against_the_keeper(uint8 price, uint8 choice, bool isBuy)
        external
        pure
    {
        uint256 bps = choice == 0 ? 0 : choice == 1 ? 50 : 300;
        uint256 limit = GuardRules.limitPrice(price, isBuy ? int256(1) : -1, bps);
        uint256 exact = uint256(price) * (isBuy ? 10_000 + bps : 10_000 - bps); // 1e-4
        uint256 scaled = limit * 10_000;
        assert(isBuy ? scaled <= exact && exact < scaled + 10_000 : scaled >= exact && scaled < exact + 10_000);
        assert(isBuy ? limit >= price : limit <= price);
    }
}
