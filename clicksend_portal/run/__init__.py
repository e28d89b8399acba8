"""`make run`: the whole portal on one machine, from nothing to `Portal ready`, gone with Ctrl-C.

`python -m clicksend_portal.run` is the supervisor. It never loads Django itself: what needs it runs
in a child, with the database role that fits.
"""
