"""The keeper's own books: what it decided, signed and saw, append-only, in SQLite or PostgreSQL."""
