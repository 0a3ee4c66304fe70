"""A proof of possession (DPoP, RFC 9449): a client shows with each request that it holds the key that its token is
bound to, so that a stolen token is of no use."""
