"""A logout (utlogging): the user ends a login session at the provider, and every client that was given a login of it is
told, in a frame of the browser or by a letter from server to server."""
