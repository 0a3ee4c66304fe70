"""Fictional requirement specifications."""

from datetime import date
from typing import Any

from sqlmodel import Session

from services.catalog.seed.files import told
from services.catalog.specifications import rules as requirements
from services.catalog.specifications import store as specifications
from services.chassis.problems import refuse


def load(session: Session, new: list[dict[str, Any]]) -> int:
    known = specifications.slugs(session)
    missing = [one for one in new if one["slug"] not in known]
    for one in missing:
        presupposed = specifications.presupposed(session, one["presupposes"]) if one["presupposes"] else None
        versions = [
            requirements.Version(
                version["version"],
                date.fromisoformat(version["effective_on"]),
                tuple(
                    requirements.Requirement(
                        row["id"], requirements.Obligation(row["obligation"]), row["text"], row["verification"]
                    )
                    for row in version["requirements"]
                ),
            )
            for version in one["versions"]
        ]
        refuse(requirements.check(one["level"], versions, presupposed[1] if presupposed else None))
        kept = specifications.Specification(
            slug=one["slug"],
            level=one["level"],
            name=one["name"],
            summary=one["summary"],
            presupposes_id=presupposed[0] if presupposed else None,
        )
        specifications.add(session, kept, versions)
    return told(session, "specification.seed", "/specifications", len(missing))
