// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRebalanceGuard} from "../../../contracts/interfaces/IRebalanceGuard.sol";
import {Leg} from "../../../contracts/types/Rebalance.sol";
import {AttackFixture} from "../support/AttackFixture.sol";

/// @notice Orders that fill later in the hands of a thief who also says when they fill and at what. The figure is what the
///         vault loses at the oracle's price, USD.
contract OrdersTest is AttackFixture {
    function setUp() public override {
        super.setUp();
        _hedge();
        source.set(-50e18, -50e18);
        venue.setLater(true, 20);
    }

    /// @dev From one end of the band to the other for a day, each order filled at its limit for the highest fee.
    function test_orders__filledAtTheirLimitAllDay__staysInsideLossBounds() external {
        uint256 bound = guard.lossBounds().keeperKey;
        int256 before = _worth(PRICE);
        uint256 accepted = 0;
        for (uint256 i = 0; i < 144; ++i) {
            vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
            _publish(PRICE);
            if (!_attemptRebalance(_leg(0, _swing(i)))) continue;
            ++accepted;
            _fillAtTheLimit();
        }
        assertGt(accepted, 20, "the thief gets to trade");
        _attackYieldsAtMost(_loss(before, _worth(PRICE)), bound);
    }

    /// @dev The same, asked for and cancelled: nothing is lost, and what it used up keeps him from going on.
    function test_orders__askedForAndCancelledAllDay__useUpTheThiefsOwnBudget() external {
        uint256 accepted = 0;
        for (uint256 i = 0; i < 144; ++i) {
            vm.warp(block.timestamp + SECONDS_OF_COOLDOWN);
            _publish(PRICE);
            if (!_attemptRebalance(_leg(0, 3e18))) continue;
            ++accepted;
            bytes32 orderId = venue.openOrder();
            vm.prank(keeper);
            venue.cancel(orderId);
        }
        // 6,030 of turnover each, of 400,000 less the hedge's 100,000 and of what a day gives back. The figure is turnover.
        assertEq(_lastRefusal, IRebalanceGuard.TurnoverExceeded.selector);
        _attackYieldsAtMost(accepted * 6030e18, 300_000e18 + 86_400e18);
    }

    /// @dev What a limit that was fair allows once the market has left it: the one thing that no budget holds.
    function test_order__filledAtItsLimitAfterTheMarketFell__isWhatTheMarketMoved() external {
        source.set(-102e18, -98e18);
        assertTrue(_attemptRebalance(_leg(int256(_units(40_000)), 45e18)));
        _publish(PRICE * 97 / 100);
        int256 before = _worth(PRICE * 97 / 100);
        _fillAtTheLimit();
        // 45 at 2,010 and worth 1,940, and the fee of 20 bps.
        _attackYieldsAtMost(_loss(before, _worth(PRICE * 97 / 100)), 45e18 * 70 + 180.9e18);
    }

    /// @dev A bystander ends it once it has expired.
    function test_order__leftToWaitForTheMarket__isCancelledByABystander() external {
        source.set(-102e18, -98e18);
        assertTrue(_attemptRebalance(_leg(int256(_units(40_000)), 45e18)));
        vm.warp(block.timestamp + 300);
        vm.prank(depositor);
        venue.cancel(venue.openOrder());
        _publish(PRICE * 90 / 100);
        int256 before = _worth(PRICE * 90 / 100);
        _fillAtTheLimit();
        _attackYieldsAtMost(_loss(before, _worth(PRICE * 90 / 100)), 0);
    }

    /// @dev An order on each venue, which nobody could take back: bought here and sold there, only one side fills.
    function test_orders__ofWhichOneSideFills__isRefused() external {
        address second = address(_addVenue());
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(address(venue), 0, 3e18, 0);
        legs[1] = Leg(second, int256(_units(20_000)), -10e18, 0);
        bool isAccepted = _attemptRebalance(legs);
        _attackYieldsAtMost(isAccepted ? 20_000e18 : 0, 0);
    }

    function _swing(uint256 i) private view returns (int256) {
        int256 net = venue.size() - 50e18;
        return i % 2 == 0 ? int256(2.9e18) - net : -2.9e18 - net;
    }

    function _fillAtTheLimit() private {
        bytes32 orderId = venue.lastOrder();
        uint256 limit = venue.order(orderId).limitPrice;
        venue.fillOrder(orderId, venue.order(orderId).sizeDelta, limit, venue.order(orderId).maxFee);
    }
}
