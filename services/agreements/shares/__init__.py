"""A share (andel): what one paying municipality bears of a joint call-off (felles avrop), of its net and of its VAT.

The cost key and the populations are frozen when the call-off is placed; every version of the order is split anew by
them, and the shares of an earlier version are kept as they were.
"""
