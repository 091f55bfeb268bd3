// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {GmxV2Keys} from "../../../contracts/venues/gmx/GmxV2Keys.sol";
import {GmxV2Releases} from "../../../contracts/venues/gmx/GmxV2Releases.sol";
import {GmxStage} from "../support/gmx/GmxStage.sol";

/// @notice HEDGE-560: what is foreseen of an order by `orderTerms` is never less than the order then tells.
contract GmxTermsTest is GmxStage {
    uint256 private constant MAX_FEE = 0.002 ether;

    function setUp() external {
        _raiseFunded(10 ether, 200_000e6);
        handler.setFeeUsed(10_000);
        vm.prank(vault.governor());
        gmx.setLimits(GmxV2Releases.Limits(uint96(MAX_FEE), 0.5e18, 750_000));
    }

    /// @dev A position opened at 2,000 USD, the price since then, and a trade that grows, shrinks, closes or turns it.
    function testFuzz_orderTerms_foretellTheHighestFee(
        int64 held,
        int64 size,
        uint64 price,
        uint8 limitBps,
        uint64 gasPrice
    ) external {
        int256 sizeDelta = _within(size, 20e18);
        if (held % 3 != 0) {
            _request(_within(held, 10e18));
            _fill(PRICE);
        }
        _setPrice(bound(price, 1600e8, 2400e8) * 1e10);
        _setImpact(bound(limitBps, 0, 100) * 1e26, 1e29); // up to 1 % of the notional
        vm.txGasPrice(bound(gasPrice, 0, 0.3 gwei)); // of 6.1 million gas, less than the limit
        uint256 mark = venue.markPrice();
        uint256 slip = mark * limitBps / 10_000;
        uint256 limit = sizeDelta > 0 ? mark + slip : mark - slip;
        uint256 foreseen = _foreseen(sizeDelta, limit);
        vm.prank(address(vault));
        uint256 told = venue.order(venue.execute(sizeDelta, limit).orderId).maxFee;
        assertLe(told, foreseen);
        // dearer by the rise at most, and by what a side was opened at beyond the price, or below it
        assertLe(foreseen, 2 * gmx.etherUsd(MAX_FEE) + told * 105 / 100 * 125 / 100 + 1e6);
    }

    function _within(int64 size, int256 most) private pure returns (int256) {
        int256 whole = int256(size) * most / type(int64).max;
        return SignedMath.abs(whole) < 0.001e18 ? int256(0.001e18) : whole;
    }

    function _foreseen(int256 sizeDelta, uint256 limit) private view returns (uint256) {
        (uint256 feeRate, uint256 fixedFee, uint256 saleRise,) = venue.orderTerms();
        (uint256 quoted,) = venue.quote(sizeDelta);
        uint256 price = sizeDelta > 0 ? limit : Math.max(limit, quoted + Math.mulDiv(quoted, saleRise, 1e18));
        uint256 notional = Math.mulDiv(SignedMath.abs(sizeDelta), price, 1e18, Math.Rounding.Ceil);
        return Math.mulDiv(notional, feeRate, 1e18, Math.Rounding.Ceil) + fixedFee;
    }

    function test_orderTerms_ofAFlatAccount_areThoseOfTheMarket() external {
        store.setUint(GmxV2Keys.positionFeeFactor(MARKET, true), 7e26 + 1);
        (uint256 feeRate, uint256 fixedFee, uint256 saleRise, uint256 sizeStep) = venue.orderTerms();
        assertEq(feeRate, 0.0007e18 + 1); // up
        assertEq(fixedFee, 8e18 + 1); // twice the limit, at 2,000 USD
        assertEq(saleRise, 0.05e18);
        assertEq(sizeStep, 1);
    }

    /// @dev GMX charges a close on the USD of its opening, at either side.
    function test_feeRate_isHigherWhereAPositionWasOpenedAtMore(bool isShort) external {
        _request(isShort ? -2e18 : int256(2e18));
        _fill(PRICE);
        _setPrice(1600e18);
        (uint256 feeRate,,,) = venue.orderTerms();
        assertEq(feeRate, 0.000625e18);
        _setPrice(2500e18);
        (feeRate,,,) = venue.orderTerms();
        assertEq(feeRate, 0.0005e18);
    }
}
