"""A recall notice (varsel til en bruker): that one organisation was told of a recall of what it uses, and what it does
about it. Only the organisation itself sees it."""
