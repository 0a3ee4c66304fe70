"""A draft's requirements, changed as a whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from services.catalog.drafts import rules
from services.catalog.requirements import rules as requirement_rules
from services.catalog.requirements import store as requirements
from services.catalog.requirements.rules import Requirement
from services.catalog.specifications import rules as specification_rules
from services.catalog.specifications import store as specifications
from services.chassis.problems import Problem, refuse


@dataclass(frozen=True)
class Draft:
    """A draft with what it contains now, held until the change is kept."""

    specification: specifications.Specification
    version: specifications.Version
    contents: Sequence[requirements.Content]

    def says(self) -> list[Requirement]:
        return [one.says for one in self.contents]


def open(session: Session, specification: specifications.Specification, label: str) -> Draft:
    version = specifications.version(session, specification, label)
    if version.timeline.published():
        raise specification_rules.VersionFrozen(f"{specification.slug} {label} is published.")
    return Draft(specification, version, requirements.requirements(session, version.id))


def replace(
    session: Session,
    draft: Draft,
    wanted: Sequence[Requirement],
    *,
    pointer: Callable[[int], str],
    reason: str | None,
    found: Sequence[Problem] = (),
) -> rules.Outcome:
    """Let the draft contain exactly what is wanted; `found`: what is wrong with it already. `pointer`: where the one at
    a place stands in the request; `reason`: why what is left out of the followed specification is."""
    version, base_id = draft.version, draft.version.base_id
    ids = set(requirements.codes(session, draft.specification.id)) | {one.id for one in wanted}
    problems = list(found)
    settled = requirements.settled(session, draft.specification.id, but=version.id)
    problems += requirement_rules.check_set(wanted, settled, pointer, ids)
    problems += requirements.check_clauses(session, wanted, pointer)
    followed = {one.id: one.says for one in requirements.requirements(session, base_id)} if base_id else {}
    links = rules.stands_for(wanted, {one.code: one.upstream_id for one in draft.contents}, followed)
    kept = {key for key in links.values() if key is not None}
    before = requirements.left(session, version.id)
    reasons = {key: before.get(key, reason) for key in followed if key not in kept}
    told = {key: why for key, why in reasons.items() if why}
    problems += requirement_rules.check_left(followed, kept, told, "?reason")
    refuse(rules.bounded(problems))
    outcome = rules.outcome(draft.says(), wanted)
    stands = [
        requirements.Stand(one, key, followed[key].fingerprint() if key else None)
        for one in wanted
        for key in (links[one.id],)
    ]
    requirements.put(session, draft.specification.id, version.id, stands)
    requirements.leave(session, version.id, told)
    return outcome
