"""D. A framework agreement, from its announcement until the last order under it is closed and every krone is posted."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx

from services.chassis import clock
from services.chassis.values import new_id
from services.demo.stage import BRONNOY, FJORDVAKT, HAVORN, NAMES, NORDLYS, OSLO, OWNER, Party, Stage, must
from services.settings import RunSettings

LOT, ITEM = "alarmer", "alarm"
PRICES = (
    (HAVORN, "2190.00", "havorn-alarm"),
    (FJORDVAKT, "2400.00", "fjordvakt-alarm"),
    (NORDLYS, "2550.00", "nordlys-alarm"),
)
"""By rank: who, NOK without VAT for a piece, and the product in the catalogue. The first is not certified."""


def walk(run: RunSettings) -> None:
    with httpx.Client(timeout=10) as http:
        stage = Stage(run, http)
        here = announced(stage)
        awarded(stage, here)
        acceded(stage, here)
        slug = here.rpartition("/")[2]
        first = _cascaded(stage, slug)
        second = _ordered(stage, slug, 2, "5. A second order: the first in the ranking that is certified is asked anew")
        stage.act(FJORDVAKT, f"/call-offs/{second}/confirm", does="confirms")
        _delivered(stage, first, second)
        _closed(stage, here, first, second)
        _explained(stage, first, second)
        _letters(stage, first, second)
        print(f"\nDone. The agreement as everybody reads it: {run.url('agreements')}{here}")


def announced(stage: Stage, method: str = "ranking") -> str:
    """→ the agreement's path"""
    print("1. The joint unit registers an agreement on safety alarms and announces it")
    today = clock.today()
    known = {one["kind"] for one in stage.ask(OWNER, "/thresholds", on=today.isoformat())["items"]}
    for kind in sorted({"eea_goods_services", "national"} - known):
        new = {"kind": kind, "amount_excl_vat": "1300000.00", "valid_from_on": today.isoformat()}
        of = {"source": "Demonstrasjon (fiktiv)", "fictional": True}
        stage.act(OWNER, "/thresholds", new | of, does=f"adds a {kind} threshold for trying out", expected=201)
    lot: dict[str, Any] = {
        "slug": LOT,
        "title": {"nb": "Trygghetsalarmer"},
        "bands": [{"from_excl_vat": "0.00", "method": method}],
        "specification": "velferdsteknologi-trygghetstjeneste",
        "specification_version": "1.0",
        "decline_grounds": [{"code": "utgatt", "text": {"nb": "Produsenten har sluttet å lage varen."}}],
    }
    terms: dict[str, Any] = {
        "slug": f"ra-demo-{str(new_id())[-12:]}",
        "title": {"nb": "Rammeavtale om trygghetsalarmer (demonstrasjon)"},
        "notice_reference": "Demonstrasjon (fiktiv)",
        "cpv": ["35121700"],
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=700)).isoformat(),
        "estimate_excl_vat": "80000.00",
        "ceiling_excl_vat": "100000.00",
        "approval_limit_excl_vat": "50000.00",
        "accession_from_on": today.isoformat(),
        "accession_to_on": (today + timedelta(days=600)).isoformat(),
        "lots": [lot],
        "participants": [{"organisation_number": BRONNOY.number}],
    }
    made = stage.act(OWNER, "/framework-agreements", terms, does="registers it: 100 000 kr at most", expected=201)
    here = f"/framework-agreements/{made['slug']}"
    stage.act(OWNER, f"{here}/announce", does="announces it: the list and the ceiling are closed")
    return here


def awarded(stage: Stage, here: str) -> None:
    print("\n2. Three suppliers win places, by rank, and the agreement comes into force")
    stage.act(OWNER, f"{here}/award", does="awards it")
    for rank, (supplier, price, product) in enumerate(PRICES, 1):
        line = {"item": ITEM, "name": {"nb": "Trygghetsalarm"}, "unit": "stk", "unit_price_excl_vat": price}
        new = {
            "lot": LOT,
            "supplier": supplier.number,
            "rank": rank,
            "prices": [line | {"vat_percent": "25", "product": product}],
        }
        stage.act(OWNER, f"{here}/places", new, does=f"gives {supplier.name} rank {rank} at {price} kr", expected=201)
    stage.act(OWNER, f"{here}/activate", does="activates it")


def acceded(stage: Stage, here: str) -> None:
    print("\n3. Brønnøy accedes by its own decision; whom the notice does not name cannot")
    decision = {"decision_reference": "26/2001-1 (demonstrasjon)", "decided_on": clock.today().isoformat()}
    stage.act(OSLO, f"{here}/accessions", {"binding": False} | decision, does="tries", expected=403)
    made = stage.act(BRONNOY, f"{here}/accessions", {"binding": False} | decision, does="drafts it", expected=201)
    accession = f"{here}/accessions/{made['id']}"
    stage.act(BRONNOY, f"{accession}/submit", does="submits it")
    stage.act(OWNER, f"{accession}/approve", does="approves it")
    stage.act(OWNER, f"{accession}/start", does="starts it today")


def _ordered(stage: Stage, slug: str, quantity: int, told: str) -> str:
    """→ the call-off's id"""
    print(f"\n{told}")
    basket = {
        "framework_agreement": slug,
        "lot": LOT,
        "lines": [{"item": ITEM, "quantity": quantity}],
        "needed_on": (clock.today() + timedelta(days=30)).isoformat(),
    }
    priced = stage.act(BRONNOY, "/call-offs/quote", basket, does="asks what it costs at each supplier")
    for one in priced["suppliers"]:
        why = ", ".join(one["hindrances"]) or "may be asked"
        print(f"     {one['rank']}. {one['supplier_name']}: {one['amount_excl_vat']} kr without VAT; {why}")
    order = basket | {"reference": "Demonstrasjon"}
    placed = stage.act(BRONNOY, "/call-offs", order, does=f"orders {quantity} under {slug}", expected=201)
    first = priced["award"]["asked_first"]["supplier_organisation_number"]
    must(placed["supplier_organisation_number"] == first, "the order went to another supplier than was quoted.")
    must(first == FJORDVAKT.number, f"{NAMES.get(first, first)} was asked before Fjordvakt.")
    return str(placed["id"])


def _cascaded(stage: Stage, slug: str) -> str:
    """→ the id of an order that the first supplier declined and the next confirmed"""
    id = _ordered(stage, slug, 5, "4. Brønnøy orders five; the first supplier declines, and the turn goes on by itself")
    stage.letter(id, "order", FJORDVAKT)
    ground = {"ground": "utgatt", "reason": "Modellen lages ikke lenger (demonstrasjon)."}
    stage.act(FJORDVAKT, f"/call-offs/{id}/decline", ground, does="declines on an announced ground")
    order = stage.reached(id, "the next supplier's turn", "sent")
    must(order["supplier_organisation_number"] == NORDLYS.number, "the turn did not go to the next in the ranking.")
    print(f"   … the turn has gone to {NORDLYS.name}, at {order['amount_excl_vat']} kr")
    stage.letter(id, "order", NORDLYS)
    stage.act(NORDLYS, f"/call-offs/{id}/confirm", does="confirms")
    return id


def _delivered(stage: Stage, first: str, second: str) -> None:
    print("\n6. Nordlys delivers in parts; one is broken; Brønnøy complains, gets another and accepts")
    _deliver(stage, NORDLYS, first, 2)
    _deliver(stage, NORDLYS, first, 3)
    reason = {"lines": [{"item": ITEM, "quantity": 1}], "reason": "En alarm lar seg ikke lade (demonstrasjon)."}
    stage.act(BRONNOY, f"/call-offs/{first}/complain", reason, does="complains of one of five")
    stage.letter(first, "complaint", NORDLYS)
    stage.act(BRONNOY, f"/call-offs/{first}/accept", does="cannot accept meanwhile", expected=409)
    stage.act(NORDLYS, f"/call-offs/{first}/redeliver", does="takes the complaint")
    _deliver(stage, NORDLYS, first, 1)
    stage.act(BRONNOY, f"/call-offs/{first}/accept", does="accepts all five")
    print("   And the second order comes at once")
    _deliver(stage, FJORDVAKT, second, 2)
    stage.act(BRONNOY, f"/call-offs/{second}/accept", does="accepts it")


def _deliver(stage: Stage, who: Party, id: str, quantity: int) -> None:
    new = {"lines": [{"item": ITEM, "quantity": quantity}], "delivered_on": clock.today().isoformat()}
    told = stage.act(who, f"/call-offs/{id}/deliveries", new, does=f"delivers {quantity}", expected=201)
    (line,) = told["lines"]
    certified = told["items"][-1]["certification"]["outcome"]
    print(f"     {line['delivered']} of {line['ordered']} have come; certified on the day of delivery: {certified}")


def _closed(stage: Stage, here: str, *orders: str) -> None:
    print("\n7. The orders are closed, and the ledger proves it: nothing is reserved, and what was accepted is posted")
    accepted = Decimal(0)
    stage.act(OWNER, f"{here}/terminate", {"reason": "Demonstrasjonen er over"}, does="ends the agreement")
    stage.act(OWNER, f"{here}/close", does="cannot close it while orders are open", expected=409)
    for id in orders:
        shown = stage.act(BRONNOY, f"/call-offs/{id}/close", does="closes an order")
        must(shown["reserved_excl_vat"] == "0.00", f"{shown['number']} still holds {shown['reserved_excl_vat']} kr.")
        accepted += Decimal(shown["posted_excl_vat"])
    stage.act(OWNER, f"{here}/close", does="closes it")
    room = stage.ask(OWNER, here)["room"]
    print(f"   reserved {room['reserved_excl_vat']} kr, posted {room['posted_excl_vat']} kr, accepted {accepted} kr")
    must(
        (room["reserved_excl_vat"], room["posted_excl_vat"]) == ("0.00", f"{accepted:.2f}"), "the ledger does not hold."
    )
    slug = here.rpartition("/")[2]
    for one in stage.ask(None, "/ledger/spend", by="supplier", framework_agreement=slug)["items"]:
        number = one["supplier_organisation_number"]
        print(f"     open to everybody: {one['posted_excl_vat']} kr with {NAMES[number]}")
    proof = stage.ask(OWNER, "/ledger/proof", framework_agreement=slug)
    must(proof["holds"], f"the ledger does not add up: {proof['drifts']}")
    print(f"   each of {proof['balances']} balances is the sum of its entries, {proof['entries']} in all")


def _explained(stage: Stage, *orders: str) -> None:
    print("\n8. Why each supplier was asked, tried again just now on what was kept")
    for id in orders:
        told = stage.ask(BRONNOY, f"/call-offs/{id}/explanation")
        for one in told["choices"]:
            print(f"   {told['number']}: {one['supplier_name']}, by {one['method']}; the same again: {one['same']}")
            for other in one["passed_over"]:
                print(f"     not {other['name']}: {other['reason']} ({other['detail']})")
            must(one["same"], f"the rule gives another answer for {told['number']} than it gave then.")


def _letters(stage: Stage, *orders: str) -> None:
    print("\n9. Every letter has reached SvarUT, once")
    for id in orders:
        shown = stage.order(id)
        for one in shown["letters"]:
            stage.letter(id, one["kind"], _named(one["recipient"]))
            must(len(stage.in_svarut(one["reference"])) == 1, f"the letter {one['reference']} is not there once.")


def _named(number: str) -> Party:
    return next(one for one in (BRONNOY, FJORDVAKT, NORDLYS) if one.number == number)
