"""A neighbour (nabo): a municipality of the same county or in the same co-operation, or one that is alike in size and
in what it uses; and what they use."""
