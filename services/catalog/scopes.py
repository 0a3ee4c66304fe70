"""What several roles in certification may do alike: a caller who has one of some scopes."""

from typing import Annotated, Any

from fastapi import Request, Security
from fastapi.security import SecurityScopes

from services.chassis.auth import Caller, Gate, TokenMissing, ViewerDep


async def _one_of(wanted: SecurityScopes, viewer: ViewerDep, request: Request) -> Caller:
    if viewer is None:
        raise TokenMissing("Send Authorization: Bearer <access token>.").with_header("WWW-Authenticate", "Bearer")
    gate: Gate = request.app.state.gate
    lacking = [gate.lacks(viewer, [scope]) for scope in wanted.scopes]
    if lacking[0] and all(lacking):
        raise lacking[0]
    return viewer


def one_of(*scopes: str) -> Any:
    """`Annotated[Caller, one_of("certification.assess", "certification.decide")]`: the caller, who has one of them."""
    return Security(_one_of, scopes=scopes)


Certifying = Annotated[Caller, one_of("certification.apply", "certification.assess", "certification.decide")]
"""Whoever takes part in certification."""


def is_body(viewer: Caller | None) -> bool:
    """Whether it assesses or decides, and so sees what is sent in."""
    return viewer is not None and (viewer.may("certification.assess") or viewer.may("certification.decide"))
