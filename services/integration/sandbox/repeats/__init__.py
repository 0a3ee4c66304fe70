"""Repeats (gjentagende forsendelser): equal letters, which SvarUT takes a number of times and then refuses for two days
after the last attempt."""
