// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeltaSource} from "../../contracts/interfaces/IDeltaSource.sol";

/// @title Measures a book's delta interval as the vault asks for it: an external call that finds all storage cold
contract BookMeter {
    /// @notice The interval, and what the call cost with the account's first access in it.
    function measure(IDeltaSource book, uint256 price)
        external
        view
        returns (int256 low, int256 high, uint256 gasUsed)
    {
        uint256 gasBefore = gasleft();
        (low, high) = book.deltaInterval(price);
        gasUsed = gasBefore - gasleft();
    }
}
