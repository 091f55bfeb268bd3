// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice Plain ERC-20 of any decimals that anyone may mint.
contract TokenDouble is ERC20 {
    uint8 private immutable _decimals;

    constructor(uint8 decimals_) ERC20("Collateral double", "COLL") {
        _decimals = decimals_;
    }

    function mint(address account, uint256 units) external {
        _mint(account, units);
    }

    function burn(address account, uint256 units) external {
        _burn(account, units);
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}

/// @notice A second address of the same balances, as Synthetix' proxies have, and TrueUSD had.
contract SecondEntry {
    TwoEntryTokenDouble public immutable token;

    constructor(TwoEntryTokenDouble token_) {
        token = token_;
    }

    function balanceOf(address account) external view returns (uint256) {
        return token.balanceOf(account);
    }

    function transfer(address to, uint256 units) external returns (bool) {
        token.moveFor(msg.sender, to, units);
        return true;
    }
}

/// @notice A token that another address moves too.
contract TwoEntryTokenDouble is TokenDouble {
    SecondEntry public immutable second;

    constructor(uint8 decimals_) TokenDouble(decimals_) {
        second = new SecondEntry(this);
    }

    function moveFor(address from, address to, uint256 units) external {
        require(msg.sender == address(second));
        _transfer(from, to, units);
    }
}

/// @notice Keeps a part of every transfer once its owner has switched that on.
contract FeeTokenDouble is TokenDouble {
    uint256 public feeBps; // 1e-4 of the units transferred

    constructor(uint8 decimals_) TokenDouble(decimals_) {}

    function setFee(uint256 feeBps_) external {
        feeBps = feeBps_;
    }

    function _update(address from, address to, uint256 units) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : units * feeBps / 10_000;
        super._update(from, to, units - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}

/// @notice Calls a target in the middle of every transfer, as an ERC-777 token would.
contract CallbackTokenDouble is TokenDouble {
    address public target;
    bytes public payload;
    bool public lastCallSucceeded;
    bytes public lastAnswer;

    constructor(uint8 decimals_) TokenDouble(decimals_) {}

    function script(address target_, bytes calldata payload_) external {
        target = target_;
        payload = payload_;
    }

    function _update(address from, address to, uint256 units) internal override {
        super._update(from, to, units);
        if (target == address(0)) return;
        (lastCallSucceeded, lastAnswer) = target.call(payload);
    }
}
