"""A reply (svar) is a letter that came to us through SvarInn, most often a recipient's answer to one that was sent from
here: fetched, decrypted and kept before SvarInn is told that we have it."""
