"""What framework agreements tell, read from where they are kept."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from services.agreements.contracting_processes.rules import Party
from services.agreements.framework_processes.rules import Agreement, Lot, Place
from services.agreements.frameworks import rules as framework_rules
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.store import FrameworkAgreement
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Scope
from services.agreements.places import rules as place_rules
from services.agreements.places import store as places


def agreements(session: Session, slugs: Sequence[str]) -> list[Agreement]:
    """Those of them that have been announced."""
    query = select(FrameworkAgreement).where(
        col(FrameworkAgreement.slug).in_(slugs), col(FrameworkAgreement.announced_on).is_not(None)
    )
    return [_agreement(session, row) for row in session.exec(query.order_by(col(FrameworkAgreement.slug))).all()]


def _agreement(session: Session, row: FrameworkAgreement) -> Agreement:
    assert row.id
    lots, seats = frameworks.lots(session, row.id), places.of(session, row.id)
    ceilings = ledger.room(session, Scope.LOT, [lot.id or 0 for lot in lots])
    steps = places.events(session, [place.id or 0 for place, _ in seats])
    happened = {one.event: one.recorded_at for one in frameworks.events(session, row.id)}
    leaving = (place_rules.Event.WITHDRAW, place_rules.Event.TERMINATE)
    return Agreement(
        slug=row.slug,
        title=row.title,
        state=row.state,
        owner=Party(row.owner_number, row.owner_name),
        participants=tuple(Party(one.number, one.name) for one in frameworks.participants(session, row.id)),
        cpv=tuple(row.cpv),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        extensions=tuple(row.extensions),
        period_rationale=row.period_rationale,
        estimate=row.estimate,
        maximum=ledger.room(session, Scope.FRAMEWORK_AGREEMENT, [row.id])[row.id].ceiling,
        lots=tuple(
            Lot(lot.slug, lot.title, framework_rules.bands(lot.bands), ceilings[lot.id or 0].ceiling) for lot in lots
        ),
        places=tuple(
            Place(
                id=str(place.uuid),
                lot=lot,
                supplier=Party(place.number, place.name),
                rank=place.rank,
                state=place.state,
                left_at=next((one.recorded_at for one in steps[place.id or 0] if one.event in leaving), None),
            )
            for place, lot in seats
        ),
        awarded_at=happened.get(framework_rules.Event.AWARD.value),
        activated_at=happened.get(framework_rules.Event.ACTIVATE.value),
    )
