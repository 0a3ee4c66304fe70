"""A contracting process (anskaffelsesprosess): what of a call-off, and of the mini-competition that it may come from,
is open to everybody, as the Open Contracting Data Standard (OCDS 1.1.5) tells it."""
