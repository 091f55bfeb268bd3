// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20, SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {HedgeVault} from "../../HedgeVault.sol";
import {ILyraOptionToken, LyraOptionType, LyraPositionState} from "../../book/ILyra.sol";
import {LyraOptions} from "../../book/LyraOptions.sol";
import {Governed} from "../../governance/Governed.sol";
import {IOptionVenue, OptionBudget, OptionCaps, OptionOrder, OptionRisk} from "../../interfaces/IOptionVenue.sol";
import {IPriceOracle} from "../../interfaces/IPriceOracle.sol";
import {IVaultAccess} from "../../interfaces/IVaultAccess.sol";
import {Intent, Measurement} from "../../types/Rebalance.sol";
import {ILyraTradingMarket} from "./ILyraTrading.sol";
import {LyraAccount} from "./LyraAccount.sol";
import {LyraOptionJudge} from "./LyraOptionJudge.sol";
import {LyraPricing} from "./LyraPricing.sol";
import {LyraQuotes} from "./LyraQuotes.sol";

/// @title Options of Lyra v1 ("Avalon") as a hedge of one vault
/// @notice Purpose. Holds cash and long options for one vault, which moves the cash by its own rules of margin, and lets the
///         vault's keeper trade them within governed caps. What the account is worth is `LyraAccount`'s matter.
///
///         Rules. Options are bought, and sold only as far as they are held: the account owes nothing, ever. A trade is judged
///         by two measurements, as a rebalance is: W must keep the guard's delta rule; a purchase must lower the gamma of the
///         book and |vega|, a sale must not raise them. Each price, fees inside, is held against Black-76 at the oracle's price
///         and Lyra's volatility averaged over Lyra's own periods, which one block cannot move. Premiums, and what trades cost
///         against the fair middle, are rationed over time as parts of firm NAV; there are caps on gamma, vega and tenor.
///
///         Modes. Paused: no trade. Reduce-only, or the guard's breaker tripped: sales, which may then raise gamma. Closing,
///         removed or winding down: sales, whatever the delta rule says; winding down, without a healthy price too.
///
///         Trust. The keeper is trusted with timeliness alone. The governor vouches for Lyra's contracts, sets the caps after its
///         delay and binds the source of deltas once: a `LyraOptions` whose holder is this contract. It must be in the vault's
///         book, or nothing is bought.
///
///         Rounding. Against the vault: costs and what is used of a budget up, proceeds and what is left down.
///
///         Liveness. Anyone settles an expired option, and what it pays goes to the vault at once; so cash is home after
///         `maxTenorSeconds` without a keeper, and a vault can always wind down by letting options run out. A position that a
///         stranger gives to this contract is not its own: it counts for nothing and is never touched.
///
///         Known limits. A vault counts its unexplained result: what options gain and lose is in it, and `maxDrawdownBps` must
///         leave room for the premiums. Premiums spent may be lost whole: time takes them, and no rule here can tell. Vega of
///         sources other than option books is not known to the chain. Lyra's volatility outside the source's limits stops
///         rebalances while options are held, as `LyraOptions` says. One keeper can use up the budgets of all.
contract LyraOptionVenue is LyraAccount, Governed {
    using SafeERC20 for IERC20;

    /// @dev What one trade is judged on.
    struct Trade {
        Measurement m;
        OptionCaps caps;
        LyraPricing.Prices prices;
        uint256 price;
        bool isReducing;
        bool isEmptying;
        bool hasPurchase;
        uint256 premium;
        uint256 loss;
    }

    uint256 private constant WAD = 1e18;
    uint256 private constant BPS = 10_000;

    /// @notice Source of the deltas of what is held; zero until it is bound.
    LyraOptions public source;

    LyraOptionJudge private immutable _judge;
    OptionCaps private _caps;
    OptionBudget private _budget;

    /// @notice Block that a keeper's last trade was accepted in.
    mapping(address keeper => uint256 blockNumber) public lastTradeBlock;

    constructor(IVaultAccess access_, HedgeVault vault_, LyraQuotes quotes_, OptionCaps memory caps_)
        LyraAccount(vault_, quotes_)
        Governed(access_)
    {
        _judge = new LyraOptionJudge(vault_, quotes_);
        _setCaps(caps_);
    }

    // --- keeper ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IOptionVenue
    function trade(Intent calldata intent, OptionOrder[] calldata orders)
        external
        onlyKeeper
        nonReentrant
        returns (OptionRisk memory beforeTrade, OptionRisk memory afterTrade)
    {
        if (_vault.isEntered()) revert VaultEntered();
        if (orders.length == 0) revert NoOrders();
        lastTradeBlock[msg.sender] = _vault.guard().requireFresh(intent, lastTradeBlock[msg.sender]);
        Trade memory t = _begin(orders);
        beforeTrade = _risk(t, t.m);
        _isTrading = true;
        for (uint256 i = 0; i < orders.length; ++i) {
            _execute(intent.id, t, orders[i], i);
        }
        _isTrading = false;
        Measurement memory last = _measured(t.isEmptying);
        afterTrade = _risk(t, last);
        uint256 firmNav = Math.min(t.m.firmNav, last.firmNav);
        if (!t.isEmptying) {
            _judge.judge(t.caps, beforeTrade, afterTrade, firmNav, t.price, t.hasPurchase, t.isReducing);
        }
        _budget = _judge.spend(t.caps, _budget, firmNav, t.premium, t.loss);
        emit OptionsTraded(intent.id, msg.sender, beforeTrade, afterTrade, t.premium, t.loss);
    }

    // --- anyone ---------------------------------------------------------------------------------------------------

    /// @inheritdoc IOptionVenue
    function settleExpired(uint256 positionId) external nonReentrant returns (uint256 payoff) {
        if (_vault.isEntered()) revert VaultEntered();
        uint256 index = _indexOf(positionId);
        if (index == _positionIds.length) revert NotHeld(positionId);
        ILyraOptionToken.OptionPosition memory held = _position(positionId);
        LyraPricing.Series memory series = quotes.seriesOf(held.strikeId, held.optionType == LyraOptionType.LONG_CALL);
        if (block.timestamp < series.expiry) revert NotExpired(positionId, series.expiry);
        if (series.settledAt == 0) _market.settleExpiredBoard(series.boardId);
        // Anybody may have settled it for us already: what it paid is cash here.
        if (held.state == LyraPositionState.ACTIVE) {
            uint256[] memory ids = new uint256[](1);
            ids[0] = positionId;
            _shortCollateral.settleOptions(ids);
        }
        _forget(index);
        payoff = Math.min(quotes.payoff(held.strikeId, series.isCall, held.amount), _cash());
        IERC20(collateral).safeTransfer(vault, payoff);
        emit OptionSettled(positionId, payoff);
    }

    // --- governor and guardian --------------------------------------------------------------------------------------

    /// @inheritdoc IOptionVenue
    function setCaps(OptionCaps calldata newCaps) external onlyGovernor {
        _setCaps(newCaps);
    }

    /// @inheritdoc IOptionVenue
    function tightenCaps(OptionCaps calldata newCaps) external onlyGuardian {
        _judge.requireNoLooser(_caps, newCaps);
        _setCaps(newCaps);
    }

    /// @notice Binds the source of deltas, once. Governor only.
    function bindSource(LyraOptions source_) external onlyGovernor {
        if (address(source) != address(0)) revert SourceAlreadyBound(address(source));
        bool matches = source_.holder() == address(this) && address(source_.market()) == address(_market)
            && address(source_.positionToken()) == address(_optionToken);
        if (!matches) revert SourceMismatch(address(source_));
        source = source_;
        emit SourceBound(address(source_));
    }

    // --- views ----------------------------------------------------------------------------------------------------

    /// @inheritdoc IOptionVenue
    function caps() external view returns (OptionCaps memory) {
        return _caps;
    }

    /// @inheritdoc IOptionVenue
    function quoteOption(uint256 strikeId, bool isCall, int256 sizeDelta) external view returns (uint256) {
        return quotes.quote(strikeId, isCall, sizeDelta);
    }

    /// @inheritdoc IOptionVenue
    function risk() external view returns (OptionRisk memory) {
        Measurement memory m = _vault.measure();
        return _judge.risk(m, m.price, _positionIds);
    }

    /// @inheritdoc IOptionVenue
    function available() external view returns (uint256 premium, uint256 loss) {
        return _judge.available(_caps, _budget);
    }

    // --- private --------------------------------------------------------------------------------------------------

    /// @dev Modes and prices, before anything is traded.
    function _begin(OptionOrder[] calldata orders) private view returns (Trade memory t) {
        if (_vault.paused()) revert TradingStopped();
        t.caps = _caps;
        t.isEmptying = _judge.isEmptying(address(this));
        t.m = _measured(t.isEmptying);
        t.isReducing = t.isEmptying || t.m.isReduceOnly || _vault.guard().isBreakerTripped();
        for (uint256 i = 0; i < orders.length; ++i) {
            if (orders[i].sizeDelta == 0) revert ZeroSize();
            if (orders[i].sizeDelta < 0) continue;
            if (t.isReducing) revert OnlySalesAllowed(i);
            t.hasPurchase = true;
        }
        if (t.hasPurchase) _judge.requireInBook(address(source));
        t.price = t.m.price;
        if (t.price != 0) {
            // Lyra's own price is no measure of a trade with Lyra.
            IPriceOracle.Reading memory reading = _vault.oracle().read();
            t.prices = LyraPricing.Prices(reading.low, reading.high);
            return t;
        }
        if (!_vault.isWindingDown()) revert NoHealthyPrice();
        t.price = quotes.spotPrice();
        t.prices = LyraPricing.Prices(t.price, t.price);
    }

    function _execute(bytes32 intentId, Trade memory t, OptionOrder calldata order, uint256 index) private {
        bool isPurchase = order.sizeDelta > 0;
        uint256 size = SignedMath.abs(order.sizeDelta);
        // Before the trade: it moves the volatility.
        LyraPricing.Fair memory fair = quotes.fairValue(
            order.strikeId, order.isCall, t.price, t.prices, t.caps.ivTolerance, t.caps.carryTolerance
        );
        (uint256 positionId, uint256 cost, uint256 fee) =
            isPurchase ? _buy(order, size, t.caps.maxTenorSeconds) : _sell(order, size, index);
        uint256 extra = t.price * t.caps.maxCostBps / BPS;
        if (isPurchase) {
            uint256 most = Math.min(order.limitCost, Math.mulDiv(fair.high + extra, size, WAD));
            if (cost > most) revert CostExceeded(index, cost, most);
            t.premium += cost;
            t.loss += Math.saturatingSub(cost, Math.mulDiv(fair.middle, size, WAD));
        } else {
            uint256 floor = Math.saturatingSub(fair.low, extra);
            uint256 least = Math.max(order.limitCost, Math.mulDiv(floor, size, WAD, Math.Rounding.Ceil));
            if (cost < least) revert ProceedsTooLow(index, cost, least);
            t.loss += Math.saturatingSub(Math.mulDiv(fair.middle, size, WAD, Math.Rounding.Ceil), cost);
        }
        emit OptionTraded(intentId, order.strikeId, positionId, order.isCall, order.sizeDelta, cost, fee);
    }

    /// @dev What is paid is taken from the balance, not from what Lyra returns.
    function _buy(OptionOrder calldata order, uint256 size, uint256 maxTenor)
        private
        returns (uint256 positionId, uint256 cost, uint256 fee)
    {
        uint256 maxExpiry = block.timestamp + maxTenor;
        uint256 expiry = quotes.seriesOf(order.strikeId, order.isCall).expiry;
        if (expiry > maxExpiry) revert TenorTooLong(expiry, maxExpiry);
        ILyraTradingMarket.TradeInputParameters memory input = _input(order, size);
        uint256 cashBefore = _cash();
        input.maxTotalCost = Math.min(order.limitCost, cashBefore);
        IERC20(collateral).forceApprove(address(_market), cashBefore);
        ILyraTradingMarket.Result memory result = _market.openPosition(input);
        IERC20(collateral).forceApprove(address(_market), 0);
        (positionId, cost, fee) = (result.positionId, cashBefore - _cash(), result.totalFee);
        if (input.positionId != 0) return (positionId, cost, fee);
        _remember(positionId);
        source.addOwnPosition(positionId);
    }

    /// @dev Where Lyra refuses a plain close, for its delta or its hour, it may still let go at the price of a forced one.
    function _sell(OptionOrder calldata order, uint256 size, uint256 index)
        private
        returns (uint256 positionId, uint256 cost, uint256 fee)
    {
        ILyraTradingMarket.TradeInputParameters memory input = _input(order, size);
        positionId = input.positionId;
        uint256 held = positionId == 0 ? 0 : _position(positionId).amount;
        if (size > held) revert SaleExceedsHolding(index, size, held);
        input.minTotalCost = order.limitCost;
        input.maxTotalCost = type(uint256).max;
        uint256 cashBefore = _cash();
        ILyraTradingMarket.Result memory result;
        try _market.closePosition(input) returns (ILyraTradingMarket.Result memory closed) {
            result = closed;
        } catch {
            result = _market.forceClosePosition(input);
        }
        (cost, fee) = (_cash() - cashBefore, result.totalFee);
        if (size == held) _forget(_indexOf(positionId));
    }

    function _input(OptionOrder calldata order, uint256 size)
        private
        view
        returns (ILyraTradingMarket.TradeInputParameters memory input)
    {
        input.strikeId = order.strikeId;
        input.positionId = _find(order.strikeId, order.isCall);
        input.iterations = 1;
        input.optionType = order.isCall ? LyraOptionType.LONG_CALL : LyraOptionType.LONG_PUT;
        input.amount = size;
    }

    /// @dev A position that is gone leaves the source's list too, where the source still has it.
    function _forget(uint256 index) private {
        uint256 positionId = _positionIds[index];
        _drop(index);
        uint256[] memory listed = source.positionIds();
        for (uint256 i = 0; i < listed.length; ++i) {
            if (listed[i] == positionId) source.removeBurntPosition(positionId);
        }
    }

    /// @dev Nothing where everything is to be sold, whatever the book says.
    function _risk(Trade memory t, Measurement memory m) private view returns (OptionRisk memory nothing) {
        return t.isEmptying ? nothing : _judge.risk(m, t.price, _positionIds);
    }

    /// @dev Where everything is to be sold the book is not asked: a source that fails cannot hold that back.
    function _measured(bool isEmptying) private view returns (Measurement memory) {
        return isEmptying ? _vault.measureHedge() : _vault.measure();
    }

    function _setCaps(OptionCaps memory newCaps) private {
        _judge.requireInsideHardLimits(newCaps);
        // The budgets are settled at the old rates first, so a new rate never reaches back in time.
        _budget = _judge.settled(_caps, _budget);
        emit CapsSet(_caps, newCaps);
        _caps = newCaps;
    }
}
