"""A consent (samtykke): somebody lets an organisation fetch data about them, for a while; it is given in Altinn."""
