"""What a provider publishes of itself, and control of its keys and its time (`/_sandbox/logins/…`)."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.values import In, Instant, Out
from services.integration.sandbox.providers import rules, store
from services.integration.sandbox.providers.asking import ClockDep, ProviderDep
from services.integration.sandbox.providers.rules import ProviderName

national = APIRouter()
router = new_router("/_sandbox/logins", "Logins")
ProviderPath = Annotated[ProviderName, Path(description="Which login provider", examples=["ansattporten"])]


@national.get("/.well-known/openid-configuration")
@national.get("/.well-known/oauth-authorization-server")
async def discovery(provider: ProviderDep) -> JSONResponse:
    return JSONResponse(rules.discovery(provider), headers={"Cache-Control": "max-age=86400"})


@national.get("/jwks.json")
def keys(provider: ProviderDep, session: ReaderDep, clock: ClockDep) -> JSONResponse:
    return JSONResponse({"keys": store.published(session, provider, clock.now())})


class NewLoginRotation(In):
    lead_seconds: float = Field(default=15, ge=0, le=86_400, description="Published this long before it signs")
    overlap_seconds: float = Field(
        default=3600, ge=0, le=31_536_000, description="How long the keys before it are still published after that"
    )


class LoginRotation(Out):
    kid: str
    signs_from: Instant


class PassedInLogins(In):
    """Time that passes at once: codes, sessions and tokens grow older."""

    seconds: float = Field(ge=0, le=31_536_000, examples=[60])


class LoginTime(Out):
    now: Instant = Field(description="What the providers take the time to be")


@router.post(
    "/{provider}/rotate",
    status_code=201,
    summary="Rotate a login provider's signing key",
    openapi_extra=contract.example(body={"lead_seconds": 0}),
)
def rotate(
    provider: ProviderPath, new: NewLoginRotation, request: Request, session: TransactionDep, clock: ClockDep
) -> LoginRotation:
    """Makes a new signing key. It is published at once, signs after `lead_seconds`, and the keys before it stay
    published for `overlap_seconds` after that."""
    instant, lead = clock.now(), timedelta(seconds=new.lead_seconds)
    kid = store.rotate(
        session,
        provider,
        instant,
        lead=lead,
        overlap=timedelta(seconds=new.overlap_seconds),
        bits=request.app.state.sandbox.login_key_bits,
    )
    return LoginRotation(kid=kid, signs_from=instant + lead)


@router.post(
    "/clock", summary="Let time pass at the login providers", openapi_extra=contract.example(body={"seconds": 60})
)
async def pass_time(passed: PassedInLogins, clock: ClockDep) -> LoginTime:
    """In this process only, until it is started again. Tokens that are made afterwards come from the future for whoever
    did not wait."""
    clock.ahead += timedelta(seconds=passed.seconds)
    return LoginTime(now=clock.now())
