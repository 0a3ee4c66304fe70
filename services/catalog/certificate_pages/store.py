"""What a certificate's page shows, read in a few questions."""

from collections.abc import Iterable
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from services.catalog.certificate_pages import rules
from services.catalog.certificates import store as certificates
from services.catalog.certificates.rules import Assurance, ConditionKind, EventKind, Outcome, SubjectKind, standing
from services.catalog.integrity_flags import store as integrity_flags
from services.catalog.organisations.store import Organisation
from services.catalog.products import store as products
from services.catalog.profiles import store as profiles
from services.catalog.requirements.store import Requirement
from services.catalog.specifications import store as specifications
from services.catalog.specifications.rules import Obligation


def page(session: Session, number: str, on: date, now: datetime, today: date) -> rules.Page:
    """A certificate on a day, as it is known now."""
    row = certificates.by_number(session, number)
    version = row.specification_version_id
    history = certificates.history_of(row, certificates.timelines(session, [version])[version])
    stands = standing(history, on, now)
    assert stands is not None, "it has been granted"
    events = [one for one in certificates.events_of(session, row.id) if on >= today or one.effective_on <= on]
    results = certificates.results(session, row.id, now)
    names = _names(session, [row.decided_by, *(e.organisation_number for e in events), *(r.tester for r in results)])
    texts = _texts(session, [one.requirement_id for one in results])
    met = {
        event.detail["condition"]: event.effective_on
        for event in events
        if event.kind is EventKind.CONDITION_MET and event.detail
    }
    holders = products.suppliers(session, {row.supplier_id}, today)[row.supplier_id]
    holder = holders[0] if len(holders) == 1 else None
    specification = specifications.by_slug(session, row.specification)
    return rules.Page(
        number=row.number,
        on=on,
        today=today,
        status=stands.status,
        remarks=stands.remarks,
        subject_kind=SubjectKind(row.subject_kind),
        product=row.product,
        product_name=row.product_name,
        role=row.role,
        holder=rules.Organisation(
            holder.organisation_number if holder else row.supplier_number, holder.name if holder else row.supplier_name
        ),
        decided_by=names[row.decided_by],
        scope=stands.scope,
        validity=stands.validity,
        revision=stands.revision,
        specification=row.specification,
        specification_name=specification.name,
        specification_version=row.specification_version,
        profile_name=next((one.name for one in profiles.of_version(session, version) if one.slug == row.profile), None),
        conditions=[
            rules.Condition(ConditionKind(one.kind), one.requirement, one.text, one.due_on, met.get(one.key))
            for one in certificates.conditions(session, row.id)
        ],
        results=[
            rules.Result(
                requirement=one.requirement,
                obligation=Obligation(one.obligation),
                text=texts[one.requirement_id],
                outcome=Outcome(one.outcome),
                reason=one.reason,
                assurance=Assurance(one.assurance),
                tester=names[one.tester] if one.tester else None,
                tested_on=one.tested_on,
                tool=" ".join(filter(None, [one.tool, one.tool_version])) or None,
                evidence=len(one.evidence),
            )
            for one in results
        ],
        events=[
            rules.Event(
                EventKind(one.kind),
                one.effective_on,
                one.recorded_at,
                one.reason,
                one.back_dated,
                names[one.organisation_number],
                one.ground,
            )
            for one in events
        ],
        flags=[
            rules.Flag(one.text, one.on) for one in integrity_flags.of(session, [row.id], today)[row.id] if one.on <= on
        ],
        fictional=any(one.fictional for one in holders),
    )


def _names(session: Session, numbers: Iterable[str | None]) -> dict[str, rules.Organisation]:
    """Organisation number → the organisation by name; the number itself stands for one that is not in the catalogue."""
    wanted = {one for one in numbers if one}
    query = sa.select(col(Organisation.organisation_number), col(Organisation.name)).where(
        col(Organisation.organisation_number).in_(wanted)
    )
    known = {row.organisation_number: row.name for row in session.execute(query)}
    return {one: rules.Organisation(one, known.get(one, one)) for one in wanted}


def _texts(session: Session, ids: Iterable[int]) -> dict[int, dict[str, str]]:
    query = sa.select(col(Requirement.id), col(Requirement.text)).where(col(Requirement.id).in_(set(ids)))
    return {row.id: row.text for row in session.execute(query)}
