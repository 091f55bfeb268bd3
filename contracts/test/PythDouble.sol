// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPyth} from "../interfaces/IPyth.sol";

/// @title Test double of Pyth's contract
/// @notice Keeps what Pyth keeps under the same rules: an update is taken where its publish time is newer, the fee is due for
///         each, and a price older than asked for is refused. Signatures are not checked. An update is an encoded `Update`.
contract PythDouble is IPyth {
    struct Update {
        bytes32 id;
        Price price;
    }

    /// @notice Fee of one update, wei.
    uint256 public immutable updateFeeWei;

    mapping(bytes32 id => Price price) private _prices;

    error InsufficientFee(uint256 sentWei, uint256 feeWei);
    error PriceFeedNotFound(bytes32 id);
    error StalePrice(uint256 publishTime, uint256 oldestTime);

    constructor(uint256 updateFeeWei_) {
        updateFeeWei = updateFeeWei_;
    }

    /// @inheritdoc IPyth
    function updatePriceFeeds(bytes[] calldata updateData) external payable {
        uint256 fee = getUpdateFee(updateData);
        if (msg.value < fee) revert InsufficientFee(msg.value, fee);
        for (uint256 i = 0; i < updateData.length; ++i) {
            Update memory update = abi.decode(updateData[i], (Update));
            if (update.price.publishTime > _prices[update.id].publishTime) _prices[update.id] = update.price;
        }
    }

    /// @notice Latest price stored, if it is at most `age` seconds old.
    function getPriceNoOlderThan(bytes32 id, uint256 age) external view returns (Price memory price) {
        price = getPriceUnsafe(id);
        if (price.publishTime + age < block.timestamp) revert StalePrice(price.publishTime, block.timestamp - age);
    }

    /// @inheritdoc IPyth
    function getPriceUnsafe(bytes32 id) public view returns (Price memory price) {
        price = _prices[id];
        if (price.publishTime == 0) revert PriceFeedNotFound(id);
    }

    /// @inheritdoc IPyth
    function getUpdateFee(bytes[] calldata updateData) public view returns (uint256 feeAmount) {
        return updateFeeWei * updateData.length;
    }
}
