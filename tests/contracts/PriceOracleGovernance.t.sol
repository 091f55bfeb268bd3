// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governed} from "../../contracts/governance/Governed.sol";
import {IPriceOracle} from "../../contracts/interfaces/IPriceOracle.sol";
import {IPriceSource} from "../../contracts/interfaces/IPriceSource.sol";
import {PriceOracle} from "../../contracts/oracles/PriceOracle.sol";
import {PriceFaults, PriceLimits, PriceSources} from "../../contracts/types/Prices.sol";
import {PriceDefaults} from "./support/PriceDefaults.sol";
import {PriceFixture} from "./support/PriceFixture.sol";
import {ScriptedPriceSource} from "./support/ScriptedPriceSource.sol";

/// @notice HEDGE-405, HEDGE-410 and HEDGE-455: who may change sources and limits, and how far.
contract PriceOracleGovernanceTest is PriceFixture {
    uint256 private constant FIELDS = 10;

    /// @dev Fields in the order of `PriceLimits`: name, hard lower and upper limit.
    function _field(uint256 i) private pure returns (bytes32 name, uint256 least, uint256 most) {
        if (i == 0) return ("maxAgeSeconds", 1, 90_000); // 25 hours
        if (i == 1) return ("secondaryMaxAgeSeconds", 1, 90_000);
        if (i == 2) return ("collateralMaxAgeSeconds", 1, 90_000);
        if (i == 3) return ("sequencerGraceSeconds", 0, 86_400);
        if (i == 4) return ("deviationBps", 1, 1000);
        if (i == 5) return ("maxDisagreementBps", 1, 1000);
        if (i == 6) return ("maxConfidenceBps", 1, 1000);
        if (i == 7) return ("maxDepegBps", 1, 1000);
        if (i == 8) return ("minPrice", 1, 100_000e18 - 1); // below the maxPrice of the defaults
        return ("maxPrice", 2, 1e28);
    }

    /// @dev Fields of which more is tighter.
    function _isTighterUpward(uint256 i) private pure returns (bool) {
        return i == 3 || i == 8;
    }

    function _with(uint256 i, uint256 number) private pure returns (PriceLimits memory limits) {
        uint256[FIELDS] memory words = abi.decode(abi.encode(PriceDefaults.limits()), (uint256[10]));
        words[i] = number;
        return abi.decode(abi.encode(words), (PriceLimits));
    }

    function _default(uint256 i) private pure returns (uint256) {
        uint256[FIELDS] memory words = abi.decode(abi.encode(PriceDefaults.limits()), (uint256[10]));
        return words[i];
    }

    function _assertInForce(PriceLimits memory limits) private view {
        assertEq(abi.encode(oracle.priceLimits()), abi.encode(limits));
    }

    // HEDGE-405
    function test_setPriceLimits_acceptsEveryFieldAtItsHardLimits() external {
        for (uint256 i = 0; i < FIELDS; ++i) {
            (, uint256 least, uint256 most) = _field(i);
            if (i == 9) least = 100e18 + 1; // above the minPrice of the defaults
            _setLimits(_with(i, least));
            _assertInForce(_with(i, least));
            _setLimits(_with(i, most));
            _assertInForce(_with(i, most));
        }
    }

    // HEDGE-405
    function test_setPriceLimits_revertsIfAnyFieldIsBeyondItsHardLimit() external {
        for (uint256 i = 0; i < FIELDS; ++i) {
            (bytes32 name, uint256 least, uint256 most) = _field(i);
            if (least != 0) _expectOutside(_with(i, least - 1), name, least - 1, least);
            _expectOutside(_with(i, most + 1), name, most + 1, most);
        }
        _expectOutside(_with(9, 100e18), "minPrice", 100e18, 100e18 - 1); // an empty range
    }

    function _expectOutside(PriceLimits memory limits, bytes32 name, uint256 actual, uint256 limit) private {
        bytes memory expected =
            abi.encodeWithSelector(IPriceOracle.PriceLimitOutsideHardLimit.selector, name, actual, limit);
        vm.prank(governor);
        vm.expectRevert(expected);
        oracle.setPriceLimits(limits);
        vm.expectRevert(expected);
        new PriceOracle(access, _sources(), limits);
    }

    // HEDGE-405
    function test_setPriceLimits_emitsOldAndNew() external {
        vm.expectEmit(address(oracle));
        emit IPriceOracle.PriceLimitsSet(PriceDefaults.limits(), _with(4, 75));
        _setLimits(_with(4, 75));
    }

    // HEDGE-455
    function test_tightenPriceLimits_acceptsEveryFieldTighterAlone() external {
        for (uint256 i = 0; i < FIELDS; ++i) {
            if (i == 4) continue; // deviationBps, which pays leavers less when it is wider and believes more when not
            uint256 tighter = _isTighterUpward(i) ? _default(i) + 1 : _default(i) - 1;
            vm.expectEmit(address(oracle));
            emit IPriceOracle.PriceLimitsSet(PriceDefaults.limits(), _with(i, tighter));
            vm.prank(guardian);
            oracle.tightenPriceLimits(_with(i, tighter));
            _assertInForce(_with(i, tighter));
            _setLimits(PriceDefaults.limits());
        }
    }

    // HEDGE-455
    function test_tightenPriceLimits_revertsIfAnyFieldIsLooser() external {
        for (uint256 i = 0; i < FIELDS; ++i) {
            _expectLooser(i, _isTighterUpward(i) ? _default(i) - 1 : _default(i) + 1);
        }
    }

    // HEDGE-455
    function test_tightenPriceLimits_revertsIfTheIntervalChangesEitherWay() external {
        _expectLooser(4, _default(4) + 1);
        _expectLooser(4, _default(4) - 1);
    }

    function _expectLooser(uint256 i, uint256 looser) private {
        (bytes32 name,,) = _field(i);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.PriceLimitLooser.selector, name, looser, _default(i)));
        oracle.tightenPriceLimits(_with(i, looser));
    }

    // HEDGE-455
    function test_tightenPriceLimits_obeysTheHardLimits() external {
        vm.prank(guardian);
        vm.expectRevert(
            abi.encodeWithSelector(
                IPriceOracle.PriceLimitOutsideHardLimit.selector, bytes32("maxAgeSeconds"), uint256(0), uint256(1)
            )
        );
        oracle.tightenPriceLimits(_with(0, 0));
    }

    // --- sources ------------------------------------------------------------------------------------------------

    // HEDGE-410
    function test_setSources_replacesAllAndEmitsOldAndNew() external {
        PriceSources memory next = PriceSources(
            new ScriptedPriceSource(2010e18),
            new ScriptedPriceSource(2020e18),
            new ScriptedPriceSource(1e18),
            address(0)
        );
        vm.expectEmit(address(oracle));
        emit IPriceOracle.PriceSourcesSet(_sources(), next);
        _setSources(next);
        assertEq(abi.encode(oracle.sources()), abi.encode(next));
        assertEq(oracle.read().price, 2010e18);
        assertEq(oracle.read().high, 2020.05e18);
    }

    // HEDGE-410
    function test_setSources_revertsIfAnyHasNoCode() external {
        address nobody = makeAddr("nobody");
        for (uint256 i = 0; i < 4; ++i) {
            _expectSourcesRefused(_replaced(i, nobody), abi.encodeWithSelector(Governed.NotAContract.selector, nobody));
        }
        address none = address(0);
        _expectSourcesRefused(_replaced(0, none), abi.encodeWithSelector(Governed.NotAContract.selector, none));
    }

    // HEDGE-410
    function test_setSources_revertsIfOneServesTwice() external {
        bytes4 repeated = IPriceOracle.PriceSourceRepeated.selector;
        _expectSourcesRefused(_replaced(1, address(primary)), abi.encodeWithSelector(repeated, primary));
        _expectSourcesRefused(_replaced(2, address(primary)), abi.encodeWithSelector(repeated, primary));
        _expectSourcesRefused(_replaced(2, address(secondary)), abi.encodeWithSelector(repeated, secondary));
    }

    // HEDGE-410
    function test_setSources_revertsIfANewOneIsNotHealthy() external {
        address wrong = address(new ScriptedPriceSource(PRICE / 2));
        _expectSourcesRefused(
            _replaced(0, wrong), abi.encodeWithSelector(IPriceOracle.PricesDisagree.selector, PRICE / 2, PRICE, 200)
        );
        address tooLow = address(new ScriptedPriceSource(1));
        _expectSourcesRefused(
            _replaced(0, tooLow), abi.encodeWithSelector(IPriceOracle.PriceOutOfRange.selector, 1, 100e18, 100_000e18)
        );
        address notASource = address(access);
        _expectSourcesRefused(
            _replaced(1, notASource),
            abi.encodeWithSelector(IPriceOracle.SecondaryPriceNotAnswered.selector, notASource)
        );
        _expectSourcesRefused(
            _replaced(2, notASource), abi.encodeWithSelector(IPriceOracle.CollateralNotAnswered.selector, notASource)
        );
        _expectSourcesRefused(
            _replaced(3, notASource), abi.encodeWithSelector(IPriceOracle.SequencerNotAnswered.selector, notASource)
        );
    }

    // HEDGE-410
    function test_setSources_needsNeitherSequencerNorPeg() external {
        sequencer.updateAnswer(1);
        collateral.set(0.5e18, START, 0);
        _setSources(_replaced(0, address(new ScriptedPriceSource(PRICE))));
        sequencer.updateAnswer(0);
        _setSources(_sources());
        assertEq(_faults(), PriceFaults.SEQUENCER_GRACE | PriceFaults.COLLATERAL_DEPEGGED);
    }

    function _replaced(uint256 i, address feed) private view returns (PriceSources memory next) {
        next = _sources();
        if (i == 0) next.primary = IPriceSource(feed);
        if (i == 1) next.secondary = IPriceSource(feed);
        if (i == 2) next.collateral = IPriceSource(feed);
        if (i == 3) next.sequencerFeed = feed;
    }

    function _expectSourcesRefused(PriceSources memory next, bytes memory expected) private {
        vm.prank(governor);
        vm.expectRevert(expected);
        oracle.setSources(next);
        vm.expectRevert(expected);
        new PriceOracle(access, next, PriceDefaults.limits());
    }
}
