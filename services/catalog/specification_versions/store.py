"""How a new version begins."""

from sqlmodel import Session

from services.catalog.profiles import store as profiles
from services.catalog.requirements import store as requirements
from services.catalog.specifications import store as specifications


def begin(
    session: Session, specification: specifications.Specification, label: str, source: specifications.Version | None
) -> specifications.SpecificationVersion:
    """A draft with the requirements of `source`, if there is one: those of a derived specification keep what they
    stand for, and why others are left out. Its profiles as well."""
    base_id = source.base_id if source else None
    draft = specifications.add_version(session, specification.id, label, base_id=base_id)
    if source:
        contents = requirements.requirements(session, source.id)
        stands = [requirements.Stand(one.says, one.upstream_id, one.upstream_sha256) for one in contents]
        requirements.put(session, specification.id, draft.id, stands)
        requirements.leave(session, draft.id, requirements.left(session, source.id))
        profiles.copy(session, source.id, draft.id)
    return draft
