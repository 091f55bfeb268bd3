// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Intent} from "../types/Rebalance.sol";

/// @notice Governed limits of options held as a hedge, three slots.
/// @param maxGamma Most gamma of what is held, as delta for a move of 1 % of the price, underlying units.
/// @param maxVega Most vega of what is held, USD for one unit of volatility (100 vol points).
/// @param ivTolerance Distance from the venue's average volatility at which a price is still fair, WAD per year.
/// @param carryTolerance Largest |rate| that a fair price may hold, WAD per year.
/// @param maxTenorSeconds Longest time to expiry of what is bought: so long cash may take to come home by itself.
/// @param maxCostBps Most by which a price with its fees may be worse than every fair one, 1e-4 of the notional.
/// @param premiumCapacityBps Size of the budget for premiums, 1e-4 of firm NAV.
/// @param premiumRefillBpsPerDay Its refill per 86,400 seconds, linear in time.
/// @param lossCapacityBps Size of the budget for what trades cost against the fair middle, 1e-4 of firm NAV.
/// @param lossRefillBpsPerDay Its refill per 86,400 seconds, linear in time.
struct OptionCaps {
    uint128 maxGamma;
    uint128 maxVega;
    uint64 ivTolerance;
    uint64 carryTolerance;
    uint32 maxTenorSeconds;
    uint16 maxCostBps;
    uint16 premiumCapacityBps;
    uint16 premiumRefillBpsPerDay;
    uint16 lossCapacityBps;
    uint16 lossRefillBpsPerDay;
}

/// @notice What of the budgets is used up, parts of firm NAV (1e18 is all of it).
struct OptionBudget {
    uint96 premiumUsed;
    uint96 lossUsed;
    uint64 updatedAt;
}

/// @notice One option to buy or sell.
/// @param strikeId The venue's own number of strike and expiry.
/// @param sizeDelta Signed size, underlying units; a sale is at most what is held.
/// @param limitCost Of all of it, fees inside, USD: the most a purchase may cost, the least a sale must bring.
struct OptionOrder {
    uint256 strikeId;
    bool isCall;
    int256 sizeDelta;
    uint256 limitCost;
}

/// @notice An option held.
/// @param size Underlying units.
/// @param strike WAD USD.
/// @param expiry Unix seconds.
/// @param worthLow What selling it would bring at the least, fees inside, USD.
/// @param worthHigh What buying it would cost at the most.
struct OptionHolding {
    uint256 positionId;
    uint256 strikeId;
    bool isCall;
    uint256 size;
    uint256 strike;
    uint256 expiry;
    uint256 worthLow;
    uint256 worthHigh;
}

/// @notice Risk of vault and book together, as the chain measures it.
/// @param worstNetDelta W, as the guard has it, underlying units.
/// @param gamma Most by which the book's delta changes over a move of the price from 1 % below to 1 % above, by either end of
///        its interval, underlying units; what is held is in the book.
/// @param vega Of the book's options and what is held, USD for one unit of volatility, signed.
/// @param heldGamma Delta of what is held for a move of 1 %, underlying units.
/// @param heldVega USD for one unit of volatility.
struct OptionRisk {
    uint256 worstNetDelta;
    uint256 gamma;
    int256 vega;
    uint256 heldGamma;
    uint256 heldVega;
}

/// @title Interface of a venue at which a vault buys options as a hedge
/// @notice Numbers are WAD. Options are bought, and sold as far as they are held: no account here can owe anything.
interface IOptionVenue {
    event CapsSet(OptionCaps oldCaps, OptionCaps newCaps);
    event SourceBound(address indexed source);
    /// @param cost USD, fees inside: paid for a purchase, received for a sale.
    event OptionTraded(
        bytes32 indexed intentId,
        uint256 indexed strikeId,
        uint256 indexed positionId,
        bool isCall,
        int256 sizeDelta,
        uint256 cost,
        uint256 fee
    );
    /// @param premium Paid for purchases, USD.
    /// @param loss Charged to the budget: what trades cost against the fair middle, USD.
    event OptionsTraded(
        bytes32 indexed intentId,
        address indexed keeper,
        OptionRisk beforeTrade,
        OptionRisk afterTrade,
        uint256 premium,
        uint256 loss
    );
    /// @param payoff Brought home to the vault, asset units.
    event OptionSettled(uint256 indexed positionId, uint256 payoff);

    error TradesOptionsOnly();
    error NoOrders();
    error TradingStopped();
    error OnlySalesAllowed(uint256 orderIndex);
    error NoHealthyPrice();
    error SourceNotBound();
    error SourceAlreadyBound(address source);
    error SourceMismatch(address source);
    error SourceNotInBook(address source);
    error TenorTooLong(uint256 expiry, uint256 maxExpiry);
    error TooManyHoldings(uint256 count, uint256 limit);
    error SaleExceedsHolding(uint256 orderIndex, uint256 size, uint256 held);
    error CashTooLow(uint256 cash, uint256 asked);
    error CostExceeded(uint256 orderIndex, uint256 cost, uint256 limit);
    error ProceedsTooLow(uint256 orderIndex, uint256 proceeds, uint256 limit);
    error NetDeltaNotImproved(uint256 worstNetDelta, uint256 allowed);
    error GammaNotReduced(uint256 gamma, uint256 gammaBefore);
    error VegaNotReduced(int256 vega, int256 vegaBefore);
    error GammaCapExceeded(uint256 heldGamma, uint256 cap);
    error VegaCapExceeded(uint256 heldVega, uint256 cap);
    error PremiumBudgetExceeded(uint256 premium, uint256 available);
    error OptionLossBudgetExceeded(uint256 loss, uint256 available);
    error NotHeld(uint256 positionId);
    error NotExpired(uint256 positionId, uint256 expiry);
    error CapsOutOfRange(OptionCaps caps);
    error CapsLooser(OptionCaps current, OptionCaps asked);

    /// @notice Trades. Keeper only, on a block hash as `IHedgeVault.rebalance`.
    /// @dev Purchases need a healthy price, the vault neither reduce-only nor closing this venue nor its breaker tripped, and
    ///      must lower gamma and |vega|; all trades keep the guard's delta rule, and sales raise neither gamma nor |vega|, but
    ///      where the venue is to be emptied. Reverts with the first rule broken.
    function trade(Intent calldata intent, OptionOrder[] calldata orders)
        external
        returns (OptionRisk memory beforeTrade, OptionRisk memory afterTrade);

    /// @notice Settles an expired option and sends what it pays to the vault. Anyone.
    function settleExpired(uint256 positionId) external returns (uint256 payoff);

    /// @notice Replaces the caps. Governor only; hard limits apply.
    function setCaps(OptionCaps calldata newCaps) external;

    /// @notice Replaces the caps by ones no looser in any field. Guardian or governor.
    function tightenCaps(OptionCaps calldata newCaps) external;

    /// @notice Caps in force.
    function caps() external view returns (OptionCaps memory);

    /// @notice What a purchase would cost now, or a sale bring, fees inside, USD.
    function quoteOption(uint256 strikeId, bool isCall, int256 sizeDelta) external view returns (uint256 cost);

    /// @notice Options held.
    function holdings() external view returns (OptionHolding[] memory);

    /// @notice Risk now.
    function risk() external view returns (OptionRisk memory);

    /// @notice What the budgets leave now, USD.
    function available() external view returns (uint256 premium, uint256 loss);
}
