"""What stands on the chain now, for whoever watches a vault: read at one block, told as one screen or as JSON."""
