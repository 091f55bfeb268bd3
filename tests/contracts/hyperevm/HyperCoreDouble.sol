// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {HyperCoreBooks} from "./HyperCoreBooks.sol";

/// @dev Where the double of HyperCore is: code without a constructor, to be placed there by `vm.etch` or `anvil_setCode`.
address constant HYPER_CORE = 0x9999999999999999999999999999999999999999;

/// @notice Pays out what leaves HyperCore for HyperEVM.
interface IPayer {
    function transfer(address to, uint256 amount) external returns (bool);
}

/// @notice Double of HyperCore: one market of perpetuals, and what HyperEVM sends there.
/// @dev What is sent in a block is done by `step` of a later block, in the order of sending; orders after `orderDelay` besides.
///      Nothing else moves an account but what a test orders. So reads of a block show the state in which it began. What is
///      refused leaves no trace.
contract HyperCoreDouble is HyperCoreBooks {
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

    /// @dev A deposit over the bridge; not an action of CoreWriter.
    uint24 private constant DEPOSIT = 0xffffff;
    uint24 private constant LIMIT_ORDER = 1;
    uint24 private constant CLASS_TRANSFER = 7;
    uint24 private constant CANCEL_BY_CLOID = 11;
    uint24 private constant SEND_ASSET = 13;
    address private constant USDC_SYSTEM = 0x2000000000000000000000000000000000000000;
    uint64 private constant MIN_NOTIONAL = 10e6;
    uint64 private constant ACTIVATION_FEE = 1e8;

    Sent[] private _sent;
    Payout[] private _payouts;

    address public wallet;
    uint256 public orderDelay;
    uint64 public fillBps; // of each order, 1e-4; 0 fills nothing
    uint64 public fillPx; // 0: the best price
    mapping(uint24 action => bool) public isRefusing;
    bool public isBridgeDry;
    bool public isHolding; // deposits
    uint64 public homeFee;
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

    /// @dev What HyperCore takes of spot for a transfer to HyperEVM, 1e8 USD.
    function setHomeFee(uint64 fee) external {
        homeFee = fee;
    }

    function setHolding(bool isHolding_) external {
        isHolding = isHolding_;
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
            bool isHeld = sent.action == DEPOSIT && isHolding;
            if (sent.blockNumber < block.number && isLate && !isHeld) _do(sent);
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
        if (token != 0 || amount % 100 != 0 || amount == 0) return false;
        if (amount + homeFee > u.spot) return false;
        u.spot -= amount + homeFee;
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
}
