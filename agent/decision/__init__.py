"""One cycle's decision: whether to trade, how far, where, and within the guard's bounds."""
