"""A register check (kontroll mot Enhetsregisteret): whether a supplier's organisation number is somebody's, and whose.
It marks and never refuses: a register that is away keeps nobody out."""
