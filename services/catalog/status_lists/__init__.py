"""A status list (statusliste): two bits for each credential, compressed and signed, so that whoever holds a certificate
can be told whether it still counts without us knowing which one it was (IETF draft Token Status List)."""
