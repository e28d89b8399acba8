"""Pictures for mail programs, and customers' pages of their own lists and messages."""
