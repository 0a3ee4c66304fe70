"""A scope (tilgangsområde) is an API that Maskinporten guards; its owner gives organisations access (tilgang) to it."""
