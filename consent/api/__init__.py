"""`/api/v1/`: the API for people's own apps (preferences) and for our other systems."""
