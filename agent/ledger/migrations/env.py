"""What alembic runs: the migrations, in the transaction that `agent.ledger.upgrade` hands over."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
