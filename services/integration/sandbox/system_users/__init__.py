"""A system user (systembruker): in Altinn a customer lets one system of a vendor act for it, bound to one client."""
