"""A copy of a letter (gjenpart): as it was sent, byte for byte, or as it would be if it were sent now
(forhåndsvisning), which keeps and sends nothing."""
