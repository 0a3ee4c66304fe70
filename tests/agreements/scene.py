"""What the wrong requests meet beside the seed data: agreements, accessions and orders in states that the seed has none
in, made over HTTP as their parties make them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fastapi.testclient import TestClient

from services.agreements.mini_competitions.api import TERMS
from services.chassis.clock import today
from services.chassis.values import seed_id
from tests.agreements.bad import (
    ALSTAHAUG,
    BRONNOY,
    CHANGING,
    EVERY,
    FJORDVAKT,
    HAVORN,
    HEROY,
    LEIRFJORD,
    NEEDED_ON,
    NORDLYS,
    OPEN,
    OWNER,
    PLATFORM,
    RUNNING,
    SOMNA,
    VEFSN,
)
from tests.issuer import Issuer

RANKED = [{"from_excl_vat": "0.00", "method": "ranking"}]
DECIDED = {"decision_reference": "26/1 (fiktiv)", "decided_on": "2026-11-17"}
SEEDED_CALL_OFFS = (
    *("sent", "reserved", "approved", "draft", "confirmed", "declined", "joint"),
    *("change-proposed", "change-requested", "in-delivery", "delivered", "disputed", "accepted"),
)
USED_KEY = "scene-order"
"""The Idempotency-Key of an order in the scene."""
Send = Callable[..., Any]


def names(api: TestClient, issuer: Issuer) -> dict[str, str]:
    """Set the scene. → the ids in it and in the seed data, by the names that the cases use"""
    sent = iter(range(1_000))

    def send(organisation: str, path: str, body: Any = None, key: str | None = None, method: str = "POST") -> Any:
        headers = issuer.bearer(organisation, *EVERY) | {"Idempotency-Key": key or f"scene-{next(sent)}"}
        answer = api.request(method, path, json=None if method == "GET" else body or {}, headers=headers)
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        return answer.json()

    seeded = {name: str(seed_id(f"call-off:{name}")) for name in SEEDED_CALL_OFFS}
    for agreement, number in ((OPEN, ALSTAHAUG), (OPEN, VEFSN), (OPEN, SOMNA), (RUNNING, ALSTAHAUG), (RUNNING, VEFSN)):
        seeded[f"accession:{agreement}:{number}"] = str(seed_id(f"accession:{agreement}:{number}"))
    for agreement, lot, supplier in (
        (RUNNING, "alarmer", FJORDVAKT),
        (RUNNING, "alarmer", NORDLYS),
        (RUNNING, "tilsyn", NORDLYS),
        (OPEN, "sensorer", NORDLYS),
        (CHANGING, "sporing", HAVORN),
        (PLATFORM, "plattformer", FJORDVAKT),
    ):
        seeded[f"place:{lot}:{supplier}"] = str(seed_id(f"place:{agreement}:{lot}:{supplier}"))
    seeded |= {"change": str(seed_id(f"change:{CHANGING}")), "used key": USED_KEY, "today": today().isoformat()}
    seeded["mistaken posting"] = str(seed_id("entry:mistaken"))
    return seeded | _running(send) | _ended(send) | _unready(send) | _orders(send) | _competitions(send)


def _agreement(slug: str, lots: list[dict[str, Any]], **terms: Any) -> dict[str, Any]:
    day = today()
    return {
        "slug": slug,
        "title": {"nb": "Rammeavtale til prøving (fiktiv)"},
        "notice_reference": "2026-100099 (fiktiv)",
        "cpv": ["48000000"],
        "starts_on": day.isoformat(),
        "ends_on": (day + timedelta(days=1200)).isoformat(),
        "estimate_excl_vat": "800000.00",
        "ceiling_excl_vat": "1000000.00",
        "approval_limit_excl_vat": "50000.00",
        "accession_from_on": day.isoformat(),
        "accession_to_on": (day + timedelta(days=1000)).isoformat(),
        "lots": lots,
        "participants": [{"organisation_number": one} for one in (BRONNOY, ALSTAHAUG, VEFSN, HAVORN)],
    } | terms


def _lot(slug: str, **terms: Any) -> dict[str, Any]:
    return {"slug": slug, "title": {"nb": slug}, "bands": RANKED} | terms


def _place(lot: str, supplier: str, rank: int, **terms: Any) -> dict[str, Any]:
    price = {"item": "ting", "name": {"nb": "Ting"}, "unit": "stk", "unit_price_excl_vat": "10.00", "vat_percent": "25"}
    return {"lot": lot, "supplier": supplier, "rank": rank, "prices": [price | terms.pop("price", {})]} | terms


def _active(send: Send, new: dict[str, Any], places: list[dict[str, Any]]) -> dict[str, str]:
    """An agreement that Brønnøy has acceded to. → its places' ids, by lot and supplier"""
    here = f"/framework-agreements/{new['slug']}"
    send(OWNER, "/framework-agreements", new)
    send(OWNER, f"{here}/announce")
    send(OWNER, f"{here}/award")
    given = [send(OWNER, f"{here}/places", one) for one in places]
    send(OWNER, f"{here}/activate")
    accession = f"{here}/accessions/{send(BRONNOY, f'{here}/accessions', {'binding': False, **DECIDED})['id']}"
    send(BRONNOY, f"{accession}/submit")
    send(OWNER, f"{accession}/approve")
    send(OWNER, f"{accession}/start")
    return {f"place:{one['lot']}:{one['supplier_organisation_number']}": one["id"] for one in given}


def _order(send: Send, agreement: str, lot: str, item: str, quantity: int, **more: Any) -> Any:
    buyer, key = more.pop("buyer", BRONNOY), more.pop("key", None)
    lines = [{"item": item, "quantity": quantity}]
    body = {"framework_agreement": agreement, "lot": lot, "lines": lines, "needed_on": NEEDED_ON}
    return send(buyer, "/call-offs", body | more, key)


def _running(send: Send) -> dict[str, str]:
    """ra-scene: a lot with a place that has been terminated and one with an index clause that waits, one whose only
    product is not certified, one where the supplier's own maximum is nothing, and one whose place is suspended while
    an order of it is under way."""
    clause = {"index": "KPI (fiktiv)", "base_month": "2026-01", "base_value": "100", "share_percent": "80"}
    clause |= {"earliest_on": "2099-01-01"}
    specification = {"specification": "velferdsteknologi-trygghetstjeneste", "specification_version": "1.0"}
    places = _active(
        send,
        _agreement(
            "ra-scene",
            [
                *(_lot("en", index_clause=clause), _lot("full"), _lot("pause"), _lot("sertifisert", **specification)),
                _lot("delt", bands=[{"from_excl_vat": "0.00", "method": "mini_competition"}]),
            ],
        ),
        [
            _place("en", FJORDVAKT, 1),
            _place("en", NORDLYS, 2),
            _place("full", FJORDVAKT, 1, ceiling_excl_vat="0.00"),
            _place("pause", FJORDVAKT, 1),
            _place("sertifisert", HAVORN, 1, price={"product": "havorn-alarm"}),
            _place("delt", FJORDVAKT, 1),
            _place("delt", NORDLYS, 2, price={"item": "annet"}),
        ],
    )
    here = "/framework-agreements/ra-scene"
    reason = {"reason": "Til prøving (fiktivt)"}
    send(OWNER, f"{here}/places/{places[f'place:en:{NORDLYS}']}/terminate", reason)
    paused = _order(send, "ra-scene", "pause", "ting", 3)["id"]
    send(FJORDVAKT, f"/call-offs/{paused}/confirm")
    corrected = _corrected(send, _order(send, "ra-scene", "en", "ting", 2)["id"])
    until = {"until_on": (today() + timedelta(days=900)).isoformat()}
    send(OWNER, f"{here}/places/{places[f'place:pause:{FJORDVAKT}']}/suspend", reason | until)
    return places | {"paused": paused} | corrected


def _corrected(send: Send, call_off: str) -> dict[str, str]:
    """An order that is delivered and accepted, and its posting reversed."""
    here = f"/call-offs/{call_off}"
    send(FJORDVAKT, f"{here}/confirm")
    come = {"lines": [{"item": "ting", "quantity": 2}], "delivered_on": today().isoformat()}
    send(FJORDVAKT, f"{here}/deliveries", come)
    send(BRONNOY, f"{here}/accept")
    posting, reservation = (
        one["id"] for one in send(BRONNOY, f"/ledger/entries?call_off={call_off}", method="GET")["items"]
    )
    made = send(BRONNOY, f"/ledger/entries/{posting}/reverse", {"reason": "Til prøving (fiktivt)"})
    accepted = send(BRONNOY, f"/ledger/entries?call_off={seed_id('call-off:accepted')}", method="GET")["items"]
    partly = next(one["id"] for one in accepted if one["kind"] == "post")
    return {
        "reversed": posting,
        "reservation": reservation,
        "reversal": made["reversal"]["id"],
        "posting of three": partly,
    }


def _ended(send: Send) -> dict[str, str]:
    """ra-slutt: terminated while an order is open."""
    _active(send, _agreement("ra-slutt", [_lot("alt")]), [_place("alt", FJORDVAKT, 1)])
    outlives = _order(send, "ra-slutt", "alt", "ting", 2)["id"]
    send(OWNER, "/framework-agreements/ra-slutt/terminate", {"reason": "Til prøving (fiktivt)"})
    return {"outlives": outlives}


def _unready(send: Send) -> dict[str, str]:
    """ra-tom: a draft that lacks what a notice needs. ra-vindu: awarded, a lot without a place, maxima in units
    only, and a window for accessions that has not come."""
    lacking = ("notice_reference", "cpv", "estimate_excl_vat", "ceiling_excl_vat", "accession_from_on")
    empty = _agreement("ra-tom", [_lot("tomt", bands=[])], participants=[])
    send(OWNER, "/framework-agreements", {k: v for k, v in empty.items() if k not in (*lacking, "accession_to_on")})
    later = (today() + timedelta(days=500)).isoformat()
    counted = {"ceiling_excl_vat": None, "quantities": [{"item": "noe", "maximum": 5}]}
    send(OWNER, "/framework-agreements", _agreement("ra-vindu", [_lot("en")], accession_from_on=later, **counted))
    send(OWNER, "/framework-agreements/ra-vindu/announce")
    send(OWNER, "/framework-agreements/ra-vindu/award")
    waiting = send(BRONNOY, "/framework-agreements/ra-vindu/accessions", {"binding": True})["id"]
    return {"early": waiting}


def _orders(send: Send) -> dict[str, str]:
    """A joint order that one of its payers has approved, a smaller one that is confirmed, and one for advice that a
    larger value would have another method for."""
    shares = {ALSTAHAUG: "30", HEROY: "60", LEIRFJORD: "10"}
    sharing = {
        "key": {"kind": "percentages", "percentages": shares},
        "members": [{"organisation_number": one} for one in shares],
    }
    joint = _order(send, RUNNING, "alarmer", "alarm", 800, buyer=ALSTAHAUG, cost_sharing=sharing)["id"]
    send(ALSTAHAUG, f"/call-offs/{joint}/approve")
    advice = _order(send, PLATFORM, "radgivning", "radgivertime", 10, key=USED_KEY)
    send(advice["supplier_organisation_number"], f"/call-offs/{advice['id']}/confirm")
    small = _order(send, RUNNING, "alarmer", "alarm", 100, buyer=ALSTAHAUG, cost_sharing=sharing)["id"]
    send(FJORDVAKT, f"/call-offs/{small}/confirm")
    return {"half-approved": joint, "shared": small, "advice": advice["id"]}


def _competitions(send: Send) -> dict[str, str]:
    """Drafts of competitions that cannot be published: about too little, in a lot where nobody offers all of it, and
    with a deadline that has passed."""
    new = {"framework_agreement": PLATFORM, "lot": "radgivning", **TERMS}
    lonely = new | {"framework_agreement": "ra-scene", "lot": "delt"}
    lonely["lines"] = [{"item": item, "quantity": 1} for item in ("ting", "annet")]
    late = new | {"deadline": "2026-01-01T10:00:00Z", "questions_until": None}
    drafts = {"small": new | {"lines": [{"item": "radgivertime", "quantity": 1}]}, "lonely": lonely, "late": late}
    return {f"{name} competition": send(BRONNOY, "/mini-competitions", body)["id"] for name, body in drafts.items()}
