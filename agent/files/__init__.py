"""What comes in from files: books, markets and price histories, each checked before anything is built on it."""
