"""Evenkeel's off-chain half: value the book, decide whether a hedge is worth its cost, carry it out."""
