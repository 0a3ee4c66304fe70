"""Wrong requests about framework agreements: registering, changing, announcing and the other steps."""

from typing import Any

from tests.agreements.bad import (
    ALSTAHAUG,
    BRONNOY,
    CHANGING,
    DRAFT,
    FJORDVAKT,
    NOBODY,
    OPEN,
    OVER,
    OWNER,
    PERSON,
    RUNNING,
    Case,
)

MERGE = "application/merge-patch+json"
LOT: dict[str, Any] = {"slug": "alt", "title": {"nb": "Alt"}, "bands": [{"from_excl_vat": "0.00", "method": "ranking"}]}
NEW: dict[str, Any] = {
    "slug": "ra-ny",
    "title": {"nb": "Ny"},
    "starts_on": "2029-01-01",
    "ends_on": "2030-12-31",
    "estimate_excl_vat": "100.00",
    "ceiling_excl_vat": "200.00",
    "approval_limit_excl_vat": "10.00",
    "lots": [LOT],
    "participants": [{"organisation_number": BRONNOY}],
}
ALL_AT_ONCE: dict[str, Any] = {
    "ends_on": "2028-12-31",
    "estimate_excl_vat": "300.00",
    "accession_from_on": "2029-02-01",
    "accession_to_on": "2029-01-01",
    "quantities": [{"item": "a", "maximum": 1}, {"item": "a", "maximum": 2}],
    "lots": [
        LOT
        | {
            "ceiling_excl_vat": "200.01",
            "quantities": [{"item": "a", "maximum": 9}],
            "bands": [
                {"from_excl_vat": "1.00", "method": "objective_conditions"},
                {"from_excl_vat": "1.00", "method": "ranking"},
            ],
            "decline_grounds": [{"code": "x", "text": {"nb": "X"}}, {"code": "x", "text": {"nb": "X"}}],
            "delivery_obligation": False,
            "specification": "velferdsteknologi-trygghetstjeneste",
        },
        LOT,
    ],
    "participants": [
        {"organisation_number": BRONNOY},
        {"organisation_number": BRONNOY, "ceiling_excl_vat": "200.01"},
    ],
}


def new(name: str, *fails: str, status: int = 422, **change: Any) -> Case:
    return Case(name, "POST", "/framework-agreements", status, fails, NEW | change, OWNER)


def step(name: str, slug: str, event: str, status: int, *fails: str, **more: Any) -> Case:
    sent: dict[str, Any] = {"organisation": OWNER, "body": {"reason": "Prøve"}} | more
    return Case(name, "POST", f"/framework-agreements/{slug}/{event}", status, fails, **sent)


def patch(name: str, status: int, *fails: str, body: Any = None, slug: str = DRAFT, **more: Any) -> Case:
    sent: dict[str, Any] = {"organisation": OWNER, "headers": {"If-Match": "*"}, "media": MERGE} | more
    return Case(name, "PATCH", f"/framework-agreements/{slug}", status, fails, body or {"manager": "Ny"}, **sent)


def read(name: str, path: str, status: int, *fails: str, **more: Any) -> Case:
    return Case(name, "GET", f"/framework-agreements{path}", status, fails, **more)


CASES = [
    # Registering
    new(
        "everything at once",
        "period-invalid #/ends_on",
        "accession-window-invalid #/accession_to_on",
        "ceiling-invalid #/estimate_excl_vat",
        "item-repeated #/quantities/1/item",
        "ceiling-invalid #/lots/0/ceiling_excl_vat",
        "ceiling-invalid #/lots/0/quantities/0/maximum",
        "bands-invalid #/lots/0/bands/0/from_excl_vat",
        "bands-invalid #/lots/0/bands/1/from_excl_vat",
        "conditions-missing #/lots/0/conditions",
        "name-repeated #/lots/0/decline_grounds/1/code",
        "specification-version-missing #/lots/0/specification_version",
        "grounds-without-obligation #/lots/0/decline_grounds",
        "name-repeated #/lots/1/slug",
        "participant-repeated #/participants/1",
        "ceiling-invalid #/participants/1/ceiling_excl_vat",
        **ALL_AT_ONCE,
    ),
    new("a name that is taken", "framework-agreement-slug-taken", status=409, slug=RUNNING),
    new("more than four years without a reason", "period-invalid #/period_rationale", ends_on="2033-01-01"),
    new(
        "a participant that does not exist",
        "organisation-unknown #/participants/1",
        participants=[{"organisation_number": BRONNOY}, {"organisation_number": NOBODY}],
    ),
    new(
        "a specification that does not exist",
        "specification-unknown #/lots/0/specification_version",
        lots=[LOT | {"specification": "finnes-ikke", "specification_version": "1.0"}],
    ),
    new(
        "money and numbers as they are not written",
        "invalid-request #/estimate_excl_vat",
        "invalid-request #/ceiling_excl_vat",
        "invalid-request #/participants/0/organisation_number",
        estimate_excl_vat=100.5,
        ceiling_excl_vat="200",
        participants=[{"organisation_number": "964983292"}],
    ),
    new("a state brought along", "invalid-request #/state", state="active"),
    new("no lot", "invalid-request #/lots", lots=[]),
    new("a NUL in the title", "value-unusable", status=400, title={"nb": "a\u0000b"}),
    new(
        "a person as a participant",
        "invalid-request #/participants/0/organisation_number",
        participants=[{"organisation_number": PERSON}],
    ),
    Case(
        "registered without the scope",
        "POST",
        "/framework-agreements",
        403,
        ("scope-missing",),
        NEW,
        OWNER,
        ("agreements.read",),
    ),
    Case("registered without a token", "POST", "/framework-agreements", 401, ("token-missing",), NEW, None),
    Case("half a JSON", "POST", "/framework-agreements", 400, ("not-json",), organisation=OWNER, content=b'{"slug": '),
    Case("an agreement taken away", "DELETE", f"/framework-agreements/{DRAFT}", 405, ("about:blank",), None, OWNER),
    # Changing a draft
    patch("a change without If-Match", 428, "if-match-missing", headers={}),
    patch("a change of what has changed", 412, "stale", headers={"If-Match": '"99"'}),
    patch("a change after the announcement", 409, "terms-closed", slug=RUNNING),
    patch("a change by a participant after the announcement", 409, "terms-closed", slug=OPEN, organisation=BRONNOY),
    patch("a change of a foreign draft", 404, "framework-agreement-not-found", organisation=BRONNOY),
    patch(
        "a change to a wrong period",
        422,
        "period-invalid #/ends_on",
        "accession-window-invalid #/accession_to_on",
        body={"ends_on": "2020-01-01"},
    ),
    # Reading
    read("an agreement that is not there", "/ra-finnes-ikke", 404, "framework-agreement-not-found"),
    read("a foreign draft", f"/{DRAFT}", 404, "framework-agreement-not-found"),
    read("a draft's history, openly", f"/{DRAFT}/history", 404, "framework-agreement-not-found", organisation=None),
    read("what was announced of a draft", f"/{DRAFT}/announcement", 404, "announcement-not-found", organisation=OWNER),
    read("a state that is none", "?state=lukket", 422, "invalid-request ?state"),
    read("a cursor made by hand", "?after=xyz", 400, "cursor-malformed"),
    read("a filter that is none", "?eier=x", 422, "invalid-request ?eier"),
    # Announce, award, activate and the end
    step(
        "an announcement that lacks everything",
        "ra-tom",
        "announce",
        409,
        "announcement-incomplete #/notice_reference",
        "announcement-incomplete #/cpv",
        "announcement-incomplete #/estimate_excl_vat",
        "announcement-incomplete #/ceiling_excl_vat",
        "announcement-incomplete #/participants",
        "announcement-incomplete #/accession_from_on",
        "announcement-incomplete #/lots/0/bands",
    ),
    step("announced twice", OPEN, "announce", 409, "move-refused"),
    step("announced by a participant", OPEN, "announce", 403, "not-owner", organisation=ALSTAHAUG),
    step("awarded before the announcement", DRAFT, "award", 409, "move-refused"),
    step("activated with an empty lot", "ra-vindu", "activate", 409, "lot-without-place"),
    step("activated before the award", OPEN, "activate", 409, "move-refused"),
    step("evaluated anew while in force", RUNNING, "reopen-evaluation", 409, "move-refused"),
    step("suspended by a supplier", RUNNING, "suspend", 403, "not-owner", organisation=FJORDVAKT),
    step("resumed though it runs", RUNNING, "resume", 409, "move-refused"),
    step("closed while it is in force", CHANGING, "close", 409, "move-refused"),
    step("closed with an order open", "ra-slutt", "close", 409, "call-offs-open"),
    step("cancelled after its end", OVER, "cancel", 409, "move-refused"),
    step("exhausted by hand", RUNNING, "exhaust", 404, "about:blank"),
    step("a step with a name of nobody's", RUNNING, "forny", 404, "about:blank"),
    step("a reason of nothing", RUNNING, "suspend", 422, "invalid-request #/reason", body={"reason": ""}),
    step("a step without a token", RUNNING, "suspend", 401, "token-missing", organisation=None),
]
