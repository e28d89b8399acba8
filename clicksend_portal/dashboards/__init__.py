"""Figures for staff: what customers choose, what is sent, what comes back, what is kept.

Counts alone, of nobody in particular, so every staff account may look. Counted at most every few
minutes, whoever looks how often; the page says when.
"""
