"""Delegations over HTTP: what a customer does in Altinn, for whoever tries the system."""

from typing import Annotated

from fastapi import Query, Response
from pydantic import Field

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import TransactionDep
from services.chassis.values import In, OrganisationNumber, Out
from services.integration.sandbox.delegations import store

router = new_router("/_sandbox/maskinporten/delegations", "Altinn")
EXAMPLE = {"consumer": "964983291", "supplier": "100000016", "scope": "samvirke:catalog.write"}


class NewDelegation(In):
    """The customer lets the supplier use a scope in the customer's name (`consumer_org` in a grant)."""

    consumer: OrganisationNumber = Field(description="The customer")
    supplier: OrganisationNumber
    scope: str = Field(min_length=1, max_length=200, examples=["samvirke:catalog.write"])


class Delegation(Out):
    consumer: str
    supplier: str
    scope: str


@router.post("", status_code=201, summary="Delegate a scope", openapi_extra=contract.example(body=EXAMPLE))
def delegate(new: NewDelegation, session: TransactionDep) -> Delegation:
    """Registers that a customer has delegated a scope to a supplier, as Altinn does. Again changes nothing."""
    store.delegate(session, new.consumer, new.supplier, new.scope)
    return Delegation(**new.model_dump())


@router.delete("", status_code=204, summary="End a delegation", openapi_extra=contract.example(query=EXAMPLE))
def end(ended: Annotated[NewDelegation, Query()], session: TransactionDep) -> Response:
    """The customer takes it back in Altinn. What is not there is ended already."""
    store.end(session, ended.consumer, ended.supplier, ended.scope)
    return Response(status_code=204)
