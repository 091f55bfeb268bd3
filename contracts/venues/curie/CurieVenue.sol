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
///         Obligations. `equity` is Curie's own account value at its mark price, and the same with the size valued at the
///         index: funding, owed PnL and fees are inside both.
///
///         Rounding. Against the vault: bought at the price rounded up, sold at the price rounded down, low equity down, high
///         equity up. Curie itself rounds account values down to one unit of collateral.
///
///         Liveness. In a paused market Curie values at the index price of the pause, in a closed one at the closing price;
///         anyone may then have it pay out through `quitMarket`, and `withdrawMargin` works as ever.
///
///         Known limits. Curie refuses a trade that takes the pool too far from the index (`EX_OPB`) or from where it stood
///         when the present window of 15 seconds began (`EX_OPLAS`). `quote` and `capacity` know both limits but cannot read
///         that beginning: they take the window to begin with the trade, as it does when nobody traded just before. Orders
///         carry no price bound of Curie's own: it includes the fee and reverts without figures, and the limit here is judged
///         exactly in the same transaction.
contract CurieVenue is IPerpVenue {
    using SafeERC20 for IERC20;

    uint256 private constant WAD = 1e18;
    uint256 private constant RATIO_UNIT = 1e6;

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

    /// @dev What a trade changes: base held, quote held (open notional and owed PnL together), quote in the pool.
    struct Holdings {
        int256 size;
        int256 quote;
        uint256 poolQuote;
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
    function withdrawMargin(uint256 assets) external onlyVault {
        _marginVault.withdraw(collateral, assets);
        IERC20(collateral).safeTransfer(vault, assets);
        emit MarginWithdrawn(assets);
    }

    /// @inheritdoc IPerpVenue
    /// @dev A sale names the base it gives, a purchase the base it gets: either way the size is exact.
    function execute(int256 sizeDelta, uint256 limitPrice) external onlyVault returns (Execution memory execution) {
        if (sizeDelta == 0) revert ZeroSize();
        bool isSell = sizeDelta < 0;
        // Settled first, so that funding does not look like a part of the trade.
        clearingHouse.settleAllFunding(address(this));
        Holdings memory beforeTrade = _holdings();
        _trade(isSell, SignedMath.abs(sizeDelta));
        execution = _measure(isSell, beforeTrade, _holdings());
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
    /// @dev Curie books fees into the open notional, so the entry price contains them.
    function position() external view returns (Position memory account) {
        account.size = _size();
        if (account.size != 0) {
            uint256 openNotional = SignedMath.abs(_accountInfo().takerOpenNotional);
            account.entryPrice = Math.mulDiv(openNotional, WAD, SignedMath.abs(account.size));
        }
        (int256 owed, int256 unrealised,) = _accountBalance.getPnlAndPendingFee(address(this));
        account.margin = _marginVault.getBalance(address(this)) * _collateralUnit + owed;
        account.unrealisedPnl = unrealised;
        account.fundingAccrued = -_exchange.getPendingFundingPayment(address(this), address(baseToken));
    }

    /// @inheritdoc IPerpVenue
    function account() external view returns (Account memory) {
        return Account(_size(), 0, 0, clearingHouse.getAccountValue(address(this)), markPrice(), indexPrice());
    }

    /// @inheritdoc IPerpVenue
    function size() external view returns (int256) {
        return _size();
    }

    /// @inheritdoc IPerpVenue
    function maxFundingRate() external view returns (uint256 perDay) {
        return uint256(_config.getMaxFundingRate()) * WAD / RATIO_UNIT;
    }

    /// @inheritdoc IPerpVenue
    function equity() external view returns (int256 low, int256 high) {
        int256 atMark = clearingHouse.getAccountValue(address(this));
        int256 size = _size();
        if (size == 0) return (atMark, atMark);
        int256 revaluation = size * (int256(indexPrice()) - int256(markPrice()));
        int256 atIndex = atMark + revaluation / int256(WAD);
        // Division rounds toward zero; a remainder moves the bound on the side it was cut from.
        int256 cut = revaluation % int256(WAD);
        low = SignedMath.min(atMark, cut < 0 ? atIndex - 1 : atIndex);
        high = SignedMath.max(atMark, cut > 0 ? atIndex + 1 : atIndex);
    }

    /// @inheritdoc IPerpVenue
    function freeCollateral() external view returns (uint256 assets) {
        if (_marginVault.paused()) return 0;
        uint256 free = _marginVault.getFreeCollateralByToken(address(this), collateral);
        // Profits can be owed before the losers have paid in.
        return Math.min(free, IERC20(collateral).balanceOf(address(_marginVault)));
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
    /// @dev Exact to the wei for a trade in this very state; `SizeBeyondLiquidity` where Curie would refuse the trade.
    function quote(int256 sizeDelta) external view returns (uint256 executionPrice, uint256 fee) {
        if (sizeDelta == 0) revert ZeroSize();
        uint256 size = SignedMath.abs(sizeDelta);
        if (size > CurieSwap.MAX_SIZE) revert SizeBeyondLiquidity(sizeDelta);
        CurieSwap.Result memory result = _simulate(sizeDelta < 0, size);
        if (!result.isComplete) revert SizeBeyondLiquidity(sizeDelta);
        return (_averagePrice(sizeDelta < 0, result.notional, size), result.fee);
    }

    /// @inheritdoc IPerpVenue
    function capacity(bool isLong) external view returns (uint256 maxSize) {
        uint256 size = _simulate(!isLong, CurieSwap.MAX_SIZE).size;
        return size - Math.ceilDiv(size, CAPACITY_MARGIN);
    }

    // --- inside ---------------------------------------------------------------------------------------------------

    function _trade(bool isSell, uint256 size) private {
        clearingHouse.openPosition(
            ICurieClearingHouse.OpenPositionParams({
                baseToken: address(baseToken),
                isBaseToQuote: isSell,
                isExactInput: isSell,
                amount: size,
                oppositeAmountBound: 0,
                deadline: block.timestamp,
                sqrtPriceLimitX96: 0,
                referralCode: bytes32(0)
            })
        );
    }

    function _holdings() private view returns (Holdings memory) {
        ICurieAccountBalance.AccountInfo memory info = _accountInfo();
        (int256 owed,,) = _accountBalance.getPnlAndPendingFee(address(this));
        return Holdings({
            size: info.takerPositionSize,
            quote: info.takerOpenNotional + owed,
            poolQuote: _quoteToken.balanceOf(address(pool))
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
            uint256 poolFee = _marketInfo().uniswapFeeRatio;
            notional = Math.mulDiv(afterTrade.poolQuote - beforeTrade.poolQuote, RATIO_UNIT - poolFee, RATIO_UNIT);
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
    function _simulate(bool isSell, uint256 size) private view returns (CurieSwap.Result memory result) {
        uint24 maxTicks = _exchange.getMaxTickCrossedWithinBlock(address(baseToken));
        if (maxTicks == 0 || !baseToken.isOpen()) return result;
        ICurieMarketRegistry.MarketInfo memory market = _marketInfo();
        return CurieSwap.simulate(
            pool,
            CurieSwap.Order({
                isSell: isSell,
                size: size,
                poolFee: market.uniswapFeeRatio,
                exchangeFee: market.exchangeFeeRatio,
                indexPrice: baseToken.getIndexPrice(0),
                maxSpread: market.maxPriceSpreadRatio,
                maxTicks: int24(maxTicks)
            })
        );
    }

    /// @dev Rounded against the vault: up for a purchase, down for a sale.
    function _averagePrice(bool isSell, uint256 notional, uint256 size) private pure returns (uint256) {
        return Math.mulDiv(notional, WAD, size, isSell ? Math.Rounding.Floor : Math.Rounding.Ceil);
    }

    function _size() private view returns (int256) {
        return _accountBalance.getTotalPositionSize(address(this), address(baseToken));
    }

    function _accountInfo() private view returns (ICurieAccountBalance.AccountInfo memory) {
        return _accountBalance.getAccountInfo(address(this), address(baseToken));
    }

    function _marketInfo() private view returns (ICurieMarketRegistry.MarketInfo memory) {
        return _marketRegistry.getMarketInfoByTrader(address(this), address(baseToken));
    }
}
