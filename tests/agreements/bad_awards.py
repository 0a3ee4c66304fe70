"""Wrong marks, rejections and awards of mini-competitions."""

from typing import Any

from services.chassis.values import seed_id
from tests.agreements.bad import FJORDVAKT, NORDLYS, OSLO, OWNER, SOMEBODY, Case

MARKED = str(seed_id(f"bid:opened:{FJORDVAKT}"))
REASON = {"reason": "Prøve av avslag på tildeling"}


def step(name: str, competition: str, event: str, status: int, *fails: str, **more: Any) -> Case:
    sent: dict[str, Any] = {"body": REASON} | more
    return Case(name, "POST", _path(competition, event), status, fails, **sent)


def marks(name: str, status: int, *fails: str, to: str = "opened", by: str = "fag", **marked: Any) -> Case:
    bid = marked.pop("bid", MARKED)
    body = {"bids": [{"bid": bid, "marks": [{"criterion": "kvalitet"} | marked]}]}
    return Case(name, "PUT", _path(to, f"scores/{by}"), status, fails, body)


def _path(competition: str, event: str) -> str:
    return f"/mini-competitions/{seed_id(f'mini-competition:{competition}')}/{event}"


CASES = [
    # Marks
    marks("marks by one who was not announced", 404, "evaluator-not-found", by="ukjent", points="5"),
    marks("marks when the award is announced", 409, "evaluation-closed", to="award-notified", points="5"),
    marks("marks before the opening", 409, "evaluation-closed", to="due", points="5"),
    marks("a mark of no bid", 422, "mark-unknown #/bids/0/marks/0", bid=SOMEBODY, points="5"),
    marks("a mark on price", 422, "mark-unknown #/bids/0/marks/0", criterion="pris", points="5"),
    marks("a mark beyond the scale", 422, "mark-invalid #/bids/0/marks/0", points="10.01"),
    marks("quality that is met", 422, "mark-invalid #/bids/0/marks/0", met=True),
    marks("a must with points", 422, "mark-invalid #/bids/0/marks/0", criterion="referanser", points="5"),
    marks("points as a number", 422, "invalid-request #/bids/0/marks/0/points", points=5.5),
    marks("points below nothing", 422, "invalid-request #/bids/0/marks/0/points", points="-1"),
    Case(
        "a mark given twice, and no mark at all",
        "PUT",
        _path("opened", "scores/fag"),
        422,
        ("mark-unknown #/bids/0/marks/1", "mark-invalid #/bids/0/marks/2"),
        {
            "bids": [
                {
                    "bid": MARKED,
                    "marks": [
                        {"criterion": "kvalitet", "points": "5"},
                        {"criterion": "kvalitet", "points": "6"},
                        {"criterion": "referanser"},
                    ],
                }
            ]
        },
    ),
    # The evaluation
    Case("an evaluation before the opening", "GET", _path("due", "evaluation"), 404, ("evaluation-not-found",)),
    Case(
        "an evaluation read by a bidder",
        "GET",
        _path("award-notified", "evaluation"),
        404,
        ("evaluation-not-found",),
        organisation=NORDLYS,
    ),
    Case(
        "an evaluation read by the owner before the award",
        "GET",
        _path("opened", "evaluation"),
        404,
        ("evaluation-not-found",),
        organisation=OWNER,
    ),
    Case(
        "an award read by a stranger",
        "GET",
        _path("award-notified", "award"),
        404,
        ("mini-competition-not-found",),
        organisation=OSLO,
    ),
    # Rejections
    step(
        "a bid rejected twice",
        "all-rejected",
        f"bids/{seed_id(f'bid:all-rejected:{FJORDVAKT}')}/reject",
        409,
        "move-refused",
        body={"reasons": ["Den er avvist fra før."]},
    ),
    step(
        "a bid rejected without a reason",
        "opened",
        f"bids/{MARKED}/reject",
        422,
        "invalid-request #/reasons",
        body={"reasons": []},
    ),
    step(
        "a bid rejected in another competition",
        "evaluated",
        f"bids/{MARKED}/reject",
        404,
        "bid-not-found",
        body={"reasons": ["Feil konkurranse her."]},
    ),
    # Awards
    step("an award before all marks are given", "opened", "announce-award", 409, "evaluation-incomplete"),
    step("an award when every bid is rejected", "all-rejected", "announce-award", 409, "nothing-to-award"),
    step("an award announced twice", "award-notified", "announce-award", 409, "move-refused"),
    step("an award before the opening", "due", "announce-award", 409, "move-refused"),
    step(
        "an award of an evaluation that has changed",
        "evaluated",
        "announce-award",
        409,
        "evaluation-changed #/evaluation_sha256",
        body=REASON | {"evaluation_sha256": "0" * 64},
    ),
    step(
        "an award by the framework owner",
        "evaluated",
        "announce-award",
        404,
        "mini-competition-not-found",
        organisation=OWNER,
    ),
    step(
        "an order before the standstill ends", "award-notified", "standstill-over", 409, "standstill-running", body={}
    ),
    step("an order before the award", "evaluated", "standstill-over", 409, "move-refused", body={}),
    step("an award taken back that was never made", "evaluated", "withdraw-award", 409, "move-refused"),
    step("no valid bids though there are", "opened", "no-valid-bids", 409, "valid-bids-left"),
    step("no valid bids before the opening", "due", "no-valid-bids", 409, "move-refused"),
]
