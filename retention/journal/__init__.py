"""The journal: what no restore of the database may undo, written outside of it.

Opt-outs, erasures, and the log with its published heads, append-only and chained by hashes. It
names nobody: people and addresses are keyed hashes.
"""
