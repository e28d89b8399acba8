"""PostgreSQL and Valkey from their wheels, for a machine that has neither.

Nothing here reads Django's settings: the servers are started before the settings exist.
"""
