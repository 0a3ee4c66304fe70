"""A look-up (oppslag i Enhetsregisteret): who an organisation number belongs to, where letters on paper reach it, and
whether it is bankrupt, deleted or unknown; as the register said, and when."""
