// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice Double of GMX's RoleStore.
contract GmxRoleStoreDouble {
    mapping(address account => mapping(bytes32 role => bool has)) public hasRole;

    function setRole(address account, string calldata role, bool has) external {
        hasRole[account][keccak256(abi.encode(role))] = has;
    }
}

/// @notice Double of GMX's DataStore: anyone writes it, in a test.
contract GmxDataStoreDouble {
    address public immutable roleStore;
    mapping(bytes32 key => uint256 kept) public getUint;
    mapping(bytes32 key => int256 kept) public getInt;
    mapping(bytes32 key => address kept) public getAddress;
    mapping(bytes32 key => bool kept) public getBool;
    mapping(bytes32 setKey => mapping(bytes32 member => bool has)) public containsBytes32;

    constructor(address roleStore_) {
        roleStore = roleStore_;
    }

    function setUint(bytes32 key, uint256 kept) external {
        getUint[key] = kept;
    }

    function setInt(bytes32 key, int256 kept) external {
        getInt[key] = kept;
    }

    function setAddress(bytes32 key, address kept) external {
        getAddress[key] = kept;
    }

    function setBool(bytes32 key, bool kept) external {
        getBool[key] = kept;
    }

    function setMember(bytes32 setKey, bytes32 member, bool has) external {
        containsBytes32[setKey][member] = has;
    }

    function increment(bytes32 key, int256 delta) external returns (uint256 next) {
        next = uint256(int256(getUint[key]) + delta);
        getUint[key] = next;
    }
}

/// @notice Double of the wrapped native token.
contract WntDouble is ERC20("Wrapped native token", "WNT") {
    function deposit() external payable {
        _mint(msg.sender, msg.value);
    }

    function withdraw(uint256 amount) external {
        _burn(msg.sender, amount);
        (bool isPaid,) = msg.sender.call{value: amount}("");
        require(isPaid, "not paid");
    }
}

/// @notice Double of GMX's Router: it alone has allowances, and moves tokens for plugins.
contract GmxRouterDouble {
    GmxRoleStoreDouble private immutable _roles;

    constructor(GmxRoleStoreDouble roles) {
        _roles = roles;
    }

    function pluginTransfer(address token, address account, address receiver, uint256 amount) external {
        require(_roles.hasRole(msg.sender, keccak256(abi.encode("ROUTER_PLUGIN"))), "no plugin");
        IERC20(token).transferFrom(account, receiver, amount);
    }
}

/// @notice Double of GMX's OrderVault: it notices what came in.
contract GmxOrderVaultDouble {
    GmxRoleStoreDouble private immutable _roles;
    mapping(address token => uint256 held) public tokenBalances;

    constructor(GmxRoleStoreDouble roles) {
        _roles = roles;
    }

    function recordTransferIn(address token) external returns (uint256 amount) {
        uint256 held = IERC20(token).balanceOf(address(this));
        amount = held - tokenBalances[token];
        tokenBalances[token] = held;
    }

    function transferOut(address token, address receiver, uint256 amount) external {
        require(_roles.hasRole(msg.sender, keccak256(abi.encode("CONTROLLER"))), "no controller");
        IERC20(token).transfer(receiver, amount);
        tokenBalances[token] = IERC20(token).balanceOf(address(this));
    }
}
