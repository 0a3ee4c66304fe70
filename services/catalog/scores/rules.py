"""What is deducted from a hundred, how much, and why."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from services.catalog.components.rules import Kind, Offer, check_offer
from services.catalog.lifecycles.rules import LifeCycle
from services.chassis.problems import Problem

LANGUAGES = ("nb", "nn")
"""Both forms of Norwegian are expected of public bodies (språklova); others are welcome."""
MISSING = {
    "form-missing": 10,
    "operator-missing": 10,
    "price-note-missing": 5,
    "terms-missing": 5,
    "data-processing-agreement-missing": 10,
    "licence-missing": 10,
    "repository-missing": 10,
}
"""What its form entails and is not there: points."""


@dataclass(frozen=True)
class Deduction:
    code: str
    points: int
    why: str
    pointer: str | None
    """Which field of the component to mend, as a JSON pointer."""


@dataclass(frozen=True)
class Facts:
    """All that is looked at."""

    kind: Kind
    life_cycle: LifeCycle
    name: Mapping[str, str]
    summary: Mapping[str, str]
    purpose: bool
    target_services: bool
    level: bool
    owner: bool
    """Whether a registered organisation answers for it."""
    stale: bool
    replaced_by: bool
    offer: Offer
    repositories: int
    versions: int
    supported_versions: int


def deductions(facts: Facts) -> list[Deduction]:
    return list(_deductions(facts))


def score(found: Collection[Deduction]) -> int:
    """0–100."""
    return max(0, 100 - sum(one.points for one in found))


def _deductions(facts: Facts) -> Iterator[Deduction]:
    if not facts.owner:
        yield Deduction("owner-missing", 15, "No registered organisation answers for it.", "#/owner")
    if facts.life_cycle is LifeCycle.UNKNOWN:
        yield Deduction("state-unknown", 15, "Nobody has said whether it is in use.", "#/life_cycle")
    if facts.stale:
        yield Deduction("stale", 10, "Its owner has not confirmed it for more than 365 days.", "#/confirmed_on")
    if not facts.summary:
        yield Deduction("summary-missing", 10, "It is not said what it does, and for whom.", "#/summary")
    for field, text in (("name", facts.name), ("summary", facts.summary)):
        if text and not set(LANGUAGES) <= text.keys():
            missing = ", ".join(one for one in LANGUAGES if one not in text)
            yield Deduction(f"{field}-language-missing", 3, f"Not told in {missing}.", f"#/{field}")
    if not facts.level:
        yield Deduction("level-missing", 2, "It is not said whose tasks it serves.", "#/level")
    if facts.life_cycle is LifeCycle.DEPRECATED and not facts.replaced_by:
        yield Deduction("replacement-missing", 5, "It is not said what replaces it.", "#/replaced_by")
    if facts.kind is Kind.COMPONENT:
        yield from _of_software(facts)


def _of_software(facts: Facts) -> Iterator[Deduction]:
    if not facts.purpose:
        yield Deduction("purpose-missing", 5, "It is not said what it is good for.", "#/purpose")
    if not facts.target_services:
        yield Deduction("services-missing", 3, "It is not said which services it serves.", "#/target_services")
    missing: list[Problem] = check_offer(facts.offer, repositories=facts.repositories)
    for problem in missing:
        yield Deduction(problem.slug(), MISSING[problem.slug()], problem.title() + ".", problem.pointer)
    if not facts.versions:
        yield Deduction("version-missing", 5, "No version is registered.", None)
    elif not facts.supported_versions and facts.life_cycle is LifeCycle.AVAILABLE:
        yield Deduction("support-missing", 10, "No version of it is supported today.", None)
