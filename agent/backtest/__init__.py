"""What a hedging policy would have cost, and how much risk it would have left; pure."""
