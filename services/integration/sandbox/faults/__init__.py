"""A fault: what a national service does to its callers on a bad day, arranged beforehand and done on the wire."""
