// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Measures one implementation of the Black-76 call delta from inside the EVM
/// @dev Numbers are WAD, tau in seconds. The cost of reading `gasleft` and of the call into `callDelta` is measured
///      with an implementation that does nothing and taken off.
abstract contract DeltaMeter {
    struct Option {
        uint256 price;
        uint256 strike;
        uint256 tauSeconds;
        uint256 iv;
    }

    /// @notice Call deltas and what each cost.
    function measure(Option[] calldata options)
        external
        view
        returns (int256[] memory deltas, uint256[] memory gasUsed)
    {
        deltas = new int256[](options.length);
        gasUsed = new uint256[](options.length);
        for (uint256 i; i < options.length; ++i) {
            (uint256 price, uint256 strike) = (options[i].price, options[i].strike);
            (uint256 tauSeconds, uint256 iv) = (options[i].tauSeconds, options[i].iv);
            uint256 gasBefore = gasleft();
            int256 delta = callDelta(price, strike, tauSeconds, iv);
            gasUsed[i] = gasBefore - gasleft();
            deltas[i] = delta;
        }
    }

    function callDelta(uint256 price, uint256 strike, uint256 tauSeconds, uint256 iv)
        internal
        pure
        virtual
        returns (int256);
}

/// @notice The measurement's own cost.
contract EmptyMeter is DeltaMeter {
    function callDelta(uint256, uint256, uint256, uint256) internal pure override returns (int256) {
        return 0;
    }
}
