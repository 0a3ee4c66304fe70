"""The ledger: what is reserved and posted under each ceiling (maksimalverdi), in entries that are never edited.

A balance row holds the running sums that a reservation is tested against, in one conditional UPDATE. Reservations count
from the order, not from the invoice: the cautious reading of the Court's judgment C-23/20.
"""
