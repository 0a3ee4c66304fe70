"""Who may administer what. The scopes of administration are Digdir's own, and given to organisations by Digdir."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.chassis.problems import Conflict, Forbidden, Malformed

SCOPES_WRITE = "idporten:scopes.write"
CLIENTS_READ = "idporten:dcr.read"
CLIENTS_MODIFY = "idporten:dcr.modify"
CLIENTS_WRITE = "idporten:dcr.write"
SUB_CLIENTS_WRITE = "idporten:dcr/onbehalfof:write"
SUPPLIER = "idporten:dcr.supplier"
READS_CLIENTS = (CLIENTS_READ, CLIENTS_MODIFY, CLIENTS_WRITE, SUB_CLIENTS_WRITE, SUPPLIER)
MAKES_CLIENTS = (CLIENTS_WRITE, SUPPLIER)
CHANGES_CLIENTS = (CLIENTS_MODIFY, CLIENTS_WRITE, SUPPLIER)
CHANGES_SUB_CLIENTS = (SUB_CLIENTS_WRITE, CLIENTS_WRITE, SUPPLIER)
ALL = {
    SCOPES_WRITE: "make scopes, and give organisations access to them",
    CLIENTS_READ: "read the organisation's clients",
    CLIENTS_MODIFY: "change the organisation's clients",
    CLIENTS_WRITE: "register clients for the organisation",
    SUB_CLIENTS_WRITE: "register sub-clients (onbehalfof)",
    SUPPLIER: "register clients for other organisations",
}


class MayNotAdminister(Forbidden):
    """The token does not let its organisation do this."""


class Unusable(Malformed):
    """The request cannot be used."""


class AlreadyThere(Conflict):
    """There is one of this name already."""


@dataclass(frozen=True)
class Administrator:
    """An organisation, and which scopes of administration its token has."""

    organisation: str
    scopes: frozenset[str]

    def require(self, *any_of: str) -> None:
        if not self.scopes & set(any_of):
            raise MayNotAdminister(f"The token needs one of the scopes {', '.join(any_of)}.")

    def require_own(self, *organisations: str | None) -> None:
        """It must be one of `organisations`, whose thing it is."""
        if self.organisation not in organisations:
            raise MayNotAdminister("This belongs to another organisation.")


def administrator(claims: Mapping[str, Any]) -> Administrator:
    """Whom a token of Maskinporten's speaks for."""
    party = claims["consumer"]["ID"]
    return Administrator(str(party).removeprefix("0192:"), frozenset(str(claims["scope"]).split()))


def whose(who: Administrator, client_orgno: str | None) -> tuple[str, str | None]:
    """→ the organisation that a new client is for, and the supplier that makes it when that is another"""
    if client_orgno is None or client_orgno == who.organisation:
        who.require(CLIENTS_WRITE)
        return who.organisation, None
    who.require(SUPPLIER)
    return client_orgno, who.organisation
