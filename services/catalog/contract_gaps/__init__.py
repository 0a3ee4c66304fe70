"""A contract gap (sertifikatet utløper før kontrakten): days of a supply contract on which what is bought is not, or
may not be, certified any more."""
