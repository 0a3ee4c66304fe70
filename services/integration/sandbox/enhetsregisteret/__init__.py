"""Enhetsregisteret (Brønnøysundregistrene): who an organisation number belongs to, where it is, and whether it is
bankrupt, deleted or removed; with a feed of what has changed."""
