"""Framework agreements (rammeavtaler) and the call-offs (avrop) that municipalities make on them."""
