"""An application (søknad) for certification: a supplier or adviser asks for it, and follows it until it is decided. It
is not a certificate, and a passed test is not a decision (vedtak)."""
