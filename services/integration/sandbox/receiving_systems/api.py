"""Receiving systems over HTTP: what an organisation's administrator does in Fiks forvaltning."""

from typing import Annotated, Literal

from fastapi import Path, Response
from pydantic import Field

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.values import In, OrganisationNumber, Out
from services.integration.sandbox.receiving_systems import store

router = new_router("/_sandbox/svarinn/receiving-systems", "SvarInn")
UserName = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9._-]{1,100}$", examples=["fjordvakt"], description="The system's user name")
]


class Taken(In, Out):
    organisation_number: OrganisationNumber
    letter_type: str | None = Field(
        default=None, min_length=1, max_length=100, description="Only this forsendelsestype; null takes the rest"
    )
    level: Literal[3, 4] = Field(default=3, description="The highest sikkerhetsnivå that it takes")


class NewSystem(In):
    """A program that fetches an organisation's letters itself."""

    user_name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$", examples=["fjordvakt"])
    password: str = Field(min_length=1, max_length=200, examples=["sandkasse"])
    name: str = Field(min_length=1, max_length=100, examples=["Fjordvakts sakssystem"])
    takes: list[Taken] = Field(min_length=1, max_length=500, description="Whose letters; several organisations may be")
    certificate: str | None = Field(
        default=None, max_length=20_000, description="PEM; letters are encrypted for its RSA key"
    )


class NewCertificate(In):
    certificate: str = Field(max_length=20_000, description="PEM; letters are encrypted for its RSA key")


class System(Out):
    user_name: str
    name: str
    takes: list[Taken]
    has_certificate: bool = Field(description="Without one its list is empty, and nothing says why")


class Systems(Out):
    items: list[System]


@router.get("", summary="List the receiving systems", openapi_extra=contract.example())
def listed(session: ReaderDep) -> Systems:
    """In the order in which they were registered."""
    return Systems(
        items=[
            System(
                user_name=system.user_name,
                name=system.name,
                takes=[
                    Taken.model_validate(
                        {
                            "organisation_number": one.organisation,
                            "letter_type": one.letter_type or None,
                            "level": one.level,
                        }
                    )
                    for one in taken
                ],
                has_certificate=system.certificate is not None,
            )
            for system, taken in store.everybody(session)
        ]
    )


@router.post(
    "",
    status_code=204,
    summary="Register a receiving system",
    openapi_extra=contract.example(
        body={
            "user_name": "nordlys",
            "password": "sandkasse",
            "name": "Nordlys sakssystem",
            "takes": [{"organisation_number": "100000024"}],
        }
    ),
)
def register(new: NewSystem, session: TransactionDep) -> Response:
    """From now on letters to these organisations wait in SvarInn for it. By a user name that is taken, it replaces the
    one that was there."""
    store.register(
        session,
        user_name=new.user_name,
        password=new.password,
        name=new.name,
        takes=[(one.organisation_number, one.letter_type, one.level) for one in new.takes],
        certificate=new.certificate,
    )
    return Response(status_code=204)


@router.put("/{user_name}/certificate", status_code=204, summary="Upload a system's certificate")
def upload(user_name: UserName, new: NewCertificate, session: TransactionDep) -> Response:
    """Letters that are fetched from now on are encrypted for it."""
    store.upload(session, user_name, new.certificate)
    return Response(status_code=204)


@router.delete("/{user_name}/certificate", status_code=204, summary="Take a system's certificate away")
def take_away(user_name: UserName, session: TransactionDep) -> Response:
    """Its list is empty from now on, as that of a system whose certificate was forgotten."""
    store.upload(session, user_name, None)
    return Response(status_code=204)
