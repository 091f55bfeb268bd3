"""How a DAO governs a vault: proposals built, shown, tried on a fork, scheduled, vetoed; each step also without a node.

Contracts hold the rules (``contracts/governance``); nothing here is trusted by them. What this package adds is that a
person can read what is proposed, and what it would allow at worst, before it is voted on or signed.
"""
