"""Scopes over HTTP, for whoever tries the system: what Digdir does by hand."""

from fastapi import Response
from pydantic import Field

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import TransactionDep
from services.chassis.values import In, OrganisationNumber
from services.integration.sandbox.scopes import store

router = new_router("/_sandbox/maskinporten/prefixes", "Maskinporten")


class NewPrefix(In):
    prefix: str = Field(pattern=r"^[a-z0-9æøå_.\-]{1,50}$", description="Before the colon in scopes' names")
    organisation_number: OrganisationNumber = Field(description="Who may make scopes with it")


@router.post(
    "",
    status_code=204,
    summary="Hand out a prefix",
    openapi_extra=contract.example(body={"prefix": "bronnoy", "organisation_number": "964983291"}),
)
def hand_out(new: NewPrefix, session: TransactionDep) -> Response:
    """Lets an organisation make scopes that begin with it. Again changes nothing; another's cannot be had (409)."""
    store.hand_out(session, new.prefix, new.organisation_number)
    return Response(status_code=204)
