"""A call-off (avrop): one municipality's order under a framework agreement.

Where several suppliers hold places and all terms are set, the supplier follows from the announced ranking: the first
whose place is open, who has every item and whose product is certified is asked. Who was passed over, and why, is kept.
"""
