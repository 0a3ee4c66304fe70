"""Fictional requirement specifications, and one that a municipality has derived."""

from datetime import UTC, date, datetime, time
from typing import Any

from sqlmodel import Session

from services.catalog.derivations import store as derivations
from services.catalog.drafts import store as drafts
from services.catalog.organisations import store as organisations
from services.catalog.requirements.rules import Method, Obligation, Requirement
from services.catalog.schemes.rules import SubjectKind
from services.catalog.seed.files import told
from services.catalog.specification_versions import store as specification_versions
from services.catalog.specifications import rules
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import EventKind
from services.chassis.problems import refuse

EDITORS = "100000008"
RECORDED = time(8, tzinfo=UTC)


def load(session: Session, new: list[dict[str, Any]]) -> int:
    known = specifications.slugs(session)
    owners = organisations.ids_by_number(session)
    missing = [one for one in new if one["slug"] not in known]
    for one in missing:
        presupposed = specifications.presupposed(session, one["presupposes"]) if one["presupposes"] else None
        versions = [
            rules.Version(
                version["version"],
                date.fromisoformat(version["effective_on"]),
                tuple(_requirement(row) for row in version["requirements"]),
            )
            for version in one["versions"]
        ]
        certifies = SubjectKind(one.get("certifies", "product"))
        refuse(rules.check(one["level"], versions, presupposed[1] if presupposed else None, certifies))
        kept = specifications.Specification(
            slug=one["slug"],
            certifies=certifies,
            level=one["level"],
            name=one["name"],
            summary=one["summary"],
            presupposes_id=presupposed[0] if presupposed else None,
            owner_id=owners.get(EDITORS),
            national=True,
        )
        specifications.add(session, kept, versions, _recording(versions[0].effective_on, EDITORS))
        _confirmed(session, kept, versions[0].effective_on)
    return told(session, "specification.seed", "/specifications", len(missing))


def load_further_versions(session: Session, new: list[dict[str, Any]]) -> int:
    """Versions of specifications that are there: what changes, is added and is dropped against the one before."""
    loaded = 0
    for one in new:
        row = specifications.by_slug(session, one["specification"])
        if specifications.find_version(session, row.slug, one["version"]):
            continue
        before = specifications.find_version(session, row.slug, one["copy_from"])
        specification_versions.begin(session, row, one["version"], before)
        draft = drafts.open(session, row, one["version"])
        _put(session, draft, one)
        _published(session, row, one, EDITORS)
        loaded += 1
    return told(session, "specification.seed", "/specifications", loaded)


def load_derived(session: Session, new: list[dict[str, Any]]) -> int:
    known = specifications.slugs(session)
    owners = organisations.ids_by_number(session)
    missing = [one for one in new if one["slug"] not in known]
    for one in missing:
        source = specifications.by_slug(session, one["derived_from"])
        version = specifications.find_version(session, source.slug, one["from_version"])
        assert version
        first = one["versions"][0]
        row = derivations.derive(
            session,
            specifications.Specification(
                slug=one["slug"],
                level=source.level,
                name=one["name"],
                summary=one["summary"],
                presupposes_id=source.presupposes_id,
                owner_id=owners[one["owner"]],
                derived_from_id=source.id,
            ),
            version,
            first["version"],
            _recording(date.fromisoformat(first["effective_on"]), one["owner"]),
        )
        _put(session, drafts.open(session, row, first["version"]), first)
        _published(session, row, first, one["owner"])
        for further in one["versions"][1:]:
            before = specifications.versions(session, [row.id])[row.id][-1]
            specification_versions.begin(session, row, further["version"], before)
            _put(session, drafts.open(session, row, further["version"]), further)
            _published(session, row, further, one["owner"])
        _confirmed(session, row, date.fromisoformat(first["effective_on"]))
    return told(session, "specification.seed", "/specifications", len(missing))


def _put(session: Session, draft: drafts.Draft, changes: dict[str, Any]) -> None:
    """`put` says anew or adds, `drop` leaves out."""
    put = {one["id"]: _requirement(one) for one in changes["put"]}
    replaced = {one.replaces: one for one in put.values() if one.replaces}
    wanted = {}
    for one in draft.says():
        if one.id not in changes["drop"]:
            now = replaced.get(one.id) or put.get(one.id, one)
            wanted[now.id] = now
    drafts.replace(
        session, draft, list((wanted | put).values()), pointer="#/put/{}".format, reason=changes.get("drop_reason")
    )


def _published(session: Session, row: specifications.Specification, version: dict[str, Any], owner: str) -> None:
    if version["effective_on"] is None:
        return
    found = specifications.find_version(session, row.slug, version["version"])
    assert found
    day = date.fromisoformat(version["effective_on"])
    recorded = _recording(date.fromisoformat(version["published_on"]), owner)
    specifications.record(session, found.id, EventKind.PUBLISHED, day, version.get("reason"), recorded)


def _confirmed(session: Session, row: specifications.Specification, on: date | None) -> None:
    row.confirmed_on = on
    session.flush()


def _recording(on: date | None, organisation: str) -> specifications.Recording:
    assert on
    return specifications.Recording(datetime.combine(on, RECORDED), on, organisation)


def _requirement(row: dict[str, Any]) -> Requirement:
    return Requirement(
        row["id"],
        Obligation(row["obligation"]),
        row["text"],
        row.get("verification"),
        Method(row["method"]) if row.get("method") else None,
        row.get("applies_to"),
        row.get("comment"),
        None,
        row.get("replaces"),
    )
