"""Sealing (forsegling): what is sealed to a competition's public key can be read by nobody, whatever they hold of the
database, before the key that opens it is released.
"""
