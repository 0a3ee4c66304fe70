"""Stand-in for Maskinporten, which gives machines access tokens: an organisation's client signs a grant (tilgang ved
JWT-grant) with its own key and gets a token with the scopes that the organisation has been given."""
