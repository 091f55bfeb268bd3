// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {UniswapV3Math} from "../../libraries/UniswapV3Math.sol";
import {CurieSwap} from "./CurieSwap.sol";
import {
    ICurieAccountBalance,
    ICurieBaseToken,
    ICurieClearingHouse,
    ICurieConfig,
    ICurieExchange,
    ICurieMarginVault,
    ICurieMarketRegistry,
    IUniswapV3PoolState
} from "./ICurie.sol";

/// @title Venue adapter of Perpetual Protocol v2 ("Curie")
/// @notice Purpose. Holds one taker account on one Curie market for one vault. Curie settles at once, so every order is
///         Filled and none is ever pending.
///
///         Trust. The vault alone moves margin and trades. The venue is trusted to keep its own accounts; what a trade did
///         is taken from the account and the pool before and after it, not from what the venue's functions return.
///
///         Obligations. Equity is Curie's own value of the account at its mark price, with funding, owed PnL and fees inside,
///         as far as it can come home as the asset: collateral in another token, which only a stranger can have put here,
///         counts for nothing.
///
///         Rounding. Against the vault: bought at the price rounded up, sold at the price rounded down, low equity down, high
///         equity up. Curie itself rounds account values down to one unit of collateral.
///
///         Liveness. In a paused market Curie values at the index price of the pause, in a closed one at the closing price;
///         anyone may then have it pay out through `quitMarket`, and `withdrawMargin` works as ever. Until somebody does, the
///         size counts as exposure, though in a closed market it is none.
///
///         Known limits. Curie refuses a trade that takes the pool too far from the index (`EX_OPB`) or from where it stood
///         when the present window of 15 seconds began (`EX_OPLAS`). `quote` and `capacity` know both limits but cannot read
///         that beginning: they take the window to begin with the trade, as it does when nobody traded just before. Orders
///         carry no price bound of Curie's own: it includes the fee and reverts without figures, and the limit here is judged
///         exactly in the same transaction. Curie asks the price feed of every other collateral in the account before it
///         lets the account trade or withdraw: a stranger's deposit whose feed fails stops both until Curie mends the feed,
///         and keeps Curie from writing off bad debt. While the pool's history is shorter than Curie's averages, Curie can
///         value no account; a stranger who moves liquidity in every block brings that about unless the history is long
///         enough for it, and anyone can lengthen it. What was sent to this contract itself stays here.
contract CurieVenue is IPerpVenue {
    using SafeERC20 for IERC20;

    uint256 private constant WAD = 1e18;
    uint256 private constant RATIO_UNIT = 1e6;

    /// @dev Below this size the position's value has too few digits to read a price out of it.
    uint256 private constant DUST_SIZE = 1e12; // a millionth

    /// @dev A walk that stops short of a price limit by this share of its size never touches the limit itself.
    uint256 private constant CAPACITY_MARGIN = 1e9;

    /// @inheritdoc IPerpVenue
    address public immutable vault;

    /// @inheritdoc IPerpVenue
    address public immutable collateral;

    /// @notice Entry point of Curie.
    ICurieClearingHouse public immutable clearingHouse;

    /// @notice Market traded here.
    ICurieBaseToken public immutable baseToken;

    /// @notice Uniswap v3 pool behind the market.
    IUniswapV3PoolState public immutable pool;

    ICurieMarginVault private immutable _marginVault;
    ICurieAccountBalance private immutable _accountBalance;
    ICurieExchange private immutable _exchange;
    ICurieMarketRegistry private immutable _marketRegistry;
    ICurieConfig private immutable _config;
    IERC20 private immutable _quoteToken;
    int256 private immutable _collateralUnit;
    uint256 private immutable _poolFee; // 1e-6; the registry sets it once, for the pool

    /// @dev Trades and withdrawals settle the account's funding, and none accrues in the rest of the same transaction.
    bool private transient _fundingIsSettled;

    /// @dev What is known of the account while a trade is measured, so that Curie values it once and not four times: what it
    ///      has realised (owed PnL less pending funding, whose sum settling leaves as it is), and the mark price, 0 where the
    ///      account was flat. Good for the size and open notional kept beside it; a liquidation changes both.
    bool private transient _isKnown;
    bool private transient _isTraded;
    int256 private transient _knownSize;
    int256 private transient _knownNotional;
    int256 private transient _realised;
    uint256 private transient _markBefore;

    /// @dev What a trade changes: base held, quote held (open notional, and what is realised where that changes too), quote
    ///      in the pool.
    struct Holdings {
        int256 size;
        int256 quote;
        uint256 poolQuote;
    }

    /// @dev An account as Curie values it.
    /// @param realised Owed PnL less pending funding, USD.
    /// @param positionValue Size times mark price, cut to the wei.
    struct Valuation {
        int256 realised;
        int256 positionValue;
    }

    error ZeroSize();

    modifier onlyVault() {
        if (msg.sender != vault) revert OnlyVault(msg.sender, vault);
        _;
    }

    /// @param vault_ Vault this account belongs to.
    /// @param clearingHouse_ Curie's ClearingHouse; its other contracts are read from it once, here.
    /// @param baseToken_ Base token of the market.
    constructor(address vault_, ICurieClearingHouse clearingHouse_, ICurieBaseToken baseToken_) {
        vault = vault_;
        clearingHouse = clearingHouse_;
        baseToken = baseToken_;
        _marginVault = ICurieMarginVault(clearingHouse_.getVault());
        _accountBalance = ICurieAccountBalance(clearingHouse_.getAccountBalance());
        _exchange = ICurieExchange(clearingHouse_.getExchange());
        _config = ICurieConfig(clearingHouse_.getClearingHouseConfig());
        _quoteToken = IERC20(clearingHouse_.getQuoteToken());
        _marketRegistry = ICurieMarketRegistry(_exchange.getMarketRegistry());
        pool = IUniswapV3PoolState(_marketRegistry.getPool(address(baseToken_)));
        _poolFee = _marketInfo().uniswapFeeRatio;
        collateral = _marginVault.getSettlementToken();
        // Curie takes no collateral of more than 18 decimals.
        _collateralUnit = int256(10 ** (18 - _marginVault.decimals()));
    }

    // --- the vault's instructions ---------------------------------------------------------------------------------

    /// @inheritdoc IPerpVenue
    function depositMargin(uint256 assets) external onlyVault {
        IERC20(collateral).safeTransferFrom(vault, address(this), assets);
        IERC20(collateral).forceApprove(address(_marginVault), assets);
        _marginVault.deposit(collateral, assets);
        emit MarginDeposited(assets);
    }

    /// @inheritdoc IPerpVenue
    /// @dev What was realised is margin from here on.
    function withdrawMargin(uint256 assets) external onlyVault {
        _marginVault.withdraw(collateral, assets);
        _fundingIsSettled = true;
        _isKnown = false;
        IERC20(collateral).safeTransfer(vault, assets);
        emit MarginWithdrawn(assets);
    }

    /// @inheritdoc IPerpVenue
    function bracketTrade(bool isBeginning) external onlyVault {
        _isTraded = false;
        _isKnown = false;
        if (isBeginning) _know(_accountInfo());
    }

    /// @inheritdoc IPerpVenue
    /// @dev A sale names the base it gives, a purchase the base it gets: either way the size is exact.
    function execute(int256 sizeDelta, uint256 limitPrice) external onlyVault returns (Execution memory execution) {
        if (sizeDelta == 0) revert ZeroSize();
        bool isSell = sizeDelta < 0;
        ICurieAccountBalance.AccountInfo memory info = _accountInfo();
        if (!_isStillKnown(info)) _know(info);
        Holdings memory beforeTrade = _holdings(info);
        // A trade that reduces a position realises PnL; any other changes the open notional alone, and settles funding.
        bool realises = beforeTrade.size != 0 && beforeTrade.size < 0 != isSell;
        if (realises) beforeTrade.quote += _realised;
        _trade(isSell, SignedMath.abs(sizeDelta));
        _fundingIsSettled = true;
        _isTraded = true;
        info = _accountInfo();
        (_knownSize, _knownNotional) = (info.takerPositionSize, info.takerOpenNotional);
        Holdings memory afterTrade = _holdings(info);
        if (realises) {
            (_realised,,) = _accountBalance.getPnlAndPendingFee(address(this));
            afterTrade.quote += _realised;
        }
        execution = _measure(isSell, beforeTrade, afterTrade);
        if (isSell ? execution.executionPrice < limitPrice : execution.executionPrice > limitPrice) {
            revert LimitPriceViolated(execution.executionPrice, limitPrice);
        }
        emit Executed(execution.sizeDelta, execution.executionPrice, execution.fee);
    }

    /// @inheritdoc IPerpVenue
    function settle(bytes32 orderId, bytes calldata) external payable returns (Execution memory) {
        revert UnknownOrder(orderId);
    }

    /// @inheritdoc IPerpVenue
    function cancel(bytes32 orderId) external view onlyVault {
        revert UnknownOrder(orderId);
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

    // --- the market -----------------------------------------------------------------------------------------------

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

    /// @inheritdoc IPerpVenue
    /// @dev Premium of the market's average over the index's, held inside Curie's maximum, as a share of the index price.
    function fundingRate() external view returns (int256 perDay) {
        if (!baseToken.isOpen()) return 0;
        uint32 interval = _config.getTwapInterval();
        uint256 marketAverage = UniswapV3Math.priceOf(_exchange.getSqrtMarketTwapX96(address(baseToken), interval));
        uint256 indexAverage = baseToken.getIndexPrice(interval);
        int256 limit = int256(Math.mulDiv(indexAverage, _config.getMaxFundingRate(), RATIO_UNIT));
        int256 premium = int256(marketAverage) - int256(indexAverage);
        premium = SignedMath.max(-limit, SignedMath.min(limit, premium));
        return premium * int256(WAD) / int256(indexPrice());
    }

    /// @inheritdoc IPerpVenue
    /// @dev Of the notional at the index's average over Curie's funding interval, which is what Curie limits.
    function maxFundingRate() external view returns (uint256 perDay) {
        return _config.getMaxFundingRate() * (WAD / RATIO_UNIT);
    }

    /// @inheritdoc IPerpVenue
    /// @dev Exact to the wei for a trade in this very state; `SizeBeyondLiquidity` where Curie would refuse the trade.
    function quote(int256 sizeDelta) external view returns (uint256 executionPrice, uint256 fee) {
        if (sizeDelta == 0) revert ZeroSize();
        uint256 traded = SignedMath.abs(sizeDelta);
        if (traded > CurieSwap.MAX_SIZE) revert SizeBeyondLiquidity(sizeDelta);
        CurieSwap.Result memory result = _simulate(sizeDelta < 0, traded);
        if (!result.isComplete) revert SizeBeyondLiquidity(sizeDelta);
        return (_averagePrice(sizeDelta < 0, result.notional, traded), result.fee);
    }

    /// @inheritdoc IPerpVenue
    function capacity(bool isLong) external view returns (uint256 maxSize) {
        uint256 whole = _simulate(!isLong, CurieSwap.MAX_SIZE).size;
        return whole - Math.ceilDiv(whole, CAPACITY_MARGIN);
    }

    // --- inside ---------------------------------------------------------------------------------------------------

    function _trade(bool isSell, uint256 traded) private {
        clearingHouse.openPosition(
            ICurieClearingHouse.OpenPositionParams({
                baseToken: address(baseToken),
                isBaseToQuote: isSell,
                isExactInput: isSell,
                amount: traded,
                oppositeAmountBound: 0,
                deadline: block.timestamp,
                sqrtPriceLimitX96: 0,
                referralCode: bytes32(0)
            })
        );
    }

    function _holdings(ICurieAccountBalance.AccountInfo memory info) private view returns (Holdings memory) {
        return Holdings({
            size: info.takerPositionSize, quote: info.takerOpenNotional, poolQuote: _quoteToken.balanceOf(address(pool))
        });
    }

    /// @dev The account's quote changes by notional and fee together, the pool's by the notional alone (and, in a purchase,
    ///      the pool's own fee, which Curie takes off again); the difference is the fee.
    function _measure(bool isSell, Holdings memory beforeTrade, Holdings memory afterTrade)
        private
        view
        returns (Execution memory)
    {
        uint256 notional;
        uint256 net;
        if (isSell) {
            notional = beforeTrade.poolQuote - afterTrade.poolQuote;
            net = uint256(afterTrade.quote - beforeTrade.quote);
        } else {
            notional = Math.mulDiv(afterTrade.poolQuote - beforeTrade.poolQuote, RATIO_UNIT - _poolFee, RATIO_UNIT);
            net = uint256(beforeTrade.quote - afterTrade.quote);
        }
        int256 filled = afterTrade.size - beforeTrade.size;
        return Execution({
            status: OrderStatus.Filled,
            orderId: bytes32(0),
            sizeDelta: filled,
            executionPrice: _averagePrice(isSell, notional, SignedMath.abs(filled)),
            // Curie drops up to 9 wei of quote when a position closes, which must not stop it from closing.
            fee: isSell ? Math.saturatingSub(notional, net) : Math.saturatingSub(net, notional)
        });
    }

    /// @dev Nothing is traded while the market is not open or its tick limit is 0.
    function _simulate(bool isSell, uint256 traded) private view returns (CurieSwap.Result memory result) {
        uint24 maxTicks = _exchange.getMaxTickCrossedWithinBlock(address(baseToken));
        if (maxTicks == 0 || !baseToken.isOpen()) return result;
        ICurieMarketRegistry.MarketInfo memory market = _marketInfo();
        return CurieSwap.simulate(
            pool,
            CurieSwap.Order({
                isSell: isSell,
                size: traded,
                poolFee: market.uniswapFeeRatio,
                exchangeFee: market.exchangeFeeRatio,
                indexPrice: baseToken.getIndexPrice(0),
                maxSpread: market.maxPriceSpreadRatio,
                maxTicks: int24(maxTicks)
            })
        );
    }

    /// @dev Rounded against the vault: up for a purchase, down for a sale.
    function _averagePrice(bool isSell, uint256 notional, uint256 traded) private pure returns (uint256) {
        return Math.mulDiv(notional, WAD, traded, isSell ? Math.Rounding.Floor : Math.Rounding.Ceil);
    }

    function _know(ICurieAccountBalance.AccountInfo memory info) private {
        Valuation memory v = _valuation(info);
        (_knownSize, _knownNotional) = (info.takerPositionSize, info.takerOpenNotional);
        _realised = v.realised;
        _markBefore = info.takerPositionSize == 0 ? 0 : _markPriceOf(info.takerPositionSize, v.positionValue);
        _isKnown = true;
    }

    function _isStillKnown(ICurieAccountBalance.AccountInfo memory info) private view returns (bool) {
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

    function _accountInfo() private view returns (ICurieAccountBalance.AccountInfo memory) {
        return _accountBalance.getAccountInfo(address(this), address(baseToken));
    }

    function _marketInfo() private view returns (ICurieMarketRegistry.MarketInfo memory) {
        return _marketRegistry.getMarketInfoByTrader(address(this), address(baseToken));
    }
}
