// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What HyperEVM can ask HyperCore, and how it writes to it
/// @notice Reads. A precompile is called with its arguments alone, without a selector, and answers the state in which the block
///         began. One that is asked for what there is not burns all the gas that it was given, so each gets `READ_GAS` at most;
///         an answer of another length, or with a number that its type cannot hold, is no answer: `CoreReadFailed`. A read costs
///         2,000 gas and 65 for each byte that goes in and comes out: 21,000 for the longest here.
///
///         Actions. `CoreWriter` takes a version (1 byte, 1), the number of the action (3 bytes) and its ABI-encoded fields.
/// @dev Sources: Hyperliquid, "Interacting with HyperCore" with L1Read.sol and CoreWriter.sol; hyper-evm-lib, PrecompileLib.sol
///      and CoreWriterLib.sol; Circle, CoreDepositWallet.sol. Units are in docs/hyperevm.md.
library HyperCore {
    /// @notice One position: lots, and entry notional in 1e6 USD.
    struct Position {
        int64 lots;
        uint64 entryNotional;
    }

    /// @notice Perpetuals of one account, 1e6 USD. `rawUsd` is `accountValue` less the positions at their mark.
    struct Margin {
        int64 accountValue;
        int64 rawUsd;
    }

    /// @notice What HyperCore says of a market.
    struct AssetInfo {
        uint32 marginTableId;
        uint8 sizeDecimals;
        uint8 maxLeverage;
        bool isIsolatedOnly;
    }

    address internal constant CORE_WRITER = 0x3333333333333333333333333333333333333333;
    address internal constant SPOT_BALANCE = 0x0000000000000000000000000000000000000801;
    address internal constant WITHDRAWABLE = 0x0000000000000000000000000000000000000803;
    address internal constant MARK_PX = 0x0000000000000000000000000000000000000806;
    address internal constant ORACLE_PX = 0x0000000000000000000000000000000000000807;
    address internal constant PERP_ASSET_INFO = 0x000000000000000000000000000000000000080a;
    address internal constant BBO = 0x000000000000000000000000000000000000080e;
    address internal constant ACCOUNT_MARGIN_SUMMARY = 0x000000000000000000000000000000000000080F;
    address internal constant CORE_USER_EXISTS = 0x0000000000000000000000000000000000000810;
    address internal constant POSITION = 0x0000000000000000000000000000000000000813;

    /// @notice Where USDC on HyperCore is sent to come home to HyperEVM: the system address of token 0.
    address internal constant USDC_SYSTEM = 0x2000000000000000000000000000000000000000;

    uint64 internal constant USDC = 0; // index of the token
    uint32 internal constant PERP_DEX = 0;
    uint32 internal constant SPOT_DEX = type(uint32).max;
    uint8 internal constant IMMEDIATE_OR_CANCEL = 3;

    uint256 internal constant READ_GAS = 100_000;

    /// @dev 100,000 x 64/63 = 101,588, and 2,600 for a cold account with what stands around the call.
    uint256 internal constant READ_GAS_REQUIRED = 106_000;

    uint256 private constant INFO_WORDS = 7; // the least: offsets, four fields, and the length of the name
    uint256 private constant INFO_BYTES_LIMIT = 1024;

    error CoreReadFailed(address precompile);
    error InsufficientGas(uint256 gasOffered, uint256 gasRequired);

    // --- reads ----------------------------------------------------------------------------------------------------

    function position(address account, uint32 asset) internal view returns (Position memory held) {
        uint256[5] memory w = _read(POSITION, abi.encode(account, asset), 5);
        held.lots = _int64(POSITION, w[0]);
        held.entryNotional = _uint64(POSITION, w[1]);
    }

    function margin(address account) internal view returns (Margin memory held) {
        uint256[5] memory w = _read(ACCOUNT_MARGIN_SUMMARY, abi.encode(PERP_DEX, account), 4);
        held.accountValue = _int64(ACCOUNT_MARGIN_SUMMARY, w[0]);
        held.rawUsd = _int64(ACCOUNT_MARGIN_SUMMARY, w[3]);
    }

    /// @notice USDC in spot, 1e8.
    function spotUsdc(address account) internal view returns (uint64) {
        return _uint64(SPOT_BALANCE, _read(SPOT_BALANCE, abi.encode(account, USDC), 3)[0]);
    }

    /// @notice What HyperCore lets out of the perpetuals, 1e6 USD.
    function withdrawable(address account) internal view returns (uint64) {
        return _uint64(WITHDRAWABLE, _read(WITHDRAWABLE, abi.encode(account), 1)[0]);
    }

    /// @notice Price in 10^-(6 - size decimals) USD.
    function markPx(uint32 asset) internal view returns (uint64) {
        return _price(MARK_PX, asset);
    }

    /// @notice Price in 10^-(6 - size decimals) USD.
    function oraclePx(uint32 asset) internal view returns (uint64) {
        return _price(ORACLE_PX, asset);
    }

    /// @notice Best prices of the book, as `markPx`; 0 where a side is empty.
    function bestPrices(uint32 asset) internal view returns (uint64 bid, uint64 ask) {
        uint256[5] memory w = _read(BBO, abi.encode(uint64(asset)), 2);
        (bid, ask) = (_uint64(BBO, w[0]), _uint64(BBO, w[1]));
    }

    function userExists(address account) internal view returns (bool) {
        return _within(CORE_USER_EXISTS, _read(CORE_USER_EXISTS, abi.encode(account), 1)[0], 1) == 1;
    }

    function assetInfo(uint32 asset) internal view returns (AssetInfo memory info) {
        uint256 gasOffered = gasleft();
        (bool isAnswered, bytes memory answer) = PERP_ASSET_INFO.staticcall{gas: READ_GAS}(abi.encode(asset));
        if (!isAnswered || answer.length < INFO_WORDS * 32 || answer.length > INFO_BYTES_LIMIT) {
            _fail(PERP_ASSET_INFO, gasOffered);
        }
        uint256[5] memory w; // behind the offsets of the answer and of the name
        assembly ("memory-safe") {
            for { let i := 0 } lt(i, 4) { i := add(i, 1) } {
                mstore(add(w, mul(i, 32)), mload(add(add(answer, 96), mul(i, 32))))
            }
        }
        info.marginTableId = uint32(_within(PERP_ASSET_INFO, w[0], type(uint32).max));
        info.sizeDecimals = uint8(_within(PERP_ASSET_INFO, w[1], 6));
        info.maxLeverage = uint8(_within(PERP_ASSET_INFO, w[2], type(uint8).max));
        if (info.maxLeverage == 0) revert CoreReadFailed(PERP_ASSET_INFO);
        info.isIsolatedOnly = _within(PERP_ASSET_INFO, w[3], 1) == 1;
    }

    // --- actions --------------------------------------------------------------------------------------------------

    /// @notice A limit order that fills at once or not at all.
    /// @param limitPx 1e8 USD.
    /// @param size 1e8 underlying.
    /// @param cloid The order's name for `cancelByCloid`.
    function limitOrder(uint32 asset, bool isPurchase, uint64 limitPx, uint64 size, bool isReduceOnly, uint128 cloid)
        internal
        pure
        returns (bytes memory)
    {
        return _action(1, abi.encode(asset, isPurchase, limitPx, size, isReduceOnly, IMMEDIATE_OR_CANCEL, cloid));
    }

    function cancelByCloid(uint32 asset, uint128 cloid) internal pure returns (bytes memory) {
        return _action(11, abi.encode(asset, cloid));
    }

    /// @notice Between spot and perpetuals of one account, 1e6 USD.
    function classTransfer(uint64 usd, bool isToPerp) internal pure returns (bytes memory) {
        return _action(7, abi.encode(usd, isToPerp));
    }

    /// @notice From spot to the sender's address on HyperEVM, 1e8 USD.
    function sendHome(uint64 spotAmount) internal pure returns (bytes memory) {
        return _action(13, abi.encode(USDC_SYSTEM, address(0), SPOT_DEX, SPOT_DEX, USDC, spotAmount));
    }

    // --- private --------------------------------------------------------------------------------------------------

    function _action(uint24 number, bytes memory fields) private pure returns (bytes memory) {
        return abi.encodePacked(uint8(1), number, fields);
    }

    function _price(address precompile, uint32 asset) private view returns (uint64 px) {
        px = _uint64(precompile, _read(precompile, abi.encode(asset), 1)[0]);
        if (px == 0) revert CoreReadFailed(precompile);
    }

    /// @dev Answers of at most five words; the answer is copied only where it has the length expected.
    function _read(address precompile, bytes memory question, uint256 wordCount)
        private
        view
        returns (uint256[5] memory words)
    {
        uint256 gasOffered = gasleft();
        bool isAnswered;
        assembly ("memory-safe") {
            let size := mul(wordCount, 32)
            isAnswered := staticcall(READ_GAS, precompile, add(question, 32), mload(question), words, size)
            isAnswered := and(isAnswered, eq(returndatasize(), size))
        }
        if (!isAnswered) _fail(precompile, gasOffered);
    }

    function _fail(address precompile, uint256 gasOffered) private pure {
        if (gasOffered < READ_GAS_REQUIRED) revert InsufficientGas(gasOffered, READ_GAS_REQUIRED);
        revert CoreReadFailed(precompile);
    }

    function _uint64(address precompile, uint256 word) private pure returns (uint64) {
        return uint64(_within(precompile, word, type(uint64).max));
    }

    function _int64(address precompile, uint256 word) private pure returns (int64) {
        int256 number = int256(word);
        if (number < type(int64).min || number > type(int64).max) revert CoreReadFailed(precompile);
        return int64(number);
    }

    function _within(address precompile, uint256 word, uint256 limit) private pure returns (uint256) {
        if (word > limit) revert CoreReadFailed(precompile);
        return word;
    }
}
