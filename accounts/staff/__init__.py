"""Privileged accounts: invited, confirmed each year by another, and ended at once."""
