"""Synthetix Perps V2 from the npm package `synthetix`: its real contracts, and one ETH market as it was live."""
