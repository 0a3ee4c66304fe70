"""A login's tokens (innloggingens tokener): the id_token that tells a client who logged in, the access token that opens
an API, and the refresh token that renews both, once."""
