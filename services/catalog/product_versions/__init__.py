"""A version of a product (produktversjon): its supplier's label for it, when it was released, how long it is supported,
whether it breaks with what was before, and what replaces it."""
