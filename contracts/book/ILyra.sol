// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// What `LyraOptions` needs of Lyra v1 ("Avalon"), and no more.

enum LyraOptionType {
    LONG_CALL,
    LONG_PUT,
    SHORT_CALL_BASE,
    SHORT_CALL_QUOTE,
    SHORT_PUT_QUOTE
}

enum LyraPositionState {
    EMPTY,
    ACTIVE,
    CLOSED,
    LIQUIDATED,
    SETTLED,
    MERGED
}

interface ILyraOptionToken {
    struct OptionPosition {
        uint256 positionId;
        uint256 strikeId;
        LyraOptionType optionType;
        uint256 amount;
        uint256 collateral;
        LyraPositionState state;
    }

    function getOptionPosition(uint256 positionId) external view returns (OptionPosition memory);
}

interface ILyraOptionMarket {
    struct Strike {
        uint256 id;
        uint256 strikePrice;
        uint256 skew;
        uint256 longCall;
        uint256 shortCallBase;
        uint256 shortCallQuote;
        uint256 longPut;
        uint256 shortPut;
        uint256 boardId;
    }

    struct OptionBoard {
        uint256 id;
        uint256 expiry;
        uint256 iv;
        bool frozen;
        uint256[] strikeIds;
    }

    function getStrikeAndBoard(uint256 strikeId) external view returns (Strike memory, OptionBoard memory);
    function getSettlementParameters(uint256 strikeId)
        external
        view
        returns (uint256 strikePrice, uint256 priceAtExpiry, uint256 strikeToBaseReturned);
}
