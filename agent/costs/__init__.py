"""What a trade costs: quotes on the books, impact, and the cost curves of venue kinds."""
