// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPerpVenue} from "../../../contracts/interfaces/IPerpVenue.sol";
import {IVaultAccess} from "../../../contracts/interfaces/IVaultAccess.sol";
import {AggregatorDouble} from "../../../contracts/test/AggregatorDouble.sol";
import {GmxV2Keys} from "../../../contracts/venues/gmx/GmxV2Keys.sol";
import {GmxV2Market} from "../../../contracts/venues/gmx/GmxV2Market.sol";
import {GmxV2Releases} from "../../../contracts/venues/gmx/GmxV2Releases.sol";
import {IGmxDataStore, IGmxReader} from "../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxMath} from "../support/gmx/GmxMath.sol";
import {GmxReaderDouble} from "../support/gmx/GmxReaderDouble.sol";
import {GmxStage} from "../support/gmx/GmxStage.sol";

/// @notice What an account is worth in a market whose index token is neither of its pool's: one bitcoin of eight decimals at
///         60,000 USD, bought at 50,000; every figure is another, and each is told to the unit.
contract GmxMarketTest is GmxStage {
    address private constant BITCOIN = address(0xb7c);
    address private constant BITCOIN_MARKET = address(0x6e);
    uint256 private constant CASH = 1000e6;
    uint256 private constant ETHER = 3 ether;

    address private account = makeAddr("account");
    GmxV2Market private btc;
    GmxReaderDouble private btcReader;
    uint256[] private noted;

    function setUp() external {
        _raise();
        AggregatorDouble bitcoinFeed = new AggregatorDouble(8, 60_000e8);
        store.setAddress(GmxV2Keys.priceFeed(BITCOIN), address(bitcoinFeed));
        store.setUint(GmxV2Keys.priceFeedMultiplier(BITCOIN), 1e44);
        store.setUint(GmxV2Keys.positionFeeFactor(BITCOIN_MARKET, true), 4e26);
        store.setUint(GmxV2Keys.positionFeeFactor(BITCOIN_MARKET, false), 5e26);
        for (uint256 i = 0; i < 2; ++i) {
            store.setUint(GmxV2Keys.maxOpenInterest(BITCOIN_MARKET, i == 0), 600_000e30);
            store.setUint(GmxV2Keys.openInterest(BITCOIN_MARKET, address(token), i == 0), 60_000e30);
            store.setUint(GmxV2Keys.openInterest(BITCOIN_MARKET, address(wnt), i == 0), 120_000e30);
        }
        btcReader = new GmxReaderDouble(IGmxReader.Market(BITCOIN_MARKET, BITCOIN, address(wnt), address(token)));
        GmxV2Releases.Release memory release = gmx.releases()[0];
        release.reader = address(btcReader);
        btc = new GmxV2Market(
            IVaultAccess(address(vault)),
            IGmxDataStore(address(store)),
            address(router),
            BITCOIN_MARKET,
            8,
            release,
            GmxV2Releases.Limits(0.01 ether, 0.5e18, 750_000)
        );
        token.mint(account, 100_000e6);
    }

    function _key(bool isLong) private view returns (bytes32) {
        return GmxV2Keys.position(account, BITCOIN_MARKET, address(token), isLong);
    }

    /// @dev One bitcoin from 50,000 USD with 20,000 of collateral, 0.001 of it taken by impact; it owes 1 % of borrowing, and
    ///      300 of funding, and may claim 0.5 ether and 7.
    function _hold(bool isLong) private {
        bytes32 key = _key(isLong);
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_USD), 50_000e30);
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_TOKENS), 1e8);
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.COLLATERAL_AMOUNT), 20_000e6);
        store.setInt(GmxV2Keys.ofEntry(key, GmxV2Keys.PENDING_IMPACT_AMOUNT), -1e5);
        store.setBool(GmxV2Keys.ofEntry(key, "IS_LONG"), isLong);
        store.setUint(GmxMath.key(GmxMath.BORROWING, BITCOIN_MARKET, isLong), 1e28);
        store.setUint(GmxMath.fundingKey(BITCOIN_MARKET, address(token), isLong), 6e18);
        btcReader.setClaimable(0.5 ether, 7e6);
    }

    /// @dev Funding of 11 and 0.25 ether; delayed collateral of this hour, of the last, and of two that are noted; and long
    ///      tokens in the account.
    function _owe() private {
        store.setUint(GmxV2Keys.claimableFunding(BITCOIN_MARKET, address(token), account), 11e6);
        store.setUint(GmxV2Keys.claimableFunding(BITCOIN_MARKET, address(wnt), account), 0.25 ether);
        uint256 hour = btc.hour();
        uint256[4] memory hours_ = [hour, hour - 1, hour - 5, hour - 6];
        uint256[4] memory usd = [uint256(13e6), 17e6, 19e6, 23e6];
        uint256[4] memory wei_ = [uint256(0.0625 ether), 0.03 ether, 0.01 ether, 0.02 ether];
        for (uint256 i = 0; i < 4; ++i) {
            store.setUint(GmxV2Keys.claimableCollateral(BITCOIN_MARKET, address(token), hours_[i], account), usd[i]);
            store.setUint(GmxV2Keys.claimableCollateral(BITCOIN_MARKET, address(wnt), hours_[i], account), wei_[i]);
        }
        noted = [hour - 5, hour - 6];
        vm.deal(address(this), 1 ether);
        wnt.deposit{value: 0.125 ether}();
        wnt.transfer(account, 0.125 ether);
    }

    // --- worth --------------------------------------------------------------------------------------------------------

    function test_value_isEveryPartOfIt(bool isLong) external {
        _hold(isLong);
        _owe();
        (int256 size, int256 total, uint256 price) = btc.valueOf(account, noted, CASH, ETHER);
        assertEq(size, isLong ? int256(1e18) : -1e18);
        assertEq(price, 60_000e18);
        int256 position = 20_000 + (isLong ? int256(10_000) : -10_000) - 60 + 7 + 1000 - 500 - 300;
        int256 claims = 11 + 13 + 17 + 19 + 23;
        int256 etherUsd = 2000 * (0.25e18 + 0.0625e18 + 0.03e18 + 0.01e18 + 0.02e18 + 0.125e18) + 2000 * 3e18;
        assertEq(total, (position + claims + 1000) * 1e18 + etherUsd);
    }

    function test_orderTerms_areThoseOfTheIndexToken(bool isLong) external {
        (uint256 feeRate, uint256 fixedFee,, uint256 sizeStep) = btc.orderTerms(account);
        assertEq(feeRate, 0.0005e18);
        assertEq(fixedFee, 40e18 + 1); // twice 0.01 ether
        assertEq(sizeStep, 1e10);
        _hold(isLong);
        store.setUint(GmxV2Keys.ofEntry(_key(isLong), GmxV2Keys.SIZE_IN_USD), 72_000e30);
        (feeRate,,,) = btc.orderTerms(account);
        assertEq(feeRate, 0.0006e18);
    }

    function test_value_withoutAPosition_isWhatIsOwedAndHeld() external {
        (int256 size, int256 total,) = btc.valueOf(account, noted, CASH, 0);
        assertEq(size, 0);
        assertEq(total, 1000e18);
        _owe();
        (, total,) = btc.valueOf(account, noted, 0, 0);
        assertEq(total, 83e18 + 2000 * 0.4975e18);
    }

    function test_value_inGmxsFirstHour_hasNoHourBefore() external {
        store.setUint(GmxV2Keys.TIME_DIVISOR, type(uint128).max);
        assertEq(btc.hour(), 0);
        store.setUint(GmxV2Keys.claimableCollateral(BITCOIN_MARKET, address(token), 0, account), 13e6);
        (, int256 total,) = btc.valueOf(account, noted, 0, 0);
        assertEq(total, 13e18);
        store.setUint(GmxV2Keys.TIME_DIVISOR, 0);
        assertEq(btc.hour(), block.timestamp);
    }

    function test_position_isItsParts(bool isLong) external {
        _hold(isLong);
        IPerpVenue.Position memory p = btc.positionOf(account, CASH);
        assertEq(p.size, isLong ? int256(1e18) : -1e18);
        assertEq(p.entryPrice, 50_000e18);
        assertEq(p.margin, 21_000e18);
        assertEq(p.unrealisedPnl, isLong ? int256(9940e18) : -10_060e18);
        assertEq(p.fundingAccrued, 1007e18 - 800e18);
        assertEq(btc.owedFees(account, isLong), 800e18);
        assertEq(btc.owedFees(account, !isLong), 0);
    }

    /// @dev The Reader is given GMX's own prices, and told to look at the whole position.
    function test_reader_isAskedAtThePricesOfAllThreeTokens() external {
        _hold(true);
        IGmxReader.MarketPrices memory prices;
        prices.indexTokenPrice = IGmxReader.Price(60_000e22, 60_000e22);
        prices.longTokenPrice = IGmxReader.Price(2000e12, 2000e12);
        prices.shortTokenPrice = IGmxReader.Price(1e24, 1e24);
        address referrals = handler.referralStorage();
        bytes memory asked = abi.encodeCall(
            IGmxReader.getPositionInfo, (address(store), referrals, _key(true), prices, 0, address(0), true)
        );
        vm.expectCall(address(btcReader), asked);
        btc.valueOf(account, noted, CASH, ETHER);
    }

    // --- what may be traded -------------------------------------------------------------------------------------------

    function test_capacity_isWhatBothTokensLeave_andThePositionOfTheOtherSide() external {
        assertEq(btc.capacity(account, true), 7e18);
        assertEq(btc.capacity(account, false), 7e18);
        _hold(true);
        assertEq(btc.capacity(account, true), 7e18);
        assertEq(btc.capacity(account, false), 8e18);
    }

    function test_plan_upToCapacity_andNotBeyond() external {
        GmxV2Market.Plan memory p = btc.plan(account, 2e18);
        assertEq(p.openUsd, 120_000e30);
        assertEq(p.margin, 60_000e6);
        store.setUint(GmxV2Keys.maxOpenInterest(BITCOIN_MARKET, true), 300_000e30);
        btc.plan(account, 2e18);
        vm.expectRevert(abi.encodeWithSelector(IPerpVenue.SizeBeyondLiquidity.selector, 2e18 + 1e10));
        btc.plan(account, 2e18 + 1e10);
    }

    function test_plan_ofLessThanAUnitOfTheToken_isNothing() external {
        vm.expectRevert(IPerpVenue.ZeroSize.selector);
        btc.plan(account, 1e10 - 1);
        assertEq(btc.plan(account, 1e10).openUsd, 60_000e22);
    }

    /// @dev What a close of a half takes out: of 20,000 less 800 owed, less 10,000 where it is a loss, and less what the rest
    ///      lacks of the margin factor.
    function test_plan_ofAPart_takesOutItsMarginLessItsBurden(bool isLong) external {
        _hold(isLong);
        int256 half = isLong ? -0.5e18 : int256(0.5e18);
        // Of a worth of 60,000 the factor of a half wants 30,000: there are 20,000 and 10,000 of profit or loss, less 800.
        assertEq(btc.plan(account, half).released, isLong ? 9200e6 : 0);
        vm.prank(vault.governor());
        btc.setLimits(GmxV2Releases.Limits(0.01 ether, 0.1e18, 750_000));
        GmxV2Market.Plan memory p = btc.plan(account, half);
        assertEq(p.closeTokens, 0.5e8);
        assertEq(p.closeUsd, 25_000e30);
        assertEq(p.owedFees, 800e18);
        assertEq(p.released, isLong ? 9600e6 : 4600e6);
        assertEq(p.openUsd + p.margin, 0);
    }

    /// @dev The smaller side is paid, or pays, what the larger one's rate comes to.
    function test_mostFunding_isOfTheAccountsOwnSide(bool isLong) external {
        store.setUint(GmxV2Keys.maxFunding(BITCOIN_MARKET), 1e22);
        store.setUint(GmxV2Keys.openInterest(BITCOIN_MARKET, address(token), isLong), 60_000e30);
        store.setUint(GmxV2Keys.openInterest(BITCOIN_MARKET, address(wnt), isLong), 20_000e30);
        store.setUint(GmxV2Keys.openInterest(BITCOIN_MARKET, address(token), !isLong), 0);
        store.setUint(GmxV2Keys.openInterest(BITCOIN_MARKET, address(wnt), !isLong), 500_000e30);
        uint256 rate = 1e10 * 86_400;
        assertEq(btc.maxFundingRate(account), rate);
        _hold(isLong);
        assertEq(btc.maxFundingRate(account), rate * 500 / 80);
        store.setUint(GmxV2Keys.openInterest(BITCOIN_MARKET, address(wnt), !isLong), 79_999e30);
        assertEq(btc.maxFundingRate(account), rate);
    }

    function test_plan_closesUsdAsGmxRounds() external {
        bytes32 key = _key(true);
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_TOKENS), 3);
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_USD), 100);
        assertEq(btc.plan(account, -1e10).closeUsd, 33); // of a long down
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_TOKENS), 0);
        key = _key(false);
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_TOKENS), 3);
        store.setUint(GmxV2Keys.ofEntry(key, GmxV2Keys.SIZE_IN_USD), 100);
        assertEq(btc.plan(account, 1e10).closeUsd, 34); // of a short up
        assertEq(btc.plan(account, 3e10).closeUsd, 100);
    }

    // --- figures to the unit ------------------------------------------------------------------------------------------

    function test_fees_areRoundedUp() external view {
        assertEq(btc.highestFee(1), 1);
        assertEq(btc.highestFee(1000e30), 0.5e18);
    }

    function test_limit_isRoundedAgainstTheTrade() external view {
        GmxV2Market.Plan memory nothing;
        assertEq(gmx.acceptablePrice(2000e18 + 1, true, false, nothing), 2000e12);
        assertEq(gmx.acceptablePrice(2000e18 + 1, false, false, nothing), 2000e12 + 1);
        assertEq(gmx.acceptablePrice(type(uint128).max, true, false, nothing), uint256(type(uint128).max) / 1e6);
    }

    function test_executionFee_isOfTheDearerOrderOfATrade() external {
        vm.txGasPrice(0.1 gwei);
        uint256 base = 600_000 + 3 * 250_000 + 750_000;
        assertEq(btc.executionFee(true), 0.1 gwei * (base + 3_000_000));
        assertEq(btc.executionFee(false), 0.1 gwei * (base + 4_000_000));
        assertEq(btc.checkedExecutionFee(true, true), 0.1 gwei * (base + 4_000_000));
        store.setUint(GmxV2Keys.INCREASE_ORDER_GAS_LIMIT, 9_000_000);
        assertEq(btc.checkedExecutionFee(true, true), 0.1 gwei * (base + 9_000_000));
        assertEq(btc.checkedExecutionFee(true, false), 0.1 gwei * (base + 4_000_000));
        assertEq(btc.checkedExecutionFee(false, true), 0.1 gwei * (base + 9_000_000));
    }

    function test_quote_withoutImpact_isAUnitWorseThanTheFeed() external {
        (uint256 price,) = btc.quote(account, 1e18);
        assertEq(price, 60_000e18 + 1);
        (price,) = btc.quote(account, -1e18);
        assertEq(price, 60_000e18 - 1);
    }

    function test_rates_areOfADay() external {
        store.setInt(GmxV2Keys.savedFunding(BITCOIN_MARKET), -3e22);
        store.setUint(GmxV2Keys.maxFunding(BITCOIN_MARKET), 5e22 + 1);
        assertEq(btc.fundingRate(), -3e10 * 86_400);
        assertEq(btc.maxFundingRate(account), 5e10 * 86_400 + 1);
    }
}
