"""When several products meet the must requirements of a specification between them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.catalog.certificates.rules import Assurance, Outcome
from services.catalog.verifications.rules import Verdict


class Code(StrEnum):
    """Why. The first that applies decides."""

    SPECIFICATION_UNKNOWN = "specification_unknown"
    VERSION_UNKNOWN = "version_unknown"
    PROFILE_UNKNOWN = "profile_unknown"
    PRODUCT_UNKNOWN = "product_unknown"
    NOTHING_REQUIRED = "nothing_required"
    GAPS = "gaps"
    COVERED = "covered"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a certificate that holds on the day found about a must requirement. `requirement`: its internal key."""

    requirement: int
    product: str
    certificate: str
    outcome: Outcome
    assurance: Assurance


@dataclass(frozen=True, slots=True)
class Line:
    """A must requirement with what was found about it, what covers it first."""

    requirement: int
    covered: bool
    proofs: tuple[Proof, ...]


def lines(musts: Sequence[int], proofs: Iterable[Proof]) -> list[Line]:
    """A requirement is covered when one product meets it. When none does, it is enough that it is not relevant to any
    product that was looked at for it; what is not relevant to one and not met by another is a gap."""
    by_requirement: dict[int, list[Proof]] = defaultdict(list)
    for proof in proofs:
        by_requirement[proof.requirement].append(proof)
    return [_line(one, by_requirement[one]) for one in musts]


_WORTH = {outcome: place for place, outcome in enumerate(Outcome)}


def _line(requirement: int, proofs: Sequence[Proof]) -> Line:
    outcomes = {one.outcome for one in proofs}
    covered = Outcome.MET in outcomes or outcomes == {Outcome.NOT_RELEVANT}
    own_word = {Assurance.THIRD_PARTY: 0, Assurance.SELF_DECLARED: 1}
    ordered = sorted(
        proofs, key=lambda one: (_WORTH[one.outcome], own_word[one.assurance], one.product, one.certificate)
    )
    return Line(requirement, covered, tuple(ordered))


def decide(found: Sequence[Line], unknown_products: Sequence[str]) -> tuple[Verdict, Code]:
    """About a set with a product that nobody knows, nothing can be said."""
    if unknown_products:
        return Verdict.UNKNOWN, Code.PRODUCT_UNKNOWN
    if not found:
        return Verdict.NOT_VALID, Code.NOTHING_REQUIRED
    if all(one.covered for one in found):
        return Verdict.VALID, Code.COVERED
    return Verdict.NOT_VALID, Code.GAPS


# ---- Words


def text(code: Code, **words: object) -> dict[str, str]:
    """A reason in nb, nn and en."""
    return {language: written.format(**words) for language, written in _TEXTS[code].items()}


_TEXTS = {
    Code.SPECIFICATION_UNKNOWN: {
        "nb": "Katalogen kjenner ikke kravspesifikasjonen {specification}.",
        "nn": "Katalogen kjenner ikkje kravspesifikasjonen {specification}.",
        "en": "The catalogue does not know the specification {specification}.",
    },
    Code.VERSION_UNKNOWN: {
        "nb": "{specification} har ingen slik versjon som gjelder {on}.",
        "nn": "{specification} har ingen slik versjon som gjeld {on}.",
        "en": "{specification} has no such version in force on {on}.",
    },
    Code.PROFILE_UNKNOWN: {
        "nb": "{specification} {version} har ingen profil {profile}.",
        "nn": "{specification} {version} har ingen profil {profile}.",
        "en": "{specification} {version} has no profile {profile}.",
    },
    Code.PRODUCT_UNKNOWN: {
        "nb": "Katalogen kjenner ikke produktet {product}.",
        "nn": "Katalogen kjenner ikkje produktet {product}.",
        "en": "The catalogue does not know the product {product}.",
    },
    Code.NOTHING_REQUIRED: {
        "nb": "{specification} {version} har ingen må-krav å oppfylle.",
        "nn": "{specification} {version} har ingen må-krav å oppfylle.",
        "en": "{specification} {version} has no must requirement to meet.",
    },
    Code.GAPS: {
        "nb": "Ingen av produktene er sertifisert {on} med at {requirement} er oppfylt.",
        "nn": "Ingen av produkta er sertifisert {on} med at {requirement} er oppfylt.",
        "en": "None of the products is certified on {on} as meeting {requirement}.",
    },
    Code.COVERED: {
        "nb": "Produktene oppfyller {on} til sammen alle må-kravene i {specification} {version}.",
        "nn": "Produkta oppfyller {on} til saman alle må-krava i {specification} {version}.",
        "en": "On {on} the products together meet every must requirement of {specification} {version}.",
    },
}
