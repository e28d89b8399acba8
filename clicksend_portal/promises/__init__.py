"""The policy as 23 promises, each with its mechanism and what is known about it right now."""
