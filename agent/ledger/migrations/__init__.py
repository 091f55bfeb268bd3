"""How a ledger of an older schema becomes one of this version's, in place: alembic runs `versions` in their order."""
