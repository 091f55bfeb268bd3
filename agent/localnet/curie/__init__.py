"""Real protocol contracts, deployed as they are from the packages their authors publish; one protocol a file."""
