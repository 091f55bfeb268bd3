// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev Where the double of HyperCore is: code without a constructor, to be placed there by `vm.etch` or `anvil_setCode`.
address constant HYPER_CORE = 0x9999999999999999999999999999999999999999;

/// @notice Pays out what leaves HyperCore for HyperEVM.
interface IPayer {
    function transfer(address to, uint256 amount) external returns (bool);
}

/// @notice Double of HyperCore: one market of perpetuals, and what HyperEVM sends there.
/// @dev What is sent in a block is done by `step` of a later block, in the order of sending; orders after `orderDelay` besides.
///      Nothing else moves an account but what a test orders. So reads of a block show the state in which it began. What is
///      refused leaves no trace. Numbers are HyperCore's: lots, prices in 10^-(6 - size decimals), USD in 1e6, spot in 1e8.
contract HyperCoreDouble {
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

    struct Sent {
        address user;
        uint24 action;
        uint256 blockNumber;
        uint256 sentAt;
        bytes fields;
    }

    struct Payout {
        address to;
        uint64 assets;
    }

    struct Fault {
        bool isSet;
        bool isBurning; // all the gas, as for an asset that is not there
        bytes answer;
    }

    /// @dev A deposit over the bridge; not an action of CoreWriter.
    uint24 private constant DEPOSIT = 0xffffff;
    uint24 private constant LIMIT_ORDER = 1;
    uint24 private constant CLASS_TRANSFER = 7;
    uint24 private constant CANCEL_BY_CLOID = 11;
    uint24 private constant SEND_ASSET = 13;
    address private constant USDC_SYSTEM = 0x2000000000000000000000000000000000000000;
    uint64 private constant MIN_NOTIONAL = 10e6;
    uint64 private constant ACTIVATION_FEE = 1e8;

    Market public market;
    mapping(address account => User) public users;
    mapping(address precompile => Fault) private _faults;
    Sent[] private _sent;
    Payout[] private _payouts;

    address public wallet;
    uint256 public orderDelay;
    uint64 public fillBps; // of each order, 1e-4; 0 fills nothing
    uint64 public fillPx; // 0: the best price
    mapping(uint24 action => bool) public isRefusing;
    bool public isBridgeDry;
    uint256 public refusedCount;
    uint256 public filledCount;
    uint256 public cancelCount;

    // --- the script -----------------------------------------------------------------------------------------------

    function open(Market calldata market_, address wallet_) external {
        (market, wallet, fillBps) = (market_, wallet_, 10_000);
    }

    function setPrices(uint64 mark, uint64 oracle, uint64 bid, uint64 ask) external {
        (market.mark, market.oracle, market.bid, market.ask) = (mark, oracle, bid, ask);
    }

    function setTakerFee(uint64 takerFee) external {
        market.takerFee = takerFee;
    }

    function setMarketTable(uint32 marginTableId, uint8 maxLeverage, bool isIsolatedOnly) external {
        (market.marginTableId, market.maxLeverage) = (marginTableId, maxLeverage);
        market.isIsolatedOnly = isIsolatedOnly;
    }

    function setFill(uint64 fillBps_, uint64 fillPx_) external {
        (fillBps, fillPx) = (fillBps_, fillPx_);
    }

    function setOrderDelay(uint256 seconds_) external {
        orderDelay = seconds_;
    }

    function setRefusing(uint24 action, bool isRefusing_) external {
        isRefusing[action] = isRefusing_;
    }

    function setBridgeDry(bool isDry) external {
        isBridgeDry = isDry;
    }

    function setFault(address precompile, Fault calldata fault) external {
        _faults[precompile] = fault;
    }

    /// @dev Somebody on HyperCore sends USDC, 1e8, and pays for a new account.
    function give(address account, uint64 spot) external {
        users[account].exists = true;
        users[account].spot += spot;
    }

    function forget(address account) external {
        delete users[account];
    }

    /// @dev Funding of an hour, 1e6 USD; positive is owed to the account.
    function fund(address account, int64 usd) external {
        users[account].rawUsd += usd;
    }

    /// @dev The position goes at the mark; the backstop takes what is left of the margin as well.
    function liquidate(address account, bool isBackstop) external {
        User storage u = users[account];
        _fill(u, -u.lots, market.mark, 0);
        if (isBackstop) u.rawUsd = 0;
    }

    function deleverage(address account, int64 lots, uint64 px) external {
        _fill(users[account], lots, px, 0);
    }

    // --- what HyperEVM sends ----------------------------------------------------------------------------------------

    function enqueue(address user, bytes calldata data) external {
        if (data.length < 4 || data[0] != 0x01) return; // refused without a word
        uint24 action = uint24(bytes3(data[1:4]));
        _sent.push(Sent(user, action, block.number, block.timestamp, data[4:]));
    }

    function enqueueDeposit(address user, uint256 assets, bool isToPerp) external {
        _sent.push(Sent(user, DEPOSIT, block.number, block.timestamp, abi.encode(assets, isToPerp)));
    }

    /// @notice Does what is due of what earlier blocks have sent, and pays out.
    function step() public {
        uint256 kept;
        for (uint256 i = 0; i < _sent.length; ++i) {
            Sent memory sent = _sent[i];
            bool isLate = sent.action != LIMIT_ORDER || block.timestamp >= sent.sentAt + orderDelay;
            if (sent.blockNumber < block.number && isLate) _do(sent);
            else _sent[kept++] = sent;
        }
        while (_sent.length > kept) _sent.pop();
        if (isBridgeDry) return;
        while (_payouts.length != 0) {
            Payout memory p = _payouts[_payouts.length - 1];
            _payouts.pop();
            IPayer(wallet).transfer(p.to, p.assets);
        }
    }

    /// @notice What of an account's is on neither side, 1e6 USD: deposits not yet credited, payouts not yet made.
    function between(address account) external view returns (uint256 assets) {
        for (uint256 i = 0; i < _sent.length; ++i) {
            if (_sent[i].action != DEPOSIT || _sent[i].user != account) continue;
            (uint256 sent,) = abi.decode(_sent[i].fields, (uint256, bool));
            assets += sent;
        }
        for (uint256 i = 0; i < _payouts.length; ++i) {
            if (_payouts[i].to == account) assets += _payouts[i].assets;
        }
    }

    function waitingCount() external view returns (uint256 sent, uint256 payouts) {
        return (_sent.length, _payouts.length);
    }

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

    // --- private --------------------------------------------------------------------------------------------------

    function _do(Sent memory sent) private {
        User storage u = users[sent.user];
        if (sent.action == DEPOSIT) return _credit(u, sent.fields);
        if (!u.exists || isRefusing[sent.action]) {
            ++refusedCount;
            return;
        }
        bool isDone = true;
        if (sent.action == LIMIT_ORDER) isDone = _order(u, sent.fields);
        else if (sent.action == CLASS_TRANSFER) isDone = _transferClass(u, sent.fields);
        else if (sent.action == SEND_ASSET) isDone = _sendAsset(u, sent.user, sent.fields);
        else if (sent.action == CANCEL_BY_CLOID) ++cancelCount;
        else isDone = false;
        if (!isDone) ++refusedCount;
    }

    function _credit(User storage u, bytes memory fields) private {
        (uint256 assets, bool isToPerp) = abi.decode(fields, (uint256, bool));
        uint64 spot = uint64(assets * 100);
        if (!u.exists) {
            u.exists = true;
            spot = spot > ACTIVATION_FEE ? spot - ACTIVATION_FEE : 0;
        }
        if (isToPerp) u.rawUsd += int64(spot / 100);
        else u.spot += spot;
    }

    function _transferClass(User storage u, bytes memory fields) private returns (bool) {
        (uint64 usd, bool isToPerp) = abi.decode(fields, (uint64, bool));
        if (isToPerp) {
            if (u.spot < usd * 100) return false;
            u.spot -= usd * 100;
            u.rawUsd += int64(usd);
            return true;
        }
        if (_withdrawable(u) < usd) return false;
        u.rawUsd -= int64(usd);
        u.spot += usd * 100;
        return true;
    }

    function _sendAsset(User storage u, address user, bytes memory fields) private returns (bool) {
        (address to, address subAccount, uint32 from, uint32 dex, uint64 token, uint64 amount) =
            abi.decode(fields, (address, address, uint32, uint32, uint64, uint64));
        if (to != USDC_SYSTEM || subAccount != address(0) || from != type(uint32).max || dex != from) return false;
        if (token != 0 || amount > u.spot || amount % 100 != 0 || amount == 0) return false;
        u.spot -= amount;
        _payouts.push(Payout(user, amount / 100));
        return true;
    }

    /// @dev Limit in 1e8 USD, size in 1e8.
    function _order(User storage u, bytes memory fields) private returns (bool) {
        (uint32 asset, bool isPurchase, uint64 limitPx, uint64 size, bool isReduceOnly, uint8 tif,) =
            abi.decode(fields, (uint32, bool, uint64, uint64, bool, uint8, uint128));
        Market memory m = market;
        uint64 lotSize = uint64(10 ** (8 - m.sizeDecimals));
        if (asset != m.asset || tif != 3 || size == 0 || size % lotSize != 0 || !_isOnTick(limitPx)) return false;
        uint64 px = fillPx != 0 ? fillPx : (isPurchase ? m.ask : m.bid);
        uint64 scaled = px * uint64(10 ** (2 + m.sizeDecimals)); // 1e8
        if (px == 0 || (isPurchase ? scaled > limitPx : scaled < limitPx)) return false;
        int64 lots = int64(size / lotSize);
        if (isReduceOnly) {
            if (u.lots == 0 || (u.lots > 0) == isPurchase) return false;
            int64 held = u.lots > 0 ? u.lots : -u.lots;
            if (lots > held) lots = held;
        } else if (uint64(lots) * px < MIN_NOTIONAL) {
            return false;
        }
        lots = lots * int64(fillBps) / 10_000;
        if (lots == 0) return false;
        int64 signed = isPurchase ? lots : -lots;
        if (!isReduceOnly && !_isCarried(u, signed, px)) return false;
        _fill(u, signed, px, m.takerFee);
        ++filledCount;
        return true;
    }

    /// @dev Five significant figures and 6 - size decimals decimals, or a whole price.
    function _isOnTick(uint64 limitPx) private view returns (bool) {
        if (limitPx == 0) return false;
        if (limitPx % 1e8 == 0) return true;
        uint64 figures = limitPx;
        while (figures % 10 == 0) figures /= 10;
        return figures < 100_000 && limitPx % uint64(10 ** (2 + market.sizeDecimals)) == 0;
    }

    function _isCarried(User storage u, int64 lots, uint64 px) private view returns (bool) {
        int64 next = u.lots + lots;
        uint64 size = uint64(next > 0 ? next : -next);
        return _value(u) >= int64(size * px / market.maxLeverage);
    }

    function _fill(User storage u, int64 lots, uint64 px, uint64 takerFee) private {
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

    function _value(User storage u) private view returns (int64) {
        return u.rawUsd + u.lots * int64(market.mark);
    }

    function _notional(User storage u) private view returns (uint64) {
        return uint64(u.lots > 0 ? u.lots : -u.lots) * market.mark;
    }

    /// @dev What is above the initial margin and a tenth of the notional.
    function _withdrawable(User storage u) private view returns (uint64) {
        uint64 notional = _notional(u);
        uint64 used = notional / market.maxLeverage;
        if (used < notional / 10) used = notional / 10;
        int64 free = _value(u) - int64(used);
        return free > 0 ? uint64(free) : 0;
    }

    function _requireAsset(uint256 asset) private view {
        require(asset == market.asset);
    }

    function _spot(bytes calldata question) private view returns (bytes memory) {
        (address account, uint64 token) = abi.decode(question, (address, uint64));
        require(token == 0);
        return abi.encode(users[account].spot, uint64(0), uint64(0));
    }

    function _position(bytes calldata question) private view returns (bytes memory) {
        (address account, uint32 asset) = abi.decode(question, (address, uint32));
        _requireAsset(asset);
        User storage u = users[account];
        return abi.encode(u.lots, u.entryNotional, int64(0), uint32(market.maxLeverage), false);
    }

    function _margin(bytes calldata question) private view returns (bytes memory) {
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

    function _info(bytes calldata question) private view returns (bytes memory) {
        _requireAsset(abi.decode(question, (uint256)));
        Market memory m = market;
        return abi.encode(Info("ETH", m.marginTableId, m.sizeDecimals, m.maxLeverage, m.isIsolatedOnly));
    }
}
