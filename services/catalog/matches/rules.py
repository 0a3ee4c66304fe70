"""How far something covers a need's requirements. What is certified and what is only declared are two columns that are
never added up, and nothing is summed to a percentage, which would hide a must that is not met."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.catalog.certificates.rules import Outcome
from services.catalog.declarations.rules import Answer
from services.catalog.specifications.rules import Obligation


class Coverage(StrEnum):
    """Best first."""

    COVERED = "covered"
    PARTLY = "partly"
    NOT_COVERED = "not_covered"
    UNKNOWN = "unknown"


_WORTH = {coverage: place for place, coverage in enumerate(Coverage)}
_WEIGHT = {Obligation.MUST: 0, Obligation.SHOULD: 1, Obligation.MAY: 2}
OF_OUTCOME = {
    Outcome.MET: Coverage.COVERED,
    Outcome.PARTLY: Coverage.PARTLY,
    Outcome.NOT_MET: Coverage.NOT_COVERED,
    # Whoever needs it is not helped by a product to which it does not apply.
    Outcome.NOT_RELEVANT: Coverage.NOT_COVERED,
    Outcome.NOT_TESTED: Coverage.UNKNOWN,
}
OF_ANSWER = {
    Answer.MET: Coverage.COVERED,
    Answer.PARTLY: Coverage.PARTLY,
    Answer.NOT_MET: Coverage.NOT_COVERED,
    Answer.NOT_RELEVANT: Coverage.NOT_COVERED,
}


def of_declaration(answer: Answer | None, obligation: Obligation) -> Coverage:
    """Whoever declares to meet a specification declares every must of it that it does not answer otherwise."""
    if answer is not None:
        return OF_ANSWER[answer]
    return Coverage.COVERED if obligation is Obligation.MUST else Coverage.UNKNOWN


@dataclass(frozen=True)
class Wanted:
    """A requirement of the need, by internal key."""

    key: int
    obligation: Obligation


@dataclass(frozen=True)
class Word:
    """What a certificate or a declaration (`source`) says of a requirement."""

    requirement: int
    coverage: Coverage
    source: str


@dataclass(frozen=True)
class Line:
    """How far one requirement is covered, in two columns."""

    requirement: int
    obligation: Obligation
    certified: Coverage
    certificate: str | None
    declared: Coverage
    declaration: str | None


@dataclass(frozen=True)
class Tally:
    """Of the requirements of one obligation: how many there are, and how many are covered."""

    total: int
    certified: int
    declared: int


def lines(wanted: Sequence[Wanted], certified: Iterable[Word], declared: Iterable[Word]) -> list[Line]:
    best_certified, best_declared = _best(certified), _best(declared)
    found = []
    for one in wanted:
        proof, word = best_certified.get(one.key), best_declared.get(one.key)
        found.append(
            Line(
                one.key,
                one.obligation,
                proof.coverage if proof else Coverage.UNKNOWN,
                proof.source if proof else None,
                word.coverage if word else Coverage.UNKNOWN,
                word.source if word else None,
            )
        )
    return found


def _best(words: Iterable[Word]) -> dict[int, Word]:
    best: dict[int, Word] = {}
    for one in sorted(words, key=lambda one: (_WORTH[one.coverage], one.source)):
        best.setdefault(one.requirement, one)
    return best


def gaps(found: Sequence[Line]) -> list[Line]:
    """What no certificate covers, musts first; a declaration closes no gap."""
    left = [one for one in found if one.certified is not Coverage.COVERED]
    return sorted(left, key=lambda one: _WEIGHT[one.obligation])


def tally(found: Sequence[Line], obligation: Obligation) -> Tally:
    here = [one for one in found if one.obligation is obligation]
    return Tally(
        len(here),
        sum(one.certified is Coverage.COVERED for one in here),
        sum(one.declared is Coverage.COVERED for one in here),
    )


def order(found: Sequence[Line], name: str) -> tuple[object, ...]:
    """Sorts candidates: by musts that are certified, in part certified, then declared; then shoulds and mays alike."""
    key: list[object] = []
    for obligation in Obligation:
        here = [one for one in found if one.obligation is obligation]
        key += [
            -sum(one.certified is Coverage.COVERED for one in here),
            -sum(one.certified is Coverage.PARTLY for one in here),
            -sum(one.declared is Coverage.COVERED for one in here),
            -sum(one.declared is Coverage.PARTLY for one in here),
        ]
    return (*key, name)


def together(wanted: Sequence[Wanted], of_each: Mapping[str, Sequence[Line]]) -> list[Line]:
    """How far several products cover the requirements between them; no single one need do so."""
    proofs = [
        Word(one.requirement, one.certified, one.certificate)
        for found in of_each.values()
        for one in found
        if one.certificate
    ]
    words = [
        Word(one.requirement, one.declared, one.declaration)
        for found in of_each.values()
        for one in found
        if one.declaration
    ]
    return lines(wanted, proofs, words)
