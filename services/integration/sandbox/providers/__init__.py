"""A login provider (innloggingstjeneste): the stand-ins for ID-porten, where anybody logs in, and for Ansattporten,
where one says which organisation one acts for. Each has its issuer, its levels (sikkerhetsnivå) and its
signing keys."""
