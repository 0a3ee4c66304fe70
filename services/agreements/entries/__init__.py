"""An entry (føring) in the ledger as it is read and corrected: who may see it, and how a wrong posting is reversed."""
