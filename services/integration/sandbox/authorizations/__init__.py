"""An authorization (autorisasjon): what a client asked a login provider for and a user agreed to by logging in. It
begins as a request, pushed or not, and is handed over once, by a code."""
