"""The keeper: plan, check, submit, record, again."""
