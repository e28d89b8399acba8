"""The chapters of the schedule; `retention.schedule` puts them in order."""
