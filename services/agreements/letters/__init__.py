"""A letter (brev) about a call-off: to its supplier or its buyer, in one document that never changes."""
