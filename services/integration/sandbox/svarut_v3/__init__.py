"""REST v3 of SvarUT: sending, by kind of recipient, and status; nothing else exists of it."""
