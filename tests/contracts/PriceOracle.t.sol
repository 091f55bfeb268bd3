// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPriceOracle} from "../../contracts/interfaces/IPriceOracle.sol";
import {PriceFaults, PriceLimits} from "../../contracts/types/Prices.sol";
import {PriceDefaults} from "./support/PriceDefaults.sol";
import {PriceFixture} from "./support/PriceFixture.sol";

/// @notice HEDGE-402 .. HEDGE-453: what makes a price unhealthy, to the unit, and the interval around it.
contract PriceOracleTest is PriceFixture {
    // HEDGE-409
    function test_read_healthy() external view {
        IPriceOracle.Reading memory reading = oracle.read();
        assertEq(reading.faults, 0);
        assertEq(reading.price, PRICE);
        assertEq(reading.updatedAt, START);
        (uint256 price, uint256 updatedAt) = oracle.price();
        assertEq(price, PRICE);
        assertEq(updatedAt, START);
    }

    // HEDGE-409
    function test_faults_masksCoverEveryBitOnce() external view {
        assertEq(oracle.PRICE_FAULTS() & oracle.COLLATERAL_FAULTS(), 0);
        assertEq(oracle.PRICE_FAULTS() | oracle.COLLATERAL_FAULTS(), (1 << 19) - 1);
        assertEq(oracle.COLLATERAL_FAULTS() & (oracle.COLLATERAL_FAULTS() - 1), 15 << 15);
        assertEq(PriceFaults.NO_ANSWER << PriceFaults.SECONDARY_SHIFT, PriceFaults.SECONDARY_NO_ANSWER);
        assertEq(PriceFaults.STALE << PriceFaults.SECONDARY_SHIFT, PriceFaults.SECONDARY_STALE);
        assertEq(PriceFaults.FROM_FUTURE << PriceFaults.SECONDARY_SHIFT, PriceFaults.SECONDARY_FROM_FUTURE);
        assertEq(PriceFaults.OUT_OF_RANGE << PriceFaults.SECONDARY_SHIFT, PriceFaults.SECONDARY_OUT_OF_RANGE);
        assertEq(PriceFaults.TOO_UNCERTAIN << PriceFaults.SECONDARY_SHIFT, PriceFaults.SECONDARY_TOO_UNCERTAIN);
        assertEq(PriceFaults.NO_ANSWER << PriceFaults.COLLATERAL_SHIFT, PriceFaults.COLLATERAL_NO_ANSWER);
        assertEq(PriceFaults.STALE << PriceFaults.COLLATERAL_SHIFT, PriceFaults.COLLATERAL_STALE);
        assertEq(PriceFaults.FROM_FUTURE << PriceFaults.COLLATERAL_SHIFT, PriceFaults.COLLATERAL_FROM_FUTURE);
        assertEq(PriceFaults.OUT_OF_RANGE << PriceFaults.COLLATERAL_SHIFT, PriceFaults.COLLATERAL_DEPEGGED);
        assertEq(PriceFaults.TOO_UNCERTAIN << PriceFaults.COLLATERAL_SHIFT, PriceFaults.COLLATERAL_TOO_UNCERTAIN);
    }

    // --- the primary source -------------------------------------------------------------------------------------

    // HEDGE-402
    function test_price_acceptsTheOldestAllowed() external {
        primary.set(PRICE, START - 1 hours, 0);
        (uint256 price, uint256 updatedAt) = oracle.price();
        assertEq(price, PRICE);
        assertEq(updatedAt, START - 1 hours);
    }

    // HEDGE-402
    function test_price_revertsIfStaleByASecond() external {
        primary.set(PRICE, START - 3601, 0);
        _expectFault(PriceFaults.STALE, IPriceOracle.PriceStale.selector, 3601, 3600);
    }

    // HEDGE-402
    function test_price_revertsIfNeverUpdated() external {
        primary.set(PRICE, 0, 0);
        _expectFault(PriceFaults.STALE, IPriceOracle.PriceStale.selector, START, 3600);
    }

    // HEDGE-403
    function test_price_revertsIfFromTheFuture() external {
        primary.set(PRICE, START + 1, 0);
        _expectFault(PriceFaults.FROM_FUTURE, IPriceOracle.PriceFromFuture.selector, START + 1, START);
    }

    // HEDGE-404
    function test_price_acceptsTheEndsOfTheRange() external {
        _setSources(PriceDefaults.alone(primary));
        uint256[2] memory ends = [uint256(100e18), 100_000e18];
        for (uint256 i = 0; i < 2; ++i) {
            primary.set(ends[i], START, 0);
            (uint256 price,) = oracle.price();
            assertEq(price, ends[i]);
        }
    }

    // HEDGE-404
    function test_price_revertsIfOutOfRange() external {
        _setSources(PriceDefaults.alone(primary));
        uint256[4] memory outside = [uint256(0), 100e18 - 1, 100_000e18 + 1, type(uint256).max];
        for (uint256 i = 0; i < 4; ++i) {
            primary.set(outside[i], START, 0);
            bytes4 selector = IPriceOracle.PriceOutOfRange.selector;
            _expectFault(PriceFaults.OUT_OF_RANGE, selector, outside[i], 100e18, 100_000e18);
        }
    }

    // HEDGE-449
    function test_price_revertsIfTooUncertainByAUnit() external {
        primary.set(PRICE, START, 20e18); // 1 % of 2,000
        assertEq(_faults(), 0);
        primary.set(PRICE, START, 20e18 + 1);
        _expectFault(PriceFaults.TOO_UNCERTAIN, IPriceOracle.PriceTooUncertain.selector, 20e18 + 1, 20e18);
    }

    // HEDGE-449
    function test_price_judgesConfidenceWithoutRounding() external {
        _setSources(PriceDefaults.alone(primary));
        primary.set(PRICE + 99, START, 20e18); // 1 % of it is 20e18 and 0.99
        assertEq(_faults(), 0);
        primary.set(PRICE + 99, START, 20e18 + 1);
        assertEq(_faults(), PriceFaults.TOO_UNCERTAIN);
    }

    // HEDGE-406
    function test_price_revertsIfTheSourceIsSilent() external {
        primary.silence(true);
        bytes memory expected = abi.encodeWithSelector(IPriceOracle.PriceNotAnswered.selector, primary);
        _expectFault(PriceFaults.NO_ANSWER, expected);
        assertEq(oracle.read().price, 0);
        assertEq(oracle.read().updatedAt, 0);
        assertEq(oracle.read().high, 0);
    }

    // --- the secondary source -----------------------------------------------------------------------------------

    // HEDGE-451
    function test_secondary_eachFaultIsAPriceFault() external {
        secondary.set(PRICE, START - 600, 20e18);
        assertEq(_faults(), 0);

        secondary.set(PRICE, START - 601, 0);
        _expectFault(PriceFaults.SECONDARY_STALE, IPriceOracle.SecondaryPriceStale.selector, 601, 600);

        secondary.set(PRICE, START + 1, 0);
        bytes4 selector = IPriceOracle.SecondaryPriceFromFuture.selector;
        _expectFault(PriceFaults.SECONDARY_FROM_FUTURE, selector, START + 1, START);

        secondary.set(PRICE, START, 20e18 + 1);
        selector = IPriceOracle.SecondaryPriceTooUncertain.selector;
        _expectFault(PriceFaults.SECONDARY_TOO_UNCERTAIN, selector, 20e18 + 1, 20e18);

        secondary.silence(true);
        bytes memory expected = abi.encodeWithSelector(IPriceOracle.SecondaryPriceNotAnswered.selector, secondary);
        _expectFault(PriceFaults.SECONDARY_NO_ANSWER, expected);
    }

    // HEDGE-451
    function test_secondary_outOfRangeIsAPriceFault() external {
        primary.set(100_000e18, START, 0);
        secondary.set(100_000e18 + 1, START, 0);
        bytes4 selector = IPriceOracle.SecondaryPriceOutOfRange.selector;
        _expectFault(PriceFaults.SECONDARY_OUT_OF_RANGE, selector, 100_000e18 + 1, 100e18, 100_000e18);
    }

    // HEDGE-451
    function test_primary_unhealthyIsAFaultThoughTheSecondaryIsHealthy() external {
        primary.silence(true);
        assertEq(_faults(), PriceFaults.NO_ANSWER);
        assertEq(oracle.read().low, 0);
        assertEq(oracle.read().high, 0, "no price is made up of the secondary's");
    }

    // HEDGE-450
    function test_prices_disagreeByAUnitAboveOrBelow() external {
        secondary.set(2040e18, START, 0); // 2 % of the lower
        assertEq(_faults(), 0);
        secondary.set(2040e18 + 1, START, 0);
        _expectFault(PriceFaults.DISAGREE, IPriceOracle.PricesDisagree.selector, PRICE, 2040e18 + 1, 200);
        primary.set(2040e18, START, 0);
        secondary.set(PRICE, START, 0);
        assertEq(_faults(), 0);
        secondary.set(PRICE - 1, START, 0);
        _expectFault(PriceFaults.DISAGREE, IPriceOracle.PricesDisagree.selector, 2040e18, PRICE - 1, 200);
    }

    // HEDGE-450
    function test_prices_disagreementWithTheLargestNumberDoesNotRevert() external {
        secondary.set(type(uint256).max, START, type(uint256).max);
        uint256 expected =
            PriceFaults.SECONDARY_OUT_OF_RANGE | PriceFaults.SECONDARY_TOO_UNCERTAIN | PriceFaults.DISAGREE;
        assertEq(_faults(), expected);
    }

    // --- the sequencer ------------------------------------------------------------------------------------------

    // HEDGE-452
    function test_sequencer_downIsAFault() external {
        sequencer.updateAnswer(1);
        sequencer.updateStartedAt(START - 60);
        bytes memory expected = abi.encodeWithSelector(IPriceOracle.SequencerDown.selector, START - 60);
        _expectFault(PriceFaults.SEQUENCER_DOWN, expected);
    }

    // HEDGE-452
    function test_sequencer_graceEndsAfterItsLastSecond() external {
        sequencer.updateStartedAt(START - 1800);
        _expectFault(PriceFaults.SEQUENCER_GRACE, IPriceOracle.SequencerGrace.selector, START - 1800, 1800);
        sequencer.updateStartedAt(START - 1801);
        assertEq(_faults(), 0);
        sequencer.updateStartedAt(START + 1);
        assertEq(_faults(), PriceFaults.SEQUENCER_GRACE);
    }

    // HEDGE-452
    function test_sequencer_repeatedStatusDoesNotExtendTheGrace() external {
        sequencer.updateRoundData(9, 0, START); // updatedAt is now
        sequencer.updateStartedAt(START - 1 days);
        assertEq(_faults(), 0);
    }

    // HEDGE-452
    function test_sequencer_feedThatWasNeverToldIsNoAnswer() external {
        sequencer.updateStartedAt(0);
        bytes memory expected = abi.encodeWithSelector(IPriceOracle.SequencerNotAnswered.selector, sequencer);
        _expectFault(PriceFaults.SEQUENCER_NO_ANSWER, expected);
        vm.etch(address(sequencer), "");
        _expectFault(PriceFaults.SEQUENCER_NO_ANSWER, expected);
    }

    // --- the collateral -----------------------------------------------------------------------------------------

    // HEDGE-453
    function test_collateral_eachFaultClosesNoPrice() external {
        collateral.set(1e18, START - 25 hours, 0.01e18);
        assertEq(_faults(), 0);

        collateral.set(1e18, START - 25 hours - 1, 0);
        _expectCollateralFault(PriceFaults.COLLATERAL_STALE);
        collateral.set(1e18, START + 1, 0);
        _expectCollateralFault(PriceFaults.COLLATERAL_FROM_FUTURE);
        collateral.set(1e18, START, 0.01e18 + 1);
        _expectCollateralFault(PriceFaults.COLLATERAL_TOO_UNCERTAIN);
        collateral.silence(true);
        _expectCollateralFault(PriceFaults.COLLATERAL_NO_ANSWER);
    }

    // HEDGE-453
    function test_collateral_depegBeginsAUnitBeyondTheLimit() external {
        uint256[2] memory ends = [uint256(0.99e18), 1.01e18];
        uint256[2] memory beyond = [uint256(0.99e18 - 1), 1.01e18 + 1];
        for (uint256 i = 0; i < 2; ++i) {
            collateral.set(ends[i], START, 0);
            assertEq(_faults(), 0);
            collateral.set(beyond[i], START, 0);
            _expectCollateralFault(PriceFaults.COLLATERAL_DEPEGGED);
        }
    }

    // --- without them -------------------------------------------------------------------------------------------

    // HEDGE-410
    function test_oracle_oneSourceAloneSuffices() external {
        secondary.silence(true);
        collateral.silence(true);
        sequencer.updateAnswer(1);
        _setSources(PriceDefaults.alone(primary));
        assertEq(_faults(), 0);
        (uint256 price,) = oracle.price();
        assertEq(price, PRICE);
    }

    // --- the interval -------------------------------------------------------------------------------------------

    // HEDGE-408
    function test_interval_isDeviationAndConfidence() external {
        primary.set(PRICE, START, 3e18);
        assertEq(oracle.read().low, 1987e18); // 2,000 - (10 + 3)
        assertEq(oracle.read().high, 2013e18);
    }

    // HEDGE-408
    function test_interval_roundsOutward() external {
        primary.set(PRICE + 1, START, 0); // 0.5 % of it is 10e18 and 0.005
        assertEq(oracle.read().low, PRICE + 1 - 10e18 - 1);
        assertEq(oracle.read().high, PRICE + 1 + 10e18 + 1);
    }

    // HEDGE-408
    function test_interval_holdsTheHealthySecondary() external {
        secondary.set(2030e18, START, 0);
        assertEq(oracle.read().low, 1990e18);
        assertEq(oracle.read().high, 2030e18);
        secondary.set(1970e18, START, 0);
        assertEq(oracle.read().low, 1970e18);
        assertEq(oracle.read().high, 2010e18);
        secondary.set(1970e18, START + 1, 0); // unhealthy
        assertEq(oracle.read().low, 1990e18);
    }

    // HEDGE-408
    function testFuzz_interval_isExactToTheUnit(uint256 price, uint256 confidence, uint16 deviationBps) external {
        PriceLimits memory limits = PriceDefaults.limits();
        limits.deviationBps = uint16(bound(deviationBps, 1, 1000));
        _setLimits(limits);
        price = bound(price, 100e18, 100_000e18);
        confidence = bound(confidence, 0, price / 100);
        primary.set(price, START, confidence);
        secondary.set(price, START, 0);
        IPriceOracle.Reading memory reading = oracle.read();
        assertEq(reading.faults, 0);
        // In units of 1 / 10,000, where it is exact: outside by less than one unit.
        uint256 exact = (price - confidence) * 10_000 - price * limits.deviationBps;
        assertLe(reading.low * 10_000, exact);
        assertGt((reading.low + 1) * 10_000, exact);
        exact = (price + confidence) * 10_000 + price * limits.deviationBps;
        assertGe(reading.high * 10_000, exact);
        assertLt((reading.high - 1) * 10_000, exact);
    }

    // HEDGE-408
    function test_interval_saturatesAtTheEndsOfTheNumbers() external {
        primary.set(type(uint256).max - 1, START, 1);
        assertEq(oracle.read().high, type(uint256).max);
        primary.set(5, START, 10);
        assertEq(oracle.read().low, 0);
    }

    // HEDGE-409
    function test_price_namesTheFirstFaultOfSeveral() external {
        sequencer.updateAnswer(1);
        vm.expectPartialRevert(IPriceOracle.SequencerDown.selector);
        oracle.price();
        secondary.set(PRICE / 2, START, PRICE);
        vm.expectPartialRevert(IPriceOracle.SecondaryPriceTooUncertain.selector);
        oracle.price();
        primary.set(1, 0, PRICE);
        vm.expectPartialRevert(IPriceOracle.PriceStale.selector);
        oracle.price();
    }
}
