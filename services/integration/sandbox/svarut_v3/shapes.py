"""Letters as REST v3 takes them, in KS's spelling; and the question for their status."""

import uuid
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic import Field as Limits

from services.integration.sandbox.svarut.rules import Kind


def _between(shortest: int, longest: int) -> Any:
    return StringConstraints(min_length=shortest, max_length=longest)


Text20 = Annotated[str, _between(1, 20)]
Text30 = Annotated[str, _between(1, 30)]
Text70 = Annotated[str, _between(1, 70)]
Text100 = Annotated[str, _between(1, 100)]


class _Shape(BaseModel):
    """As KS's clients send it: fields that we do not know are let be, and what is optional may be null."""

    model_config = ConfigDict(extra="ignore")


class Adresse(_Shape):
    adresselinje1: Text70
    adresselinje2: Text70 | None = None
    adresselinje3: Text70 | None = None
    poststed: Text70
    postnummer: Text20 | None = None
    landkode: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None


class Mottaker(_Shape):
    navn: Text100
    digitalId: Annotated[str, _between(9, 11)]
    adresse: Adresse | None = None


class PrintMottaker(_Shape):
    navn: Text100
    adresse: Adresse


class SvarSendesTil(_Shape):
    """`type` became required in 2026; older clients leave it out, and mean an organisation by an id of nine digits."""

    navn: Text100
    type: Literal["PERSON", "ORGANISASJON", "NHN_MOTTAKER"] | None = None
    digitalId: Annotated[str, StringConstraints(pattern=r"^\d{1,11}$")]
    adresse: Adresse


class Lenke(_Shape):
    url: Annotated[str, _between(1, 1000)]
    tekst: Text100
    ledetekst: Text100 | None = None


class EkstraMetadata(_Shape):
    key: Text100
    value: Annotated[str, _between(1, 500)]


class Dokument(_Shape):
    filnavn: Annotated[str, _between(1, 226)]
    mimeType: Annotated[str, _between(1, 127)]
    giroarkSide: Annotated[int, Limits(ge=1)] | None = None
    skalEkskluderesFraUtskrift: bool | None = None


class OrganisasjonDokument(Dokument):
    dokumentType: Text100 | None = None
    ekstraMetadata: Annotated[list[EkstraMetadata], Limits(max_length=20)] | None = None
    inneholderPersonsensitivInformasjon: bool | None = None


class PersonDokument(Dokument):
    skalSigneres: bool | None = None


class Utskriftskonfigurasjon(_Shape):
    tosidig: bool | None = None


class Signering(_Shape):
    signeringUtloper: AwareDatetime
    signaturType: Literal["AUTENTISERT_SIGNATUR", "AVANSERT_SIGNATUR"]


class _Forsendelse(_Shape):
    def told(self) -> dict[str, Any]:
        """In the words of REST v3."""
        return self.model_dump(mode="json", exclude_none=True)


class _Common(_Forsendelse):
    tittel: Annotated[str, _between(1, 1000)]
    avgivendeSystem: Text100 | None = None
    avgivendeSystemAktor: Text100 | None = None
    konteringskode: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_\-.øæåØÆÅ]{1,20}$")] | None = None
    kryptert: bool | None = None
    utskriftskonfigurasjon: Utskriftskonfigurasjon | None = None
    svarPaForsendelseId: uuid.UUID | None = None
    eksternReferanse: Text100 | None = None
    korrelasjonsid: Text100 | None = None


class _Answered(_Common):
    svarSendesTil: SvarSendesTil | None = None


class _Addressed(_Answered):
    mottaker: Mottaker
    eksponertFor: list[str] | None = None
    kunDigitalLevering: bool | None = None
    sikkerhetsniva: Literal["BETYDELIG", "HOYESTE"] | None = None
    lenker: Annotated[list[Lenke], Limits(max_length=5)] | None = None
    kanSvareViaEdialog: bool | None = None


class OrganisasjonForsendelse(_Addressed):
    metadataFraAvleverendeSystem: dict[str, Any] | None = None
    metadataForImport: dict[str, Any] | None = None
    forsendelsestype: Text100 | None = None
    taushetsbelagtPost: bool | None = None
    dokumenter: list[OrganisasjonDokument] | None = None


class PersonForsendelse(_Addressed):
    signering: Signering | None = None
    dokumenter: list[PersonDokument] | None = None


class PrintDokument(_Shape):
    filnavn: Annotated[str, _between(1, 226)]
    mimeType: Literal["application/pdf"]
    giroarkSide: Annotated[int, Limits(ge=1)] | None = None


class PrintForsendelse(_Answered):
    mottaker: PrintMottaker
    dokumenter: list[PrintDokument] | None = None


class AvsenderKontakt(_Shape):
    fornavn: Text30
    mellomnavn: Text30 | None = None
    etternavn: Text30
    telefonnummer: Annotated[str, _between(1, 30)]


class Pasient(_Shape):
    fodselsnummer: Annotated[str, StringConstraints(pattern=r"^\d{11}$")]
    fornavn: Text30
    mellomnavn: Text30 | None = None
    etternavn: Text30


class NhnForsendelse(_Common):
    """The one document stands in a part of its own, and nowhere in the JSON."""

    tittel: Annotated[str, _between(1, 200)]
    mottakertype: Literal["FASTLEGE", "HER_ID"]
    mottakerHerId: Annotated[int, Limits(ge=1)] | None = None
    avsenderKontakt: AvsenderKontakt
    pasient: Pasient
    beskrivelse: Annotated[str, _between(1, 5000)] | None = None
    eksponertFor: list[str] | None = None
    kunDigitalLevering: bool | None = None

    @model_validator(mode="after")
    def _says_who(self) -> "NhnForsendelse":
        if self.mottakertype == "HER_ID" and self.mottakerHerId is None:
            raise ValueError("mottakerHerId må fylles ut når mottakertype er HER_ID")
        return self


Forsendelse = OrganisasjonForsendelse | PersonForsendelse | PrintForsendelse | NhnForsendelse
SHAPES: dict[Kind, type[Forsendelse]] = {
    Kind.ORGANISATION: OrganisasjonForsendelse,
    Kind.PERSON: PersonForsendelse,
    Kind.PRINT: PrintForsendelse,
    Kind.HEALTH: NhnForsendelse,
}


class StatusSok(_Shape):
    id: list[uuid.UUID]
