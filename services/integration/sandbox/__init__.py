"""Stand-ins for the national services that speak their real wire protocols; never in production."""
