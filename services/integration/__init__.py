"""The way out to national services: SvarUT now; Altinn, ID-porten and Enhetsregisteret by the same door."""
