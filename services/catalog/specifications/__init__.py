"""A requirement specification (kravspesifikasjon): versions of must, should and may requirements (må-, bør-,
kan-krav) on one of two levels: 1 for data exchange and architecture, 2 for a finished service that presupposes one
of level 1."""
