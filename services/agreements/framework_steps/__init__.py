"""The steps (avtalens gang) of a framework agreement's state table, taken by its owner, the calendar or the ledger,
with what each needs of thresholds, places and call-offs."""
