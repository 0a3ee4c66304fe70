"""Working days (virkedager): what the scheme's own deadlines are counted in. Procurement counts in calendar days."""
