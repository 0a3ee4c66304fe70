"""The opening (tilbudsåpning): one event after the deadline, which releases a competition's key and opens every
submitted bid at once, or none.
"""
