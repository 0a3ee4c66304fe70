"""What tells the providers apart, and the words in which they refuse (RFC 6749, 7009, 7662, 9126, 9396, 9449)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from services.chassis.problems import Problem

SKEW_SECONDS = 10
PKCE_METHOD = "S256"
RESPONSE_MODES = ("query", "form_post", "query.jwt", "form_post.jwt")
LANGUAGES = ("nb", "nn", "en")
"""That the pages are written in; `se` is taken and answered in bokmål, as no Sámi text was proofread."""
CLIENT_METHODS = ("client_secret_basic", "client_secret_post", "none", "private_key_jwt")
PROOF_ALGORITHMS = ("ES256", "RS256", "PS256")
RESOURCE = "ansattporten:altinn:resource"
EMPLOYER = "ansattporten:orgno"
ENTRA = "entraid"
INTROSPECTION = "idporten:token.introspection"


class ProviderName(StrEnum):
    IDPORTEN = "idporten"
    ANSATTPORTEN = "ansattporten"


LEVELS: Mapping[ProviderName, Mapping[str, int]] = {
    ProviderName.IDPORTEN: {
        "selfregistered-email": 0,
        "idporten-loa-low": 1,
        "eidas-loa-low": 1,
        "idporten-loa-substantial": 2,
        "eidas-loa-substantial": 2,
        "idporten-loa-high": 3,
        "eidas-loa-high": 3,
    },
    ProviderName.ANSATTPORTEN: {ENTRA: 0, "substantial": 2, "high": 3},
}
"""acr values by their order. `entraid` is no personal eID: it meets only a request that names it."""
OFFERED = {
    ProviderName.IDPORTEN: ("idporten-loa-low", "idporten-loa-substantial", "idporten-loa-high"),
    ProviderName.ANSATTPORTEN: ("substantial", "high", ENTRA),
}
"""At which one can log in here. The others are met by these: nobody logs in from abroad or by e-mail."""
USUAL_LEVEL = {ProviderName.IDPORTEN: "idporten-loa-substantial", ProviderName.ANSATTPORTEN: "substantial"}


class LoginRefused(Problem):
    """The request is refused."""

    status = 400
    oauth_error: ClassVar[str] = "invalid_request"


class RequestUnusable(LoginRefused):
    """The request cannot be used."""


class ClientUnproven(LoginRefused):
    """The client could not be authenticated."""

    status = 401
    oauth_error = "invalid_client"


class ClientNotAllowed(LoginRefused):
    """The client may not do this."""

    oauth_error = "unauthorized_client"


class GrantInvalid(LoginRefused):
    """The grant is not valid."""

    oauth_error = "invalid_grant"


class GrantKindUnknown(LoginRefused):
    """Unsupported grant type."""

    oauth_error = "unsupported_grant_type"


class ResponseTypeUnknown(LoginRefused):
    """Unsupported response type. Must be code."""

    oauth_error = "unsupported_response_type"


class ScopeRefused(LoginRefused):
    """Invalid scope."""

    oauth_error = "invalid_scope"


class DetailsRefused(LoginRefused):
    """The authorization details cannot be used."""

    oauth_error = "invalid_authorization_details"


class RequestUriRefused(LoginRefused):
    """The request URI is unknown, used or expired."""

    oauth_error = "invalid_request_uri"


class RequestObjectUnsupported(LoginRefused):
    """Request objects are not supported."""

    oauth_error = "request_not_supported"


class LoginNeeded(LoginRefused):
    """The user must log in, and prompt=none forbids to ask."""

    oauth_error = "login_required"


class ChoiceNeeded(LoginRefused):
    """The user must choose an organisation, and prompt=none forbids to ask."""

    oauth_error = "interaction_required"


class LevelNotReached(LoginRefused):
    """The login does not reach the level that was asked for."""

    oauth_error = "unmet_authentication_requirements"


class LoginCancelled(LoginRefused):
    """The user cancelled."""

    oauth_error = "access_denied"


class ProofRefused(LoginRefused):
    """The DPoP proof is not valid."""

    oauth_error = "invalid_dpop_proof"


class AccessTokenRefused(LoginRefused):
    """The access token is not valid."""

    status = 401
    oauth_error = "invalid_token"


class ScopeInsufficient(LoginRefused):
    """The scope does not reach this far."""

    status = 403
    oauth_error = "insufficient_scope"


class NobodyRepresented(LoginRefused):
    """The user represents no organisation, and the service demands one."""

    status = 403
    oauth_error = "access_denied"


@dataclass(frozen=True)
class Lifetimes:
    pushed: timedelta
    interaction: timedelta
    code: timedelta
    id_token: timedelta
    refresh: timedelta
    """Of inactivity."""
    authorization: timedelta
    session_idle: timedelta
    session: timedelta


@dataclass(frozen=True)
class Provider:
    name: ProviderName
    issuer: str
    public_url: str
    """Where browsers find it; no slash at the end."""
    internal_url: str
    """Where clients' servers find it; no slash at the end."""
    lives: Lifetimes
    subject_key: str
    """Makes the pairwise subjects."""

    @property
    def levels(self) -> Mapping[str, int]:
        return LEVELS[self.name]

    @property
    def offered(self) -> tuple[str, ...]:
        return OFFERED[self.name]

    @property
    def isolated(self) -> bool:
        """Without single sign-on between clients: each has a session of its own."""
        return self.name is ProviderName.ANSATTPORTEN

    @property
    def details(self) -> tuple[str, ...]:
        """Types of authorization_details (RFC 9396) that it knows."""
        return (RESOURCE, EMPLOYER) if self.name is ProviderName.ANSATTPORTEN else ()

    @property
    def token_url(self) -> str:
        return f"{self.internal_url}/token"


def reaches(levels: Mapping[str, int], acr: str, wanted: Iterable[str]) -> bool:
    """Whether a login at `acr` meets a request for one of `wanted`: by order, never by equality."""
    wanted = tuple(wanted)
    if acr == ENTRA:
        return ENTRA in wanted
    return any(levels[acr] >= levels[one] for one in wanted if one != ENTRA)


def discovery(provider: Provider) -> dict[str, Any]:
    """What ID-porten publishes, in the order in which it does; see reference/idporten.md §2.2."""
    inside, outside = provider.internal_url, provider.public_url
    shown: dict[str, Any] = {
        "issuer": provider.issuer,
        "authorization_endpoint": f"{outside}/authorize",
        "pushed_authorization_request_endpoint": f"{inside}/par",
        "token_endpoint": provider.token_url,
        "userinfo_endpoint": f"{inside}/userinfo",
        "jwks_uri": f"{inside}/jwks.json",
        "end_session_endpoint": f"{outside}/logout",
        "introspection_endpoint": f"{inside}/token/introspect",
        "revocation_endpoint": f"{inside}/token/revoke",
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": ["openid", "profile"],
        "acr_values_supported": list(provider.levels),
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "authorization_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": list(CLIENT_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "introspection_endpoint_auth_methods_supported": [one for one in CLIENT_METHODS if one != "none"],
        "revocation_endpoint_auth_methods_supported": list(CLIENT_METHODS),
        "code_challenge_methods_supported": [PKCE_METHOD],
        "ui_locales_supported": ["en", "nb", "nn", "se"],
        "prompt_values_supported": ["consent", "login", "none"],
        "display_values_supported": ["page"],
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
    if provider.details:
        shown["authorization_details_types_supported"] = list(provider.details)
    return shown
