"""A small made-up company, so that every page shows something on a fresh machine."""
