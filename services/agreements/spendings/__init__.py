"""Spend (forbruk): what has been reserved and posted, added up from the ledger's entries by agreement, lot, supplier,
buyer, component, item and month."""
