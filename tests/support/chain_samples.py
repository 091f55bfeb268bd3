"""Chains the surface tests share: smooth made-up ones, and the real ones where the data is beside the repository."""

from __future__ import annotations

import csv
from dataclasses import fields

import numpy as np
import polars as pl

from agent.units import SECONDS_PER_YEAR
from agent.vol.fourier import model_greeks
from agent.vol.implied import black76_implied_vol
from agent.vol.price_quotes import chain_quotes_of_prices
from agent.vol.quotes import ChainQuotes, chain_quotes
from agent.vol.ssvi import SsviSurface

SMOOTH = SsviSurface(np.array([0.02, 0.1, 0.25, 1.0]), np.array([0.008, 0.045, 0.1, 0.42]), -0.3, 0.9, 0.45)
"""Parameters of a crypto-like surface."""


def smooth_chain(half_spread_vol=0.01, strikes=21, surface=SMOOTH):
    """Quotes around an SSVI surface: three standard deviations to both sides of every expiry."""
    spread = np.linspace(-3.0, 3.0, strikes)
    k = (np.sqrt(surface.theta)[:, None] * spread).reshape(-1)
    tau = np.repeat(surface.tau_years, strikes)
    vols = np.sqrt(surface.total_variance(k, tau) / tau)
    return chain_quotes(1.0, np.exp(k), tau, vols - half_spread_vol, vols + half_spread_vol)


def rows_of(quotes, chosen, **changed):
    """The chosen rows of a chain, with some columns replaced before the choice."""
    if "mark_vol_annual" in changed:
        exact = changed["mark_vol_annual"]
        changed |= {"mark_low_vol_annual": exact, "mark_high_vol_annual": exact}
    names = [field.name for field in fields(quotes)]
    return ChainQuotes(*(np.asarray(changed.get(name, getattr(quotes, name)))[chosen] for name in names))


def eth_frame(market_data):
    """The whole ETH chain of 2024-01-08, as published, with the time to expiry of every row."""
    frame = pl.read_parquet(market_data / "deribit_eth_chain_20240108.parquet")
    seconds = (pl.col("expiry") - pl.col("snapshot_ts")).dt.total_milliseconds() / 1000.0
    return frame.with_columns(tau_years=seconds / SECONDS_PER_YEAR)


def eth_quotes(market_data):
    """The same chain as quotes: coin prices times the forward of their expiry."""
    frame = eth_frame(market_data)
    forward = frame["underlying_usd"].to_numpy()
    bid, ask, mark = (frame[f"{side}_coin"].fill_null(np.nan).to_numpy() * forward for side in ("bid", "ask", "mark"))
    is_call = (frame["option_type"] == "C").to_numpy()
    return chain_quotes_of_prices(
        is_call, forward, frame["strike_usd"].to_numpy(), frame["tau_years"].to_numpy(), bid, ask, mark
    )


def btc_quotes(market_data):
    """The BTC smiles of 2021-10-21: out-of-the-money quotes of four expiries, in vols, without marks."""
    with (market_data / "deribit_btc_smile_20211021.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns = ("forward_usd", "strike_usd", "t_years", "bid_iv", "ask_iv")
    return chain_quotes(*(np.array([float(row[column]) for row in rows]) for column in columns))


def model_chain(model, taus, strikes=31, width_stdevs=3.0, level=0.6):
    """Log-moneyness, time and vol of out-of-the-money options under a model, as far as their prices can be told from 0.

    Strikes reach ``width_stdevs`` deviations of a vol ``level`` to both sides of every expiry.
    """
    columns = []
    for tau in taus:
        k = np.linspace(-width_stdevs, width_stdevs, strikes) * level * np.sqrt(tau)
        price = model_greeks(model, k >= 0.0, 1.0, np.exp(k), tau).value_usd
        implied = black76_implied_vol(k >= 0.0, price, 1.0, np.exp(k), tau)
        told = implied.is_ok & (price > 1e-9)
        columns.append((k[told], np.full(told.sum(), tau), implied.vol_annual[told]))
    return tuple(np.concatenate(parts) for parts in zip(*columns, strict=True))


def noisy_quotes(chain, spread, noise, seed=0):
    """Quotes around a model's vols: spreads a share of the vol, wider in the wings, middles off by ``noise`` halves."""
    k, tau, vols = chain
    half = 0.5 * spread * vols * (1.0 + 2.0 / 3.0 * np.abs(k) / (vols * np.sqrt(tau)))
    middle = vols + noise * half * np.random.default_rng(seed).normal(size=vols.size)
    return chain_quotes(1.0, np.exp(k), tau, np.maximum(middle - half, 1e-3), middle + half)
