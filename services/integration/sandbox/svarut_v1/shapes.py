"""Letters and questions as REST v1 takes them, in KS's spelling, and letters again in the words of v3."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.integration.sandbox.svarut.rules import Kind

LATEST = 32_503_680_000_000
Milliseconds = Annotated[int, Field(ge=0, le=LATEST)]
"""Since 1970, as all times of v1 but those of the history."""


class _Shape(BaseModel):
    """Fields that we do not know are let be, and what is optional may be null."""

    model_config = ConfigDict(extra="ignore")


class PostAdresse(_Shape):
    navn: Annotated[str, StringConstraints(min_length=1)]
    adresse1: str | None = None
    adresse2: str | None = None
    adresse3: str | None = None
    postNummer: str | None = None
    postSted: str | None = None
    land: str | None = None


class DigitalAdresse(_Shape):
    fodselsNummer: Annotated[str, StringConstraints(pattern=r"^\d{11}$")] | None = None
    organisasjonsNummer: Annotated[str, StringConstraints(pattern=r"^\d{9}$")] | None = None

    @model_validator(mode="after")
    def _one(self) -> "DigitalAdresse":
        if (self.fodselsNummer is None) == (self.organisasjonsNummer is None):
            raise ValueError("nøyaktig én av fodselsNummer og organisasjonsNummer")
        return self


class Adresse(_Shape):
    postAdresse: PostAdresse | None = None
    digitalAdresse: DigitalAdresse | None = None

    def told(self) -> dict[str, Any]:
        post, digital = self.postAdresse, self.digitalAdresse
        party: dict[str, Any] = {"navn": post.navn if post else "(uten navn)"}
        if digital:
            party["digitalId"] = digital.fodselsNummer or digital.organisasjonsNummer
        address = _renamed(post.model_dump(exclude_none=True), ADDRESS) if post else {}
        address.pop("navn", None)
        return party | ({"adresse": address} if address else {})


class EkstraMetadata(_Shape):
    key: str
    value: str


class Dokument(_Shape):
    filnavn: Annotated[str, StringConstraints(min_length=1, max_length=226)]
    mimeType: Annotated[str, StringConstraints(min_length=1, max_length=127)]
    skalSigneres: bool | None = None
    inneholderPersonsensitivInformasjon: bool | None = None
    dokumentType: str | None = None
    giroarkSider: list[int] | None = None
    ekstraMetadata: list[EkstraMetadata] | None = None
    ekskluderesFraUtskrift: bool | None = None


class Lenke(_Shape):
    urlLenke: str
    urlTekst: str
    ledeTekst: str | None = None


class UtskriftsKonfigurasjon(_Shape):
    utskriftMedFarger: bool | None = None
    tosidig: bool | None = None


class ForsendelsesId(_Shape):
    id: uuid.UUID


class MetadataForImport(_Shape):
    saksSekvensNummer: int | None = None
    saksAar: int | None = None
    journalPostType: str | None = None
    journalStatus: str | None = None
    dokumentetsDato: Milliseconds | None = None
    tittel: str | None = None


class MetadataFraAvleverendeSystem(MetadataForImport):
    journalAar: int | None = None
    journalSekvensNummer: int | None = None
    journalPostNummer: int | None = None
    journalDato: Milliseconds | None = None
    saksBehandler: str | None = None
    ekstraMetadata: list[EkstraMetadata] | None = None


class Forsendelse(_Shape):
    tittel: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    mottaker: Adresse
    eksponertFor: list[DigitalAdresse] | None = None
    avgivendeSystem: str | None = None
    konteringsKode: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9\-\.øæåØÆÅ]{0,20}$")] | None = None
    kunDigitalLevering: bool | None = None
    kryptert: bool | None = None
    krevNiva4Innlogging: bool | None = None
    svarPaForsendelseLink: bool | None = None
    taushetsbelagtPost: bool | None = None
    utskriftsKonfigurasjon: UtskriftsKonfigurasjon | None = None
    metadataFraAvleverendeSystem: MetadataFraAvleverendeSystem | None = None
    metadataForImport: MetadataForImport | None = None
    svarSendesTil: Adresse | None = None
    svarPaForsendelse: ForsendelsesId | None = None
    dokumenter: list[Dokument] | None = None
    lenker: list[Lenke] | None = None
    forsendelsesType: str | None = None
    eksternReferanse: Annotated[str, StringConstraints(max_length=100)] | None = None
    signeringUtloper: Milliseconds | None = None
    signaturType: Literal["AUTENTISERT_SIGNATUR", "AVANSERT_SIGNATUR"] | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> "Forsendelse":
        if self.mottaker.postAdresse is None and self.mottaker.digitalAdresse is None:
            raise ValueError("mottaker mangler både postAdresse og digitalAdresse")
        return self

    def kind(self) -> Kind:
        """Without a number there is only paper."""
        digital = self.mottaker.digitalAdresse
        if digital is None:
            return Kind.PRINT
        return Kind.PERSON if digital.fodselsNummer else Kind.ORGANISATION

    def told(self) -> dict[str, Any]:
        """In the words of REST v3."""
        told = _renamed(self.model_dump(mode="json", exclude_none=True), LETTER)
        for party in ("mottaker", "svarSendesTil"):
            if found := getattr(self, party):
                told[party] = found.told()
        told["eksponertFor"] = [one["digitalId"] for one in map(_number, self.eksponertFor or [])]
        if self.svarPaForsendelse:
            told["svarPaForsendelseId"] = str(self.svarPaForsendelse.id)
        told["sikkerhetsniva"] = "HOYESTE" if told.pop("krevNiva4Innlogging", False) else "BETYDELIG"
        told["dokumenter"] = [_renamed(one, DOCUMENT) for one in told.get("dokumenter", [])]
        told["lenker"] = [_renamed(one, LINK) for one in told.get("lenker", [])]
        for name in ("metadataFraAvleverendeSystem", "metadataForImport"):
            if name in told:
                told[name] = {key: _dated(key, value) for key, value in _renamed(told[name], NOARK).items()}
        signing = {name: told.pop(name) for name in ("signeringUtloper", "signaturType") if name in told}
        if len(signing) == 2:
            told["signering"] = signing | {"signeringUtloper": _iso(signing["signeringUtloper"])}
        return told


class LestAv(_Shape):
    lestAvFodselsNummer: Annotated[str, StringConstraints(pattern=r"^\d{11}$")]
    navnPaEksterntSystem: str
    datoLest: Milliseconds


LETTER = {
    "konteringsKode": "konteringskode",
    "utskriftsKonfigurasjon": "utskriftskonfigurasjon",
    "forsendelsesType": "forsendelsestype",
    "svarPaForsendelseLink": "kanSvareViaEdialog",
    "svarPaForsendelse": None,
}
DOCUMENT = {"ekskluderesFraUtskrift": "skalEkskluderesFraUtskrift"}
LINK = {"urlLenke": "url", "urlTekst": "tekst", "ledeTekst": "ledetekst"}
ADDRESS = {
    "adresse1": "adresselinje1",
    "adresse2": "adresselinje2",
    "adresse3": "adresselinje3",
    "postNummer": "postnummer",
    "postSted": "poststed",
    "land": "landkode",
}
NOARK = {
    "saksSekvensNummer": "sakssekvensnummer",
    "saksAar": "saksaar",
    "journalAar": "journalaar",
    "journalSekvensNummer": "journalsekvensnummer",
    "journalPostNummer": "journalpostnummer",
    "journalPostType": "journalposttype",
    "journalStatus": "journalstatus",
    "saksBehandler": "saksbehandler",
    "journalDato": "journaldato",
}
DATES = ("dokumentetsDato", "journaldato")


def _renamed(values: Mapping[str, Any], names: Mapping[str, str | None]) -> dict[str, Any]:
    """None drops a member."""
    new = {names.get(name, name): value for name, value in values.items()}
    return {name: value for name, value in new.items() if name is not None}


def _number(digital: DigitalAdresse) -> dict[str, Any]:
    return {"digitalId": digital.fodselsNummer or digital.organisasjonsNummer}


def _dated(name: str, value: Any) -> Any:
    return _iso(value) if name in DATES else value


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
