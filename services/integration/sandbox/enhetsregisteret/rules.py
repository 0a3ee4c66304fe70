"""The register's wire shapes and its refusals, as its documentation has them (Åpne data, API version 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from math import ceil
from typing import Any
from urllib.parse import urlencode

ENTITY = "application/vnd.brreg.enhetsregisteret.enhet.v2+json;charset=UTF-8"
SUB_ENTITY = "application/vnd.brreg.enhetsregisteret.underenhet.v2+json;charset=UTF-8"
UPDATES = "application/vnd.brreg.enhetsregisteret.oppdatering.enhet.v1+json;charset=UTF-8"
ROOT = "/enhetsregisteret/api"
DEFAULT_SIZE, DEEPEST = 20, 10_000
"""(page + 1) × size reaches no further than the second."""
FORMS = {
    "KOMM": "Kommune",
    "FYLK": "Fylkeskommune",
    "AS": "Aksjeselskap",
    "IKS": "Interkommunalt selskap",
    "ORGL": "Organisasjonsledd",
    "BEDR": "Underenhet til næringsdrivende og offentlig forvaltning",
}


class Change(StrEnum):
    """`endringstype`"""

    NEW = "Ny"
    CHANGED = "Endring"
    DELETED = "Sletting"
    REMOVED = "Fjernet"


@dataclass(frozen=True)
class Wrong:
    """A parameter that cannot be used: one of `valideringsfeil`."""

    message: str
    parameter: str
    value: str | None


class Refused(Exception):
    """What is asked for cannot be answered."""

    def __init__(self, status: int, *wrong: Wrong) -> None:
        super().__init__(str(status))
        self.status, self.wrong = status, wrong


@dataclass(frozen=True)
class Entity:
    """A legal entity, or a sub-entity with its `parent`. Addresses in the register's words."""

    number: str
    name: str
    form: str
    business_address: Mapping[str, Any] | None
    postal_address: Mapping[str, Any] | None
    registered_on: date
    municipality: str | None = None
    parent: str | None = None
    bankrupt: bool = False
    winding_up: bool = False
    forced_winding_up: bool = False
    deleted_on: date | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def shown(entity: Entity, base: str) -> dict[str, Any]:
    """As the register answers; of a deleted entity hardly more than that it is."""
    kind = "underenheter" if entity.parent else "enheter"
    form = {
        "kode": entity.form,
        "beskrivelse": FORMS.get(entity.form, entity.form),
        "_links": {"self": {"href": f"{base}{ROOT}/organisasjonsformer/{entity.form}"}},
    }
    links = {"_links": {"self": {"href": f"{base}{ROOT}/{kind}/{entity.number}"}}}
    told: dict[str, Any] = {"organisasjonsnummer": entity.number, "navn": entity.name, "organisasjonsform": form}
    if entity.deleted_on:
        return told | {"slettedato": entity.deleted_on.isoformat()} | links
    told |= {"registreringsdatoEnhetsregisteret": entity.registered_on.isoformat(), "registrertIMvaregisteret": True}
    for name, address in (("postadresse", entity.postal_address), ("forretningsadresse", entity.business_address)):
        if address:
            told["beliggenhetsadresse" if entity.parent and name == "forretningsadresse" else name] = dict(address)
    if entity.parent:
        told["overordnetEnhet"] = entity.parent
    else:
        told |= {
            "konkurs": entity.bankrupt,
            "underAvvikling": entity.winding_up,
            "underTvangsavviklingEllerTvangsopplosning": entity.forced_winding_up,
            "maalform": "Bokmål",
        }
    return told | dict(entity.more) | links


def page(
    name: str, items: Sequence[Any], total: int, number: int, size: int, url: str, asked: Mapping[str, str]
) -> Any:
    """A page in the manner of HAL; without anything found there is no `_embedded`."""
    pages = ceil(total / size)

    def link(to: int) -> dict[str, str]:
        return {"href": f"{url}?{urlencode({**asked, 'page': to, 'size': size})}"}

    links = {"self": {"href": f"{url}?{urlencode(asked)}" if asked else url}}
    if pages > 1:
        links |= {"first": link(0), "last": link(pages - 1)}
        links |= {"next": link(number + 1)} if number + 1 < pages else {}
        links |= {"prev": link(number - 1)} if number else {}
    told: dict[str, Any] = {"_embedded": {name: list(items)}} if items else {}
    return told | {
        "_links": links,
        "page": {"size": size, "totalElements": total, "totalPages": pages, "number": number},
    }


def check_page(number: int, size: int) -> None:
    if (number + 1) * size > DEEPEST:
        told = f"Antall treff er begrenset til {DEEPEST}: (page + 1) * size"
        raise Refused(400, Wrong(told, "page", str(number)), Wrong(told, "size", str(size)))


def problem(status: int, path: str, at: datetime, wrong: Sequence[Wrong]) -> dict[str, Any]:
    errors = {400: "Bad Request", 404: "Not Found", 410: "Gone"}
    told: dict[str, Any] = {
        "timestamp": at.isoformat(timespec="milliseconds"),
        "status": status,
        "error": errors[status],
        "path": path,
    }
    if wrong:
        told["message"] = "Feilaktig forespørsel"
        told["antallFeil"] = len(wrong)
        told["valideringsfeil"] = [
            {"feilmelding": one.message, "parametere": [one.parameter], "feilaktigVerdi": one.value} for one in wrong
        ]
    return told
