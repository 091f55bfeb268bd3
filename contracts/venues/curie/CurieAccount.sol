// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {UniswapV3Math} from "../../libraries/UniswapV3Math.sol";
import {
    ICurieAccountBalance,
    ICurieBaseToken,
    ICurieClearingHouse,
    ICurieExchange,
    ICurieMarginVault,
    ICurieMarketRegistry,
    IUniswapV3PoolState
} from "./ICurie.sol";

/// @title A taker account on Perpetual Protocol v2 ("Curie")
/// @notice Purpose. What the account holds and what it is worth, at the prices that Curie values it at; and what is known of
///         it while a trade is measured. `CurieVenue` trades with it.
abstract contract CurieAccount is IPerpVenue {
    uint256 internal constant WAD = 1e18;

    /// @dev Below this size the position's value has too few digits to read a price out of it.
    uint256 private constant DUST_SIZE = 1e12; // a millionth

    /// @inheritdoc IPerpVenue
    address public immutable collateral;

    /// @notice Market traded here.
    ICurieBaseToken public immutable baseToken;

    /// @notice Uniswap v3 pool behind the market.
    IUniswapV3PoolState public immutable pool;

    ICurieMarginVault internal immutable _marginVault;
    ICurieAccountBalance internal immutable _accountBalance;
    ICurieExchange internal immutable _exchange;
    ICurieMarketRegistry internal immutable _marketRegistry;
    int256 private immutable _collateralUnit;

    /// @dev Trades and withdrawals settle the account's funding, and none accrues in the rest of the same transaction.
    bool internal transient _fundingIsSettled;

    /// @dev What is known of the account while a trade is measured, so that Curie values it once and not four times: what it
    ///      has realised (owed PnL less pending funding, whose sum settling leaves as it is), and the mark price, 0 where the
    ///      account was flat. Good for the size and open notional kept beside it; a liquidation changes both.
    bool internal transient _isKnown;
    bool internal transient _isTraded;
    int256 internal transient _knownSize;
    int256 internal transient _knownNotional;
    int256 internal transient _realised;
    uint256 internal transient _markBefore;

    /// @dev An account as Curie values it.
    /// @param realised Owed PnL less pending funding, USD.
    /// @param positionValue Size times mark price, cut to the wei.
    struct Valuation {
        int256 realised;
        int256 positionValue;
    }

    constructor(ICurieClearingHouse clearingHouse_, ICurieBaseToken baseToken_) {
        baseToken = baseToken_;
        _marginVault = ICurieMarginVault(clearingHouse_.getVault());
        _accountBalance = ICurieAccountBalance(clearingHouse_.getAccountBalance());
        _exchange = ICurieExchange(clearingHouse_.getExchange());
        _marketRegistry = ICurieMarketRegistry(_exchange.getMarketRegistry());
        pool = IUniswapV3PoolState(_marketRegistry.getPool(address(baseToken_)));
        collateral = _marginVault.getSettlementToken();
        // Curie takes no collateral of more than 18 decimals.
        _collateralUnit = int256(10 ** (18 - _marginVault.decimals()));
    }

    // --- the account ----------------------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    /// @dev Equity is Curie's own account value from its parts, without maker fees, since this account makes no orders. The
    ///      mark price is read out of Curie's valuation of the position: exact where the size is 1 or more, and so that
    ///      the position is worth the same to the wei where it is not. Without a position it is the index price. While a trade
    ///      is measured it is the worse of the mark before the trade and the pool's price after it.
    function account() external view returns (Account memory a) {
        ICurieAccountBalance.AccountInfo memory info = _accountInfo();
        a.size = _sizeOf(info);
        a.indexPrice = indexPrice();
        Valuation memory v;
        if (_isStillKnown(info)) {
            a.markPrice = a.size == 0 ? a.indexPrice : _isTraded ? _worstMark(a.size) : _markBefore;
            v = Valuation(_realised, a.size * int256(a.markPrice) / int256(WAD));
        } else {
            v = _valuation(info);
            a.markPrice = a.size == 0 ? a.indexPrice : _markPriceOf(a.size, v.positionValue);
        }
        int256 margin = _marginVault.getBalance(address(this)) * _collateralUnit;
        a.equity = _floorToCollateral(margin + v.realised + info.takerOpenNotional + v.positionValue);
    }

    /// @inheritdoc IPerpVenue
    function size() public view returns (int256) {
        return _accountBalance.getTakerPositionSize(address(this), address(baseToken));
    }

    /// @inheritdoc IPerpVenue
    /// @dev Curie books fees into the open notional, so the entry price contains them.
    function position() external view returns (Position memory current) {
        current.size = size();
        if (current.size != 0) {
            uint256 openNotional = SignedMath.abs(_accountInfo().takerOpenNotional);
            current.entryPrice = Math.mulDiv(openNotional, WAD, SignedMath.abs(current.size));
        }
        (int256 owed, int256 unrealised,) = _accountBalance.getPnlAndPendingFee(address(this));
        current.margin = _marginVault.getBalance(address(this)) * _collateralUnit + owed;
        current.unrealisedPnl = unrealised;
        current.fundingAccrued = -_pendingFunding();
    }

    /// @inheritdoc IPerpVenue
    function equity() external view returns (int256 low, int256 high) {
        int256 atMark = _marginVault.getSettlementTokenValue(address(this)) * _collateralUnit;
        int256 held = size();
        if (held == 0) return (atMark, atMark);
        int256 revaluation = held * (int256(indexPrice()) - int256(markPrice()));
        int256 atIndex = atMark + revaluation / int256(WAD);
        // Division rounds toward zero; a remainder moves the bound on the side it was cut from.
        int256 cut = revaluation % int256(WAD);
        low = SignedMath.min(atMark, cut < 0 ? atIndex - 1 : atIndex);
        high = SignedMath.max(atMark, cut > 0 ? atIndex + 1 : atIndex);
    }

    /// @inheritdoc IPerpVenue
    /// @dev 0 while Curie cannot tell, because it would refuse a withdrawal for the same reason.
    function freeCollateral() external view returns (uint256 assets) {
        if (_marginVault.paused()) return 0;
        try _marginVault.getFreeCollateralByToken(address(this), collateral) returns (uint256 free) {
            // Profits can be owed before the losers have paid in.
            return Math.min(free, IERC20(collateral).balanceOf(address(_marginVault)));
        } catch {
            return 0;
        }
    }

    /// @inheritdoc IPerpVenue
    function pending() external pure returns (int256 negative, int256 positive) {
        return (0, 0);
    }

    // --- its prices -------------------------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    /// @dev The price Curie values positions at: its mark while the market is open.
    function markPrice() public view returns (uint256) {
        if (baseToken.isOpen()) return _accountBalance.getMarkPrice(address(baseToken));
        return baseToken.isClosed() ? baseToken.getClosedPrice() : baseToken.getPausedIndexPrice();
    }

    /// @inheritdoc IPerpVenue
    /// @dev A closed market has one price left, the closing price.
    function indexPrice() public view returns (uint256) {
        return baseToken.isClosed() ? baseToken.getClosedPrice() : baseToken.getIndexPrice(0);
    }

    // --- inside ---------------------------------------------------------------------------------------------------

    function _know(ICurieAccountBalance.AccountInfo memory info) internal {
        Valuation memory v = _valuation(info);
        (_knownSize, _knownNotional) = (info.takerPositionSize, info.takerOpenNotional);
        _realised = v.realised;
        _markBefore = info.takerPositionSize == 0 ? 0 : _markPriceOf(info.takerPositionSize, v.positionValue);
        _isKnown = true;
    }

    function _isStillKnown(ICurieAccountBalance.AccountInfo memory info) internal view returns (bool) {
        return _isKnown && info.takerPositionSize == _knownSize && info.takerOpenNotional == _knownNotional;
    }

    /// @dev Curie tells what is realised with the whole valuation alone.
    function _valuation(ICurieAccountBalance.AccountInfo memory info) private view returns (Valuation memory v) {
        int256 unrealised;
        (v.realised, unrealised,) = _accountBalance.getPnlAndPendingFee(address(this));
        v.positionValue = unrealised - info.takerOpenNotional;
        if (info.takerPositionSize != 0 && !_fundingIsSettled) v.realised -= _pendingFunding();
    }

    /// @dev Curie's mark is the median of the pool's price and two averages, which a trade leaves as they are for the rest of
    ///      its block. So a trade takes the mark no farther than the pool's price, nor past it from where it was.
    function _worstMark(int256 held) private view returns (uint256) {
        if (_markBefore == 0) return markPrice();
        (uint160 sqrtPriceX96,,,,,,) = pool.slot0();
        uint256 poolPrice = UniswapV3Math.priceOf(sqrtPriceX96);
        return held > 0 ? Math.min(_markBefore, poolPrice) : Math.max(_markBefore, poolPrice);
    }

    /// @dev Curie takes a few wei of base for none.
    function _sizeOf(ICurieAccountBalance.AccountInfo memory info) private view returns (int256) {
        return SignedMath.abs(info.takerPositionSize) < DUST_SIZE ? size() : info.takerPositionSize;
    }

    /// @param held Not 0.
    /// @param positionValue Curie's own: size times mark price, cut to the wei.
    function _markPriceOf(int256 held, int256 positionValue) private view returns (uint256) {
        uint256 absoluteSize = SignedMath.abs(held);
        if (absoluteSize < DUST_SIZE) return markPrice();
        return Math.mulDiv(SignedMath.abs(positionValue), WAD, absoluteSize, Math.Rounding.Ceil);
    }

    /// @dev As Curie rounds what it says in collateral.
    function _floorToCollateral(int256 usd) private view returns (int256 floored) {
        int256 remainder = usd % _collateralUnit;
        return remainder < 0 ? usd - remainder - _collateralUnit : usd - remainder;
    }

    /// @dev Positive is owed by the account.
    function _pendingFunding() private view returns (int256) {
        return _exchange.getPendingFundingPayment(address(this), address(baseToken));
    }

    function _accountInfo() internal view returns (ICurieAccountBalance.AccountInfo memory) {
        return _accountBalance.getAccountInfo(address(this), address(baseToken));
    }
}
