"""Backtests without a chain: one replay, or many policies, books, bounds and periods side by side."""
