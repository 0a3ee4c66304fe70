"""A hit (treff): a thing that a search found, with how well it matches and where; and the counts (antall treff) by
which a search is narrowed."""
