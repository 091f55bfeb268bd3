"""The hedging programme: which trades, in which instruments, are worth their cost; pure."""
