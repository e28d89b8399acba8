"""Staff pages of the customer reference program: uses with their words, takedowns, sales calls."""

from consent.admin.references import calls, takedowns, uses

__all__ = ["calls", "takedowns", "uses"]
