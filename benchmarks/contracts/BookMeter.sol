// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDeltaSource} from "../../contracts/interfaces/IDeltaSource.sol";

/// @title Measures a book's delta interval as a rebalance asks for it: once with its storage cold, then once warm
contract BookMeter {
    /// @notice Gas of the first call, with the account's first access in it, and of the second.
    function measure(IDeltaSource book, uint256 price) external view returns (uint256 coldGas, uint256 warmGas) {
        uint256 gasBefore = gasleft();
        book.deltaInterval(price);
        coldGas = gasBefore - gasleft();
        gasBefore = gasleft();
        book.deltaInterval(price);
        warmGas = gasBefore - gasleft();
    }
}
