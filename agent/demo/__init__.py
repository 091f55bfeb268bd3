"""The demonstration: a real keeper on a real venue over a price path, watched step by step."""
