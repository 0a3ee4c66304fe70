"""Amendments (endringer mellom versjoner): which requirements are new, changed or dropped from one version of a
specification to another, and which certified products that concerns."""
