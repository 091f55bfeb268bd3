"""One protocol a file: its events, order states and quirks; the registry names them all."""
