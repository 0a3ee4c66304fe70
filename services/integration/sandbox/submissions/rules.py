"""A letter as every version of REST hands it over, and what of it may be kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.integration.sandbox.svarut.rules import Channel, Described, Kind, Part

PERSONAL_NUMBER = 11
"""Digits."""
WAYS = {Kind.PERSON: Channel.MAILBOX, Kind.PRINT: Channel.PRINT, Kind.HEALTH: Channel.HEALTH}


@dataclass(frozen=True)
class Submission:
    """`told` is in the words of REST v3. `post_needed`: the version wants an address of whatever may be printed. `id`
    is the one that a client of v1 chose."""

    kind: Kind
    told: dict[str, Any]
    parts: list[Part]
    post_needed: bool = False
    id: UUID | None = None

    def number(self) -> str | None:
        return (self.told.get("mottaker") or {}).get("digitalId")

    def name(self) -> str:
        if self.kind is not Kind.HEALTH:
            return str(self.told["mottaker"]["navn"])[:100]
        patient = self.told["pasient"]
        if self.told["mottakertype"] == "FASTLEGE":
            return f"Fastlegen til {patient['fornavn']} {patient['etternavn']}"
        return f"HER-id {self.told['mottakerHerId']}"

    def described(self) -> list[Described]:
        if self.kind is Kind.HEALTH:
            return [Described(part.filename, "application/pdf") for part in self.parts]
        return [
            Described(
                one["filnavn"],
                one["mimeType"],
                bool(one.get("skalEkskluderesFraUtskrift")),
                bool(one.get("skalSigneres")),
            )
            for one in self.told.get("dokumenter") or []
        ]

    def digital_only(self) -> bool:
        return self.kind is not Kind.PRINT and bool(self.told.get("kunDigitalLevering"))

    def recipient(self) -> dict[str, Any]:
        """By which two letters are the same."""
        return {name: self.told.get(name) for name in ("mottaker", "mottakertype", "mottakerHerId", "pasient")}


def without_personal_numbers(told: Mapping[str, Any]) -> dict[str, Any]:
    """What may be kept of a letter, and told to whoever receives it."""
    kept = dict(told)
    for name in ("mottaker", "svarSendesTil"):
        if len((kept.get(name) or {}).get("digitalId") or "") == PERSONAL_NUMBER:
            kept[name] = {key: value for key, value in kept[name].items() if key != "digitalId"}
    kept["eksponertFor"] = [one for one in kept.get("eksponertFor") or [] if len(one) != PERSONAL_NUMBER]
    if "pasient" in kept:
        kept["pasient"] = {key: value for key, value in kept["pasient"].items() if key != "fodselsnummer"}
    return kept
