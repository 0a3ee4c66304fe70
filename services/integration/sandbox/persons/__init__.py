"""A person (testperson) who logs in: always synthetic, with the organisations that she represents in Altinn and the
one that employs her."""
