"""What comes back about our mail: requests to stop, complaints, bounces. Each counts once."""
