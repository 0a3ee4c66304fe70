"""Who may send from an account. KS tells a wrong password, a wrong organisation and an unknown integration apart for
nobody."""

from services.chassis.problems import Forbidden, Unauthorized

SCOPE = "ks:fiks"
CHALLENGE = 'Basic realm="KS Svarut avsender login"'
"""Of REST v1. KS publishes that of SvarInn only; a client that sends its password unasked does not look at it."""


class TokenNotValidated(Unauthorized):
    """Klarte ikke å validere access_token"""


class IntegrationNotKnown(Unauthorized):
    """Autentisering feilet for integrasjon med id"""


class SenderNotKnown(Unauthorized):
    """Feil brukernavn eller passord"""


class AccountForbidden(Forbidden):
    """Integrasjonen har ikke tilgang til kontoen"""
