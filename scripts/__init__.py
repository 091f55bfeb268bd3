"""Brownie scripts: compile and deploy. Thin and idempotent; every value comes from ``config/``."""
