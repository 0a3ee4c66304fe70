"""Fees (avgifter): what it costs to take part in a framework agreement, as a dated schedule: a joining fee once, and so
much for each inhabitant a year."""
