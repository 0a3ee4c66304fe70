"""A mini-competition (minikonkurranse): the buyer's renewed competition among the suppliers of one lot, where the lot
has announced it for the value. Its terms are frozen when it is published; what is changed after that is an amendment.
"""
