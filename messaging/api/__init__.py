"""The API of messaging: what the platform brings in."""
