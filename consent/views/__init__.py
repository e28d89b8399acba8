"""Pages of consent: the one-click link, the preference centre, and its door from a mail."""
