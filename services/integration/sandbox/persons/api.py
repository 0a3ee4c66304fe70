"""Test persons over HTTP: control adds them and what they represent (`/_sandbox/logins/persons…`)."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.problems import Invalid
from services.chassis.values import In, OrganisationNumber, Out
from services.integration.sandbox.persons import rules, store
from services.integration.sandbox.persons.rules import Represented

router = new_router("/_sandbox/logins/persons", "Logins")
Right = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class TestPerson(Out):
    reference: int = Field(description="By which the sandbox knows the person; the number is told to nobody")
    name: str | None
    email: str | None


class TestPersons(Out):
    items: list[TestPerson]


class NewRepresentation(In):
    resource: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        pattern=r"^[a-z0-9_-]+$",
        description="Id of the Altinn resource; left out for employment (`ansattporten:orgno`)",
        examples=["samvirke-innkjop"],
    )
    organisation: OrganisationNumber
    name: str = Field(min_length=1, max_length=200, description="The organisation's name")
    unit_type: str = Field(default="KOMM", pattern=r"^[A-Z]{2,10}$", description="As in Enhetsregisteret")
    rights: list[Right] = Field(min_length=1, max_length=20, description="Actions in Altinn, or rights of employment")


class NewTestPerson(In):
    personal_number: str = Field(
        description="Synthetic: eleven digits, 80 added to the month", examples=["12837532157"]
    )
    name: str = Field(min_length=1, max_length=200)
    email: str | None = Field(default=None, max_length=200, description="Of somebody who logs in by Entra ID")
    groups: list[UUID] = Field(
        default=[], max_length=200, description="Her groups in Entra ID; a token tells of the first twenty"
    )
    represents: list[NewRepresentation] = Field(default=[], max_length=100)


class NumberRefused(Invalid):
    """The number is not that of a test person."""


@router.get("", summary="List the test persons", openapi_extra=contract.example())
def persons(session: ReaderDep) -> TestPersons:
    """Those with a name, who stand on the login page."""
    return TestPersons(
        items=[TestPerson(reference=one.id, name=one.name, email=one.email) for one in store.everybody(session)]
    )


@router.post(
    "",
    status_code=201,
    summary="Add a test person",
    openapi_extra=contract.example(body={"personal_number": "12837532157", "name": "Fiktiv Bjørk"}),
)
def add(new: NewTestPerson, session: TransactionDep) -> TestPerson:
    """Adds a person, or what is told of one who is known, and whom she may act for. 422 when the number is not
    synthetic: no real one is ever typed here."""
    if not rules.is_synthetic(new.personal_number):
        raise NumberRefused(
            "Only synthetic numbers: eleven digits with two right control digits, 80 added to the month."
        )
    person = store.name(session, new.personal_number, new.name, new.email, [str(one) for one in new.groups])
    for one in new.represents:
        whom = Represented(one.organisation, one.name, one.unit_type, tuple(one.rights))
        store.represents(session, person.id, one.resource or store.EMPLOYED, whom)
    return TestPerson(reference=person.id, name=person.name, email=person.email)
