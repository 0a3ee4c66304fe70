"""A credential (signert sertifikat): a certificate as a signed token that anybody can verify with the catalogue's
public keys alone. It says what was certified; whether it still counts stands in a status list."""
