"""A step of a call-off (steg i et avrop): what its buyer, its payers, its supplier or the calendar does with it between
the reservation and the supplier's answer. A supplier that declines gives the turn to the next in the award key."""
