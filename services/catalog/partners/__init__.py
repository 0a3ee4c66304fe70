"""A partner (partner til felles anskaffelse): an organisation that has the same need, or one that overlaps with it, and
how near it is: same county, a co-operation in common, of similar size."""
