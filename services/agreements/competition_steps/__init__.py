"""The steps of a mini-competition until its bids are opened (kunngjøring, endring, avlysning, tilbudsfrist): by its
buyer, and by the clock.
"""
