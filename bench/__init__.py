"""Benchmarks: each figure beside its limit, both measured in one run. `python -m bench --list`."""
