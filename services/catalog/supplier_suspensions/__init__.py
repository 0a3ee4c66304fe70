"""A supplier suspended from the scheme (leverandør suspendert fra ordningen): all its certificates are suspended at
once, on one ground, and restored at once when the suspension is lifted. It is about the certification scheme only; no
buyer is told whom not to buy from."""
