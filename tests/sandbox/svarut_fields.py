"""The published field tables of SvarUT, spelt as KS spells them: a letter that holds everything, by version."""

from typing import Any

from services.chassis.values import new_id

PERSON = {"navn": "Fiktiv Bjørk", "digitalId": "12837532157"}
SIGNED_BEFORE = "2100-01-02T12:00:00+01:00"
ANSWERED = "018f5e9c-7d2b-7c3a-9f00-000000000001"
MILLISECONDS = 1_700_000_000_000
V1_ADDRESS = {
    "navn": "Fjordvakt Velferd AS (fiktiv)",
    "adresse1": "Storgata 1",
    "adresse2": "Oppgang B",
    "adresse3": "2. etasje",
    "postNummer": "8900",
    "postSted": "Brønnøysund",
    "land": "Norge",
}
V1_EXTRA = [{"key": "nøkkel", "value": "verdi"}]


def v1_letter(**changed: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "mottaker": {"postAdresse": V1_ADDRESS, "digitalAdresse": {"organisasjonsNummer": "100000016"}},
        "eksponertFor": [{"organisasjonsNummer": "100000024"}],
        "avgivendeSystem": "Samvirke",
        "tittel": f"Bestilling {new_id()}",
        "konteringsKode": "A-1.ø",
        "kunDigitalLevering": False,
        "kryptert": False,
        "krevNiva4Innlogging": False,
        "svarPaForsendelseLink": True,
        "taushetsbelagtPost": True,
        "utskriftsKonfigurasjon": {"utskriftMedFarger": True, "tosidig": True},
        "metadataFraAvleverendeSystem": {
            "saksSekvensNummer": 1,
            "saksAar": 2026,
            "journalAar": 2026,
            "journalSekvensNummer": 2,
            "journalPostNummer": 3,
            "journalPostType": "U",
            "journalStatus": "J",
            "journalDato": MILLISECONDS,
            "dokumentetsDato": MILLISECONDS,
            "tittel": "Sak",
            "saksBehandler": "Fiktiv Selje",
            "ekstraMetadata": V1_EXTRA,
        },
        "metadataForImport": {
            "saksSekvensNummer": 1,
            "saksAar": 2026,
            "journalPostType": "I",
            "journalStatus": "J",
            "dokumentetsDato": MILLISECONDS,
            "tittel": "Import",
        },
        "svarSendesTil": {
            "postAdresse": V1_ADDRESS | {"navn": "Samvirke"},
            "digitalAdresse": {"organisasjonsNummer": "100000008"},
        },
        "svarPaForsendelse": {"id": ANSWERED},
        "dokumenter": [
            {
                "filnavn": "brev.pdf",
                "mimeType": "application/pdf",
                "skalSigneres": False,
                "inneholderPersonsensitivInformasjon": True,
                "dokumentType": "Bestilling",
                "giroarkSider": [1],
                "ekstraMetadata": V1_EXTRA,
                "ekskluderesFraUtskrift": False,
            }
        ],
        "lenker": [{"urlLenke": "https://a.example/", "urlTekst": "Se her", "ledeTekst": "Mer"}],
        "forsendelsesType": "Bestilling",
        "eksternReferanse": str(new_id()),
        "signeringUtloper": None,
        "signaturType": None,
    }
    return {name: value for name, value in (whole | changed).items() if value is not ...}


NOARK = {
    "mappeId": "m",
    "mappeSystemId": "ms",
    "saksaar": 2026,
    "sakssekvensnummer": 1,
    "systemId": "s",
    "registreringsId": "r",
    "journalpostnummer": 3,
    "journalaar": 2026,
    "journalsekvensnummer": 2,
    "journalposttype": "U",
    "journalstatus": "J",
    "dokumentetsDato": "2026-11-02T10:00:00+01:00",
    "tittel": "Sak",
}
V2_ADDRESS = {
    "adresselinje1": "Storgata 1",
    "adresselinje2": "Oppgang B",
    "adresselinje3": "2. etasje",
    "poststed": "Brønnøysund",
    "postnummer": "8900",
    "land": "Norge",
}


def v2_letter(**changed: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "tittel": f"Bestilling {new_id()}",
        "mottaker": {"navn": "Fjordvakt", "digitalId": "100000016", **V2_ADDRESS},
        "svarSendesTil": {"navn": "Samvirke", "digitalId": "100000008", **V2_ADDRESS},
        "eksponertFor": ["100000024"],
        "avgivendeSystem": "Samvirke",
        "avgivendeSystemAktor": "Samvirke",
        "konteringskode": "A_1-b.ø",
        "kunDigitalLevering": False,
        "kryptert": False,
        "krevNiva4Innlogging": False,
        "svarPaForsendelseLink": True,
        "taushetsbelagtPost": True,
        "utskriftskonfigurasjon": {"utskriftMedFarger": True, "tosidig": True},
        "metadataFraAvleverendeSystem": NOARK
        | {
            "journaldato": "2026-11-02T10:00:00+01:00",
            "saksbehandler": "Fiktiv Selje",
            "ekstraMetadata": V1_EXTRA,
        },
        "metadataForImport": NOARK,
        "svarPaForsendelse": ANSWERED,
        "dokumenter": [
            {
                "filnavn": "brev.pdf",
                "mimeType": "application/pdf",
                "skalSigneres": False,
                "dokumentType": "Bestilling",
                "giroarkSider": [1],
                "skalEkskluderesFraUtskrift": False,
                "ekstraMetadata": V1_EXTRA,
                "inneholderPersonsensitivInformasjon": True,
            }
        ],
        "lenker": [{"url": "https://a.example/", "tekst": "Se her", "ledetekst": "Mer"}],
        "forsendelsestype": "Bestilling",
        "eksternReferanse": str(new_id()),
        "korrelasjonsid": "k",
        "signeringUtloper": None,
        "signaturType": None,
    }
    return {name: value for name, value in (whole | changed).items() if value is not ...}


V3_ADDRESS = {
    "adresselinje1": "Storgata 1",
    "adresselinje2": "Oppgang B",
    "adresselinje3": "2. etasje",
    "poststed": "Brønnøysund",
    "postnummer": "8900",
    "landkode": "NO",
}
COMMON: dict[str, Any] = {
    "avgivendeSystem": "Samvirke",
    "avgivendeSystemAktor": "Samvirke",
    "konteringskode": "A_1-b.ø",
    "kryptert": False,
    "utskriftskonfigurasjon": {"tosidig": True},
    "svarPaForsendelseId": ANSWERED,
    "korrelasjonsid": "k",
}
ANSWERS_TO = {"navn": "Samvirke", "type": "ORGANISASJON", "digitalId": "100000008", "adresse": V3_ADDRESS}
ADDRESSED: dict[str, Any] = {
    "eksponertFor": ["100000024"],
    "kunDigitalLevering": False,
    "sikkerhetsniva": "BETYDELIG",
    "svarSendesTil": ANSWERS_TO,
    "lenker": [{"url": "https://a.example/", "tekst": "Se her", "ledetekst": "Mer"}],
    "kanSvareViaEdialog": True,
}
DOCUMENT = {
    "filnavn": "brev.pdf",
    "mimeType": "application/pdf",
    "giroarkSide": 1,
    "skalEkskluderesFraUtskrift": False,
}
V3: dict[str, dict[str, Any]] = {
    "organisasjon": COMMON
    | ADDRESSED
    | {
        "mottaker": {"navn": "Fjordvakt", "digitalId": "100000016", "adresse": V3_ADDRESS},
        "metadataFraAvleverendeSystem": {"saksaar": 2026},
        "metadataForImport": {"saksaar": 2026},
        "forsendelsestype": "Bestilling",
        "taushetsbelagtPost": True,
        "dokumenter": [
            DOCUMENT
            | {
                "dokumentType": "Bestilling",
                "ekstraMetadata": V1_EXTRA,
                "inneholderPersonsensitivInformasjon": True,
            }
        ],
    },
    "person": COMMON
    | ADDRESSED
    | {
        "mottaker": PERSON | {"adresse": V3_ADDRESS},
        "signering": {"signeringUtloper": SIGNED_BEFORE, "signaturType": "AVANSERT_SIGNATUR"},
        "dokumenter": [DOCUMENT | {"skalSigneres": True}],
    },
    "print": COMMON
    | {
        "mottaker": {"navn": "Fiktiv Bjørk", "adresse": V3_ADDRESS},
        "svarSendesTil": ANSWERS_TO,
        "dokumenter": [{"filnavn": "brev.pdf", "mimeType": "application/pdf", "giroarkSide": 1}],
    },
    "nhn": COMMON
    | {
        "mottakertype": "HER_ID",
        "mottakerHerId": 123,
        "avsenderKontakt": {
            "fornavn": "Fiktiv",
            "mellomnavn": "M",
            "etternavn": "Selje",
            "telefonnummer": "+4700000000",
        },
        "pasient": {"fodselsnummer": "04918321433", "fornavn": "Fiktiv", "mellomnavn": "M", "etternavn": "Rogn"},
        "beskrivelse": "Beskrivelse",
        "eksponertFor": ["100000024"],
        "kunDigitalLevering": True,
    },
}


def v3_letter(kind: str, **changed: Any) -> dict[str, Any]:
    whole = {"tittel": f"Bestilling {new_id()}", "eksternReferanse": str(new_id())} | V3[kind] | changed
    return {name: value for name, value in whole.items() if value is not ...}
