"""What describes the API: its schema and the page that shows it."""
