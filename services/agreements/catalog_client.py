"""What agreements asks of the catalogue: who an organisation is, and whether a product is certified on a date."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Request
from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from services.chassis.clock import now, on, today
from services.chassis.http import Neighbour
from services.chassis.problems import Invalid, NeighbourNonsense, Problem, refuse

T = TypeVar("T", bound=BaseModel)

REUSE_SECONDS = 1.0
"""A verdict may be reused this long; its age is kept with it."""
CERTIFICATE = "certificate."
_log = logging.getLogger("catalog")


class OrganisationUnknown(Invalid):
    """The catalogue has no organisation with this number."""


class Answer(StrEnum):
    VALID = "valid"
    NOT_VALID = "not_valid"
    UNKNOWN = "unknown"


class Certificate(BaseModel):
    number: str
    valid_to_on: date | None = None


class Verdict(BaseModel):
    """Only what we act on or keep; the catalogue may say more."""

    verdict: Answer
    code: str
    reasons: list[dict[str, str]] = []
    certificate: Certificate | None = None
    checked_at: str | None = None


class Organisation(BaseModel):
    id: UUID
    name: str
    existed_to_on: date | None = None
    """Its last day, when it has ended."""
    population: int | None = None
    population_on: date | None = None
    """The day that its inhabitants were counted on."""
    kinds: list[str] = []
    """By the catalogue's names, such as `municipality` or `co_operation`."""
    language_form: str | None = None
    """The form of Norwegian that it writes: `nb`, `nn` or `neutral`."""


class Unit(BaseModel):
    """One of a co-operation's units, by the catalogue's names."""

    form: str
    law: str | None = None
    legal_person: bool | None = None


class Member(BaseModel):
    organisation_id: UUID
    name: str
    status: str
    """`recorded` and `confirmed` are members; others have perhaps inherited a membership."""


class CoOperation(BaseModel):
    """Only what decides for whom it can order, and on what that rests."""

    id: UUID
    slug: str
    name: str
    as_of_on: date
    source: str
    on: date
    """The day that was asked for."""
    units: list[Unit]
    host: UUID | None = None
    on_that_day: list[Member] = []


class Product(BaseModel):
    """Only which shared component it implements."""

    component: str | None = None


class Need(BaseModel):
    """Only what a competition that meets it starts from."""

    title: dict[str, str]
    description: dict[str, str] | None = None


class _Version(BaseModel):
    """A specification's version, as far as it is used."""

    status: str


class _Organisations(BaseModel):
    items: list[Organisation]


def _or_none(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


_Readable = WrapValidator(_or_none)


class CertificateNews(BaseModel):
    """What an event says of a certificate. Only what we act on or keep; what is missing or unreadable is None."""

    position: int
    number: str = Field(max_length=20)
    kind: str = Field(max_length=40)
    """By the catalogue's name, such as `suspended`."""
    product: Annotated[str | None, Field(max_length=80), _Readable] = None
    specification: Annotated[str | None, Field(max_length=80), _Readable] = None
    status: Annotated[str | None, Field(max_length=40), _Readable] = None
    effective_on: date
    recorded_at: AwareDatetime


class _Event(BaseModel):
    """A CloudEvent, as far as it is used."""

    id: str
    type: str
    subject: str
    time: AwareDatetime
    data: dict[str, Any] = {}


class _Events(BaseModel):
    items: list[_Event]
    next: int


@dataclass
class Catalog:
    neighbour: Neighbour
    _verdicts: dict[tuple[str, str | None, str | None, date], tuple[float, Verdict]] = field(default_factory=dict)

    def verify(self, product: str, specification: str | None, version: str | None, on: date) -> Verdict:
        """Is the product certified on that day? Raises NeighbourAway or NeighbourNonsense when nobody can say."""
        question = (product, specification, version, on)
        known = self._verdicts.get(question)
        if known and time.monotonic() - known[0] < REUSE_SECONDS:
            return known[1]
        asked = {"product": product, "on": on.isoformat()}
        if specification:
            asked["specification"] = specification
        if version:
            asked["specification_version"] = version
        verdict = self._read(Verdict, "POST", "/verify", json=asked)
        verdict.checked_at = verdict.checked_at or now().isoformat()
        if len(self._verdicts) > 10_000:
            self._verdicts.clear()
        self._verdicts[question] = (time.monotonic(), verdict)
        return verdict

    def organisation(self, number: str) -> Organisation | None:
        """The organisation with this number, or None when the catalogue has none that exists today."""
        found = self._read(_Organisations, "GET", "/organisations", params={"organisation_number": number})
        return next((one for one in found.items if not one.existed_to_on or one.existed_to_on >= today()), None)

    def counted(self, numbers: Iterable[str], on: date) -> dict[str, Organisation]:
        """Those of the numbers that an organisation had on a day, each with its newest count of inhabitants that is
        not later; one that has ended since is found."""
        found: dict[str, Organisation] = {}
        for number in dict.fromkeys(numbers):
            asked = {"organisation_number": number, "on": on.isoformat()}
            for one in self._read(_Organisations, "GET", "/organisations", params=asked).items:
                found[number] = one
        return found

    def co_operation(self, slug: str) -> CoOperation | None:
        """A co-operation as it is known today, or None when the catalogue has none with this name."""
        path = f"/co-operations/{slug}"
        status, body = self.neighbour.read("GET", path)
        return None if status == 404 else self._understood(CoOperation, path, status, body)

    def product(self, slug: str) -> Product | None:
        """A product as it is today, or None when the catalogue has none with this name."""
        path = f"/products/{quote(slug, safe='')}"
        status, body = self.neighbour.read("GET", path)
        return None if status == 404 else self._understood(Product, path, status, body)

    def need(self, id: UUID) -> Need | None:
        """A need as everybody may read it, or None when the catalogue has none with this id."""
        path = f"/needs/{id}"
        status, body = self.neighbour.read("GET", path)
        return None if status == 404 else self._understood(Need, path, status, body)

    def specification_status(self, slug: str, version: str) -> str | None:
        """How a version of a specification stands today, by the catalogue's name; None when it has no such version."""
        path = f"/specifications/{quote(slug, safe='')}/versions/{quote(version, safe='')}"
        status, body = self.neighbour.read("GET", path)
        return None if status == 404 else self._understood(_Version, path, status, body).status

    def news(self, after: int) -> tuple[list[CertificateNews], int]:
        """What happened to certificates after a position of the catalogue's feed, and the position to go on from.
        What is not about a certificate is passed over, and so is what cannot be understood: the feed must not stop at
        it for ever."""
        events = self._read(_Events, "GET", "/events", params={"after": after, "limit": 200})
        told = [_news(event) for event in events.items if event.type.startswith(CERTIFICATE)]
        return [one for one in told if one], events.next

    def known(self, numbers: list[str], pointer: str) -> dict[str, Organisation]:
        """Each number's organisation as the catalogue knows it today; every unknown one is told, by its place."""
        found: dict[str, Organisation] = {}
        missing: list[Problem] = []
        for place, number in enumerate(dict.fromkeys(numbers)):
            organisation = self.organisation(number)
            if organisation:
                found[number] = organisation
            else:
                where = f"{pointer}/{place}" if len(numbers) > 1 else pointer
                missing.append(OrganisationUnknown(f"{number} is not in the catalogue, or has ended.", pointer=where))
        refuse(missing)
        return found

    def _read(self, shape: type[T], method: str, path: str, **request: Any) -> T:
        status, body = self.neighbour.read(method, path, **request)
        return self._understood(shape, path, status, body)

    def _understood(self, shape: type[T], path: str, status: int, body: Any) -> T:
        try:
            if status == 200:
                return shape.model_validate(body)
        except ValidationError as error:
            raise NeighbourNonsense(f"The catalogue's answer to {path} has another shape than agreed.") from error
        raise NeighbourNonsense(f"The catalogue answered {path} with {status}.")


def _news(event: _Event) -> CertificateNews | None:
    try:
        return CertificateNews.model_validate(
            {
                **event.data,
                "effective_on": event.data.get("effective_on") or on(event.time),
                "position": event.id,
                "number": event.subject.rpartition("/")[2],
                "kind": event.type.removeprefix(CERTIFICATE),
                "recorded_at": event.time,
            }
        )
    except ValidationError as error:
        _log.warning("event %s of the catalogue (%s) is not understood: %s", event.id, event.type, error)
        return None


async def _catalog(request: Request) -> Catalog:
    found = request.app.state.catalog
    assert isinstance(found, Catalog)
    return found


CatalogDep = Annotated[Catalog, Depends(_catalog)]
