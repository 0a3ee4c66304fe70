"""Measurements beside the bare-framework limit, in one run. Never part of the tests; no number here is an assertion."""
