"""Stand-in for SvarInn (KS FIKS SvarUt's receiving side), from which an organisation's own system fetches the letters
that SvarUT has for it, always encrypted, and says whether it received them (kvitterer)."""
