"""What SvarUT takes, and what it finds wrong with a letter afterwards. Texts are ours where KS publishes none."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.integration.sandbox.svarut.rules import PDF, ContentRefused, Described, Kind, Part

FORBIDDEN_IN_FILENAMES = frozenset('"<>?*|:\\/')
LARGEST_FOR_HEALTH = 18 * 1024 * 1024
NORWAY = {None, "", "no", "norge", "noreg", "norway", "norga", "vuodna", "nöörje"}
"""As a letter's country stands in v3 (code) or in v1 and v2 (a name, in one of Norway's languages)."""
LOCKED = re.compile(rb"/Encrypt\s+\d+\s+\d+\s+R")
"""In a PDF's trailer, or in the dictionary of its cross-reference stream, neither of which is ever compressed."""
HEAD = 1024
URL = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+\Z", re.IGNORECASE)
"""RFC 2396 with the brackets of RFC 2732: a scheme, and no character that must be escaped."""


def check_files(
    described: Sequence[Described], parts: Sequence[Part], *, printable: bool, largest_print: int
) -> Iterator[ContentRefused]:
    """The files stand in the order of `dokumenter`, matched by file name alone, compared exactly. `largest_print` in
    bytes is what all that is printed may be together, as it becomes one PDF."""
    for document in described:
        if FORBIDDEN_IN_FILENAMES & set(document.filename):
            yield _refused(f"filnavnet {document.filename!r} inneholder ulovlige tegn")
        if printable and document.media_type != PDF and not document.left_out_of_print:
            yield _refused(f"{document.filename!r} kan ikke skrives ut; bare {PDF} kan det")
    for name, times in Counter(document.filename.casefold() for document in described).items():
        if times > 1:
            yield _refused(f"filnavnet {name!r} er brukt flere ganger")
    wanted, sent = [one.filename for one in described], [part.filename for part in parts]
    if missing := [name for name in wanted if name not in sent]:
        yield _refused(f"filene {missing} mangler")
    elif surplus := [name for name in sent if name not in wanted]:
        yield _refused(f"filene {surplus} er ikke beskrevet i dokumenter")
    elif wanted != sent:
        yield _refused(f"filene må komme i samme rekkefølge som i dokumenter: {wanted}, ikke {sent}")
    elif printable and _printed(described, parts) >= largest_print:
        yield _refused(f"dokumenter som skal kunne skrives ut må være mindre enn {largest_print} byte til sammen")
    for part in parts:
        if not part.content:
            yield ContentRefused(f"Kan ikke lagre tomt dokument: {part.filename!r}")


def _printed(described: Sequence[Described], parts: Sequence[Part]) -> int:
    return sum(len(part.content) for one, part in zip(described, parts, strict=True) if one.media_type == PDF)


def check_letter(kind: Kind, told: Mapping[str, Any]) -> Iterator[ContentRefused]:
    """`told` is the letter in the words of REST v3, whichever version it came through."""
    answers_to = told.get("svarSendesTil") or {}
    if told.get("kanSvareViaEdialog") and kind_of(answers_to) != "ORGANISASJON":
        yield _refused("kanSvareViaEdialog krever svarSendesTil med type ORGANISASJON")
    if told.get("sikkerhetsniva") == "HOYESTE" and not told.get("kryptert"):
        yield _refused("sikkerhetsniva HOYESTE krever krypterte dokumenter")
    if kind is not Kind.HEALTH and not (told.get("dokumenter") or told.get("lenker")):
        yield _refused("forsendelsen har verken dokumenter eller lenker")
    for link in told.get("lenker") or []:
        if not URL.match(link["url"]):
            yield _refused(f"lenker: {link['url']!r} er ingen gyldig URL")


def kind_of(party: Mapping[str, Any]) -> str | None:
    """`type` became required in 2026; older clients leave it out, and mean an organisation by an id of nine digits."""
    told = party.get("type") or ("ORGANISASJON" if len(party.get("digitalId") or "") == 9 else None)
    return str(told) if told else None


def check_post(told: Mapping[str, Any], *, needed: bool) -> Iterator[ContentRefused]:
    """An address that a letter can be carried to. `needed` is whether it must be there: it may have to be printed, and
    SvarUT is told of nowhere else to send it."""
    address = told["mottaker"].get("adresse")
    if address is None:
        if needed:
            yield _refused("mottaker mangler postadresse")
        return
    postcode, domestic = address.get("postnummer"), is_norway(address.get("landkode"))
    if needed and not address.get("poststed"):
        yield _refused("mottaker mangler poststed")
    if needed and domestic and not postcode:
        yield _refused("mottaker mangler postnummer")
    if domestic and postcode and not (len(postcode) == 4 and postcode.isascii() and postcode.isdigit()):
        yield _refused("postnummer i Norge har fire siffer")


def is_norway(country: str | None) -> bool:
    return (country or "").strip().lower() in NORWAY


def check_signing(kind: Kind, told: Mapping[str, Any], now: datetime) -> Iterator[ContentRefused]:
    """What a letter needs that its recipient is to sign."""
    signing = told.get("signering")
    to_sign = [one for one in told.get("dokumenter") or [] if one.get("skalSigneres")]
    if not signing and not to_sign:
        return
    if kind is not Kind.PERSON:
        yield _refused("bare en person kan signere")
    if len(to_sign) != 1 or to_sign[0]["mimeType"] != PDF:
        yield _refused("nøyaktig ett PDF-dokument må ha skalSigneres")
    if not signing:
        yield _refused("signeringUtloper og signaturType mangler")
    elif datetime.fromisoformat(signing["signeringUtloper"]) < now + timedelta(days=1):
        yield _refused("signeringUtloper må være minst ett døgn fram i tid")
    if kind_of(told.get("svarSendesTil") or {}) != "ORGANISASJON":
        yield _refused("signering krever svarSendesTil med organisasjonsnummer")


def check_type(letter_type: str | None, known: Sequence[str]) -> Iterator[ContentRefused]:
    """Only types that SvarUT knows can be routed by."""
    if letter_type is not None and letter_type not in known:
        yield _refused(f"forsendelsestypen {letter_type!r} finnes ikke")


def check_patient(patient: Mapping[str, Any]) -> Iterator[ContentRefused]:
    if not is_synthetic_person(patient["fodselsnummer"]):
        yield _refused("pasient.fodselsnummer er ikke et gyldig syntetisk fødselsnummer (+80 på måneden)")


def check_for_health(parts: Sequence[Part]) -> Iterator[ContentRefused]:
    if len(parts) != 1 or not parts[0].content.startswith(b"%PDF-"):
        yield _refused("en forsendelse til NHN har nøyaktig ett PDF-dokument")
    elif len(parts[0].content) > LARGEST_FOR_HEALTH:
        yield _refused("et dokument til NHN kan ikke være større enn 18 MB")


def defect(described: Sequence[Described], parts: Sequence[Part]) -> str | None:
    """Why a letter that was taken is rejected (AVVIST) when SvarUT makes its file."""
    for document, part in zip(described, parts, strict=True):
        if document.media_type == PDF and b"%PDF-" not in part.content[:HEAD]:
            return f"{document.filename!r} er ingen gyldig PDF"
        if document.media_type == PDF and LOCKED.search(part.content):
            return f"{document.filename!r} er passordbeskyttet"
    return None


def check_recipient(kind: Kind, number: str) -> Iterator[ContentRefused]:
    if kind is Kind.ORGANISATION and not is_organisation_number(number):
        yield _refused("mottaker.digitalId er ikke et gyldig organisasjonsnummer")
    if kind is Kind.PERSON and not is_synthetic_person(number):
        yield _refused("mottaker.digitalId er ikke et gyldig syntetisk fødselsnummer (+80 på måneden)")


def _refused(why: str) -> ContentRefused:
    return ContentRefused(f"{ContentRefused.title()}: {why}")


def _digits(number: str, length: int) -> list[int] | None:
    return [int(digit) for digit in number] if len(number) == length and number.isascii() and number.isdigit() else None


def is_organisation_number(number: str) -> bool:
    """Nine digits whose weighted sum is divisible by eleven."""
    digits = _digits(number, 9)
    return digits is not None and _sum(digits, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def is_synthetic_person(number: str) -> bool:
    """Eleven digits with 80 added to the month: nobody's number, so that none of a real person is typed in here. From
    2032 the first control sum may leave a remainder of 0 to 3 (Skatteetaten)."""
    digits = _digits(number, 11)
    if digits is None or not 81 <= digits[2] * 10 + digits[3] <= 92:
        return False
    first = _sum(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    return first in (0, 1, 2, 3) and _sum(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _sum(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))
