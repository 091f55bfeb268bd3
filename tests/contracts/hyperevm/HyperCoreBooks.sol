// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice What the double of HyperCore keeps of its market and its accounts, and what HyperEVM reads of them.
/// @dev Numbers are HyperCore's: lots, prices in 10^-(6 - size decimals), USD in 1e6, spot in 1e8.
abstract contract HyperCoreBooks {
    struct Market {
        uint32 asset;
        uint8 sizeDecimals;
        uint8 maxLeverage;
        uint32 marginTableId;
        bool isIsolatedOnly;
        uint64 mark;
        uint64 oracle;
        uint64 bid;
        uint64 ask;
        uint64 takerFee; // 1e-6 of notional
    }

    struct User {
        bool exists;
        uint64 spot;
        int64 lots;
        uint64 entryNotional;
        int64 rawUsd;
    }

    struct Fault {
        bool isSet;
        bool isBurning; // all the gas, as for an asset that is not there
        bytes answer;
    }

    Market public market;
    mapping(address account => User) public users;
    mapping(address precompile => Fault) internal _faults;

    // --- what HyperEVM reads ----------------------------------------------------------------------------------------

    /// @dev Reverts where the precompile burns its gas.
    function read(address precompile, bytes calldata question) external view returns (bytes memory) {
        Fault memory fault = _faults[precompile];
        require(!fault.isBurning);
        if (fault.isSet) return fault.answer;
        uint256 number = uint160(precompile);
        if (number == 0x801) return _spot(question);
        if (number == 0x803) return abi.encode(_withdrawable(users[abi.decode(question, (address))]));
        if (number == 0x80a) return _info(question);
        if (number == 0x80F) return _margin(question);
        if (number == 0x810) return abi.encode(users[abi.decode(question, (address))].exists);
        if (number == 0x813) return _position(question);
        _requireAsset(abi.decode(question, (uint256)));
        if (number == 0x806) return abi.encode(market.mark);
        if (number == 0x807) return abi.encode(market.oracle);
        require(number == 0x80e);
        return abi.encode(market.bid, market.ask);
    }

    // --- books -----------------------------------------------------------------------------------------------------

    /// @dev Five significant figures and 6 - size decimals decimals, or a whole price.
    function _isOnTick(uint64 limitPx) internal view returns (bool) {
        if (limitPx == 0) return false;
        if (limitPx % 1e8 == 0) return true;
        uint64 figures = limitPx;
        while (figures % 10 == 0) figures /= 10;
        return figures < 100_000 && limitPx % uint64(10 ** (2 + market.sizeDecimals)) == 0;
    }

    function _isCarried(User storage u, int64 lots, uint64 px) internal view returns (bool) {
        int64 next = u.lots + lots;
        uint64 size = uint64(next > 0 ? next : -next);
        return _value(u) >= int64(size * px / market.maxLeverage);
    }

    function _fill(User storage u, int64 lots, uint64 px, uint64 takerFee) internal {
        uint64 size = uint64(lots > 0 ? lots : -lots);
        uint64 notional = size * px; // 1e6: the decimals of size and price are six together
        uint64 fee = (notional * takerFee + 1e6 - 1) / 1e6;
        u.rawUsd -= (lots > 0 ? int64(notional) : -int64(notional)) + int64(fee);
        int64 held = u.lots;
        int64 next = held + lots;
        if (held == 0 || (held > 0) == (lots > 0)) {
            u.entryNotional += notional;
        } else if (next == 0 || (next > 0) == (held > 0)) {
            uint64 left = uint64(next > 0 ? next : -next);
            u.entryNotional = u.entryNotional * left / uint64(held > 0 ? held : -held);
        } else {
            u.entryNotional = uint64(next > 0 ? next : -next) * px;
        }
        u.lots = next;
    }

    function _value(User storage u) internal view returns (int64) {
        return u.rawUsd + u.lots * int64(market.mark);
    }

    function _notional(User storage u) internal view returns (uint64) {
        return uint64(u.lots > 0 ? u.lots : -u.lots) * market.mark;
    }

    /// @dev What is above the initial margin and a tenth of the notional.
    function _withdrawable(User storage u) internal view returns (uint64) {
        uint64 notional = _notional(u);
        uint64 used = notional / market.maxLeverage;
        if (used < notional / 10) used = notional / 10;
        int64 free = _value(u) - int64(used);
        return free > 0 ? uint64(free) : 0;
    }

    function _requireAsset(uint256 asset) internal view {
        require(asset == market.asset);
    }

    function _spot(bytes calldata question) internal view returns (bytes memory) {
        (address account, uint64 token) = abi.decode(question, (address, uint64));
        require(token == 0);
        return abi.encode(users[account].spot, uint64(0), uint64(0));
    }

    function _position(bytes calldata question) internal view returns (bytes memory) {
        (address account, uint32 asset) = abi.decode(question, (address, uint32));
        _requireAsset(asset);
        User storage u = users[account];
        return abi.encode(u.lots, u.entryNotional, int64(0), uint32(market.maxLeverage), false);
    }

    function _margin(bytes calldata question) internal view returns (bytes memory) {
        (uint32 dex, address account) = abi.decode(question, (uint32, address));
        require(dex == 0);
        User storage u = users[account];
        return abi.encode(_value(u), _notional(u) / market.maxLeverage, _notional(u), u.rawUsd);
    }

    struct Info {
        string coin;
        uint32 marginTableId;
        uint8 sizeDecimals;
        uint8 maxLeverage;
        bool isIsolatedOnly;
    }

    function _info(bytes calldata question) internal view returns (bytes memory) {
        _requireAsset(abi.decode(question, (uint256)));
        Market memory m = market;
        return abi.encode(Info("ETH", m.marginTableId, m.sizeDecimals, m.maxLeverage, m.isIsolatedOnly));
    }
}
