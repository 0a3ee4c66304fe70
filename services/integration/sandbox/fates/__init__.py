"""Fates: what control has decided that becomes of the next letters, such as rejected (avvist) or not delivered (ikke
levert); it comes later and by itself, as with the real SvarUT."""
