"""REST v2 of SvarUT: sending and status have a successor in v3, all else has none."""
