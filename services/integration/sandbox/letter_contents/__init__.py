"""What a letter may hold (innhold): SvarUT's rules on files, addresses, recipients, links and numbers, whichever
version of REST it comes through."""
