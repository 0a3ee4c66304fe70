"""A letter about a mini-competition (brev om minikonkurranse): to one of those who are invited or have bid, in one
document that never changes."""
