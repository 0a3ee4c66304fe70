"""Enterprise certificates over HTTP: what Buypass and Commfides do, for whoever tries the system."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import Field

from services.chassis.app import new_router
from services.chassis.clock import now
from services.chassis.db import TransactionDep
from services.chassis.values import In, OrganisationNumber, Out
from services.integration.sandbox.enterprise_certificates import store

router = new_router("/_sandbox/enterprise-certificates", "Enterprise certificates")


class NewCertificate(In):
    organisation_number: OrganisationNumber
    name: str = Field(default="Sandkasse", min_length=1, max_length=60, description="The organisation's")
    jwk: dict[str, Any] = Field(description="The public RSA key (RFC 7517); the private one stays with its owner")
    begins_seconds: int = Field(default=-60, ge=-315_360_000, le=315_360_000, description="From now")
    ends_seconds: int = Field(
        default=63_072_000, ge=-315_360_000, le=315_360_000, description="From now; negative: expired already"
    )


class Certificate(Out):
    serial: str = Field(description="Hexadecimal")
    x5c: list[str] = Field(description="As the header of a grant wants it: base64 DER, the organisation's own first")


@router.post("", status_code=201, summary="Issue an enterprise certificate")
def issue(new: NewCertificate, session: TransactionDep) -> Certificate:
    """By the sandbox's own authority, which Maskinporten's stand-in trusts and nobody else should."""
    instant = now()
    begins, ends = (instant + timedelta(seconds=one) for one in (new.begins_seconds, new.ends_seconds))
    serial, x5c = store.issue(session, new.organisation_number, new.name, new.jwk, begins, ends, instant)
    return Certificate(serial=serial, x5c=x5c)


@router.post("/{serial}/revoke", status_code=204, summary="Revoke an enterprise certificate")
def revoke(serial: Annotated[str, Path(examples=["1f"], max_length=40)], session: TransactionDep) -> Response:
    """No more tokens with it. Again changes nothing."""
    store.revoke(session, serial, now())
    return Response(status_code=204)
