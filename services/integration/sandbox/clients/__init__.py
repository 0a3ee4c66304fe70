"""A client (klient, integrasjon) is an organisation's program at Maskinporten, with its public keys and its scopes; a
supplier's client may have sub-clients (onbehalfof) for its customers."""
