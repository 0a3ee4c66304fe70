"""A bid (tilbud) in a mini-competition. What it says is sealed to the competition's key when it arrives, and is read by
nobody before all bids are opened at once: its supplier keeps a receipt, and knows what it sent.
"""
