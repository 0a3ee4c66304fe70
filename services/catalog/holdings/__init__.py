"""A holding (den som har løsningen i dag): who stands for an adoption on a day, when its organisation has merged or
been split since, and how many organisations use a thing, each counted once, also through co-operations."""
