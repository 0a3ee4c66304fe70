"""Requests about recalls, notices of them and contract gaps that must be refused."""

from services.chassis.values import seed_id
from tests.catalog.bad import Case

ALESUND, HARAM, FJORDVAKT, BRONNOY = "929911709", "829912252", "100000016", "964983291"
RECALL = f"/recalls/{seed_id('recall:SV-2026-000003')}"
NOTICE = f"/recall-notices/{seed_id('recall-notice:SV-2026-000003:929911709')}"
ACKNOWLEDGE = f"{NOTICE}/acknowledge"
NOBODY = "00000000-0000-0000-0000-000000000000"
STOPPED = {"measure": "use_stopped"}

CASES = [
    Case("a recall there is not", "GET", f"/recalls/{NOBODY}", "recall-not-found", 404, organisation=None),
    Case("a recall without an id", "GET", "/recalls/fire", "invalid-request", 422, organisation=None),
    Case("a state there is not", "GET", "/recalls", "invalid-request", 422, query={"state": "perhaps"}),
    Case("a filter there is not", "GET", "/recalls", "invalid-request", 422, query={"municipality": BRONNOY}),
    Case("a cursor of another list", "GET", "/recalls", "cursor-malformed", 400, query={"after": "WzFd"}),
    Case(
        "a recall with a token that does not hold",
        "GET",
        RECALL,
        "token-invalid",
        401,
        organisation=None,
        headers={"Authorization": "Bearer x.y.z"},
    ),
    Case("nobody's notices", "GET", "/recall-notices", "token-missing", 401, organisation=None),
    Case("a notice without a token", "GET", NOTICE, "token-missing", 401, organisation=None),
    Case("a neighbour's notice", "GET", NOTICE, "recall-notice-not-found", 404, organisation=HARAM),
    Case("a supplier at a notice", "GET", NOTICE, "recall-notice-not-found", 404, organisation=FJORDVAKT),
    Case("a notice there is not", "GET", f"/recall-notices/{NOBODY}", "recall-notice-not-found", 404),
    Case("notices of a recall by its name", "GET", "/recall-notices", "invalid-request", 422, query={"recall": "x"}),
    Case(
        "acknowledged without the scope",
        "POST",
        ACKNOWLEDGE,
        "scope-missing",
        403,
        STOPPED,
        organisation=ALESUND,
        scopes=(),
    ),
    Case(
        "acknowledged by a neighbour", "POST", ACKNOWLEDGE, "recall-notice-not-found", 404, STOPPED, organisation=HARAM
    ),
    Case(
        "acknowledged with nothing",
        "POST",
        ACKNOWLEDGE,
        "invalid-request",
        422,
        {},
        organisation=ALESUND,
        pointer="#/measure",
    ),
    Case(
        "a measure there is not",
        "POST",
        ACKNOWLEDGE,
        "invalid-request",
        422,
        {"measure": "hope"},
        organisation=ALESUND,
        pointer="#/measure",
    ),
    Case(
        "going on without saying why",
        "POST",
        ACKNOWLEDGE,
        "comment-missing",
        422,
        {"measure": "use_continues"},
        organisation=ALESUND,
        pointer="#/comment",
    ),
    Case(
        "not concerned without saying why",
        "POST",
        ACKNOWLEDGE,
        "comment-missing",
        422,
        {"measure": "not_concerned"},
        organisation=ALESUND,
        pointer="#/comment",
    ),
    Case(
        "an empty comment",
        "POST",
        ACKNOWLEDGE,
        "invalid-request",
        422,
        STOPPED | {"comment": "  "},
        organisation=ALESUND,
        pointer="#/comment",
    ),
    Case(
        "a comment without end",
        "POST",
        ACKNOWLEDGE,
        "invalid-request",
        422,
        STOPPED | {"comment": "x" * 2001},
        organisation=ALESUND,
        pointer="#/comment",
    ),
    Case(
        "a field too many",
        "POST",
        ACKNOWLEDGE,
        "invalid-request",
        422,
        STOPPED | {"name": "Kari"},
        organisation=ALESUND,
        pointer="#/name",
    ),
    Case(
        "acknowledged from an old state",
        "POST",
        ACKNOWLEDGE,
        "stale",
        412,
        STOPPED,
        organisation=ALESUND,
        headers={"If-Match": '"99"'},
    ),
    Case(
        "a comment with NUL",
        "POST",
        ACKNOWLEDGE,
        "value-unusable",
        400,
        STOPPED | {"comment": "a\x00b"},
        organisation=ALESUND,
    ),
    Case("nobody's gaps", "GET", "/contract-gaps", "token-missing", 401, organisation=None),
    Case(
        "a supplier's look at gaps",
        "GET",
        "/contract-gaps",
        "landscape-hidden",
        403,
        organisation=FJORDVAKT,
        query={"organisation_number": BRONNOY},
    ),
    Case("gaps of an unknown caller", "GET", "/contract-gaps", "landscape-hidden", 403, organisation="999263550"),
    Case(
        "gaps of an organisation there is not",
        "GET",
        "/contract-gaps",
        "organisation-asked",
        422,
        query={"organisation_number": "999263550"},
    ),
    Case("gaps of half a number", "GET", "/contract-gaps", "invalid-request", 422, query={"organisation_number": "12"}),
    Case(
        "gaps with a cursor of another list", "GET", "/contract-gaps", "cursor-malformed", 400, query={"after": "WzFd"}
    ),
]
