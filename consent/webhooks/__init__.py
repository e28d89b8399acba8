"""Webhooks out: other systems of ours are told of opt-outs, opt-ins and erasures.

Signed as Standard Webhooks say. A delivery is a row; a task only claims what is due.
"""
