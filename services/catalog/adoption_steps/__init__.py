"""A step (steg) in an adoption: it is tried, taken into use, phased out or ended; confirmed or disputed by the
organisation itself; or its claimant withdraws the claim."""
