"""Valuation of every instrument a book or a hedge may hold: pure functions, NumPy arrays in and out."""
