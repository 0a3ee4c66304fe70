"""Derived specifications as they are begun, and as they follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from services.catalog.derivations import rules
from services.catalog.derivations.rules import Ours
from services.catalog.requirements import store as requirements
from services.catalog.requirements.rules import Requirement
from services.catalog.specification_versions import store as specification_versions
from services.catalog.specifications import store as specifications


@dataclass(frozen=True)
class Derived:
    """A version of a derived specification beside the version that it follows."""

    specification: specifications.Specification
    version: specifications.Version
    source: specifications.Specification
    base: specifications.Version
    ours: Sequence[Ours]
    theirs: Mapping[str, requirements.Content]
    """What the followed version requires, by id."""
    reasons: Mapping[int, str]
    """Why what is left out is, by the internal key of what is."""

    def base_says(self) -> list[Requirement]:
        return [one.says for one in self.theirs.values()]

    def deviations(self) -> rules.Deviations:
        return rules.deviations(self.base_says(), self.ours)

    def reason(self, id: str) -> str | None:
        return self.reasons.get(self.theirs[id].id)


def derive(
    session: Session,
    specification: specifications.Specification,
    source: specifications.Version,
    label: str,
    recording: specifications.Recording,
) -> specifications.Specification:
    """Keep a new specification with one draft: a copy of `source` under the same ids."""
    kept = specifications.add(session, specification, [], recording)
    draft = specifications.add_version(session, kept.id, label, base_id=source.id)
    stands = [
        requirements.Stand(without_history(one.says), one.id, one.says.fingerprint())
        for one in requirements.requirements(session, source.id)
    ]
    requirements.put(session, kept.id, draft.id, stands)
    return kept


def without_history(says: Requirement) -> Requirement:
    """What it replaced there was never here."""
    return Requirement(says.id, **says.content())


def read(
    session: Session, specification: specifications.Specification, version: specifications.Version
) -> Derived | None:
    """None when it is not derived."""
    if specification.derived_from_id is None or version.base_id is None:
        return None
    contents = requirements.contents(session, [version.id, version.base_id])
    return Derived(
        specification,
        version,
        session.get_one(specifications.Specification, specification.derived_from_id),
        specifications.version_by_id(session, version.base_id),
        [Ours(one.says, one.upstream) for one in contents[version.id]],
        {one.code: one for one in contents[version.base_id]},
        requirements.left(session, version.id),
    )


def replaced(session: Session, specification_id: int) -> dict[str, str]:
    """A requirement's id → the id that it replaced."""
    return {code: row.replaces for code, row in specifications.codes(session, specification_id).items() if row.replaces}


def follow(
    session: Session,
    derived: Derived,
    to: specifications.Version,
    label: str,
    merged: rules.Merge,
    reasons: Mapping[int, str],
) -> None:
    """Keep what the merge came to in the draft of this label, which is begun if it is not there."""
    row, version = derived.specification, derived.version
    if version.timeline.published() or version.label != label:
        draft_id = specification_versions.begin(session, row, label, version).id
    else:
        draft_id = version.id
    draft = session.get_one(specifications.SpecificationVersion, draft_id)
    draft.base_id = to.id
    theirs = {one.code: one for one in requirements.requirements(session, to.id)}
    stands = [
        requirements.Stand(one.says, theirs[one.upstream].id, theirs[one.upstream].says.fingerprint())
        if one.upstream
        else requirements.Stand(one.says)
        for one in merged.requirements
    ]
    requirements.put(session, row.id, draft_id, stands)
    requirements.leave(session, draft_id, reasons)
