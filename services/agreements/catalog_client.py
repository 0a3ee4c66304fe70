"""What agreements asks of the catalogue: who an organisation is, and whether a product is certified on a date."""

import time
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from services.chassis.clock import now, today
from services.chassis.http import Neighbour
from services.chassis.problems import Invalid, NeighbourNonsense, Problem, refuse

T = TypeVar("T", bound=BaseModel)

REUSE_SECONDS = 1.0
"""A verdict may be reused this long; its age is kept with it."""


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


class _Organisations(BaseModel):
    items: list[Organisation]


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
        try:
            if status == 200:
                return shape.model_validate(body)
        except ValidationError as error:
            raise NeighbourNonsense(f"The catalogue's answer to {path} has another shape than agreed.") from error
        raise NeighbourNonsense(f"The catalogue answered {path} with {status}.")


async def _catalog(request: Request) -> Catalog:
    found = request.app.state.catalog
    assert isinstance(found, Catalog)
    return found


CatalogDep = Annotated[Catalog, Depends(_catalog)]
