"""Stand-in for self-service (selvbetjenings-API-et i Samarbeidsportalen): organisations administer their scopes, access
to them, clients and keys with tokens from Maskinporten."""
