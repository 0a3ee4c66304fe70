"""Capacity (gjenstående kapasitet): what is left under each ceiling of a framework agreement, how much of the estimate
is used, and when the ceiling will be reached at the pace so far."""
