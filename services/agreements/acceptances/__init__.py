"""Acceptance (godkjenning av leveranse): what was delivered is accepted as it is, or complained of and then settled at
an agreed value, and posted; and at last the order is closed (avsluttet), and holds nothing any more."""
