"""E. A mini-competition, from a need to an order in the supplier's own system and to data that are open to all."""

from datetime import datetime, timedelta
from typing import Any

import httpx
from lxml import etree

from services import access
from services.chassis import clock
from services.demo import agreement
from services.demo.agreement import ITEM, LOT
from services.demo.calls import awaited, call
from services.demo.stage import BRONNOY, FJORDVAKT, HAVORN, NAMES, NORDLYS, Stage, must
from services.settings import RunSettings

QUANTITY = 20
OPEN_SECONDS = 15
"""How long bids are taken."""
BIDS = ((HAVORN, "2190.00", 4), (FJORDVAKT, "2395.00", 6), (NORDLYS, "2450.00", 9))
"""Who, NOK without VAT for a piece, and the mark of ten that the evaluator gives."""
SPECIFICATION = {"specification": "velferdsteknologi-trygghetstjeneste", "specification_version": "1.0"}
UBL = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


def walk(run: RunSettings) -> None:
    with httpx.Client(timeout=10) as http:
        stage = Stage(run, http)
        here = agreement.announced(stage, "mini_competition")
        agreement.awarded(stage, here)
        agreement.acceded(stage, here)
        competition, deadline = _published(stage, here.rpartition("/")[2])
        _bid(stage, competition, deadline)
        _evaluated(stage, competition)
        order = _ordered(stage, competition)
        _told(stage, order)
        print(f"\nDone. The invitation can be read in the inbox: {run.url('control')}/")


def _published(stage: Stage, slug: str) -> tuple[str, datetime]:
    """→ the competition's path, and its deadline"""
    print("\n4. Brønnøy has a need, and asks all suppliers of the lot at once")
    mine = {"Authorization": f"Bearer {access.token(stage.run, BRONNOY.number, 'catalog.write')}"}
    wanted = {
        "title": {"nb": "Trygghetsalarmer til hjemmeboende (demonstrasjon)"},
        "area": "health_and_care",
        "requirements": [{"specification": SPECIFICATION["specification"], "requirement": "VT2-01"}],
    }
    need = call(stage.http, "POST", f"{stage.run.url('catalog')}/needs", 201, headers=mine, json=wanted, quiet=True)
    print(f"   The need stands in the catalogue: {need['id']}")
    for who, _, _ in BIDS:
        stage.ask(who, "/mini-competitions")  # everybody has a token before the time runs
    deadline = clock.now() + timedelta(seconds=OPEN_SECONDS)
    terms: dict[str, Any] = {
        "framework_agreement": slug,
        "lot": LOT,
        "need": need["id"],
        **SPECIFICATION,
        "lines": [{"item": ITEM, "quantity": QUANTITY}],
        "needed_on": (clock.today() + timedelta(days=60)).isoformat(),
        "criteria": [
            {"code": "pris", "kind": "price", "weight": "60", "formula": "linear_against_ceiling"},
            {
                "code": "kvalitet",
                "kind": "quality",
                "title": {"nb": "Opplæring og oppfølging"},
                "weight": "40",
                "formula": "average_of_evaluators",
                "scale_max": 10,
            },
            {"code": "logging", "kind": "must", "title": {"nb": "Oppslag logges"}, "requirement": "VT2-01"},
        ],
        "tie_rule": ["lowest_price", "rank"],
        "deadline": deadline.isoformat(),
        "standstill_days": 0,
        "evaluators": [{"code": "fag", "title": {"nb": "Fagansvarlig"}}],
    }
    made = stage.act(BRONNOY, "/mini-competitions", terms, does="drafts a mini-competition of the need", expected=201)
    here = f"/mini-competitions/{made['id']}"
    stage.act(BRONNOY, f"{here}/publish", does=f"publishes {made['number']}; bids are taken for {OPEN_SECONDS} s")
    return here, deadline


def _bid(stage: Stage, competition: str, deadline: datetime) -> None:
    print("\n5. A question and its answer for all; three bids, which nobody can read before the deadline")
    asked = {"text": "Kan alarmene leveres i to omganger?"}
    question = stage.act(FJORDVAKT, f"{competition}/questions", asked, does="asks", expected=201)
    answer = {"text": "Ja, med høyst en måned mellom."}
    stage.act(BRONNOY, f"{competition}/questions/{question['id']}/answer", answer, does="answers")
    for who, price, _ in BIDS:
        new = {
            "lines": [{"item": ITEM, "unit_price_excl_vat": price}],
            "answers": [
                {"criterion": code, "text": f"Vårt svar om {code} (demonstrasjon)."} for code in ("kvalitet", "logging")
            ],
        }
        made = stage.act(who, f"{competition}/bids", new, does="brings in a bid, sealed", expected=201)
        stage.act(who, f"{competition}/bids/{made['id']}/submit", does="submits it")
    seen = stage.ask(BRONNOY, f"{competition}/bids")
    must(seen == {"sealed": True, "items": []}, f"Brønnøy sees of the bids: {seen}")
    print("   What Brønnøy sees of them: nothing, not even how many there are")
    stage.act(BRONNOY, f"{competition}/open-bids", does="cannot open them yet", expected=409)
    for kind in ("invitation", "questions"):
        must(len(stage.letters(competition, kind)) == len(BIDS), f"not everybody got the letter «{kind}».")
    awaited("the deadline", lambda: clock.now() > deadline)
    late = {"lines": [{"item": ITEM, "unit_price_excl_vat": "1.00"}], "answers": []}
    stage.act(HAVORN, f"{competition}/bids", late, does="tries again after the deadline", expected=409)


def _evaluated(stage: Stage, competition: str) -> None:
    print("\n6. All bids are opened at once, and weighed by what was announced")
    stage.act(BRONNOY, f"{competition}/open-bids", does="opens the bids")
    opened = stage.ask(BRONNOY, f"{competition}/bids")["items"]
    must(len(opened) == len(BIDS), f"{len(opened)} bids were opened.")
    points = {who.number: mark for who, _, mark in BIDS}
    marks = [
        {
            "bid": one["id"],
            "marks": [
                {"criterion": "kvalitet", "points": str(points[one["supplier_organisation_number"]])},
                {"criterion": "logging", "met": True},
            ],
        }
        for one in opened
    ]
    told = stage.act(
        BRONNOY, f"{competition}/scores/fag", {"bids": marks}, does="gives the evaluator's marks", method="PUT"
    )
    for one in told["ranking"]:
        print(f"     {one['place']}. {one['supplier_name']}, {one['amount_excl_vat']} kr: {one['total']} points")
        for step in one["steps"]:
            print(f"        {step['criterion']}: {step['derivation']}, times {step['weight']} % = {step['points']}")
    must(told["ranking"][0]["supplier_organisation_number"] == NORDLYS.number, "another bid came first.")
    for kind in ("opening_record", "evaluation_report"):
        file = stage.run.data / f"{kind}.pdf"
        file.write_bytes(stage.document(BRONNOY, f"{competition}/documents/{kind}", language="nn"))
        print(f"   The {kind.replace('_', ' ')} as a document: {file}")


def _ordered(stage: Stage, competition: str) -> str:
    """→ the call-off's id"""
    print("\n7. The award, with reasons to all, becomes a call-off under the same ceilings as any other")
    reason = {"reason": "Best opplæring, til en pris nær den laveste (demonstrasjon)."}
    stage.act(BRONNOY, f"{competition}/announce-award", reason, does="announces the award", expected=201)
    must(len(stage.letters(competition, "award")) == len(BIDS), "not every bidder was told of the award.")
    id = awaited("the call-off of the award", lambda: stage.ask(BRONNOY, competition)["call_off"])
    placed = stage.order(id)
    here = f"/call-offs/{id}"
    must(placed["choice"]["method"] == "mini_competition", f"it was chosen by {placed['choice']['method']}.")
    print(f"   {placed['number']}: {placed['amount_excl_vat']} kr to {NAMES[placed['supplier_organisation_number']]}")
    if placed["state"] == "reserved":
        stage.act(BRONNOY, f"{here}/approve", does="approves it")
    if stage.order(id)["state"] == "approved":
        stage.act(BRONNOY, f"{here}/send", does="sends it")
    stage.letter(id, "order", NORDLYS)
    stage.act(NORDLYS, f"{here}/confirm", does="confirms")
    return str(id)


def _told(stage: Stage, order: str) -> None:
    print("\n8. The order as the supplier's own system reads it, and as everybody may read it")
    message = etree.fromstring(stage.document(NORDLYS, f"/call-offs/{order}/order.xml"))
    said = {name: message.findtext(f"{UBL}{name}") for name in ("ID", "OrderTypeCode", "DocumentCurrencyCode")}
    print(f"   UBL: {etree.QName(message).localname} {said}")
    must(said["OrderTypeCode"] == "226", "it is no call-off order.")
    url = f"{stage.run.url('agreements')}/call-offs/{order}/ocds"

    def published() -> Any:
        answer = stage.http.get(url)  # as anybody, without a token
        records = answer.json()["records"] if answer.status_code == 200 else []
        return records if any("award" in one["tag"] for record in records for one in record["releases"]) else None

    for record in awaited("the order as open data", published):
        for release in record["releases"]:
            print(f"   OCDS: {release['ocid']}, {', '.join(release['tag'])}")
