// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Bounds, Leg} from "../../../contracts/types/Rebalance.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {KeeperActions} from "./KeeperActions.sol";

/// @notice One hedged vault, and what a thief of a keeper key does to it in a day, written as a list of genes.
/// @dev Feed and market drift by up to half a percent at a time. The true price moves inside the feed's deviation, as the
///      thief likes; the feed does not see it. Venues fill where he likes and keep what he likes. A member who is his friend
///      comes and goes.
contract AttackStage is KeeperActions {
    uint256 public constant GENES = 16;

    uint256 public lost; // WAD USD at the true price of each moment
    uint256 public lossBound; // largest `lossBounds().keeperKey` of the day, WAD USD
    uint256 public exposure; // largest W after an accepted trade over what was allowed, WAD ratio
    uint256 public acceptedCount;

    uint256 private _truePrice;
    uint256 private _endsAt;

    constructor() {
        _build();
        address member = members[0];
        token.mint(member, 1_000_000e6);
        vm.prank(member);
        vault.deposit(1_000_000e6, member);
        book.set(-60e18, -60e18);
        for (uint256 i = 0; i < 2; ++i) {
            capUsd[listed[i]] = type(uint64).max;
            Leg[] memory legs = new Leg[](1);
            legs[0] = Leg(address(listed[i]), 100_000e6, 30e18, 0);
            _setFill(listed[i], 30e18, 0, 0);
            require(_send(HONEST, _nextIntent(), legs, false), "the hedge the attack begins with");
            _advance(600);
        }
        _advance(1 hours);
    }

    /// @param takesMargin Venues may credit less margin than they take.
    function run(uint256[] calldata genes, bool takesMargin) external {
        _truePrice = feedPrice;
        _endsAt = vm.getBlockTimestamp() + 1 days;
        _noteBound();
        Bounds memory b = guard.bounds(); // nobody changes them here
        for (uint256 i = 0; i < genes.length; ++i) {
            uint256 g = genes[i];
            if (g % 8 == 0) _drift(g);
            else if (g % 8 == 1 && takesMargin) _take(g, b);
            else if (g % 8 == 2) _befriend(g);
            else if (g % 8 == 3) _strip(g, b);
            else _trade(g, b);
        }
    }

    /// @dev Up to four hours, in which feed and market move by half a percent at most.
    function _drift(uint256 g) private {
        if (vm.getBlockTimestamp() == _endsAt) return;
        feedPrice = feedPrice * (9950 + (g >> 32) % 101) / BPS;
        _wait(1 + (g >> 8) % 4 hours);
        _moveTruePrice(0, 0);
        _noteBound();
    }

    function _wait(uint256 elapsed) private {
        uint256 step = Math.min(elapsed, _endsAt - vm.getBlockTimestamp());
        if (step != 0) _advance(step); // and the feed publishes again
    }

    /// @dev Up to six trades in a row: to an end of the band, anything, or a part of a position closed; the true price on the
    ///      side that hurts, or anywhere.
    function _trade(uint256 g, Bounds memory b) private {
        uint256 repeats = 1 + (g >> 16) % 6;
        for (uint256 i = 0; i < repeats; ++i) {
            _wait((g >> 24) % 4 == 0 ? (g >> 32) % 2 hours : b.cooldownSeconds);
            int256 net = _net();
            int256 edge = int256(uint256(b.band)) * int256((g >> 40) % 128) / 120;
            int256 sizeDelta = net > 0 ? -net - edge : -net + edge;
            if ((g >> 48) % 8 == 0) sizeDelta = int256((g >> 56) % 30e18) - 15e18;
            if ((g >> 48) % 8 == 1) sizeDelta = -listed[(g >> 136) % 2].size() * int256((g >> 56) % 101) / 100;
            _moveTruePrice(sizeDelta, (g >> 120) % 8);
            _send(g, sizeDelta, b);
        }
    }

    /// @dev What the thief asked for fills at its limit for its highest fee, the true price on the side that hurts.
    function _fillOrders() private {
        for (uint256 i = 0; i < listed.length; ++i) {
            listed[i].setLater(false, 0);
            ScriptedVenue.Order memory order = listed[i].order(listed[i].openOrder());
            if (order.sizeDelta == 0) continue;
            _moveTruePrice(order.sizeDelta, 2);
            int256 before = _trueWorth();
            listed[i].fillOrder(listed[i].lastOrder(), order.sizeDelta, order.limitPrice, order.maxFee);
            lost += uint256(SignedMath.max(0, before - _trueWorth()));
        }
    }

    /// @dev Mostly to the end of the deviation at which the trade costs most.
    function _moveTruePrice(int256 sizeDelta, uint256 choice) private {
        if (choice == 0) _truePrice = feedPrice;
        else if ((choice == 1) == (sizeDelta > 0)) _truePrice = _up(feedPrice);
        else _truePrice = _down(feedPrice);
        for (uint256 i = 0; i < listed.length; ++i) {
            listed[i].setPrices(_truePrice, _truePrice);
        }
    }

    function _send(uint256 g, int256 sizeDelta, Bounds memory b) private {
        bool isWash = (g >> 128) % 4 == 0;
        Leg[] memory legs = new Leg[](isWash ? 2 : 1);
        ScriptedVenue venue = listed[(g >> 136) % 2];
        _setFill(venue, sizeDelta, b.maxSlippageBps - (g >> 144) % 3, b.maxFeeBps);
        legs[0] = Leg(address(venue), 0, sizeDelta, 0);
        if (isWash) {
            ScriptedVenue other = venue == listed[0] ? listed[1] : listed[0];
            legs[1] = Leg(address(other), 0, -sizeDelta * int256((g >> 152) % 101) / 100, 0);
            _setFill(other, legs[1].sizeDelta, b.maxSlippageBps, b.maxFeeBps);
        }
        if ((g >> 200) % 2 == 0) venue.setLater(true, b.maxFeeBps);
        _try(legs, b);
        _fillOrders();
    }

    function _take(uint256 g, Bounds memory b) private {
        ScriptedVenue venue = listed[(g >> 8) % 2];
        (, uint256 loss) = guard.available(keepers[THIEF], false);
        uint256 taken = Math.min(loss, 10_500e18) * ((g >> 16) % 1024) / 1000 / TO_WAD;
        venue.setMarginTaken(taken);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(venue), int256(taken + (g >> 32) % 1000e6), 0, 0);
        _try(legs, b);
        venue.setMarginTaken(0);
    }

    /// @dev Takes margin from a venue until its leverage is about what it may be; home, or to the other venue.
    function _strip(uint256 g, Bounds memory b) private {
        (ScriptedVenue venue, ScriptedVenue other) = (listed[(g >> 8) % 2], listed[1 - (g >> 8) % 2]);
        int256 equity = venue.cash() + venue.size() * int256(_truePrice) / 1e18;
        uint256 least = SignedMath.abs(venue.size()) * _truePrice / b.maxVenueLeverage;
        int256 margin = (equity - int256(least * (BPS + (g >> 16) % 512) / BPS)) / int256(TO_WAD);
        if (margin <= 0) return;
        _back(venue);
        Leg[] memory legs = new Leg[]((g >> 24) % 2 == 0 ? 1 : 2);
        legs[0] = Leg(address(venue), -margin, 0, 0);
        if (legs.length == 2) legs[1] = Leg(address(other), margin, 0, 0);
        _try(legs, b);
    }

    function _befriend(uint256 g) private {
        address friend = members[1];
        uint256 shares = vault.maxRedeem(friend);
        bool isComing = shares == 0 || (g >> 8) % 2 == 0;
        uint256 assets = 1e6 + (g >> 16) % 300_000e6;
        if (isComing) token.mint(friend, assets);
        vm.prank(friend);
        if (isComing) vault.deposit(assets, friend);
        else vault.redeem(shares, friend, friend);
        _noteBound();
    }

    function _try(Leg[] memory legs, Bounds memory b) private {
        int256 before = _trueWorth();
        uint256 worst = SignedMath.abs(_net());
        if (!_send(THIEF, _nextIntent(), legs, false)) return;
        ++acceptedCount;
        int256 loss = before - _trueWorth();
        if (loss > 0) lost += uint256(loss);
        bool isTrade = legs[0].sizeDelta != 0 || legs[legs.length - 1].sizeDelta != 0;
        uint256 allowed = isTrade ? Math.max(b.band, Math.saturatingSub(worst, b.minImprovement)) : worst;
        exposure = Math.max(exposure, SignedMath.abs(_net()) * WAD / Math.max(allowed, 1)); // with what is asked for filled
    }

    /// @dev Collateral and positions at the true price, WAD USD.
    function _trueWorth() private view returns (int256 worth) {
        worth = int256(token.balanceOf(address(vault)) * TO_WAD);
        for (uint256 i = 0; i < listed.length; ++i) {
            worth += listed[i].cash() + listed[i].size() * int256(_truePrice) / 1e18;
        }
    }

    function _noteBound() private {
        lossBound = Math.max(lossBound, guard.lossBounds().keeperKey);
    }
}
