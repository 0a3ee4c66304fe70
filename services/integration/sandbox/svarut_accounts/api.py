"""Accounts over HTTP: SvarUT's public key, the way from REST v1 to an integration, and control."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.clock import now
from services.chassis.db import DatabaseDep, ReaderDep, TransactionDep
from services.chassis.problems import NotFound
from services.chassis.values import In, OrganisationNumber, Out
from services.integration.sandbox.svarut_accounts import asking, store
from services.integration.sandbox.svarut_accounts.asking import SenderDep

national = APIRouter()
router = new_router("/_sandbox/svarut/accounts", "SvarUT")


class AccountMissing(NotFound):
    """SvarUT has no such account."""


class Migrering(BaseModel):
    maskinportenToken: str


@national.get("/forsendelse/publickey/hent")
def public_key(database: DatabaseDep) -> Response:
    """The certificate that documents of letters with `kryptert` are encrypted for. KS does not publish in which form it
    is sent; PEM is what its own samples read."""
    with database.writing() as session:
        certificate, _ = store.key(session, now())
    return Response(certificate, media_type="application/x-pem-file")


@national.post("/svarut-konfigurasjon/api/v1/migrering/integrasjoner")
def migrate(request: Request, sender: SenderDep, asked: Migrering, database: DatabaseDep) -> Any:
    """On the real KS Fiks this lives on another host. The organisation that the token was issued to becomes the
    integration's."""
    organisation = asking.token_organisation(request, database, asked.maskinportenToken)
    with database.writing() as session:
        id, password = store.migrate(session, sender.konto, organisation)
    return {"id": str(id), "passord": password, "kontoId": str(sender.konto)}


class NewAccount(In):
    """An account that letters are sent from."""

    user_name: str = Field(min_length=1, max_length=100, description="Of REST v1", examples=["vefsn"])
    password: str = Field(min_length=1, max_length=200, description="Of REST v1", examples=["sandkasse"])
    organisation_number: OrganisationNumber
    name: str = Field(min_length=1, max_length=100, description="What recipients see as the sender", examples=["Vefsn"])


class AccountChange(In):
    forwards_unread: bool = Field(description="Whether letters that nobody reads in Altinn are printed")


class Account(Out):
    konto: UUID = Field(description="kontoId")
    user_name: str
    organisation_number: str = Field(validation_alias="organisation")
    name: str
    forwards_unread: bool


class Accounts(Out):
    items: list[Account]


Konto = Annotated[UUID, Path(description="kontoId", examples=["018f5e9c-7d2b-7c3a-9f00-000000000001"])]


@router.get("", summary="List SvarUT's accounts", openapi_extra=contract.example())
def accounts(session: ReaderDep) -> Accounts:
    """By user name. A password is not told."""
    return Accounts(items=[Account.model_validate(one) for one in store.everybody(session)])


@router.put("/{konto}", status_code=204, summary="Open an account or change it")
def open_account(konto: Konto, new: NewAccount, session: TransactionDep) -> Response:
    """What KS does when an organisation begins with SvarUT. REST v1 sends from it by user name and password; an
    integration for v2 and v3 comes by the migration that KS offers."""
    store.open_account(
        session,
        konto,
        user_name=new.user_name,
        password=new.password,
        organisation=new.organisation_number,
        name=new.name,
    )
    return Response(status_code=204)


@router.patch("/{konto}", status_code=204, summary="Choose what becomes of unread letters")
def change(konto: Konto, changed: AccountChange, session: TransactionDep) -> Response:
    """Of those sent from now on. A sender can ask KS not to have business letters printed that nobody reads."""
    if not store.set_forwarding(session, konto, changed.forwards_unread):
        raise AccountMissing(f"SvarUT has no account {konto}.")
    return Response(status_code=204)
