// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {GmxV2Keys} from "../../../../contracts/venues/gmx/GmxV2Keys.sol";
import {IGmxExchangeRouter} from "../../../../contracts/venues/gmx/IGmxV2.sol";
import {GmxHandlerDouble} from "./GmxHandlerDouble.sol";
import {GmxDataStoreDouble, GmxRouterDouble, WntDouble} from "./GmxStoreDouble.sol";

/// @notice Double of GMX's ExchangeRouter.
contract GmxExchangeDouble is IGmxExchangeRouter {
    address public immutable dataStore;
    address public immutable orderHandler;
    GmxRouterDouble public immutable router;

    error CollateralAlreadyClaimed(uint256 adjustedClaimableAmount, uint256 claimedAmount);

    constructor(address dataStore_, address orderHandler_, GmxRouterDouble router_) {
        (dataStore, orderHandler, router) = (dataStore_, orderHandler_, router_);
    }

    function multicall(bytes[] calldata data) external payable returns (bytes[] memory results) {
        results = new bytes[](data.length);
        for (uint256 i = 0; i < data.length; ++i) {
            (bool isDone, bytes memory answer) = address(this).delegatecall(data[i]);
            if (!isDone) {
                assembly ("memory-safe") {
                    revert(add(answer, 32), mload(answer))
                }
            }
            results[i] = answer;
        }
    }

    function sendWnt(address receiver, uint256 amount) external payable {
        if (amount == 0) return;
        WntDouble wnt = WntDouble(_store().getAddress(GmxV2Keys.WNT));
        wnt.deposit{value: amount}();
        wnt.transfer(receiver, amount);
    }

    function sendTokens(address token, address receiver, uint256 amount) external payable {
        router.pluginTransfer(token, msg.sender, receiver, amount);
    }

    function createOrder(CreateOrderParams calldata params) external payable returns (bytes32) {
        return GmxHandlerDouble(payable(orderHandler)).createOrder(msg.sender, params);
    }

    function cancelOrder(bytes32 key) external payable {
        GmxHandlerDouble(payable(orderHandler)).cancelOrder(msg.sender, key);
    }

    function setSavedCallbackContract(address market, address callbackContract) external payable {
        _store().setAddress(keccak256(abi.encode("SAVED_CALLBACK", msg.sender, market)), callbackContract);
    }

    function claimFundingFees(address[] calldata markets, address[] calldata tokens, address receiver)
        external
        payable
        returns (uint256[] memory amounts)
    {
        amounts = new uint256[](markets.length);
        for (uint256 i = 0; i < markets.length; ++i) {
            bytes32 key = GmxV2Keys.claimableFunding(markets[i], tokens[i], msg.sender);
            amounts[i] = _store().getUint(key);
            _store().setUint(key, 0);
            GmxHandlerDouble(payable(orderHandler)).pool().pay(tokens[i], receiver, amounts[i]);
        }
    }

    /// @dev After the delay the whole is claimable, less the reduction.
    function claimCollateral(
        address[] calldata markets,
        address[] calldata tokens,
        uint256[] calldata timeKeys,
        address receiver
    ) external payable returns (uint256[] memory amounts) {
        amounts = new uint256[](1);
        (address m, address token, uint256 hour) = (markets[0], tokens[0], timeKeys[0]);
        GmxDataStoreDouble s = _store();
        uint256 whole = s.getUint(GmxV2Keys.claimableCollateral(m, token, hour, msg.sender));
        uint256 cut = s.getUint(GmxV2Keys.collateralReduction(m, token, hour, msg.sender));
        uint256 age = block.timestamp - hour * s.getUint(GmxV2Keys.TIME_DIVISOR);
        bool isDue = age > s.getUint(keccak256(abi.encode("CLAIMABLE_COLLATERAL_DELAY")));
        uint256 due = isDue ? whole * (1e30 - cut) / 1e30 : 0;
        bytes32 claimedKey = GmxV2Keys.claimedCollateral(m, token, hour, msg.sender);
        uint256 claimed = s.getUint(claimedKey);
        if (due <= claimed) revert CollateralAlreadyClaimed(due, claimed);
        s.setUint(claimedKey, due);
        amounts[0] = due - claimed;
        GmxHandlerDouble(payable(orderHandler)).pool().pay(token, receiver, amounts[0]);
    }

    function _store() private view returns (GmxDataStoreDouble) {
        return GmxDataStoreDouble(dataStore);
    }
}
