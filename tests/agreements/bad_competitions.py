"""Wrong steps of mini-competitions, wrong questions and wrong bids."""

import base64
import json
from typing import Any

from services.agreements.mini_competitions.api import TERMS
from services.chassis.values import seed_id
from tests.agreements.bad import (
    ALSTAHAUG,
    BRONNOY,
    FJORDVAKT,
    HAVORN,
    NORDLYS,
    OSLO,
    PERSON,
    PLATFORM,
    SOMEBODY,
    Case,
)
from tests.catalog import evidence as foreign

DRAFT, OPEN, DUE, OPENED = (str(seed_id(f"mini-competition:{name}")) for name in ("draft", "open", "due", "opened"))
SUBMITTED, UNSUBMITTED = (str(seed_id(f"bid:open:{name}")) for name in ("submitted", "draft"))
NEW = {"framework_agreement": PLATFORM, "lot": "radgivning", **TERMS}
PRICE = {"code": "pris", "kind": "price", "weight": "100", "formula": "linear_against_ceiling"}
ANSWERS = [{"criterion": code, "text": "Fiktivt svar"} for code in ("kvalitet", "referanser")]
LINE = {"item": "radgivertime", "unit_price_excl_vat": "1100.00"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_, BOMB = foreign.bomb("a PDF that is encrypted")


def new(name: str, status: int, *fails: str, who: str = BRONNOY, **body: Any) -> Case:
    return Case(name, "POST", "/mini-competitions", status, fails, NEW | body, who)


def step(name: str, of: str, event: str, status: int, *fails: str, body: Any = None, who: str = BRONNOY) -> Case:
    return Case(name, "POST", f"/mini-competitions/{of}/{event}", status, fails, body or {}, who)


def bid(name: str, status: int, *fails: str, of: str = OPEN, who: str = HAVORN, **body: Any) -> Case:
    sent = {"lines": [LINE], "answers": ANSWERS} | body
    return Case(name, "POST", f"/mini-competitions/{of}/bids", status, fails, sent, who)


def document(content: bytes | str, media_type: str = "text/plain") -> dict[str, str]:
    sent = content if isinstance(content, str) else base64.b64encode(content).decode()
    return {"name": "vedlegg", "media_type": media_type, "content_base64": sent}


def read(name: str, path: str, status: int, *fails: str, who: str | None = BRONNOY) -> Case:
    return Case(name, "GET", f"/mini-competitions/{path}", status, fails, None, who)


def amendment(deadline: str, **more: Any) -> dict[str, Any]:
    return {"reason": "Prøve", "deadline": deadline, "requires_new_bids": False} | more


CASES = [
    # Drafting
    new(
        "of criteria that do not hold together",
        422,
        "criterion-repeated #/criteria/3/code",
        "criteria-invalid #/criteria/1/formula",
        "criteria-invalid #/criteria/2/weight",
        "criteria-invalid #/criteria/3/scale_max",
        "criteria-invalid #/criteria/4/weight",
        "criteria-invalid #/criteria/4/formula",
        "criteria-invalid #/criteria",
        "criteria-invalid #/criteria",
        "evaluators-missing #/evaluators",
        "tie-rule-inconclusive #/tie_rule",
        "deadline-invalid #/questions_until",
        criteria=[
            PRICE,
            {"code": "en", "kind": "quality", "weight": "10", "formula": "lowest_over_price", "scale_max": 5},
            {"code": "to", "kind": "must", "weight": "10"},
            {"code": "en", "kind": "quality", "weight": "10", "formula": "median_of_evaluators"},
            {"code": "tre", "kind": "price"},
        ],
        evaluators=[],
        tie_rule=["rank", "lowest_price"],
        questions_until="2029-04-02T11:00:00Z",
    ),
    new(
        "of points by the krone without the krone, and the same evaluator twice",
        422,
        "criteria-invalid #/criteria/0/points_per_krone",
        "criterion-repeated #/evaluators/1/code",
        criteria=[PRICE | {"formula": "fixed_points_per_krone"}],
        evaluators=[{"code": "fag", "title": {"nb": "Fag"}}] * 2,
    ),
    new("that may exceed price lists", 409, "price-list-ceiling-holds #/above_price_list", above_price_list=True),
    new("for a need that is not there", 422, "need-unknown #/need", need=SOMEBODY),
    new("without a title", 422, "title-missing #/title", title=None),
    new(
        "by a specification without its version",
        422,
        "specification-version-missing #/specification_version",
        specification="velferdsteknologi-trygghetstjeneste",
    ),
    new(
        "by a specification that is not there",
        422,
        "competition-specification-unknown #/specification",
        specification="ingen",
        specification_version="9",
    ),
    new("of what nobody offers", 422, "item-unknown #/lines/0/item", lines=[{"item": "rakett", "quantity": 1}]),
    new("in an agreement that does not name it", 403, "not-entitled", who=OSLO),
    new("of an agreement that is not there", 404, "framework-agreement-not-found", framework_agreement="ra-nei"),
    new("in a state of its own", 422, "invalid-request #/state", state="open"),
    Case("a published one changed", "PUT", f"/mini-competitions/{OPEN}", 409, ("draft-only",), TERMS),
    # Reading
    read("one that is not there", SOMEBODY, 404, "mini-competition-not-found"),
    read("somebody else's", OPEN, 404, "mini-competition-not-found", who=ALSTAHAUG),
    read("a draft by who will be invited", DRAFT, 404, "mini-competition-not-found", who=FJORDVAKT),
    read("without a token", OPEN, 401, "token-missing", who=None),
    read("an opening before it", f"{OPEN}/opening", 404, "not-opened-yet"),
    read("an opening by a bidder", f"{OPENED}/opening", 404, "mini-competition-not-found", who=FJORDVAKT),
    read("a sealed bid by the buyer", f"{OPEN}/bids/{SUBMITTED}", 404, "bid-not-found"),
    read("a sealed bid by another bidder", f"{OPEN}/bids/{SUBMITTED}", 404, "bid-not-found", who=NORDLYS),
    read(
        "a sealed document by its own supplier",
        f"{OPEN}/bids/{SUBMITTED}/documents/1",
        404,
        "bid-document-not-found",
        who=FJORDVAKT,
    ),
    # Steps
    step("of less than the lot competes about", "{small competition}", "publish", 409, "method-not-mini-competition"),
    step("to nobody", "{lonely competition}", "publish", 409, "nobody-to-invite"),
    step("too late", "{late competition}", "publish", 422, "deadline-invalid #/deadline"),
    step("twice", OPEN, "publish", 409, "move-refused"),
    step("another's", OPEN, "cancel", 404, "mini-competition-not-found", body={"reason": "Prøve"}, who=ALSTAHAUG),
    step("before the deadline", OPEN, "open-bids", 409, "too-early-to-open"),
    step("by a bidder", DUE, "open-bids", 404, "mini-competition-not-found", who=FJORDVAKT),
    step("a second time", OPENED, "open-bids", 409, "move-refused"),
    step(
        "to an earlier day",
        OPEN,
        "amend",
        422,
        "amendment-too-short #/deadline",
        body=amendment("2044-05-20T11:00:00Z"),
    ),
    step(
        "criteria alone",
        OPEN,
        "amend",
        422,
        "new-bids-needed #/requires_new_bids",
        body=amendment("2060-01-01T11:00:00Z", criteria=[PRICE]),
    ),
    step("an amendment after the deadline", DUE, "amend", 409, "move-refused", body=amendment("2060-01-01T11:00:00Z")),
    step("without a reason", OPEN, "cancel", 422, "invalid-request #/reason"),
    # Questions
    step(
        "a question after the deadline", DUE, "questions", 409, "questions-closed", body={"text": "Når?"}, who=FJORDVAKT
    ),
    step("a question by the buyer", OPEN, "questions", 404, "mini-competition-not-found", body={"text": "Når?"}),
    step(
        "an answer twice",
        OPEN,
        f"questions/{seed_id('question:open:1')}/answer",
        409,
        "answered-already",
        body={"text": "Nei"},
    ),
    step("an answer to nothing", OPEN, f"questions/{SOMEBODY}/answer", 404, "question-not-found", body={"text": "Nei"}),
    # Bids
    bid("of the same supplier twice", 409, "bid-twice", who=FJORDVAKT),
    bid("after the deadline", 409, "bid-too-late", of=DUE),
    bid("by who is not invited", 404, "mini-competition-not-found", who=OSLO),
    bid(
        "of something else, too dear, and silent",
        422,
        "above-price-list #/lines/0/unit_price_excl_vat",
        "bid-line-unknown #/lines/1/item",
        "bid-line-unknown #/lines/2/item",
        "answer-unknown #/answers/0/criterion",
        "answer-missing #/answers",
        "answer-missing #/answers",
        lines=[LINE | {"unit_price_excl_vat": "1250.01"}, LINE, LINE | {"item": "rakett"}],
        answers=[{"criterion": PERSON, "text": "x"} | {"criterion": "stil"}],
    ),
    bid(
        "of nothing that is asked for",
        422,
        "bid-line-unknown #/lines/0/item",
        "bid-line-missing #/lines",
        lines=[LINE | {"item": "plattform"}],
    ),
    bid(
        "with documents that are none",
        422,
        "bid-document-unreadable #/documents/0/content_base64",
        "bid-document-type-not-taken #/documents/1/media_type",
        "bid-document-unreadable #/documents/2/content_base64",
        documents=[document("æ"), document(b"x", "application/zip"), document(b"")],
    ),
    Case(
        "a bid with a document that is too large",
        "POST",
        f"/mini-competitions/{OPEN}/bids",
        413,
        ("bid-document-too-large #/documents/0/content_base64",),
        organisation=HAVORN,
        content=json.dumps({"lines": [LINE], "answers": ANSWERS, "documents": [document(b"x" * 10_000_001)]}).encode(),
    ),
    bid(
        "with documents that are something else, or would harm",
        422,
        "bid-document-mismatch #/documents/0/content_base64",
        "bid-document-unsafe #/documents/1/content_base64",
        documents=[document(b"no workbook", XLSX), document(BOMB, "application/pdf")],
    ),
    bid(
        "with words where money stands",
        422,
        "invalid-request #/lines/0/unit_price_excl_vat",
        lines=[LINE | {"unit_price_excl_vat": PERSON}],
    ),
    step("of another's bid", OPEN, f"bids/{SUBMITTED}/withdraw", 404, "bid-not-found", who=NORDLYS),
    step("of a bid that is in", OPEN, f"bids/{SUBMITTED}/submit", 409, "move-refused", who=FJORDVAKT),
    step("of a bid that is not in", OPEN, f"bids/{UNSUBMITTED}/withdraw", 409, "move-refused", who=NORDLYS),
    Case(
        "a bid by one that may not supply",
        "POST",
        f"/mini-competitions/{OPEN}/bids",
        403,
        ("scope-missing",),
        {"lines": [LINE], "answers": ANSWERS},
        HAVORN,
        scopes=("agreements.read", "agreements.order"),
    ),
]
