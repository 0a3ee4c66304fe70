"""Stand-in for SvarUT (KS FIKS SvarUt), by which public bodies send letters (forsendelser) to organisations and
persons, digitally where that works and on paper where not."""
