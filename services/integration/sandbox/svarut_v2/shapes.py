"""Letters and questions as REST v2 takes them, in KS's spelling, and letters again in the words of v3."""

import uuid
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.integration.sandbox.svarut.rules import Kind

Text100 = Annotated[str, StringConstraints(max_length=100)]
ORGANISATION, PERSON = 9, 11
"""Digits."""


class _Shape(BaseModel):
    """Fields that we do not know are let be, and what is optional may be null: KS's own client sends it so."""

    model_config = ConfigDict(extra="ignore")


class Adresse(_Shape):
    navn: str
    digitalId: Annotated[str, StringConstraints(pattern=r"^(\d{9}|\d{11})$")] | None = None
    adresselinje1: str | None = None
    adresselinje2: str | None = None
    adresselinje3: str | None = None
    poststed: str | None = None
    postnummer: str | None = None
    land: str | None = None

    def told(self) -> dict[str, Any]:
        whole = self.model_dump(exclude_none=True)
        address = {
            "landkode" if name == "land" else name: value
            for name, value in whole.items()
            if name not in ("navn", "digitalId") and value
        }
        party = {name: whole[name] for name in ("navn", "digitalId") if whole.get(name)}
        return party | ({"adresse": address} if address else {})


class EkstraMetadata(_Shape):
    key: str
    value: str


class Dokument(_Shape):
    filnavn: Annotated[str, StringConstraints(min_length=1, max_length=226)]
    mimeType: Annotated[str, StringConstraints(min_length=1, max_length=127)]
    skalSigneres: bool | None = None
    dokumentType: str | None = None
    giroarkSider: list[int] | None = None
    skalEkskluderesFraUtskrift: bool | None = None
    ekstraMetadata: list[EkstraMetadata] | None = None
    inneholderPersonsensitivInformasjon: bool | None = None


class Lenke(_Shape):
    url: str
    tekst: str
    ledetekst: str | None = None


class Utskriftskonfigurasjon(_Shape):
    utskriftMedFarger: bool | None = None
    tosidig: bool | None = None


class _Noark(_Shape):
    mappeId: str | None = None
    mappeSystemId: str | None = None
    saksaar: int | None = None
    sakssekvensnummer: int | None = None
    systemId: str | None = None
    registreringsId: str | None = None
    journalpostnummer: int | None = None
    journalaar: int | None = None
    journalsekvensnummer: int | None = None
    journalposttype: str | None = None
    journalstatus: str | None = None
    dokumentetsDato: AwareDatetime | None = None
    tittel: str | None = None


class MetadataForImport(_Noark):
    """What the sender knows of the recipient's archive."""


class MetadataFraAvleverendeSystem(_Noark):
    journaldato: AwareDatetime | None = None
    saksbehandler: str | None = None
    ekstraMetadata: list[EkstraMetadata] | None = None


class Forsendelse(_Shape):
    tittel: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    mottaker: Adresse
    svarSendesTil: Adresse | None = None
    eksponertFor: list[str] | None = None
    avgivendeSystem: Text100 | None = None
    avgivendeSystemAktor: str | None = None
    konteringskode: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_\-.øæåØÆÅ]{0,20}$")] | None = None
    kunDigitalLevering: bool | None = None
    kryptert: bool | None = None
    krevNiva4Innlogging: bool | None = None
    svarPaForsendelseLink: bool | None = None
    taushetsbelagtPost: bool | None = None
    utskriftskonfigurasjon: Utskriftskonfigurasjon | None = None
    metadataFraAvleverendeSystem: MetadataFraAvleverendeSystem | None = None
    metadataForImport: MetadataForImport | None = None
    svarPaForsendelse: uuid.UUID | None = None
    dokumenter: list[Dokument] | None = None
    lenker: Annotated[list[Lenke], Field(max_length=5)] | None = None
    forsendelsestype: Text100 | None = None
    eksternReferanse: Text100 | None = None
    korrelasjonsid: Text100 | None = None
    signeringUtloper: AwareDatetime | None = None
    signaturType: Literal["AUTENTISERT_SIGNATUR", "AVANSERT_SIGNATUR"] | None = None

    def kind(self) -> Kind:
        """Without a number there is only paper."""
        return {ORGANISATION: Kind.ORGANISATION, PERSON: Kind.PERSON}.get(
            len(self.mottaker.digitalId or ""), Kind.PRINT
        )

    def told(self) -> dict[str, Any]:
        """In the words of REST v3."""
        told = self.model_dump(mode="json", exclude_none=True)
        for party in ("mottaker", "svarSendesTil"):
            if found := getattr(self, party):
                told[party] = found.told()
        if (answered := told.pop("svarPaForsendelse", None)) is not None:
            told["svarPaForsendelseId"] = answered
        told["kanSvareViaEdialog"] = told.pop("svarPaForsendelseLink", False)
        told["sikkerhetsniva"] = "HOYESTE" if told.pop("krevNiva4Innlogging", False) else "BETYDELIG"
        signing = {name: told.pop(name) for name in ("signeringUtloper", "signaturType") if name in told}
        if len(signing) == 2:
            told["signering"] = signing
        return told


class StatusSok(_Shape):
    forsendelseIds: list[uuid.UUID]


class Lest(_Shape):
    fnr: Annotated[str, StringConstraints(pattern=r"^[0-9]{11}$")]
    tidspunkt: AwareDatetime
    eksterntSystemnavn: str | None = None
