"""Chains whose true surface is known and whose marks are printed in ticks."""

from __future__ import annotations

import numpy as np

from agent.products.inverse_option import inverse_option_greeks
from agent.units import SECONDS_PER_YEAR
from agent.vol.option_chain import OptionChain

NOW_UNIX = 1_722_502_805.0
"""2024-08-01 09:00:05 UTC."""


def coin_chain(forward_usd, strikes_usd, expiries_unix, true_vol, tick, bid=None, ask=None):
    """Calls and puts at every strike of every expiry; ``true_vol(k, tau)`` is the surface, ``tick`` 0 prints exactly.

    Without ``bid`` and ``ask`` nobody quotes. Returns the chain and the true vol of every row.
    """
    expiry, strike, is_call = (
        part.reshape(-1) for part in np.meshgrid(expiries_unix, strikes_usd, [True, False], indexing="ij")
    )
    tau = (expiry - NOW_UNIX) / SECONDS_PER_YEAR
    vols = true_vol(np.log(strike / forward_usd), tau)
    value = np.asarray(inverse_option_greeks(is_call, forward_usd, strike.astype(float), tau, vols).value)
    mark = np.round(value / tick) * tick if tick else value
    absent = np.full(strike.size, np.nan)
    chain = OptionChain(
        underlying="BTC",
        now_unix=NOW_UNIX,
        instrument_name=tuple(f"BTC-{s:.0f}-{'C' if c else 'P'}" for s, c in zip(strike, is_call, strict=True)),
        is_call=is_call.astype(bool),
        strike_usd=strike.astype(float),
        expiry_unix=expiry.astype(np.int64),
        forward_usd=np.full(strike.size, forward_usd),
        bid_coin=absent if bid is None else bid,
        ask_coin=absent if ask is None else ask,
        mark_coin=np.where(mark > 0.0, mark, np.nan),
        rate_annual=np.zeros(strike.size),
        open_interest=absent,
        quoted_mark_vol_annual=absent,
        index_usd=forward_usd,
    )
    return chain, vols
