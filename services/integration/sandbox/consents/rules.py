"""What a grant must say to get a token for a consent, when that is given, and what the token then says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.integration.sandbox.grant_refusals import rules as refusals
from services.integration.sandbox.persons.rules import is_synthetic

TYPE = "urn:altinn:consent"
PERSON = "urn:altinn:person:identifier-no:"
ORGANISATION = "urn:altinn:organization:identifier-no:"
_FIELDS = {"type", "id", "from"}
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ORGANISATION_NUMBER = re.compile(r"[0-9]{9}")


@dataclass(frozen=True)
class Asked:
    id: UUID
    giver: str = field(repr=False)
    """As a URN; it may hold a personal number, and is never told."""


@dataclass(frozen=True)
class Consent:
    id: UUID
    giver: str = field(repr=False)
    receiver: str
    """Organisation number."""
    consented_at: datetime
    valid_to: datetime
    rights: Sequence[Mapping[str, Any]]
    revoked_at: datetime | None


def is_giver(urn: str) -> bool:
    """A person or an organisation, as Altinn writes them."""
    if urn.startswith(PERSON):
        return is_synthetic(urn.removeprefix(PERSON))
    return urn.startswith(ORGANISATION) and bool(_ORGANISATION_NUMBER.fullmatch(urn.removeprefix(ORGANISATION)))


def read(detail: Mapping[str, Any]) -> Asked:
    if detail.keys() - _FIELDS:
        raise refusals.unknown_fields(_FIELDS)
    id, giver = detail.get("id"), detail.get("from")
    if not isinstance(id, str) or not _UUID.fullmatch(id):
        raise refusals.detail("id", "the UUID of a consent")
    if not isinstance(giver, str) or not is_giver(giver):
        raise refusals.detail("from", f"{PERSON} and a synthetic person, or {ORGANISATION} and nine digits")
    return Asked(UUID(id), giver)


def check(consent: Consent | None, asked: Asked, *, consumer: str, now: datetime) -> Consent:
    """It must be given by whom the grant names, to the organisation that the token is for, and still hold. Which of
    these fails is not told: to others it is as if there were none."""
    if (
        consent is None
        or consent.giver != asked.giver
        or consent.receiver != consumer
        or consent.revoked_at is not None
        or consent.valid_to <= now
    ):
        raise refusals.NothingInAltinn("Altinn knows no valid consent with this id, from this giver to the consumer")
    return consent


def told(consent: Consent) -> dict[str, Any]:
    return {
        "type": TYPE,
        "id": str(consent.id),
        "from": consent.giver,
        "to": {"authority": "iso6523-actorid-upis", "ID": f"0192:{consent.receiver}"},
        "consented": consent.consented_at.isoformat(),
        "validTo": consent.valid_to.isoformat(),
        "consentRights": list(consent.rights),
    }
