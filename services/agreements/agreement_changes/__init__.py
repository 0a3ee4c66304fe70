"""A change of an agreement (endring av avtale): one at a time, proposed, seen in a preview, and in force
when both parties have signed. While one is pending, reservations use the price list that holds."""
