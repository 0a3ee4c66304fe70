"""An expiry warning (varsel om utløp): that a certificate ends soon, told once in each of the windows before its last
day."""
