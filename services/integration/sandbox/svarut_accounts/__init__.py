"""SvarUT's accounts (kontoer, in REST v1 called avsendere) that letters are sent from, and the integrations
(integrasjoner) that are granted some of them."""
