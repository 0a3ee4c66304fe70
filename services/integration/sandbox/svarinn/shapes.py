"""A waiting letter as SvarInn lists it, in the two models that KS publishes; spelt exactly as there. Numbers that are
absent are zero, texts are null, as in real answers."""

from datetime import datetime
from typing import Any

from services.chassis.clock import OSLO
from services.integration.sandbox.svarinn.store import Waiting

READY = "Klar for mottak"
HIGHEST = "HOYESTE"


def v1(letter: Waiting, url: str) -> dict[str, Any]:
    """Forsendelse of `svarinn-api-v1`: instants in milliseconds, the level as text."""
    told = letter.forsendelse
    return {
        "id": str(letter.id),
        "tittel": letter.title,
        "avsender": {
            "adresselinje1": None,
            "adresselinje2": None,
            "adresselinje3": None,
            "navn": letter.sender_name,
            "poststed": None,
            "postnr": None,
        },
        "mottaker": _v1_address(told.get("mottaker"), letter.recipient_name, letter.recipient_number),
        "date": _milliseconds(letter.received_at),
        "metadataFraAvleverendeSystem": _v1_case(told.get("metadataFraAvleverendeSystem") or {}),
        "metadataForImport": _v1_import(told.get("metadataForImport") or {}),
        "status": READY,
        "niva": "4" if _highest(told) else "3",
        "filmetadata": [
            {
                "filnavn": file["filename"],
                "mimetype": file["media_type"],
                "sha256hash": file["sha256"],
                "dokumentType": described.get("dokumentType"),
                "size": file["size"],
                "ekstraMetadata": described.get("ekstraMetadata") or [],
            }
            for file, described in letter.files()
        ],
        "svarSendesTil": _v1_answer(told.get("svarSendesTil"), letter),
        "svarPaForsendelse": told.get("svarPaForsendelseId"),
        "forsendelseType": told.get("forsendelsestype"),
        "eksternRef": letter.external_reference,
        "avgivendeSystem": told.get("avgivendeSystem"),
        "taushetsbelagtPost": bool(told.get("taushetsbelagtPost")),
        "lenker": [
            {"ledetekst": one.get("ledetekst"), "urlLenke": one.get("url"), "urlTekst": one.get("tekst")}
            for one in told.get("lenker") or []
        ],
        "downloadUrl": url,
    }


def v2(letter: Waiting, url: str) -> dict[str, Any]:
    """Forsendelse of `svarinn-api-v2`: instants as text, other names. KS's example still has v1's download address."""
    told = letter.forsendelse
    answer = _v2_address(told.get("svarSendesTil"), letter.sender_name, letter.sender_number)
    return {
        "id": str(letter.id),
        "tittel": letter.title,
        "avsender": {
            "adresselinje1": None,
            "adresselinje2": None,
            "adresselinje3": None,
            "navn": letter.sender_name,
            "poststed": None,
            "postnummer": None,
        },
        "mottaker": _v2_address(told.get("mottaker"), letter.recipient_name, letter.recipient_number),
        "dato": letter.received_at.astimezone(OSLO).isoformat(timespec="milliseconds"),
        "metadataFraAvleverendeSystem": _v2_case(told.get("metadataFraAvleverendeSystem") or {}),
        "metadataForImport": _v2_import(told.get("metadataForImport") or {}),
        "status": READY,
        "sikkerhetsniva": HIGHEST if _highest(told) else "BETYDELIG",
        "filer": [
            {
                "filnavn": file["filename"],
                "mimeType": file["media_type"],
                "hash": file["sha256"],
                "type": described.get("dokumentType"),
                "storrelse": file["size"],
                "ekstraMetadata": described.get("ekstraMetadata") or [],
            }
            for file, described in letter.files()
        ],
        "svarSendesTil": answer,
        "svarPaForsendelse": told.get("svarPaForsendelseId"),
        "type": told.get("forsendelsestype"),
        "eksternRef": letter.external_reference,
        "avgivendeSystem": told.get("avgivendeSystem"),
        "taushetsbelagtPost": bool(told.get("taushetsbelagtPost")),
        "lenker": [
            {"ledetekst": one.get("ledetekst"), "lenke": one.get("url"), "tekst": one.get("tekst")}
            for one in told.get("lenker") or []
        ],
        "virksomhetsspesifikkeMetadata": [],
        "nedlastingslenke": url,
    }


def _highest(told: dict[str, Any]) -> bool:
    return told.get("sikkerhetsniva") == HIGHEST


def _v1_address(recipient: dict[str, Any] | None, name: str, number: str | None) -> dict[str, Any]:
    where = (recipient or {}).get("adresse") or {}
    return {
        "adresse1": where.get("adresselinje1"),
        "adresse2": where.get("adresselinje2"),
        "adresse3": where.get("adresselinje3"),
        "postnr": where.get("postnummer"),
        "poststed": where.get("poststed"),
        "navn": name,
        "land": where.get("landkode") or "Norge",
        "orgnr": number,
        "fnr": None,
    }


def _v1_answer(to: dict[str, Any] | None, letter: Waiting) -> dict[str, Any]:
    """To the sender, unless the letter says otherwise."""
    if to is None:
        return _v1_address(None, letter.sender_name or "", letter.sender_number)
    return _v1_address(to, to.get("navn") or "", to.get("digitalId"))


def _v1_case(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "sakssekvensnummer": told.get("sakssekvensnummer") or 0,
        "saksaar": told.get("saksaar") or 0,
        "journalaar": told.get("journalaar") or 0,
        "journalsekvensnummer": told.get("journalsekvensnummer") or 0,
        "journalpostnummer": told.get("journalpostnummer") or 0,
        "journalposttype": told.get("journalposttype"),
        "journalstatus": told.get("journalstatus"),
        "journaldato": _milliseconds(told.get("journaldato")),
        "dokumentetsDato": _milliseconds(told.get("dokumentetsDato")),
        "tittel": told.get("tittel"),
        "saksBehandler": told.get("saksbehandler"),
        "ekstraMetadata": told.get("ekstraMetadata") or [],
    }


def _v1_import(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "sakssekvensnummer": told.get("sakssekvensnummer") or 0,
        "saksaar": told.get("saksaar") or 0,
        "journalposttype": told.get("journalposttype"),
        "journalstatus": told.get("journalstatus"),
        "dokumentetsDato": _milliseconds(told.get("dokumentetsDato")),
        "tittel": told.get("tittel"),
        "mappeId": told.get("mappeId"),
        "systemId": told.get("systemId"),
        "registreringsId": told.get("registreringsId"),
    }


def _v2_address(to: dict[str, Any] | None, name: str | None, number: str | None) -> dict[str, Any]:
    where = (to or {}).get("adresse") or {}
    return {
        "navn": (to or {}).get("navn") or name,
        "adresselinje1": where.get("adresselinje1"),
        "adresselinje2": where.get("adresselinje2"),
        "adresselinje3": where.get("adresselinje3"),
        "postnummer": where.get("postnummer"),
        "poststed": where.get("poststed"),
        "land": where.get("landkode") or "Norge",
        "organisasjonsnummer": (to or {}).get("digitalId") or number,
        "fodselsnummer": None,
    }


def _v2_case(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "sakssekvensnummer": told.get("sakssekvensnummer") or 0,
        "saksaar": told.get("saksaar") or 0,
        "journalaar": told.get("journalaar") or 0,
        "journalsekvensnummer": told.get("journalsekvensnummer") or 0,
        "journalpostnummer": told.get("journalpostnummer") or 0,
        "journalposttype": told.get("journalposttype"),
        "journalstatus": told.get("journalstatus"),
        "journaldato": told.get("journaldato"),
        "dokumentetsDato": told.get("dokumentetsDato"),
        "tittel": told.get("tittel"),
        "saksbehandler": told.get("saksbehandler"),
        "ekstraMetadata": told.get("ekstraMetadata") or [],
    }


def _v2_import(told: dict[str, Any]) -> dict[str, Any]:
    return {
        "mappeId": {
            "mappeId": told.get("mappeId"),
            "systemId": told.get("mappeSystemId"),
            "saksaar": told.get("saksaar") or 0,
            "sakssekvensnummer": told.get("sakssekvensnummer") or 0,
        },
        "journalpostId": {
            "systemId": told.get("systemId"),
            "registreringsId": told.get("registreringsId"),
            "journalpostnummer": told.get("journalpostnummer") or 0,
        },
        "journalposttype": told.get("journalposttype"),
        "journalstatus": told.get("journalstatus"),
        "dokumentetsDato": told.get("dokumentetsDato"),
        "tittel": told.get("tittel"),
    }


def _milliseconds(instant: datetime | str | None) -> int | None:
    """Since 1970; what is no instant is left out, as the sender's metadata are not looked into."""
    if isinstance(instant, str):
        try:
            instant = datetime.fromisoformat(instant)
        except ValueError:
            return None
    if instant is None:
        return None
    return int((instant if instant.tzinfo else instant.replace(tzinfo=OSLO)).timestamp() * 1000)
