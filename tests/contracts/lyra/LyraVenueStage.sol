// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {LyraOptions} from "../../../contracts/book/LyraOptions.sol";
import {OptionBook} from "../../../contracts/book/OptionBook.sol";
import {IOptionBook} from "../../../contracts/interfaces/IOptionBook.sol";
import {
    IOptionVenue,
    OptionCaps,
    OptionHolding,
    OptionOrder,
    OptionRisk
} from "../../../contracts/interfaces/IOptionVenue.sol";
import {Intent, Leg} from "../../../contracts/types/Rebalance.sol";
import {LyraOptionVenue} from "../../../contracts/venues/lyra/LyraOptionVenue.sol";
import {LyraPricing} from "../../../contracts/venues/lyra/LyraPricing.sol";
import {LyraQuotes} from "../../../contracts/venues/lyra/LyraQuotes.sol";
import {CallbackTokenDouble} from "../support/Tokens.sol";
import {VaultFixture} from "../support/VaultFixture.sol";
import {LyraMarketStage} from "./LyraMarketStage.sol";

/// @notice A real vault with an option venue on the real Lyra; its book is short 20 straddles, and a scripted source beside.
/// @dev The vault's asset calls back in the middle of a transfer where a test has asked for that.
abstract contract LyraVenueStage is LyraMarketStage, VaultFixture {
    uint256 internal constant NAV = 100_000e18;
    uint256 internal constant CASH = 20_000e18; // of it in the option venue
    int256 internal constant STRADDLES = 20e18;
    uint256 internal constant NO_LIMIT = type(uint256).max;

    LyraOptionVenue internal options;
    LyraOptions internal optionSource;
    LyraQuotes internal quotes;
    OptionBook internal book;

    function setUp() public virtual override {
        vm.warp(START);
        vm.roll(START_BLOCK);
        _deploy(new CallbackTokenDouble(18));
        _openLyra(token, PRICE, 250e18);
        quotes = new LyraQuotes(_contracts(), oracle);
        options = new LyraOptionVenue(access, vault, quotes, _caps());
        optionSource = _newSource(address(options));
        _govern(address(options), abi.encodeCall(options.bindSource, (optionSource)));
        _govern(address(deltaBook), abi.encodeCall(deltaBook.addSource, (optionSource)));
        _govern(address(registry), abi.encodeCall(registry.addVenue, (options)));
        _fillBook();
        source.set(0, 0);
        _deposit(depositor, NAV);
        _fund(int256(CASH));
    }

    function _contracts() internal view returns (LyraPricing.Contracts memory) {
        return LyraPricing.Contracts(market, optionToken, pricer, cache, pool, exchange, shortCollateral);
    }

    function _newSource(address holder) internal returns (LyraOptions) {
        return new LyraOptions(access, market, optionToken, holder, LyraOptions.Limits(0.5e18, 2e18, 0.1e18, 0.1e18));
    }

    function _caps() internal pure returns (OptionCaps memory) {
        return OptionCaps({
            maxGamma: 1e18, // delta for 1 %
            maxVega: 20_000e18, // USD for one unit of volatility
            ivTolerance: 0.1e18,
            carryTolerance: 0.1e18,
            maxTenorSeconds: 90 days,
            maxCostBps: 300,
            premiumCapacityBps: 1000,
            premiumRefillBpsPerDay: 500,
            lossCapacityBps: 200,
            lossRefillBpsPerDay: 100
        });
    }

    function _fillBook() private {
        book = new OptionBook(access);
        IOptionBook.OptionLeg[] memory legs = new IOptionBook.OptionLeg[](2);
        legs[0] = IOptionBook.OptionLeg(PRICE, expiry, true, -STRADDLES, 0.9e18, 1.1e18);
        legs[1] = IOptionBook.OptionLeg(PRICE, expiry, false, -STRADDLES, 0.9e18, 1.1e18);
        _govern(address(book), abi.encodeCall(book.addLegs, (legs)));
        _govern(address(deltaBook), abi.encodeCall(deltaBook.addSource, (book)));
    }

    // --- what the roles do --------------------------------------------------------------------------------------------

    /// @dev Moves margin into the venue, or home.
    function _fund(int256 assets) internal {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(options), assets, 0, 0);
        _rebalance(legs);
    }

    function _trade(OptionOrder memory order) internal returns (OptionRisk memory, OptionRisk memory) {
        return _trade(_one(order));
    }

    function _trade(OptionOrder[] memory orders) internal returns (OptionRisk memory, OptionRisk memory) {
        Intent memory intent = _nextIntent();
        vm.prank(keeper);
        return options.trade(intent, orders);
    }

    /// @dev Expects a trade to be refused with exactly `expectedError`.
    function _refused(OptionOrder[] memory orders, bytes memory expectedError) internal {
        Intent memory intent = _nextIntent();
        vm.prank(keeper);
        vm.expectRevert(expectedError);
        options.trade(intent, orders);
    }

    /// @dev What a trade is refused with; it fails where it is not.
    function _refusal(OptionOrder[] memory orders) internal returns (bytes memory answer) {
        bool done;
        bytes memory data = abi.encodeCall(options.trade, (_nextIntent(), orders));
        vm.prank(keeper);
        (done, answer) = address(options).call(data);
        assertFalse(done, "it was accepted");
    }

    function _act(address caller, bytes memory data) internal {
        vm.prank(caller);
        (bool done, bytes memory answer) = address(options).call(data);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
    }

    function _setCaps(OptionCaps memory caps) internal {
        _govern(address(options), abi.encodeCall(options.setCaps, (caps)));
    }

    function _reduceOnly() internal {
        vm.prank(guardian);
        vault.setReduceOnly();
    }

    function _setSource(int256 delta) internal {
        source.set(delta, delta);
    }

    /// @dev Later, at a price that oracle, scripted venue and Lyra have.
    function _passTo(uint256 moment, uint256 price) internal {
        vm.warp(moment);
        _publish(price);
        _setSpot(price);
    }

    // --- orders and what they come to ---------------------------------------------------------------------------------

    function _buy(uint256 place, bool isCall, uint256 size) internal view returns (OptionOrder memory) {
        return OptionOrder(strikes[place], isCall, int256(size), NO_LIMIT);
    }

    function _sell(uint256 place, bool isCall, uint256 size) internal view returns (OptionOrder memory) {
        return OptionOrder(strikes[place], isCall, -int256(size), 0);
    }

    function _one(OptionOrder memory order) internal pure returns (OptionOrder[] memory orders) {
        orders = new OptionOrder[](1);
        orders[0] = order;
    }

    function _two(OptionOrder memory first, OptionOrder memory second)
        internal
        pure
        returns (OptionOrder[] memory orders)
    {
        orders = new OptionOrder[](2);
        (orders[0], orders[1]) = (first, second);
    }

    /// @dev Five straddles of the strike in the middle.
    function _straddle() internal view returns (OptionOrder[] memory) {
        return _two(_buy(1, true, 5e18), _buy(1, false, 5e18));
    }

    function _soldStraddle() internal view returns (OptionOrder[] memory) {
        return _two(_sell(1, true, 5e18), _sell(1, false, 5e18));
    }

    function _cash() internal view returns (uint256) {
        return token.balanceOf(address(options));
    }

    function _held(uint256 index) internal view returns (OptionHolding memory) {
        return options.holdings()[index];
    }

    function _firmNav() internal view returns (uint256) {
        return vault.measureHedge().firmNav;
    }

    function _assertSame(OptionRisk memory found, OptionRisk memory expected) internal pure {
        assertEq(abi.encode(found), abi.encode(expected));
    }
}
