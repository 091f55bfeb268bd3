"""Real protocols on a local Anvil, and the market around them."""
