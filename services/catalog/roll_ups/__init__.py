"""A roll-up (opprulling): the members of several co-operations together, each organisation once."""
