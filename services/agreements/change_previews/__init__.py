"""A preview (forhåndsvisning) of a pending change of an agreement: the price lists as they would be, the old figures
beside the new, and every rule that it would break."""
