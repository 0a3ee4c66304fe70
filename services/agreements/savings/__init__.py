"""Saved process cost (besparelse i prosesskostnad): what procurements that nobody had to run would have cost, as a
stated assumption of the framework owner's, never shown without it."""
