// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {Test} from "forge-std/Test.sol";
import {HedgeVault} from "../../../contracts/HedgeVault.sol";
import {RebalanceGuard} from "../../../contracts/RebalanceGuard.sol";
import {AggregatorDouble} from "../../../contracts/test/AggregatorDouble.sol";
import {Bounds, Leg} from "../../../contracts/types/Rebalance.sol";
import {ScriptedSource} from "../support/ScriptedSource.sol";
import {ScriptedVenue} from "../support/ScriptedVenue.sol";
import {TokenDouble} from "../support/Tokens.sol";

/// @notice Does to a vault what depositors, markets, donors and a keeper without scruples may do, in any order.
/// @dev What happened is written down here from the venue's and the token's own figures, not from what the vault or the
///      guard say, and `Invariants.t.sol` judges the record. A refused rebalance is counted and goes by.
contract VaultHandler is Test {
    struct Trade {
        uint256 timestamp;
        uint256 notional; // WAD USD at the execution price, rounded up
        int256 loss; // WAD USD at the oracle price; negative is a gain
    }

    address[] public accounts;
    Trade[] public trades;
    uint256 public acceptedCount;
    uint256 public refusedCount;
    uint256 public exposureBreaches; // accepted trades that left W above what the delta rule allows
    uint256 public priceFalls; // deposits or exits that lowered the price of those who stayed
    uint256 public roundTripGains; // instant round trips that ended with more than they began

    HedgeVault private immutable _vault;
    RebalanceGuard private immutable _guard;
    ScriptedVenue private immutable _venue;
    ScriptedSource private immutable _source;
    AggregatorDouble private immutable _aggregator;
    TokenDouble private immutable _token;
    address private immutable _keeper;
    uint256 private _intentCount;

    constructor(
        HedgeVault vault,
        ScriptedVenue venue,
        ScriptedSource source,
        AggregatorDouble aggregator,
        address keeper
    ) {
        _vault = vault;
        _guard = RebalanceGuard(address(vault.guard()));
        _venue = venue;
        _source = source;
        _aggregator = aggregator;
        _token = TokenDouble(vault.asset());
        _keeper = keeper;
        for (uint256 i = 0; i < 4; ++i) {
            accounts.push(makeAddr(string.concat("account ", vm.toString(i))));
        }
    }

    function accountCount() external view returns (uint256) {
        return accounts.length;
    }

    function tradeCount() external view returns (uint256) {
        return trades.length;
    }

    // --- depositors -----------------------------------------------------------------------------------------------

    modifier neverLowersThePrice() {
        uint256 priceBefore = _vault.previewRedeem(1e18);
        _;
        if (_vault.previewRedeem(1e18) < priceBefore) ++priceFalls;
    }

    function deposit(uint256 accountSeed, uint256 assets) external neverLowersThePrice {
        address account = accounts[accountSeed % accounts.length];
        assets = bound(assets, 1e6, 1_000_000e6);
        _token.mint(account, assets);
        vm.startPrank(account);
        _token.approve(address(_vault), assets);
        _vault.deposit(assets, account);
        vm.stopPrank();
    }

    function redeem(uint256 accountSeed, uint256 shares, bool isFromIdle) external neverLowersThePrice {
        address account = accounts[accountSeed % accounts.length];
        shares = bound(shares, 0, _vault.maxRedeem(account));
        vm.prank(account);
        if (isFromIdle) _vault.redeemFromIdle(shares, 0, account, account);
        else _vault.redeem(shares, account, account);
    }

    function roundTrip(uint256 assets) external neverLowersThePrice {
        assets = bound(assets, 1, 10_000_000e6);
        if (_vault.previewDeposit(assets) == 0) return;
        address account = makeAddr("round tripper");
        _token.mint(account, assets);
        vm.startPrank(account);
        _token.approve(address(_vault), assets);
        _vault.deposit(assets, account);
        _vault.absorbDonation();
        if (_vault.redeem(_vault.maxRedeem(account), account, account) > assets) ++roundTripGains;
        _vault.transfer(accounts[0], _vault.balanceOf(account));
        vm.stopPrank();
    }

    function donate(uint256 assets) external {
        _token.mint(address(_vault), bound(assets, 0, 10_000e6));
    }

    function absorbDonation() external {
        _vault.absorbDonation();
    }

    // --- the market -----------------------------------------------------------------------------------------------

    function pass(uint256 elapsed) external {
        vm.warp(block.timestamp + bound(elapsed, 1, 6 hours));
        _publish(uint256(_venue.indexPrice()), _venue.markPrice());
    }

    function movePrice(uint256 index, uint256 mark) external {
        index = bound(index, 1600e18, 2400e18);
        _publish(index, bound(mark, index * 98 / 100, index * 102 / 100));
    }

    function moveBook(int256 low, uint256 width) external {
        low = bound(low, -60e18, 60e18);
        _source.set(low, low + int256(bound(width, 0, 4e18)));
    }

    function _publish(uint256 index, uint256 mark) private {
        index = index / 1e10 * 1e10; // the feed has 8 decimals
        _aggregator.updateAnswer(int256(index / 1e10));
        _venue.setPrices(mark, index);
    }

    // --- the keeper -----------------------------------------------------------------------------------------------

    /// @dev What an honest keeper asks for: the hedge that centres the book, in one trade of at most the largest size.
    function hedge(uint256 executionBps, uint256 feeBps) external {
        int256 wanted = -(_source.low() + _source.high()) / 2 - _venue.size();
        _venue.setExecution(
            _venue.indexPrice() * bound(executionBps, 9950, 10_050) / 10_000, bound(feeBps, 0, 20), true
        );
        _rebalance(int256(Math.min(_vault.idleAssets(), 20_000e6)), bound(wanted, -60e18, 60e18));
    }

    /// @dev What a thief asks for: as much as the band lets it swing, at the worst price and fee.
    function churn() external {
        int256 net = _venue.size() + (_source.low() + _source.high()) / 2;
        int256 sizeDelta = net > 0 ? -net - 1e18 : -net + 1e18;
        _venue.setExecution(_guard.limitPrice(_venue.indexPrice(), sizeDelta), 20, true);
        _rebalance(0, bound(sizeDelta, -60e18, 60e18));
    }

    /// @dev Anything at all.
    function rebalance(int256 marginDelta, int256 sizeDelta, uint256 executionBps, uint256 feeBps) external {
        _venue.setExecution(
            _venue.indexPrice() * bound(executionBps, 9940, 10_060) / 10_000, bound(feeBps, 0, 22), true
        );
        _rebalance(bound(marginDelta, -30_000e6, 80_000e6), bound(sizeDelta, -70e18, 70e18));
    }

    function moveMargin(int256 marginDelta) external {
        _rebalance(bound(marginDelta, -30_000e6, 80_000e6), 0);
    }

    function _rebalance(int256 marginDelta, int256 sizeDelta) private {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(address(_venue), marginDelta, sizeDelta, 0);
        int256 sizeBefore = _venue.size();
        int256 worthBefore = _worth();
        uint256 worstBefore = _worstNetDelta();
        vm.prank(_keeper);
        try _vault.rebalance(keccak256(abi.encode(address(this), ++_intentCount)), legs, block.timestamp) {
            ++acceptedCount;
            if (sizeDelta == 0) return;
            _record(_venue.size() - sizeBefore, worthBefore - _worth());
            if (_worstNetDelta() > _allowed(worstBefore)) ++exposureBreaches;
        } catch {
            ++refusedCount;
        }
    }

    function _record(int256 filled, int256 loss) private {
        uint256 notional = Math.mulDiv(SignedMath.abs(filled), _venue.executionPrice(), 1e18, Math.Rounding.Ceil);
        trades.push(Trade(block.timestamp, notional, loss));
    }

    function _allowed(uint256 worstBefore) private view returns (uint256) {
        Bounds memory b = _guard.bounds();
        return Math.max(b.band, worstBefore > b.minImprovement ? worstBefore - b.minImprovement : 0);
    }

    function _worstNetDelta() private view returns (uint256) {
        int256 size = _venue.size();
        return Math.max(SignedMath.abs(_source.low() + size), SignedMath.abs(_source.high() + size));
    }

    /// @dev Collateral and position at the oracle price, WAD USD.
    function _worth() private view returns (int256) {
        int256 price = int256(uint256(_venue.indexPrice()));
        return int256(_vault.idleAssets() * 1e12) + _venue.cash() + _venue.size() * price / 1e18;
    }
}
