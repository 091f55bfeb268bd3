// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {BoundsRules} from "../../../contracts/libraries/BoundsRules.sol";
import {Bounds} from "../../../contracts/types/Rebalance.sol";
import {AttackFixture} from "../support/AttackFixture.sol";
import {ScriptedSource} from "../support/ScriptedSource.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";

/// @dev A venue that hands over what it holds.
contract ThievishVenue is ScriptedVenue {
    constructor(address vault_, address collateral_) ScriptedVenue(vault_, collateral_, 2000e18) {}

    function handOver(address to, uint256 assets) external {
        (bool done,) = collateral.call(abi.encodeWithSignature("transfer(address,uint256)", to, assets));
        require(done);
    }
}

/// @notice What one block suffices for when the governor's key is stolen. Depositors hold 200,000.
contract CapturedGovernorTest is AttackFixture {
    ThievishVenue private thief;

    bool private _sellsNext;

    function setUp() public override {
        super.setUp();
        _hedge();
        thief = new ThievishVenue(address(vault), address(token));
    }

    /// @dev The venue calls this before each fill: purchases at the ceiling, sales at the floor.
    function turnAround() external {
        venue.setExecution(_sellsNext ? 1940e18 : 2060e18, 100, true);
        _sellsNext = !_sellsNext;
    }

    function _becomeKeeper() private {
        _seize(address(access), _grantKeeperCall(attacker));
    }

    function _addThief() private {
        _seize(address(registry), _addVenueCall(thief));
    }

    function _takeFromThief() private returns (uint256) {
        thief.handOver(attacker, token.balanceOf(address(thief)));
        return _usd(token.balanceOf(attacker));
    }

    function test_captured__ownVenueAndNoBook__takesEverything() external {
        _becomeKeeper();
        _addThief();
        _seize(address(deltaBook), _removeSourceCall(source));
        _attemptRebalance(attacker, _leg(-int256(_units(50_000)), -50e18));
        _attemptRebalance(attacker, _legOn(thief, int256(token.balanceOf(address(vault))), 0));
        _attackYieldsAtMost(_takeFromThief(), 0);
    }

    /// @dev The book may stay: idle goes at once, no trade is needed.
    function test_captured__ownVenueAlone__takesIdle() external {
        _becomeKeeper();
        _addThief();
        _attemptRebalance(attacker, _legOn(thief, int256(token.balanceOf(address(vault))), 0));
        _attackYieldsAtMost(_takeFromThief(), 0);
    }

    /// @dev Neither keeper nor trade: 2,000 of shares and a venue that calls itself rich.
    function test_captured__venueThatLiesRich__paysItsShares() external {
        _deposit(attacker, _units(2000));
        _addThief();
        thief.setCash(1e9 * 1e18);
        uint256 paid = _usd(_attemptExit(attacker));
        // Idle is 152,000; a share's price no longer limits what 2,000 of deposits are paid.
        _attackYieldsAtMost(_gain(2000e18, paid), 0);
    }

    /// @dev A registered venue that turns a liar later, as an upgradeable one may, needs no governor in that block.
    function test_captured__venueThatLiesPoor__sellsShares() external {
        _addThief();
        venue.setCash(-100_000e18 + 1e18); // 50 held at 2,000: 1 USD
        _attemptDeposit(attacker, _units(150_001));
        venue.setCash(-50_000e18);
        _attackYieldsAtMost(_gain(150_001e18, _usd(vault.previewRedeem(vault.balanceOf(attacker)))), 0);
    }

    /// @dev Each trade buys and sells 0.6 of NAV at the hard limits: 3 % slippage and 1 % fee a side, 4.8 % of NAV.
    function test_captured__boundsAtHardLimits__losesNavInABlock() external {
        _becomeKeeper();
        _seize(address(guard), _setBoundsCall(_hardLimits()));
        vm.warp(block.timestamp + 12); // the bucket refills in the next block
        aggregator.updateAnswer(2000e8);
        int256 before = _worth(PRICE);
        _attemptRebalance(attacker, _leg(int256(token.balanceOf(address(vault))), 0));
        venue.setCall(address(this), abi.encodeCall(this.turnAround, ()));
        for (uint256 i = 0; i < 60; ++i) {
            int256 size = _worth(PRICE) * 6 / 10 / 2000;
            _attemptRebalance(attacker, _legs(size, -size));
        }
        _attackYieldsAtMost(_loss(before, _worth(PRICE)), 0);
    }

    /// @dev The same after the delay, when nobody has cancelled: 5 % of NAV a day, and 60 trades are refused beyond it.
    function test_captured__boundsLoosenedInDueForm__losesATwentiethADay() external {
        assertTrue(_attemptAsGovernor(address(guard), _setBoundsCall(_hardLimits())));
        int256 before = _worth(PRICE);
        venue.setCall(address(this), abi.encodeCall(this.turnAround, ()));
        for (uint256 i = 0; i < 600; ++i) {
            if (i % 10 == 0) vm.warp(block.timestamp + 24 minutes);
            aggregator.updateAnswer(2000e8);
            int256 size = _worth(PRICE) / 20 / (1 + int256(i % 10)) / 2000;
            _attemptRebalance(keeper, _legs(size, -size));
        }
        uint256 lost = _loss(before, _worth(PRICE));
        assertGt(lost, 5000e18, "the thief got something");
        _attackYieldsAtMost(lost, 10_000e18);
    }

    /// @dev A source that invents a short book has an honest keeper build a position of twice the NAV for nothing.
    function test_captured__inventedBook__buysTwiceTheNav() external {
        ScriptedSource invented = new ScriptedSource(-1000e18, -1000e18);
        _seize(address(deltaBook), _addSourceCall(invented));
        uint256 margin = _units(50_000);
        _attemptRebalance(_leg(int256(margin), 60e18));
        _attemptRebalance(_leg(int256(margin), 60e18));
        _attemptRebalance(_leg(0, 30e18));
        uint256 excess = venue.size() > 50e18 ? uint256(venue.size() - 50e18) : 0;
        _attackYieldsAtMost(excess * 2000, 0);
    }

    function _hardLimits() private view returns (Bounds memory b) {
        b = guard.bounds();
        (b.minImprovement, b.minNotional, b.cooldownSeconds) = (0, 0, BoundsRules.MIN_COOLDOWN);
        b.maxGrossNotional = BoundsRules.MAX_USD;
        b.lossCapacityBps = 500; // and nothing left for the refill: all that a day allows, at once
        b.lossRefillBpsPerDay = 0;
        b.maxDrawdownBps = BoundsRules.MAX_DRAWDOWN_BPS;
        (b.idleFloorBps, b.urgentReserveBps, b.keeperShareBps) = (0, 0, BoundsRules.MAX_KEEPER_SHARE_BPS);
        b.urgentDelta = BoundsRules.MAX_UNDERLYING;
        b.band = BoundsRules.MAX_UNDERLYING;
        b.maxSizeDelta = BoundsRules.MAX_UNDERLYING;
        b.maxNotional = BoundsRules.MAX_USD;
        b.turnoverCapacity = BoundsRules.MAX_USD;
        b.turnoverRefillPerDay = BoundsRules.MAX_USD;
        b.maxVenueLeverage = BoundsRules.MAX_VENUE_LEVERAGE;
        b.maxLeverage = BoundsRules.MAX_LEVERAGE;
        b.maxSlippageBps = BoundsRules.MAX_SLIPPAGE_BPS;
        b.maxFeeBps = BoundsRules.MAX_FEE_BPS;
        b.maxNavLossBps = BoundsRules.MAX_NAV_LOSS_BPS;
    }
}
