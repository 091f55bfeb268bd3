"""What the book and the hedge are worth and cost now; pure."""
