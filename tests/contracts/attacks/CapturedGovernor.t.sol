// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bounds, Leg} from "../../../contracts/types/Rebalance.sol";
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
        _seize(address(admin), _grantKeeperCall(attacker));
    }

    function _addThief() private {
        _seize(address(vault), _addVenueCall(thief));
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
        _attackYields(_takeFromThief(), 200_000e18);
    }

    /// @dev The book may stay: idle goes at once, no trade is needed.
    function test_captured__ownVenueAlone__takesIdle() external {
        _becomeKeeper();
        _addThief();
        _attemptRebalance(attacker, _legOn(thief, int256(token.balanceOf(address(vault))), 0));
        _attackYields(_takeFromThief(), 150_000e18);
    }

    /// @dev Neither keeper nor trade: 2,000 of shares and a venue that calls itself rich.
    function test_captured__venueThatLiesRich__paysItsShares() external {
        _deposit(attacker, _units(2000));
        _addThief();
        thief.setCash(1e9 * 1e18);
        uint256 paid = _usd(_attemptExit(attacker));
        // Idle is 152,000; a share's price no longer limits what 2,000 of deposits are paid.
        _attackYields(_gain(2000e18, paid), 150_000e18);
    }

    /// @dev A registered venue that turns a liar later, as an upgradeable one may, needs no governor in that block.
    function test_captured__venueThatLiesPoor__sellsShares() external {
        _addThief();
        venue.setCash(-100_000e18 + 1e18); // 50 held at 2,000: 1 USD
        _attemptDeposit(attacker, _units(150_001));
        venue.setCash(-50_000e18);
        _attackYields(_gain(150_001e18, _usd(vault.previewRedeem(vault.balanceOf(attacker)))), 24_999.5e18);
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
        _attackYields(_loss(before, _worth(PRICE)), 200_000e18 - 10_453e18);
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
        _attackYields(excess * 2000, 300_000e18);
    }

    function _hardLimits() private view returns (Bounds memory b) {
        b = guard.bounds();
        (b.minImprovement, b.cooldownSeconds) = (0, 0);
        b.urgentDelta = guard.MAX_UNDERLYING_HARD_LIMIT();
        b.band = guard.MAX_UNDERLYING_HARD_LIMIT();
        b.maxSizeDelta = guard.MAX_UNDERLYING_HARD_LIMIT();
        b.maxNotional = guard.MAX_USD_HARD_LIMIT();
        b.turnoverCapacity = guard.MAX_USD_HARD_LIMIT();
        b.turnoverRefillPerDay = guard.MAX_USD_HARD_LIMIT();
        b.maxVenueLeverage = guard.MAX_VENUE_LEVERAGE_HARD_LIMIT();
        b.maxLeverage = guard.MAX_LEVERAGE_HARD_LIMIT();
        b.maxSlippageBps = guard.MAX_SLIPPAGE_BPS_HARD_LIMIT();
        b.maxFeeBps = guard.MAX_FEE_BPS_HARD_LIMIT();
        b.maxNavLossBps = guard.MAX_NAV_LOSS_BPS_HARD_LIMIT();
    }
}
