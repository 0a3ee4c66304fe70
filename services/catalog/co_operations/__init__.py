"""A co-operation (interkommunalt samarbeid): how municipalities work together, by form, law and members, dated.
A member that has merged since is inherited by its successor unconfirmed (arvet, ikke bekreftet); after a split it waits
for an allocation (fordeling) that every successor confirms. Successors are not members until they say so."""
