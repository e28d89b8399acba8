"""Norwegian dates as Norwegians write them: 12. mars 2026 kl. 14.02."""

DATE_FORMAT = "j. F Y"
TIME_FORMAT = "H.i"
DATETIME_FORMAT = r"j. F Y \k\l. H.i"
SHORT_DATE_FORMAT = "j. M Y"
SHORT_DATETIME_FORMAT = r"j. b Y \k\l. H.i"
