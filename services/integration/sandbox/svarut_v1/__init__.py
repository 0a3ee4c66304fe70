"""REST v1 of SvarUT: the oldest of the three, to be closed after 2026, which most public clients still speak."""
