"""What integration asks of Enhetsregisteret: who a number belongs to, who has a name, and what has changed."""

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from services.chassis.http import Neighbour
from services.chassis.problems import NeighbourNonsense
from services.integration.lookups.rules import Address, Answer, Standing

T = TypeVar("T", bound=BaseModel)
ROOT = "/enhetsregisteret/api"
ACCEPTED = {"Accept": "application/json"}
UPDATES_AT_ONCE = 1_000


class _Shape(BaseModel):
    """In the register's words; what we do not use is passed over."""

    model_config = ConfigDict(alias_generator=to_camel)


class _Form(_Shape):
    kode: str


class _Address(_Shape):
    adresse: list[str] = []
    postnummer: str | None = None
    poststed: str | None = None
    landkode: str | None = None

    def ours(self) -> Address | None:
        lines = tuple(line.strip() for line in self.adresse if line and line.strip())
        return Address(lines, self.postnummer, self.poststed, self.landkode or "NO") if self.poststed else None


class _Entity(_Shape):
    organisasjonsnummer: str
    navn: str
    organisasjonsform: _Form | None = None
    slettedato: date | None = None
    konkurs: bool = False
    under_avvikling: bool = False
    under_tvangsavvikling_eller_tvangsopplosning: bool = False
    postadresse: _Address | None = None
    forretningsadresse: _Address | None = None
    beliggenhetsadresse: _Address | None = None

    def ours(self) -> Answer:
        places = (self.postadresse, self.forretningsadresse, self.beliggenhetsadresse)
        winding_up = self.under_avvikling or self.under_tvangsavvikling_eller_tvangsopplosning
        return Answer(
            self.organisasjonsnummer,
            Standing.DELETED
            if self.slettedato
            else Standing.BANKRUPT
            if self.konkurs
            else Standing.WINDING_UP
            if winding_up
            else Standing.REGISTERED,
            self.navn,
            self.organisasjonsform.kode if self.organisasjonsform else None,
            next((found for one in places if one and (found := one.ours())), None),
            self.slettedato,
        )


class _Entities(_Shape):
    enheter: list[_Entity] = []


class _Update(_Shape):
    oppdateringsid: int
    organisasjonsnummer: str


class _Updates(_Shape):
    oppdaterte_enheter: list[_Update] = []


class _Page(BaseModel):
    embedded: dict[str, Any] = Field(default={}, alias="_embedded")


class Register:
    """Enhetsregisteret. Raises NeighbourAway or NeighbourNonsense when it cannot say; reads are tried twice."""

    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    def entity(self, number: str) -> Answer:
        """Who has a number: a legal entity, or else a sub-entity. What is neither is unknown; what was removed for
        legal reasons is removed."""
        for kind in ("enheter", "underenheter"):
            status, body = self._read(f"/{kind}/{number}")
            if status == 410:
                return Answer(number, Standing.REMOVED)
            if status == 200:
                found = _shaped(_Entity, body).ours()
                if found.number != number:
                    raise NeighbourNonsense("Enhetsregisteret answered about another organisation.")
                return found
            if status != 404:
                raise NeighbourNonsense(f"Enhetsregisteret answered {status} to a number.")
        return Answer(number, Standing.UNKNOWN)

    def named(self, name: str, limit: int) -> list[Answer]:
        """Legal entities whose name has these words."""
        status, body = self._read("/enheter", params={"navn": name, "size": limit})
        if status != 200:
            raise NeighbourNonsense(f"Enhetsregisteret answered {status} to a search.")
        return [one.ours() for one in _shaped(_Entities, _shaped(_Page, body).embedded).enheter]

    def changed(self, after: int) -> list[tuple[int, str]]:
        """What changed after an update: (update, organisation number), oldest first; empty when nothing has."""
        params = {"oppdateringsid": after + 1, "size": UPDATES_AT_ONCE}
        status, body = self._read("/oppdateringer/enheter", params=params)
        if status != 200:
            raise NeighbourNonsense(f"Enhetsregisteret answered {status} to its updates.")
        told = _shaped(_Updates, _shaped(_Page, body).embedded).oppdaterte_enheter
        return sorted((one.oppdateringsid, one.organisasjonsnummer) for one in told)

    def _read(self, path: str, params: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        return self._neighbour.read("GET", f"{ROOT}{path}", params=params, headers=ACCEPTED)


def _shaped(shape: type[T], body: Any) -> T:
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        raise NeighbourNonsense("Enhetsregisteret's answer has another shape than documented.") from error
