"""Verification (verifisering): the answer to whether something is certified, for this version, this delivery form, this
day. It is open to all and asked more often than anything else, so it comes from memory; a memory that may be stale is
not asked."""
