"""A certificate notice (varsel om sertifikat): that something happened, after an order was placed, to the certificate
of a product on it. It tells the buyer; what becomes of the call-off is for the buyer to decide."""
