"""What every app stands on: keys, roles, partitions, calendar, addresses. Imports no app."""
