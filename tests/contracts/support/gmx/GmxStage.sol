// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Test} from "forge-std/Test.sol";
import {IVaultAccess} from "../../../../contracts/interfaces/IVaultAccess.sol";
import {AggregatorDouble} from "../../../../contracts/test/AggregatorDouble.sol";
import {GmxV2Keys} from "../../../../contracts/venues/gmx/GmxV2Keys.sol";
import {GmxV2Market} from "../../../../contracts/venues/gmx/GmxV2Market.sol";
import {GmxV2Releases} from "../../../../contracts/venues/gmx/GmxV2Releases.sol";
import {GmxV2Venue} from "../../../../contracts/venues/gmx/GmxV2Venue.sol";
import {IGmxDataStore, IGmxReader} from "../../../../contracts/venues/gmx/IGmxV2.sol";
import {TokenDouble} from "../Tokens.sol";
import {VaultStand} from "../VaultStand.sol";
import {GmxExchangeDouble} from "./GmxExchangeDouble.sol";
import {GmxHandlerDouble, GmxPoolDouble} from "./GmxHandlerDouble.sol";
import {GmxMath} from "./GmxMath.sol";
import {GmxReaderDouble} from "./GmxReaderDouble.sol";
import {
    GmxDataStoreDouble,
    GmxOrderVaultDouble,
    GmxRoleStoreDouble,
    GmxRouterDouble,
    WntDouble
} from "./GmxStoreDouble.sol";

/// @notice The stand's vault, whose governor may do all that is governed.
contract GovernedStand is VaultStand {
    address public immutable governor = address(uint160(uint256(keccak256("governor of the stand"))));

    function canCall(address caller, address, bytes4) external view returns (bool isImmediate, uint32 delay) {
        return (caller == governor, 0);
    }
}

/// @notice The double of GMX's ETH market: 2,000 USD, fees of 5 bps, a margin of half the notional.
abstract contract GmxStage is Test {
    uint256 internal constant PRICE = 2000e18;
    address internal constant MARKET = address(0x6d);

    GovernedStand internal vault = new GovernedStand();
    TokenDouble internal token = new TokenDouble(6);
    WntDouble internal wnt = new WntDouble();
    GmxRoleStoreDouble internal roles = new GmxRoleStoreDouble();
    GmxDataStoreDouble internal store = new GmxDataStoreDouble(address(roles));
    GmxRouterDouble internal router = new GmxRouterDouble(roles);
    GmxOrderVaultDouble internal orderVault = new GmxOrderVaultDouble(roles);
    GmxPoolDouble internal pool = new GmxPoolDouble();
    AggregatorDouble internal feed = new AggregatorDouble(8, 2000e8);
    AggregatorDouble internal usdFeed = new AggregatorDouble(8, 1e8);

    GmxV2Market internal gmx;
    GmxV2Venue internal venue;
    GmxHandlerDouble internal handler;
    GmxReaderDouble internal reader;
    GmxExchangeDouble internal exchange;

    function _raise() internal {
        vm.warp(1_800_000_000);
        _raiseFor(address(vault), IVaultAccess(address(vault)), token);
    }

    /// @dev With dollars in the vault, margin and ether at the venue, and a price of gas.
    function _raiseFunded(uint256 wei_, uint256 margin) internal {
        _raise();
        vm.deal(address(venue), wei_);
        token.mint(address(vault), 1e12);
        vm.startPrank(address(vault));
        token.approve(address(venue), type(uint256).max);
        venue.depositMargin(margin);
        vm.stopPrank();
        vm.txGasPrice(0.1 gwei);
    }

    function _raiseFor(address vault_, IVaultAccess access, TokenDouble token_) internal {
        token = token_;
        _setUints();
        store.setAddress(GmxV2Keys.WNT, address(wnt));
        store.setAddress(GmxV2Keys.priceFeed(address(wnt)), address(feed));
        store.setUint(GmxV2Keys.priceFeedMultiplier(address(wnt)), 1e34);
        store.setAddress(GmxV2Keys.priceFeed(address(token)), address(usdFeed));
        store.setUint(GmxV2Keys.priceFeedMultiplier(address(token)), 1e46);
        GmxV2Releases.Release memory release = _release();
        gmx = new GmxV2Market(
            access,
            IGmxDataStore(address(store)),
            address(router),
            MARKET,
            18,
            release,
            GmxV2Releases.Limits(0.01 ether, 0.5e18, 750_000)
        );
        venue = new GmxV2Venue(vault_, gmx);
        token.mint(address(pool), 1e15);
        vm.deal(address(this), 1000 ether);
        wnt.deposit{value: 100 ether}();
        wnt.transfer(address(pool), 100 ether);
    }

    function _setUints() private {
        store.setUint(GmxV2Keys.INCREASE_ORDER_GAS_LIMIT, 3_000_000);
        store.setUint(GmxV2Keys.DECREASE_ORDER_GAS_LIMIT, 3_000_000);
        store.setUint(GmxV2Keys.SINGLE_SWAP_GAS_LIMIT, 1_000_000);
        store.setUint(GmxV2Keys.FEE_BASE_AMOUNT, 600_000);
        store.setUint(GmxV2Keys.FEE_PER_ORACLE_PRICE, 250_000);
        store.setUint(GmxV2Keys.FEE_MULTIPLIER, 1e30);
        store.setUint(GmxV2Keys.MAX_CALLBACK_GAS_LIMIT, 2_000_000);
        store.setUint(GmxV2Keys.REQUEST_EXPIRATION_TIME, 300);
        store.setUint(GmxV2Keys.TIME_DIVISOR, 3600);
        store.setUint(GmxV2Keys.positionFeeFactor(MARKET, false), 5e26);
        store.setUint(GmxV2Keys.positionFeeFactor(MARKET, true), 5e26);
        store.setUint(GmxV2Keys.minCollateralFactor(MARKET), 1e28);
        store.setUint(GmxV2Keys.liquidationFactor(MARKET), 5e27);
        store.setUint(GmxV2Keys.maxOpenInterest(MARKET, true), 1e7 * 1e30);
        store.setUint(GmxV2Keys.maxOpenInterest(MARKET, false), 1e7 * 1e30);
        store.setUint(GmxV2Keys.MIN_COLLATERAL_USD, 1e30);
        store.setUint(GmxV2Keys.MIN_POSITION_SIZE_USD, 1e30);
        _setReserve(20_000 ether, 20_000_000e6);
        store.setUint(GmxV2Keys.maxFunding(MARKET), 1e23);
        store.setInt(GmxV2Keys.savedFunding(MARKET), 1e22);
        store.setUint(keccak256(abi.encode("CLAIMABLE_COLLATERAL_DELAY")), 5 days);
    }

    /// @dev Puts up a release of GMX and makes it the double's present one.
    function _release() internal returns (GmxV2Releases.Release memory) {
        IGmxReader.Market memory m = IGmxReader.Market(MARKET, address(wnt), address(wnt), address(token));
        handler = new GmxHandlerDouble(store, address(orderVault), pool, m);
        reader = new GmxReaderDouble(m);
        exchange = new GmxExchangeDouble(address(store), address(handler), router);
        roles.setRole(address(exchange), "CONTROLLER", true);
        roles.setRole(address(exchange), "ROUTER_PLUGIN", true);
        roles.setRole(address(handler), "CONTROLLER", true);
        return GmxV2Releases.Release(address(exchange), address(handler), address(reader));
    }

    /// @dev What the pool holds of each token, nine tenths of which may back open interest.
    function _setReserve(uint256 longTokens, uint256 dollars) internal {
        store.setUint(GmxV2Keys.poolAmount(MARKET, address(wnt)), longTokens);
        store.setUint(GmxV2Keys.poolAmount(MARKET, address(token)), dollars);
        for (uint256 i = 0; i < 2; ++i) {
            store.setUint(GmxV2Keys.reserveFactor(MARKET, i == 0), 1e30);
            store.setUint(GmxV2Keys.openInterestReserveFactor(MARKET, i == 0), 9e29);
        }
    }

    function _setImpact(uint256 factor, uint256 cap) internal {
        store.setUint(GmxMath.key(GmxMath.IMPACT, MARKET, false), factor);
        store.setUint(GmxMath.key(GmxMath.MAX_IMPACT, MARKET, false), cap);
    }

    /// @dev The vault asks for a trade within 2 % of the mark.
    function _request(int256 sizeDelta) internal returns (bytes32) {
        return _request(sizeDelta, sizeDelta > 0 ? venue.markPrice() * 102 / 100 : venue.markPrice() * 98 / 100);
    }

    function _request(int256 sizeDelta, uint256 limit) internal returns (bytes32) {
        vm.prank(address(vault));
        return venue.execute(sizeDelta, limit).orderId;
    }

    /// @dev GMX's keepers execute what is listed, at a WAD price.
    function _fill(uint256 price) internal {
        (bytes32 closeKey, bytes32 openKey) = venue.orderKeys();
        if (gmx.isListed(closeKey)) handler.execute(closeKey, price / 1e6);
        if (gmx.isListed(openKey)) handler.execute(openKey, price / 1e6);
    }

    function _setPrice(uint256 price) internal {
        feed.updateAnswer(int256(price / 1e10));
    }
}
