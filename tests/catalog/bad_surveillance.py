"""Bad input about non-conformities, appeals and integrity flags."""

from typing import Any

from services.chassis.values import seed_id
from tests.catalog.bad import Case

BODY, FJORDVAKT, HAVORN, NORDLYS = "100000040", "100000016", "100000032", "100000024"
ASSESS, DECIDE, APPLY = ("certification.assess",), ("certification.decide",), ("certification.apply",)
NEW: dict[str, Any] = {
    "certificate": "SV-2026-000001",
    "requirements": ["VT2-01"],
    "description": "Avvik",
    "severity": "major",
    "source": "surveillance",
    "determined_on": "2026-11-02",
}
PLAN: dict[str, Any] = {
    "explanation": "Feil",
    "starts_on": "2099-01-02",
    "actions": [{"text": "Rette", "due_on": "2099-02-01"}],
}
DONE: dict[str, Any] = {
    "text": "Rettet",
    "evidence": [{"description": "Rapport", "sha256": "5" * 64, "dated_on": "2026-11-20"}],
}
WHY: dict[str, Any] = {"reason": "Vurdert"}
APPEAL = WHY | {"certificate": "SV-2026-000003", "event": 2}


def opening(name: str, problem: str, status: int = 422, pointer: str | None = None, **changed: Any) -> Case:
    body = {key: value for key, value in (NEW | changed).items() if value is not None}
    return Case(
        name,
        "POST",
        "/non-conformities",
        problem,
        status,
        body=body,
        organisation=BODY,
        scopes=ASSESS,
        pointer=pointer,
    )


def step(
    name: str, seeded: str, what: str, problem: str, status: int, body: Any, scopes: tuple[str, ...], **rest: Any
) -> Case:
    path = f"/non-conformities/{seed_id(f'non-conformity:{seeded}')}/{what}"
    rest.setdefault("organisation", FJORDVAKT if scopes == APPLY else BODY)
    return Case(name, "POST", path, problem, status, body=body, scopes=scopes, **rest)


def appealing(name: str, problem: str, status: int, body: Any, pointer: str | None = None, **rest: Any) -> Case:
    rest.setdefault("organisation", HAVORN)
    return Case(name, "POST", "/appeals", problem, status, body=body, scopes=APPLY, pointer=pointer, **rest)


def answering(
    name: str,
    seeded: str,
    what: str,
    problem: str,
    status: int,
    body: Any,
    scopes: tuple[str, ...] = DECIDE,
    **rest: Any,
) -> Case:
    path = f"/appeals/{seed_id(f'appeal:{seeded}')}/{what}"
    rest.setdefault("organisation", BODY)
    return Case(name, "POST", path, problem, status, body=body, scopes=scopes, **rest)


CASES: list[Case] = [
    # Opening a non-conformity
    opening("a certificate that there is not", "certificate-unknown", certificate="SV-1999-1", pointer="#/certificate"),
    opening("a requirement of another specification", "requirement-not-certified", requirements=["VT1-01"]),
    opening("no requirement", "invalid-request", requirements=[], pointer="#/requirements"),
    opening("a day to come", "determined-ahead", determined_on="2099-01-01", pointer="#/determined_on"),
    opening("a severity that there is not", "invalid-request", severity="grave", pointer="#/severity"),
    opening("no description", "invalid-request", description=None, pointer="#/description"),
    opening("a description with NUL", "value-unusable", 400, description="Avv\0ik"),
    opening("a field that there is not", "invalid-request", colour="red", pointer="#/colour"),
    Case("opening without a token", "POST", "/non-conformities", "token-missing", 401, body=NEW, organisation=None),
    Case(
        "opening with another scope",
        "POST",
        "/non-conformities",
        "scope-missing",
        403,
        body=NEW,
        organisation=BODY,
        scopes=APPLY,
    ),
    Case(
        "a non-conformity that there is not",
        "GET",
        f"/non-conformities/{seed_id('x')}",
        "non-conformity-not-found",
        404,
    ),
    Case("an id that is none", "GET", "/non-conformities/7", "invalid-request", 422),
    Case(
        "a list of a filter that is none", "GET", "/non-conformities", "invalid-request", 422, query={"live": "maybe"}
    ),
    Case("a cursor of another list", "GET", "/non-conformities", "cursor-malformed", 400, query={"after": "WzFd"}),
    # Its steps
    step(
        "a day gone by",
        "open",
        "request-plan",
        "day-gone-by",
        422,
        {"due_on": "2026-01-01"},
        ASSESS,
        pointer="#/due_on",
    ),
    step("a plan of nothing", "plan-requested", "submit-plan", "invalid-request", 422, PLAN | {"actions": []}, APPLY),
    step(
        "an action before the work",
        "plan-requested",
        "submit-plan",
        "action-before-start",
        422,
        PLAN | {"actions": [{"text": "Rette", "due_on": "2099-01-01"}]},
        APPLY,
        pointer="#/actions/0/due_on",
    ),
    step("another's plan", "plan-requested", "submit-plan", "not-the-holder", 403, PLAN, APPLY, organisation=NORDLYS),
    step("a plan out of turn", "plan-approved", "submit-plan", "non-conformity-step-refused", 409, PLAN, APPLY),
    step(
        "an approval until yesterday",
        "plan-submitted",
        "approve-plan",
        "day-gone-by",
        422,
        {"must_complete_on": "2026-01-01"},
        ASSESS,
        pointer="#/must_complete_on",
    ),
    step("a return without a reason", "plan-submitted", "return-plan", "invalid-request", 422, {}, ASSESS),
    step("done without evidence", "plan-approved", "resolve", "invalid-request", 422, DONE | {"evidence": []}, APPLY),
    step(
        "done before it was found",
        "plan-approved",
        "resolve",
        "ended-outside",
        422,
        DONE | {"ended_on": "2026-01-01"},
        APPLY,
        pointer="#/ended_on",
    ),
    step(
        "evidence of tomorrow, of a file that is not one's own, and more sites than there are",
        "plan-approved",
        "resolve",
        "sites-impossible",
        422,
        {
            "text": "Rettet",
            "sites": {"passed": 5, "total": 4},
            "evidence": [
                {"description": "R", "sha256": "5" * 64, "dated_on": "2099-01-01", "file": str(seed_id("no file"))}
            ],
        },
        APPLY,
        pointer="#/evidence/0/file",
    ),
    step("closing what is not resolved", "open", "close", "non-conformity-step-refused", 409, WHY, DECIDE),
    step("closing as an assessor", "resolved", "close", "scope-missing", 403, WHY, ASSESS),
    step("an escalation in time", "plan-requested", "escalate", "not-overdue", 409, WHY, DECIDE),
    step(
        "an escalation without a reason", "overdue", "escalate", "invalid-request", 422, {}, DECIDE, pointer="#/reason"
    ),
    step("a step from something old", "open", "dismiss", "stale", 412, WHY, DECIDE, headers={"If-Match": '"9"'}),
    # Appealing
    appealing("against nothing", "invalid-request", 422, WHY),
    appealing("a certificate without an event", "invalid-request", 422, WHY | {"certificate": "SV-2026-000003"}),
    appealing("against two things", "invalid-request", 422, APPEAL | {"decision": str(seed_id("x"))}),
    appealing("without a reason", "invalid-request", 422, {"certificate": "SV-2026-000003", "event": 2}, "#/reason"),
    appealing("an event that there is not", "appeal-target-unknown", 422, APPEAL | {"event": 99}, "#/event"),
    appealing("event zero", "invalid-request", 422, APPEAL | {"event": 0}, "#/event"),
    appealing("a grant", "not-appealable", 422, APPEAL | {"event": 1}),
    appealing("another's suspension", "not-a-party", 403, APPEAL, organisation=NORDLYS),
    appealing(
        "a file that is not one's own",
        "attachment-unknown",
        422,
        APPEAL | {"attachments": [str(seed_id("no file"))]},
        "#/attachments/0",
    ),
    appealing(
        "what has been appealed against",
        "appeal-already-made",
        409,
        WHY | {"certificate": "SV-2026-000004", "event": 10},
        organisation=FJORDVAKT,
    ),
    # Answering an appeal
    Case("an appeal that is not one's own", "GET", f"/appeals/{seed_id('appeal:submitted')}", "appeal-not-found", 404),
    answering("an outcome before the review", "submitted", "uphold", "appeal-step-refused", 409, WHY),
    answering("a dismissal without a ground", "submitted", "dismiss", "invalid-request", 422, WHY, pointer="#/ground"),
    answering(
        "a dismissal as late of one in time",
        "submitted",
        "dismiss",
        "not-late",
        409,
        WHY | {"ground": "late"},
        pointer="#/ground",
    ),
    answering(
        "an annulment from before the decision",
        "under-review",
        "uphold",
        "annulled-too-early",
        422,
        WHY | {"annulled_from_on": "2026-10-04"},
        pointer="#/annulled_from_on",
    ),
    answering(
        "a stay from yesterday", "submitted", "stay", "stay-too-early", 422, WHY | {"effective_on": "2026-01-01"}
    ),
    answering("a stay of what is stayed", "stayed", "stay", "already-stayed", 409, WHY),
    answering("the end of no stay", "submitted", "end-stay", "not-stayed", 409, WHY),
    answering("an answer to what is answered", "rejected", "uphold", "appeal-step-refused", 409, WHY),
    answering("an answer by an assessor", "under-review", "reject", "scope-missing", 403, WHY, ASSESS),
    answering(
        "an answer by the supplier", "under-review", "reject", "appeal-body-interested", 403, WHY, organisation=NORDLYS
    ),
    answering(
        "another's withdrawal", "submitted", "withdraw", "appeal-not-found", 404, WHY, APPLY, organisation=HAVORN
    ),
    # Integrity flags
    Case("flags of a kind that there is not", "GET", "/integrity-flags", "invalid-request", 422, query={"kind": "odd"}),
    Case(
        "a flag that there is not",
        "POST",
        "/integrity-flags/SV-2026-000001.back_dated_event.1/acknowledge",
        "flag-not-found",
        404,
        body={"note": "Sett"},
        organisation=BODY,
        scopes=DECIDE,
    ),
    Case(
        "an acknowledgement without a note",
        "POST",
        "/integrity-flags/SV-2026-000004.back_dated_event.4/acknowledge",
        "invalid-request",
        422,
        body={},
        organisation=BODY,
        scopes=DECIDE,
        pointer="#/note",
    ),
    Case(
        "an acknowledgement by the owner of the component",
        "POST",
        "/integrity-flags/SV-2026-000004.back_dated_event.4/acknowledge",
        "flag-body-interested",
        403,
        body={"note": "Sett"},
        organisation="100000008",
        scopes=DECIDE,
    ),
]
