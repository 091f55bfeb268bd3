"""Volatility: what returns realised, what they foretell, what options imply, what jumps would do. Pure functions."""
