// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AttackFixture} from "../support/AttackFixture.sol";

/// @notice Losses a keeper causes that no bound counted once: all of them are inside `lossBounds` now.
contract UncountedLossesTest is AttackFixture {
    uint256 private constant HALF_PERCENT_UP = 2010e18;
    uint256 private constant HALF_PERCENT_DOWN = 1990e18;

    /// @dev Part of all that is there which the venue keeps of a margin move, 1e-4.
    uint256 private _keptBps;

    /// @dev The venue calls this after every margin move; what it keeps falls to the thief.
    function keepAPart() external {
        uint256 all = _usd(token.balanceOf(address(vault))) + uint256(venue.cash());
        venue.setCash(venue.cash() - int256(all * _keptBps / 10_000));
    }

    function _keepOfEveryMove(uint256 bps) private {
        _keptBps = bps;
        venue.setCall(address(this), abi.encodeCall(this.keepAPart, ()));
    }

    function test_marginMoves__oneBlock__loseFortyTimesTheDay() external {
        _deposit(depositor, _units(200_000));
        uint256 limit = guard.lossBounds().keeperKey;
        _rebalance(_leg(int256(_units(180_000)), 0));
        _keepOfEveryMove(100); // the most that one rebalance may lose
        for (uint256 i = 0; i < 120; ++i) {
            _attemptRebalance(_leg(1, 0));
        }
        _attackYieldsAtMost(_loss(200_000e18, _worth(PRICE)), limit);
    }

    /// @dev The way out of the venue is open as well.
    function test_marginMoves__outOfTheVenue__loseFortyTimesTheDay() external {
        _deposit(depositor, _units(200_000));
        uint256 limit = guard.lossBounds().keeperKey;
        _rebalance(_leg(int256(_units(190_000)), 0));
        _keepOfEveryMove(100);
        for (uint256 i = 0; i < 120; ++i) {
            _attemptRebalance(_leg(-1, 0));
        }
        _attackYieldsAtMost(_loss(200_000e18, _worth(PRICE)), limit);
    }

    /// @dev A trade of 1 wei in the band beside each move: counted as a trade, its loss of NAV counted nowhere.
    function test_navLoss__besideATradeOfOneWei__losesBeyondTheDay() external {
        _deposit(depositor, _units(200_000));
        uint256 limit = guard.lossBounds().keeperKey;
        source.set(0, 0);
        _rebalance(_leg(int256(_units(180_000)), 0.05e18));
        _keepOfEveryMove(50); // once for the margin, once for the trade
        for (uint256 i = 0; i < 24 * 6; ++i) {
            vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
            aggregator.updateAnswer(2000e8);
            _attemptRebalance(_leg(1, i % 2 == 0 ? -0.05e18 : int256(0.05e18)));
        }
        _attackYieldsAtMost(_loss(200_000e18, _worth(PRICE)), limit);
    }

    /// @dev The feed says 2,000 all day, as it may while the market stays within 0.5 % of it.
    function test_trades__feedLagsByItsDeviation__loseMoreThanTheDaysFigure() external {
        _hedge();
        source.set(-50e18, -50e18);
        vm.warp(START + 30 days);
        _publish(PRICE);
        uint256 limit = guard.lossBounds().keeperKey;
        uint256 loss = _tradeForADayAgainst(HALF_PERCENT_DOWN, HALF_PERCENT_UP, 3e18);
        _attackYieldsAtMost(loss, limit);
    }

    /// @dev Buys at the ceiling while the market is at `lowPrice`, sells at the floor while it is at `highPrice`.
    function _tradeForADayAgainst(uint256 lowPrice, uint256 highPrice, int256 firstSize)
        private
        returns (uint256 loss)
    {
        uint256 endsAt = block.timestamp + 1 days;
        int256 size = firstSize;
        while (block.timestamp <= endsAt) {
            bool isPurchase = size > 0;
            venue.setExecution(isPurchase ? HALF_PERCENT_UP : HALF_PERCENT_DOWN, 20, false);
            uint256 truth = isPurchase ? lowPrice : highPrice;
            int256 before = _worth(truth);
            if (_attemptRebalance(_leg(0, size))) {
                loss += _loss(before, _worth(truth));
                size = isPurchase ? -2 * firstSize : 2 * firstSize;
            }
            vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
            aggregator.updateAnswer(2000e8);
        }
    }
}
