"""Mini-competitions in the seed data: fictional, and made by the same steps as any other."""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from services.agreements.awards import store as awards
from services.agreements.bids import rules as bid_rules
from services.agreements.bids import shapes as bid_shapes
from services.agreements.bids import store as bids
from services.agreements.competition_letters import store as letters
from services.agreements.competition_papers import document
from services.agreements.competition_papers import store as papers
from services.agreements.competition_steps import store as competition_steps
from services.agreements.evaluations import store as evaluations
from services.agreements.evaluations.shapes import NewScores
from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.mini_competitions.shapes import NewTerms
from services.agreements.mini_competitions.store import MiniCompetition
from services.agreements.openings import store as openings
from services.agreements.places import store as places
from services.agreements.questions import store as questions
from services.agreements.sealing.store import SealingKey
from services.chassis.auth import Caller
from services.chassis.settings import IssuerKind
from services.chassis.values import seed_id


def load(session: Session, one: dict[str, Any], key: SealingKey, public_url: str) -> bool:
    """→ whether it was not there yet"""
    uuid = seed_id(f"mini-competition:{one['name']}")
    if session.exec(select(MiniCompetition.uuid).where(col(MiniCompetition.uuid) == uuid)).first():
        return False
    buyer, on = _caller(one["buyer"]), date.fromisoformat(one["published_on"])
    row = _draft(session, one, buyer, on)
    if "publish" not in one["then"]:
        return True
    competition_steps.publish(session, buyer, row, key, on)
    row = mini_competitions.by_id(session, row.id or 0)
    invited = {invitation.supplier: invitation for invitation in mini_competitions.invitations(session, row.id or 0)}
    for place, asked in enumerate(one.get("questions", []), 1):
        at = datetime.fromisoformat(asked["asked_at"])
        name = seed_id(f"question:{one['name']}:{place}")
        question = questions.ask(session, _caller(asked["by"]), row, asked["text"], at, uuid=name)
        if "answer" in asked:
            questions.answer(
                session, buyer, row, question, asked["answer"], datetime.fromisoformat(asked["answered_at"])
            )
    for given in one.get("bids", []):
        _bid(session, row, invited[given["supplier"]], given, one["name"])
    if "deadline_reached" in one["then"]:
        row.published_at, row.deadline = (datetime.fromisoformat(one[name]) for name in ("published_at", "deadline"))
        session.flush()
        competition_steps.reach_deadline(session, row)
    if "open_bids" in one["then"]:
        openings.open_bids(session, buyer, row, key)
        _evaluate(session, one, buyer, row)
    first = letters.of(session, row.id or 0)[0]  # is there to be read at once; the others are made when they are sent
    made = document.pdf(papers.letter(session, first), public_url=public_url)
    letters.keep_pdf(session, first.reference, made, "nb")
    return True


def _evaluate(session: Session, one: dict[str, Any], buyer: Caller, row: MiniCompetition) -> None:
    """Marked, rejected and announced, as far as it says."""
    given = {
        supplier: seed_id(f"bid:{one['name']}:{supplier}") for supplier in (bid["supplier"] for bid in one["bids"])
    }
    for evaluator, marked in one.get("marks", {}).items():
        sheet = NewScores.model_validate(
            {"bids": [{"bid": given[supplier], "marks": marks} for supplier, marks in marked.items()]}
        )
        evaluations.mark(session, buyer, row, evaluator, sheet.given(), sheet.comments())
    for supplier, reasons in one.get("rejected", {}).items():
        evaluations.reject(session, buyer, row, bids.by_uuid(session, row, given[supplier]), reasons)
    if "announce_award" in one["then"]:
        award = awards.announce(session, buyer, row, reason=one["award"]["reason"], decided_on=None)
        award.told_at = award.announced_at
        award.ends_at = datetime.fromisoformat(one["award"]["standstill_ends_at"])
        award.tried_at = datetime.fromisoformat(one["terms"]["deadline"])  # an example waits for whoever tries it
        session.flush()


def _draft(session: Session, one: dict[str, Any], buyer: Caller, on: date) -> MiniCompetition:
    """With a deadline that does not pass; one that has passed is put there when the bids are in."""
    terms = NewTerms.model_validate(one["terms"])
    offer = places.offer(session, one["framework"], one["lot"], one["buyer"], on)
    assert offer.buyer_id
    assert terms.title
    row = MiniCompetition(
        uuid=seed_id(f"mini-competition:{one['name']}"),
        framework_id=offer.framework_id,
        lot_id=offer.lot_id,
        framework=offer.slug,
        lot=offer.lot,
        owner=mini_competitions.owner_of(session, offer.framework_id),
        buyer_id=offer.buyer_id,
        buyer=one["buyer"],
        buyer_name=offer.buyer_name or "",
        participant_id=offer.participant_id or 0,
        title=terms.title.kept(),
        description=terms.description.kept() if terms.description else None,
        drafted_at=datetime.fromisoformat(one["drafted_at"]),
        **terms.columns(),
    )
    return mini_competitions.add(session, buyer, row)


def _bid(
    session: Session, row: MiniCompetition, invitation: mini_competitions.Invitation, given: dict[str, Any], name: str
) -> None:
    supplier, new = _caller(given["supplier"]), bid_shapes.NewBid.model_validate(given["bid"])
    content, _ = bid_shapes.content(new, row, invitation, [one.read() for one in new.documents])
    at = datetime.fromisoformat(given["at"])
    uuid = seed_id(f"bid:{name}:{given.get('name', given['supplier'])}")
    kept = bids.draft(session, supplier, row, invitation, content, at, uuid=uuid)
    if given.get("submitted", True):
        kept.submitted_at = at
        bids.move(session, supplier, row, kept, bid_rules.Event.SUBMIT)


def _caller(organisation: str) -> Caller:
    return Caller(organisation, frozenset(), "seed", IssuerKind.MACHINE)
