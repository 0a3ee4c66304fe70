"""A period (tidsrom): the days on which a name, a municipality number, a county or a count holds of an organisation."""
