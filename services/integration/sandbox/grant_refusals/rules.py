"""What Maskinporten answers a grant that it refuses. Codes and texts are those that Digdir publishes."""

from typing import ClassVar

from services.chassis.problems import Problem


class GrantRefused(Problem):
    """The grant is refused."""

    status = 400
    oauth_error: ClassVar[str] = "invalid_grant"
    code: ClassVar[str | None] = None


class GrantTypeUnsupported(GrantRefused):
    """Unsupported grant type."""

    oauth_error = "unsupported_grant_type"


class ValueRefused(GrantRefused):
    """Invalid assertion. Invalid parameter value."""

    oauth_error = "invalid_request"
    code = "MP-011"


class GrantUsedBefore(GrantRefused):
    """Invalid assertion. Grant is used before."""

    code = "MP-012"


class ClientNotFound(GrantRefused):
    """Invalid assertion. Client authentication failed. Client not found."""

    code = "MP-100"


class AudienceRefused(GrantRefused):
    """Invalid assertion. Invalid JWT claim aud."""

    code = "MP-110"


class CertificateRefused(GrantRefused):
    """Invalid assertion. Client authentication failed. Signed with an invalid certificate."""

    code = "MP-120"


class KeyExpired(GrantRefused):
    """Invalid assertion. Client authentication failed. Expired key."""

    code = "MP-121"


class CertificateOfAnother(GrantRefused):
    """Invalid assertion. Client authentication failed. The certificate's organisation number is not the client's."""

    code = "MP-122"


class ChainMalformed(GrantRefused):
    """Invalid assertion. Client authentication failed. Failed to extract certificate from jwt (x5c)."""

    code = "MP-123"


class SignatureRefused(GrantRefused):
    """Invalid assertion. Client authentication failed. Invalid JWT signature."""

    code = "MP-124"


class AssertionExpired(GrantRefused):
    """Invalid assertion. JWT is expired."""

    code = "MP-130"


class KeyUnknown(GrantRefused):
    """Invalid assertion. Client authentication failed. Unknown key identifier (kid) for client."""


class KeyNotNamed(GrantRefused):
    """Invalid assertion. The client requires pre-registered jwk and no key identifier (kid) provided."""


class IssuedInFuture(GrantRefused):
    """Invalid assertion. Issue time is after now."""


class IssuedTooEarly(GrantRefused):
    """Invalid assertion. Issue time is too long ago."""


class DelegationToSelf(GrantRefused):
    """The combination consumer_org in claim and delegation scope on client is invalid."""

    oauth_error = "invalid_request"


class ScopeNotOnClient(GrantRefused):
    """Token request contains invalid scopes for client."""

    oauth_error = "invalid_scope"
    code = "MP-200"


class ScopeForLoginOnly(GrantRefused):
    """Token request contains scopes with integration types only allowed for user login."""

    oauth_error = "invalid_scope"
    code = "MP-201"


class ScopeNotGranted(GrantRefused):
    """Consumer has not been granted access to the scope."""

    status = 403
    oauth_error = "forbidden"
    code = "MP-250"


class ScopeNotDelegated(GrantRefused):
    """Consumer has not delegated access to the scope."""

    status = 403
    oauth_error = "forbidden"
    code = "MP-251"


class AuthorizationTypeUnknown(GrantRefused):
    """Unknown authorization_details type."""

    oauth_error = "invalid_authorization_details"
    code = "MP-301"


class AuthorizationFieldUnknown(GrantRefused):
    """Unknown field in authorization_details."""

    oauth_error = "invalid_authorization_details"
    code = "MP-302"


class AuthorizationValueRefused(GrantRefused):
    """Invalid value in authorization_details."""

    oauth_error = "invalid_authorization_details"
    code = "MP-303"


class NothingInAltinn(GrantRefused):
    """Altinn knows no such system user or consent.

    Error and code as Altinn's own troubleshooting page has them: "invalid_altinn_customer_configuration (MP-303)".
    """

    oauth_error = "invalid_altinn_customer_configuration"
    code = "MP-303"


def known_errors() -> list[type[GrantRefused]]:
    return [kind for kind in GrantRefused.__subclasses__() if kind.code]


def value(name: str, wanted: str) -> ValueRefused:
    """Names the claim, and never tells what stood in it: that may be a personal number."""
    return ValueRefused(f"{ValueRefused.title()}: {name} ({wanted})")


def detail(name: str, wanted: str) -> AuthorizationValueRefused:
    return AuthorizationValueRefused(f"{AuthorizationValueRefused.title()}: {name} ({wanted})")


def unknown_fields(allowed: set[str]) -> AuthorizationFieldUnknown:
    """Tells the fields that there are, not those that came: a stranger wrote them."""
    return AuthorizationFieldUnknown(f"{AuthorizationFieldUnknown.title()}. Known: {', '.join(sorted(allowed))}")
