"""Signings (signeringsoppdrag): a person signs a document of a letter or refuses to, and the signed one goes back to
the sender as a letter of its own."""
