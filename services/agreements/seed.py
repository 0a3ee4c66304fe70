"""The agreements' seed data: fictional framework agreements and call-offs, kept as any others are."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from services.agreements import seeded_competitions, seeded_reports
from services.agreements.acceptances import store as acceptances
from services.agreements.accessions import rules as accession_rules
from services.agreements.accessions import store as accessions
from services.agreements.agreement_changes import rules as agreement_change_rules
from services.agreements.agreement_changes import store as agreement_changes
from services.agreements.award_keys import rules as award_keys
from services.agreements.calloff_steps import store as calloff_steps
from services.agreements.calloffs import letter, placing, rules
from services.agreements.calloffs import store as calloffs
from services.agreements.complaints.rules import Rejected
from services.agreements.cost_splits import rules as cost_split_rules
from services.agreements.cost_splits import store as cost_splits
from services.agreements.deliveries import rules as delivery_rules
from services.agreements.deliveries import store as deliveries
from services.agreements.fees import store as fees
from services.agreements.framework_steps import store as framework_steps
from services.agreements.frameworks import rules as framework_rules
from services.agreements.frameworks import shapes
from services.agreements.frameworks import store as frameworks
from services.agreements.ledger import store as ledger
from services.agreements.ledger.rules import Kind, Scope
from services.agreements.letter_replies import store as letter_replies
from services.agreements.letters import store as letters
from services.agreements.order_changes import rules as order_change_rules
from services.agreements.order_changes import store as order_changes
from services.agreements.places import store as places
from services.agreements.places.rules import Event as PlaceEvent
from services.agreements.places.rules import PlaceState
from services.agreements.releases import rules as release_rules
from services.agreements.releases import store as releases
from services.agreements.sealing.store import SealingKey, new_key
from services.agreements.settings import Settings
from services.agreements.shares import rules as share_rules
from services.agreements.thresholds import rules as threshold_rules
from services.agreements.thresholds import store as thresholds
from services.chassis import audit
from services.chassis.auth import Caller
from services.chassis.db import PROJECT, Database
from services.chassis.settings import IssuerKind
from services.chassis.values import seed_id

FILE = PROJECT / "data" / "fictional" / "agreements.json"
PUBLIC_URL = "http://127.0.0.1:8002"
"""In the letters that are made up."""
COST_MODELS = PROJECT / "data" / "cost_sharing_models.csv"
"""Real: see data/SOURCES.md."""

_TO_ANNOUNCED = (framework_rules.Event.ANNOUNCE,)
_TO_STANDSTILL = (*_TO_ANNOUNCED, framework_rules.Event.AWARD)
_TO_ACTIVE = (*_TO_STANDSTILL, framework_rules.Event.ACTIVATE)
STEPS = {
    framework_rules.State.DRAFT: (),
    framework_rules.State.ANNOUNCED: _TO_ANNOUNCED,
    framework_rules.State.STANDSTILL: _TO_STANDSTILL,
    framework_rules.State.ACTIVE: _TO_ACTIVE,
    framework_rules.State.SUSPENDED: (*_TO_ACTIVE, framework_rules.Event.SUSPEND),
    framework_rules.State.EXPIRED: (*_TO_ACTIVE, framework_rules.Event.EXPIRE),
}
"""How a seeded agreement came to be as it is."""


def load(
    database: Database, *, tell: Callable[[str], None], made_up: bool = True, sealing_key: SealingKey | None = None
) -> None:
    """Load what is not there yet; a second time changes nothing. Without what is made up only the real rows: the
    thresholds and the cost-sharing models. `sealing_key`: the one that the settings name, when it is left out."""
    with database.writing() as session:
        _thresholds(session, thresholds.real(), tell, fictional=False)
        with COST_MODELS.open(newline="") as file:
            if loaded := cost_splits.load_models(session, list(csv.DictReader(file))):
                audit.record(session, None, "cost_model.seed", "/cost-splits/models", loaded=loaded)
                tell(f"cost-sharing models: {loaded}")
        if made_up:
            data = json.loads(FILE.read_text())
            _made_up(session, data, tell)
            key = sealing_key or new_key(Settings(database_url=database.url))
            for one in data["mini_competitions"]:
                if seeded_competitions.load(session, one, key, PUBLIC_URL):
                    tell(f"mini-competition «{one['name']}»")
    releases.publish_all(database, release_rules.UNREGISTERED)


def _thresholds(session: Session, rows: list[Any], tell: Callable[[str], None], *, fictional: bool) -> None:
    if added := thresholds.load(session, rows, fictional=fictional):
        audit.record(session, None, "threshold.seed", "/thresholds", added=added, fictional=fictional)
        tell(f"thresholds{' (fictional)' if fictional else ''}: {added}")


def _made_up(session: Session, data: dict[str, Any], tell: Callable[[str], None]) -> None:
    _thresholds(session, data["thresholds"], tell, fictional=True)
    for one in data["agreements"]:
        slug = col(frameworks.FrameworkAgreement.slug)
        if session.exec(select(slug).where(slug == one["slug"])).first() is None:
            _agreement(session, one, data)
            tell(f"framework agreement {one['slug']}")
    for one in [*data["accessions"], *_own_accessions(session, data)]:
        if _accession(session, one, data["names"]):
            tell(f"accession of {one['number']} to {one['framework']}")
    for one in data["call_offs"]:
        uuid = col(calloffs.CallOff.uuid)
        if session.exec(select(uuid).where(uuid == seed_id(f"call-off:{one['name']}"))).first() is None:
            _call_off(session, one, data["names"])
            tell(f"call-off «{one['name']}»")
    for one in data["fees"]:
        if _fee(session, one):
            tell(f"fee of {one['framework']}")
    for one in data["cost_splits"]:
        uuid = col(cost_splits.CostSplit.uuid)
        if session.exec(select(uuid).where(uuid == seed_id(f"cost-split:{one['name']}"))).first() is None:
            _cost_split(session, one, data["names"])
            tell(f"cost split «{one['name']}»")
    seeded_reports.load(session, tell)


def _agreement(session: Session, one: dict[str, Any], data: dict[str, Any]) -> None:
    names, owner = data["names"], data["owner"]
    given = {name: one[name] for name in shapes.NewTerms.model_fields if name in one}
    given["participants"] = [{"organisation_number": number} for number in one["participants"]]
    given["lots"] = [{name: value for name, value in lot.items() if name != "places"} for lot in one["lots"]]
    terms = shapes.NewTerms.model_validate(given)
    agreement = frameworks.FrameworkAgreement(
        slug=one["slug"],
        owner_id=_organisation(owner),
        owner_number=owner,
        owner_name=names[owner],
        state=framework_rules.State.DRAFT,
        **shapes.columns(terms),
    )
    frameworks.add(session, agreement)
    assert agreement.id
    parties = {number: (_organisation(number), names[number]) for number in one["participants"]}
    shapes.put_parts(session, agreement.id, terms, parties)
    for lot, new in zip(frameworks.lots(session, agreement.id), sorted(one["lots"], key=_slug), strict=True):
        for seat in new["places"]:
            number = seat["supplier"]
            place = places.Place(
                lot_id=lot.id or 0,
                organisation_id=_organisation(number),
                number=number,
                name=names[number],
                rank=seat["rank"],
                state=PlaceState.ACTIVE,
                uuid=seed_id(f"place:{one['slug']}:{lot.slug}:{number}"),
                index_clause=lot.index_clause,
                lowest_factor=lot.lowest_factor,
                highest_factor=lot.highest_factor,
            )
            places.add(session, place, [_price(agreement, line) for line in seat["prices"]])
            ledger.open_balance(session, Scope.SUPPLIER, place.id or 0, None)
    frameworks.tell(session, agreement, frameworks.REGISTER, None, "Seed data (fictional)")
    for event in STEPS[framework_rules.State(one["state"])]:
        if event is framework_rules.Event.ANNOUNCE:
            agreement.announced_on = date.fromisoformat(one["announced_on"])
            known = thresholds.on(session, agreement.announced_on)
            if not threshold_rules.check_known(agreement.contract_kind, known, agreement.announced_on):
                told = terms.model_dump(mode="json")
                agreement.announcement = framework_steps.announced(agreement, told, known, agreement.announced_on)
        frameworks.happened(session, agreement, event, None, "Seed data (fictional)")
    if agreement.state in framework_rules.OVER:
        places.agreement_ended(session, agreement)
    for place, lot_slug in places.of(session, agreement.id):
        if day := one.get("suspended_places", {}).get(f"{lot_slug}:{place.number}"):
            until_on = date.fromisoformat(day)
            places.happened(session, agreement, place, PlaceEvent.SUSPEND, None, "Seed data (fictional)", until_on)
    if "change" in one:
        _change(session, agreement, one["change"])


def _change(session: Session, agreement: frameworks.FrameworkAgreement, one: dict[str, Any]) -> None:
    """A pending change of one place."""
    uuid = seed_id(f"place:{agreement.slug}:{one['lot']}:{one['supplier']}")
    place, _ = places.by_uuid(session, agreement, uuid)
    row = agreement_changes.AgreementChange(
        uuid=seed_id(f"change:{agreement.slug}"),
        framework_id=agreement.id or 0,
        place_id=place.id,
        kind=agreement_change_rules.Kind(one["terms"]["kind"]),
        terms=one["terms"] | {"place": str(uuid)},
        proposed_by=one["supplier"],
        reason=one["reason"],
        effective_on=date.fromisoformat(one["effective_on"]),
    )
    agreement_changes.add(session, agreement, row, None)


def _slug(lot: dict[str, Any]) -> str:
    return str(lot["slug"])


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
        component=line.get("component"),
        secret_reason=line.get("secret_reason"),
    )


def _call_off(session: Session, one: dict[str, Any], names: dict[str, str]) -> None:
    placed_on, needed_on = date.fromisoformat(one["placed_on"]), date.fromisoformat(one["needed_on"])
    caller = Caller(one["buyer"], frozenset(), "seed", IssuerKind.MACHINE)
    offer = places.offer(session, one["framework"], one["lot"], one["buyer"], placed_on)
    documented = one.get("documented_choice")
    asked = placing.Asked(
        tuple(rules.Wanted(**line) for line in one["lines"]),
        needed_on,
        award_keys.Documented(documented["supplier"], tuple(documented["conditions"]), documented["reason"])
        if documented
        else None,
    )

    def verify(product: str) -> award_keys.Verdict:
        certificate, at = one["certificates"][product], f"{placed_on}T08:00:00Z"
        return award_keys.Verdict(product, "valid", "certified", certificate, at, "seed data")

    chosen = placing.choose(session, offer, asked, verify if offer.specification else None, placed_on)
    sharing = one.get("cost_sharing")
    placed = calloffs.place(
        session,
        caller,
        offer,
        chosen,
        buyer=caller.organisation,
        events=rules.first_events(chosen.net, offer.approval_limit),
        wanted=asked.wanted,
        needed_on=needed_on,
        placed_on=placed_on,
        reference=one["reference"],
        cost_key=_cost_key(sharing, names) if sharing else None,
        uuid=seed_id(f"call-off:{one['name']}"),
    )
    calloffs.reserve(session, placed)
    row = placed.call_off
    # An example waits for whoever tries it, not for a date that has passed.
    row = calloffs.by_id(session, row.uuid)
    row.hold_until_on = row.hold_until_on and needed_on
    row.respond_by_on = row.respond_by_on and needed_on
    session.flush()
    for made in placed.letters:
        letters.keep_pdf(session, made, letter.pdf(row, placed.lines, made.kind, public_url=PUBLIC_URL))
    if one["name"] == "sent":
        letter_replies.heard(
            session,
            reply_id=seed_id("reply:eksempel-svar-4"),
            reference=placed.letters[0].reference,
            sender_name=row.supplier_name,
            sender_number=row.supplier,
            title="Svar på bestilling (fiktivt)",
            documents=[{"position": 1, "filename": "svar.pdf", "media_type": "application/pdf", "size": 303}],
            received_at=row.placed_at,
        )
    supplier = Caller(row.supplier, frozenset(), "seed", IssuerKind.MACHINE)
    parts = iter(one.get("deliveries", []))
    for name in one.get("then", []):
        event = rules.Event(name)
        if event is rules.Event.EDIT:
            calloff_steps.to_draft(session, caller, row, event, None)
        elif event is rules.Event.DECLINE:
            calloff_steps.turned_down(session, supplier, row, event, "Kapasiteten er brukt opp (fiktivt).", None)
        elif event in (rules.Event.PROPOSE_CHANGE, rules.Event.BUYER_CHANGE):
            lines = [order_change_rules.Proposed(**line) for line in one["change"]["lines"]]
            by, why = supplier if event is rules.Event.PROPOSE_CHANGE else caller, one["change"]["reason"]
            order_changes.propose(session, by, row, event, lines, None, why, placed_on)
        elif event in (rules.Event.REGISTER_DELIVERY, rules.Event.LAST_DELIVERY):
            _delivery(session, supplier, row, next(parts), last=event is rules.Event.LAST_DELIVERY)
        elif event is rules.Event.COMPLAIN:
            rejected = [Rejected(**line) for line in one["complaint"]["lines"]]
            day = date.fromisoformat(one["complaint"]["complained_on"])
            uuid = seed_id(f"complaint:{one['name']}")
            acceptances.complain(session, caller, row, rejected, one["complaint"]["reason"], day, uuid=uuid)
        elif event is rules.Event.ACCEPT:
            acceptances.accept(session, caller, row, None)
        else:
            calloffs.move(session, supplier if event is rules.Event.CONFIRM else caller, row, event)
    if "posted_on" in one:
        _posting(session, caller, row, one["name"], date.fromisoformat(one["posted_on"]))


def _delivery(session: Session, supplier: Caller, row: calloffs.CallOff, one: dict[str, Any], *, last: bool) -> None:
    """Registered on the day it came, with what the order's own certificates said."""
    on = date.fromisoformat(one["delivered_on"])
    said = [award_keys.Verdict(**verdict) for verdict in row.choice["certification"]]
    lines = tuple(rules.Wanted(**line) for line in one["lines"])
    new = delivery_rules.Delivered(lines, on, last, one["note"])
    uuid = seed_id(f"delivery:{row.uuid}:{on}")
    deliveries.register(session, supplier, row, new, said, on, uuid=uuid)


def _posting(session: Session, caller: Caller, row: calloffs.CallOff, name: str, on: date) -> None:
    """Accepted in one go: all that is reserved is posted, in an entry that examples know by name."""
    calloffs.move(session, caller, row, rules.Event.ACCEPT)
    lines = [
        replace(
            line,
            quantity_reserved=-line.quantity_reserved,
            quantity_posted=line.quantity_reserved,
            reserved=-line.reserved,
            posted=line.reserved,
        )
        for line in ledger.held(session, row.id or 0)
    ]
    row.posted, row.reserved = row.reserved, Decimal("0.00")
    session.flush()
    account = calloffs.account(row)
    ledger.move(session, account, Kind.POST, lines, on, rules.Event.ACCEPT.value, uuid=seed_id(f"entry:{name}"))


def _cost_key(sharing: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return share_rules.frozen(
        sharing["key"],
        [
            cost_split_rules.Counted(number, _organisation(number), names[number], population, date(2024, 1, 1), None)
            for number, population in sharing["members"].items()
        ],
    )


def _own_accessions(session: Session, data: dict[str, Any]) -> list[dict[str, Any]]:
    """Whoever an agreement in use names has acceded for itself, unless it says otherwise."""
    told = {(one["framework"], one["number"]) for one in data["accessions"]}
    return [
        {
            "framework": agreement["slug"],
            "number": participant.number,
            "basis": "own",
            "binding": False,
            "decision_reference": "Vedtak om tilslutning (fiktivt)",
            "decided_on": agreement["starts_on"],
            "then": ["submit", "approve", "start"],
        }
        for agreement in data["agreements"]
        if agreement["state"] in ("active", "suspended")
        for participant in frameworks.participants(session, frameworks.by_slug(session, agreement["slug"]).id or 0)
        if (agreement["slug"], participant.number) not in told
    ]


def _accession(session: Session, one: dict[str, Any], names: dict[str, str]) -> bool:
    """→ whether it was not there yet"""
    uuid, number = seed_id(f"accession:{one['framework']}:{one['number']}"), one["number"]
    if session.exec(select(accessions.Accession.uuid).where(col(accessions.Accession.uuid) == uuid)).first():
        return False
    agreement = frameworks.by_slug(session, one["framework"])
    participant = accessions.named(session, agreement, number)
    assert participant
    assert participant.id
    assert agreement.id
    row = accessions.Accession(
        uuid=uuid,
        framework_id=agreement.id,
        participant_id=participant.id,
        number=number,
        name=participant.name,
        basis=accession_rules.Basis(one["basis"]),
        binding=one["binding"],
        decision_reference=one["decision_reference"],
        decided_on=date.fromisoformat(one["decided_on"]),
        starts_on=agreement.starts_on,
        co_operation=one.get("co_operation"),
    )
    covered = [accession_rules.Party(_organisation(other), other, names[other]) for other in one.get("covered", [])]
    accessions.add(session, None, agreement, row, covered, from_on=agreement.starts_on)
    for event in one["then"]:
        if event == accession_rules.Event.GIVE_NOTICE:
            row.ends_on = date.fromisoformat(one["ends_on"])
        accessions.move(session, None, agreement, row, accession_rules.Event(event), "Seed data (fictional)")
    return True


def _fee(session: Session, one: dict[str, Any]) -> bool:
    """→ whether it was not there yet"""
    framework_id = frameworks.by_slug(session, one["framework"]).id or 0
    day = date.fromisoformat(one["valid_from_on"])
    if any(fee.valid_from_on == day for fee in fees.of(session, framework_id)):
        return False
    fees.add(
        session,
        fees.Fee(
            framework_id=framework_id,
            valid_from_on=day,
            joining=Decimal(one["joining_excl_vat"]),
            per_inhabitant=Decimal(one["per_inhabitant_excl_vat"]),
            back_dated=False,
            recorded_at=datetime.fromisoformat(one["recorded_at"]),
        ),
    )
    audit.record(session, None, "fee.seed", f"/framework-agreements/{one['framework']}", new=one)
    return True


def _cost_split(session: Session, one: dict[str, Any], names: dict[str, str]) -> None:
    """Its populations are the catalogue's, which the seed cannot ask."""
    counted_on = date.fromisoformat(one["population_on"])
    counted = [
        cost_split_rules.Counted(number, _organisation(number), names[number], population, counted_on, None)
        for number, population in one["members"].items()
    ]
    row = cost_splits.CostSplit(
        uuid=seed_id(f"cost-split:{one['name']}"),
        organisation=one["organisation"],
        purpose=one["purpose"],
        key=one["key"],
        amount_given=Decimal(one["amount"]),
        amount_basis=cost_split_rules.Basis(one["amount_basis"]),
        grants=[],
        populations_on=date.fromisoformat(one["populations_on"]),
    )
    cost_splits.add(session, row, counted, cost_splits.split(row, counted))
    audit.record(session, None, "cost_split.seed", f"/cost-splits/{row.uuid}")


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _organisation(number: str) -> Any:
    return seed_id(f"organisation:{number}")
