"""A complaint (reklamasjon): the buyer's word that something of what was delivered is not as ordered, or is missing.
The supplier delivers anew what was rejected, or the two agree on what is to be paid (avslag, prisavslag)."""
