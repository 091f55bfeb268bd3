// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    ILyraOptionMarket,
    ILyraOptionToken,
    LyraOptionType,
    LyraPositionState
} from "../../../contracts/book/ILyra.sol";
import {IUniswapV3PositionManager} from "../../../contracts/book/IUniswapV3.sol";

/// @notice Stands in for Uniswap's and Lyra's contracts where only who may call a source matters: every id is a position
///         of one holder.
contract PositionsDouble {
    address public immutable holder;
    address public immutable token0;
    address public immutable token1;
    uint24 public constant fee = 3000;
    uint8 public constant decimals = 18;

    constructor(address holder_, address quote) {
        (holder, token0, token1) = (holder_, address(this), quote);
    }

    function ownerOf(uint256) external view returns (address) {
        return holder;
    }

    function factory() external view returns (address) {
        return address(this);
    }

    function getPool(address, address, uint24) external view returns (address) {
        return address(this);
    }

    function positions(uint256) external view returns (IUniswapV3PositionManager.Position memory held) {
        (held.token0, held.token1, held.fee) = (token0, token1, fee);
    }

    function getOptionPosition(uint256 id) external pure returns (ILyraOptionToken.OptionPosition memory) {
        return ILyraOptionToken.OptionPosition(id, id, LyraOptionType.LONG_CALL, 1e18, 0, LyraPositionState.ACTIVE);
    }

    function getStrikeAndBoard(uint256 id)
        external
        pure
        returns (ILyraOptionMarket.Strike memory strike, ILyraOptionMarket.OptionBoard memory board)
    {
        (strike.id, board.id) = (id, id);
    }
}
