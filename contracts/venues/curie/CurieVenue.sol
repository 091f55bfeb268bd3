// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IPerpVenue} from "../../interfaces/IPerpVenue.sol";
import {UniswapV3Math} from "../../libraries/UniswapV3Math.sol";
import {CurieAccount} from "./CurieAccount.sol";
import {CurieSwap} from "./CurieSwap.sol";
import {
    ICurieAccountBalance,
    ICurieBaseToken,
    ICurieClearingHouse,
    ICurieConfig,
    ICurieMarketRegistry
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
///
///         What the account is worth, and what is known of it while a trade is measured, is `CurieAccount`'s matter.
contract CurieVenue is CurieAccount {
    using SafeERC20 for IERC20;

    uint256 private constant RATIO_UNIT = 1e6;

    /// @dev A walk that stops short of a price limit by this share of its size never touches the limit itself.
    uint256 private constant CAPACITY_MARGIN = 1e9;

    /// @inheritdoc IPerpVenue
    address public immutable vault;

    /// @notice Entry point of Curie.
    ICurieClearingHouse public immutable clearingHouse;

    ICurieConfig private immutable _config;
    IERC20 private immutable _quoteToken;
    uint256 private immutable _poolFee; // 1e-6; the registry sets it once, for the pool

    /// @dev What a trade changes: base held, quote held (open notional, and what is realised where that changes too), quote
    ///      in the pool.
    struct Holdings {
        int256 size;
        int256 quote;
        uint256 poolQuote;
    }

    modifier onlyVault() {
        if (msg.sender != vault) revert OnlyVault(msg.sender, vault);
        _;
    }

    /// @param vault_ Vault this account belongs to.
    /// @param clearingHouse_ Curie's ClearingHouse; its other contracts are read from it once, here.
    /// @param baseToken_ Base token of the market.
    constructor(address vault_, ICurieClearingHouse clearingHouse_, ICurieBaseToken baseToken_)
        CurieAccount(clearingHouse_, baseToken_)
    {
        vault = vault_;
        clearingHouse = clearingHouse_;
        _config = ICurieConfig(clearingHouse_.getClearingHouseConfig());
        _quoteToken = IERC20(clearingHouse_.getQuoteToken());
        _poolFee = _marketInfo().uniswapFeeRatio;
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
    function reconcile(bytes32 orderId) external pure returns (OrderStatus) {
        revert UnknownOrder(orderId);
    }

    /// @inheritdoc IPerpVenue
    function cancel(bytes32 orderId) external pure {
        revert UnknownOrder(orderId);
    }

    /// @inheritdoc IPerpVenue
    function order(bytes32) external pure returns (Order memory none) {
        return none;
    }

    /// @inheritdoc IPerpVenue
    function openOrder() external pure returns (bytes32) {
        return 0;
    }

    // --- the market -----------------------------------------------------------------------------------------------

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

    function _marketInfo() private view returns (ICurieMarketRegistry.MarketInfo memory) {
        return _marketRegistry.getMarketInfoByTrader(address(this), address(baseToken));
    }
}
