"""A supplier's sales report (omsetningsrapport): what it says it has sold under an agreement in a period, kept as it
came and compared with the ledger line by line."""
