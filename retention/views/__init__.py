"""A person's data: see it, take it along, have it deleted; and the schedule for everybody."""
