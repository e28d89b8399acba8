"""Existing customers and their choices, taken over from the account system's CSV export.

A file may bring people in and may bring a no; it never brings back a yes that the portal lacks.
"""
