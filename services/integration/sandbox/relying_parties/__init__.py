"""A relying party (klient): a program that has its users log in at a login provider, with the one method by which it
authenticates itself, the addresses it may be answered at, and the scopes it may ask for."""
