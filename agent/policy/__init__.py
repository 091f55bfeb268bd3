"""When to hedge and how far; pure."""
