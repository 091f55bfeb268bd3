"""A deployment: what it would do, what it has done, and whether what stands on the chain is what was planned."""
