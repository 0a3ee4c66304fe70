"""A dispatch (forsendelse) is one letter on its way through SvarUT to an organisation: what was handed in, and all that
has happened to it since."""
