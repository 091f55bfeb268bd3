"""The chain as the agent sees it: one block hash a read, typed answers, typed failures."""
