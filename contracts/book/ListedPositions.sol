// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Governed} from "../governance/Governed.sol";

/// @notice What a list asks of the ERC-721 whose tokens are positions.
interface IPositionToken {
    function ownerOf(uint256 tokenId) external view returns (address);
}

/// @title List of one holder's positions, each an ERC-721 token
/// @notice Purpose. Names the positions that a delta source counts. The tokens of a holder cannot be enumerated instead:
///         anyone can send it more of them than a measurement has gas for.
///
///         Trust. The governor and the holder list positions. Being listed is not enough to count: each measurement asks
///         who owns the token, so that positions sold, closed or burnt count 0.
///
///         Liveness. Anyone may take a burnt token off the list.
///
///         Known limits. Positions that nobody listed do not count. An id listed in two sources counts twice.
abstract contract ListedPositions is Governed {
    /// @notice ERC-721 of the positions.
    IPositionToken public immutable positionToken;

    /// @notice Account whose positions count.
    address public immutable holder;

    uint256[] private _positionIds;

    event PositionAdded(uint256 indexed positionId);
    event PositionRemoved(uint256 indexed positionId);

    error HolderIsZero();
    error NotHolder(address account);
    error NotOwnedByHolder(uint256 positionId, address owner);
    error PositionAlreadyListed(uint256 positionId);
    error PositionNotListed(uint256 positionId);
    error PositionNotBurnt(uint256 positionId, address owner);
    error TooManyPositions(uint256 count, uint256 limit);

    constructor(address positionToken_, address holder_) {
        if (holder_ == address(0)) revert HolderIsZero();
        (positionToken, holder) = (IPositionToken(_requireContract(positionToken_)), holder_);
    }

    /// @notice Lists a position of the holder. Governor only.
    function addPosition(uint256 positionId) external onlyGovernor {
        _add(positionId);
    }

    /// @notice Lists a position as its owner, without the governor's delay. Holder only.
    function addOwnPosition(uint256 positionId) external {
        if (msg.sender != holder) revert NotHolder(msg.sender);
        _add(positionId);
    }

    /// @notice Takes a position off the list. Governor only.
    function removePosition(uint256 positionId) external onlyGovernor {
        _remove(positionId);
    }

    /// @notice Takes a position off the list whose token is burnt. Anyone.
    function removeBurntPosition(uint256 positionId) external {
        address owner = _ownerOf(positionId);
        if (owner != address(0)) revert PositionNotBurnt(positionId, owner);
        _remove(positionId);
    }

    /// @notice Positions listed, in no particular order.
    function positionIds() public view returns (uint256[] memory) {
        return _positionIds;
    }

    /// @dev Reverts for a position of a kind that the source cannot count.
    function _requireEligible(uint256 positionId) internal view virtual;

    /// @dev 0 for a burnt token, which ERC-721 refuses in words. A call that runs out of gas says nothing and is not
    ///      taken for one: whoever calls cannot make a position vanish by giving too little gas.
    function _ownerOf(uint256 positionId) internal view returns (address) {
        try positionToken.ownerOf(positionId) returns (address owner) {
            return owner;
        } catch Error(string memory) {
            return address(0);
        }
    }

    /// @dev Most positions: keeps a measurement inside the book's `SOURCE_GAS`.
    function _maxPositions() internal pure virtual returns (uint256);

    function _add(uint256 positionId) private {
        address owner = _ownerOf(positionId);
        if (owner != holder) revert NotOwnedByHolder(positionId, owner);
        _requireEligible(positionId);
        uint256 count = _positionIds.length;
        if (_find(positionId) != count) revert PositionAlreadyListed(positionId);
        if (count == _maxPositions()) revert TooManyPositions(count + 1, _maxPositions());
        _positionIds.push(positionId);
        emit PositionAdded(positionId);
    }

    function _remove(uint256 positionId) private {
        uint256 index = _find(positionId);
        if (index == _positionIds.length) revert PositionNotListed(positionId);
        _positionIds[index] = _positionIds[_positionIds.length - 1];
        _positionIds.pop();
        emit PositionRemoved(positionId);
    }

    /// @dev Index of `positionId`, or the length of the list.
    function _find(uint256 positionId) private view returns (uint256 index) {
        uint256 count = _positionIds.length;
        while (index < count && _positionIds[index] != positionId) ++index;
    }
}
