"""The agreements' seed data: fictional framework agreements and call-offs, kept as any others are."""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from services.agreements.calloffs import letter, rules
from services.agreements.calloffs import store as calloffs
from services.agreements.frameworks import store as frameworks
from services.agreements.frameworks.rules import Method, State
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Scope
from services.agreements.places import store as places
from services.agreements.places.rules import PlaceState
from services.chassis import audit
from services.chassis.auth import Caller
from services.chassis.db import PROJECT, Database
from services.chassis.settings import IssuerKind
from services.chassis.values import seed_id

FILE = PROJECT / "data" / "fictional" / "agreements.json"


def load(database: Database, *, tell: Callable[[str], None]) -> None:
    """Load what is not there yet; a second time changes nothing."""
    data = json.loads(FILE.read_text())
    with database.writing() as session:
        for one in data["agreements"]:
            slug = col(frameworks.FrameworkAgreement.slug)
            if session.exec(select(slug).where(slug == one["slug"])).first() is None:
                _agreement(session, one, data)
                tell(f"framework agreement {one['slug']}")
        for one in data["call_offs"]:
            uuid = col(calloffs.CallOff.uuid)
            if session.exec(select(uuid).where(uuid == seed_id(f"call-off:{one['name']}"))).first() is None:
                _call_off(session, one)
                tell(f"call-off «{one['name']}»")


def _agreement(session: Session, one: dict[str, Any], data: dict[str, Any]) -> None:
    names, owner = data["names"], data["owner"]
    agreement = frameworks.add(
        session,
        frameworks.FrameworkAgreement(
            slug=one["slug"],
            title=one["title"],
            owner_id=_organisation(owner),
            owner_number=owner,
            owner_name=names[owner],
            state=State(one["state"]),
            notice_reference=one["notice_reference"],
            cpv=one["cpv"],
            starts_on=date.fromisoformat(one["starts_on"]),
            ends_on=date.fromisoformat(one["ends_on"]),
            estimate=Decimal(one["estimate_excl_vat"]),
            approval_limit=Decimal(one["approval_limit_excl_vat"]),
            specification=one["specification"],
        ),
    )
    assert agreement.id
    ledger.open_balance(session, Scope.FRAMEWORK_AGREEMENT, agreement.id, Decimal(one["ceiling_excl_vat"]))
    for number in one["participants"]:
        session.add(
            frameworks.Participant(
                framework_id=agreement.id, organisation_id=_organisation(number), number=number, name=names[number]
            )
        )
    for new in one["lots"]:
        lot = frameworks.Lot(framework_id=agreement.id, slug=new["slug"], title=new["title"], method=Method.RANKING)
        session.add(lot)
        session.flush()
        assert lot.id
        ceiling = new["ceiling_excl_vat"]
        ledger.open_balance(session, Scope.LOT, lot.id, Decimal(ceiling) if ceiling else None)
        for seat in new["places"]:
            number = seat["supplier"]
            place = places.Place(
                lot_id=lot.id,
                organisation_id=_organisation(number),
                number=number,
                name=names[number],
                rank=seat["rank"],
                state=PlaceState.ACTIVE,
            )
            places.add(session, place, [_price(agreement, line) for line in seat["prices"]])
    audit.record(session, None, "framework_agreement.seed", f"/framework-agreements/{one['slug']}")


def _price(agreement: frameworks.FrameworkAgreement, line: dict[str, Any]) -> places.Price:
    return places.Price(
        place_id=0,
        version=1,
        valid_from_on=agreement.starts_on,
        item=line["item"],
        name=line["name"],
        unit=line["unit"],
        unit_price=Decimal(line["unit_price_excl_vat"]),
        vat_percent=Decimal(line["vat_percent"]),
        product=line["product"],
    )


def _call_off(session: Session, one: dict[str, Any]) -> None:
    placed_on = date.fromisoformat(one["placed_on"])
    caller = Caller(one["buyer"], frozenset(), "seed", IssuerKind.MACHINE)
    offer = places.offer(session, one["framework"], one["lot"], one["buyer"], placed_on)
    first = offer.seats[0]
    wanted = [rules.Wanted(**line) for line in one["lines"]]
    candidate = calloffs.candidate(first, wanted)
    assert candidate.lines
    verdicts = tuple(
        rules.Verdict(product, "valid", "certified", certificate, f"{placed_on}T08:00:00Z", "seed data")
        for product, certificate in one["certificates"].items()
    )
    chosen = rules.Choice(candidate, candidate.lines, verdicts, ())
    placed = calloffs.place(
        session,
        caller,
        offer,
        chosen,
        events=rules.first_events(chosen.net, offer.approval_limit),
        needed_on=date.fromisoformat(one["needed_on"]),
        placed_on=placed_on,
        reference=one["reference"],
        uuid=seed_id(f"call-off:{one['name']}"),
    )
    calloffs.reserve(session, placed)
    for made in placed.letters:
        calloffs.keep_pdf(session, made, letter.pdf(placed.call_off, placed.lines, made.kind))
    for event in one.get("then", []):
        calloffs.move(session, caller, placed.call_off, rules.Event(event), None)


def _organisation(number: str) -> Any:
    return seed_id(f"organisation:{number}")
