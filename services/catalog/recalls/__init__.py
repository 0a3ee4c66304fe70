"""A recall (tilbakekalling; varsel til brukere): that a certificate is not to be relied on, for a time or for ever, and
who uses what it is about. Each of them is told, once; when it can be relied on again, the same are told so."""
