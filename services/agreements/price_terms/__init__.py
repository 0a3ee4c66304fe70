"""Price terms (prisvilkår): how far and by what a lot's prices may change, announced with it: the bounds, and the index
clause (indeksregulering). Every place has them from its lot, and may only be held tighter."""
