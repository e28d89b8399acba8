"""What lets someone who does not trust us check a choice: the log and what is signed of it."""
