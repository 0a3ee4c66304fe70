"""A proof of the ledger (avstemming av regnskapet): that every balance is the sum of its entries and every entry of its
lines, tried again on demand and once a day."""
