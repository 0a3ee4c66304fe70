"""Wrong requests about accessions: the window, the announced list, the basis, the decision, and each party's steps."""

from typing import Any

from tests.agreements.bad import (
    ALSTAHAUG,
    BINDAL,
    BRONNOY,
    HAVORN,
    HEROY,
    OPEN,
    OSLO,
    OVER,
    OWNER,
    PERSON,
    RUNNING,
    SOMEBODY,
    SOMNA,
    VEFSN,
    Case,
)

ALSTAHAUGS, VEFSNS = f"{{accession:{OPEN}:{ALSTAHAUG}}}", f"{{accession:{OPEN}:{VEFSN}}}"
SOMNAS, HOSTED = f"{{accession:{OPEN}:{SOMNA}}}", f"{{accession:{RUNNING}:{ALSTAHAUG}}}"
HOST: dict[str, Any] = {"basis": "host", "co_operation": "hald-ikt", "covered": [HEROY], "binding": False}


def draft(name: str, status: int, *fails: str, slug: str = OPEN, who: str = BRONNOY, **new: Any) -> Case:
    path = f"/framework-agreements/{slug}/accessions"
    return Case(name, "POST", path, status, fails, {"binding": False} | new, who)


def step(name: str, accession: str, event: str, status: int, *fails: str, **more: Any) -> Case:
    path = f"/framework-agreements/{more.pop('slug', OPEN)}/accessions/{accession}/{event}"
    sent: dict[str, Any] = {"organisation": OWNER, "body": {}} | more
    return Case(name, "POST", path, status, fails, **sent)


def cover(name: str, number: str, status: int, *fails: str, **more: Any) -> Case:
    body = {"reason": "Prøve"} | more.pop("body", {})
    return step(name, HOSTED, f"covered/{number}", status, *fails, slug=RUNNING, body=body, organisation=ALSTAHAUG)


CASES = [
    # Drafting
    draft("by one that the notice does not name", 403, "not-on-announced-list", who=OSLO),
    draft(
        "by an outsider, to an agreement that is over",
        403,
        "not-on-announced-list",
        "agreement-takes-no-accessions",
        slug=OVER,
        who=OSLO,
    ),
    draft("to an agreement that is over", 409, "agreement-takes-no-accessions", slug=OVER),
    draft("a second one", 409, "accession-exists", who=VEFSN, binding=True),
    draft("by a supplier", 403, "not-contracting-authority", slug="ra-scene", who=HAVORN),
    draft("for oneself with others", 422, "coverage-unfit #/covered", covered=[HEROY]),
    draft(
        "as host of nothing, for nobody",
        422,
        "co-operation-missing #/co_operation",
        "coverage-missing #/covered",
        basis="host",
    ),
    draft("as host of what is not there", 422, "co-operation-unknown #/co_operation", **HOST | {"co_operation": "nei"}),
    draft("as host of another's co-operation", 403, "not-this-co-operation", **HOST),
    draft("as a legal person that one is not", 403, "not-this-co-operation", **HOST | {"basis": "legal_person"}),
    draft(
        "for one twice, and one that is neither named nor a member",
        403,
        "not-this-co-operation",
        "covered-repeated #/covered/1",
        "covered-not-on-announced-list #/covered/2",
        "covered-not-member #/covered/2",
        **HOST | {"covered": [HEROY, HEROY, BINDAL]},
    ),
    draft(
        "as host of what has no host, for one that is no member",
        409,
        "co-operation-cannot-sign",
        "covered-not-member #/covered/0",
        **HOST | {"co_operation": "d-ikt"},
    ),
    draft("for one that is not in the catalogue", 422, "organisation-unknown #/covered", covered=["100000091"]),
    draft("for a person", 422, "invalid-request #/covered/0", covered=[PERSON]),
    draft("without saying whether it binds", 422, "invalid-request #/binding", binding=None),
    Case(
        "by a token that may not approve",
        "POST",
        f"/framework-agreements/{OPEN}/accessions",
        403,
        ("scope-missing",),
        {"binding": True},
        scopes=("agreements.read", "agreements.order"),
    ),
    # Submitting
    step(
        "before the window, without a decision",
        "{early}",
        "submit",
        409,
        "accession-window-closed",
        "decision-missing #/decision_reference",
        "decision-missing #/decided_on",
        slug="ra-vindu",
        organisation=BRONNOY,
    ),
    step(
        "with a decision of a day to come",
        ALSTAHAUGS,
        "submit",
        422,
        "decision-in-future #/decided_on",
        organisation=ALSTAHAUG,
        body={"decided_on": "2999-01-01"},
    ),
    step("submitted by the owner", ALSTAHAUGS, "submit", 403, "not-acceding"),
    step("submitted by another municipality", ALSTAHAUGS, "submit", 404, "accession-not-found", organisation=SOMNA),
    step("submitted twice", VEFSNS, "submit", 409, "move-refused", organisation=VEFSN),
    # The owner's decision
    step("approved before it is submitted", ALSTAHAUGS, "approve", 409, "move-refused"),
    step(
        "approved from before the agreement",
        VEFSNS,
        "approve",
        422,
        "start-day-invalid #/starts_on",
        body={"starts_on": "2001-01-01"},
    ),
    step("approved by itself", VEFSNS, "approve", 403, "not-owner", organisation=VEFSN),
    step("rejected without a reason", VEFSNS, "reject", 422, "reason-missing"),
    step("rejected when it is approved", SOMNAS, "reject", 409, "move-refused", body={"reason": "Prøve"}),
    step("started before it is approved", VEFSNS, "start", 409, "move-refused"),
    step("one that is not there", SOMEBODY, "approve", 404, "accession-not-found"),
    step("one of another agreement", HOSTED, "end", 404, "accession-not-found", body={"reason": "Prøve"}),
    step("an id that is none", "12", "approve", 422, "invalid-request id"),
    # Leaving
    step("notice of what is not in force", VEFSNS, "give-notice", 409, "move-refused", organisation=VEFSN),
    step("no notice taken back", HOSTED, "revoke-notice", 409, "move-refused", slug=RUNNING, organisation=ALSTAHAUG),
    step("withdrawn by the owner", VEFSNS, "withdraw", 403, "not-acceding"),
    step("ended without a reason", HOSTED, "end", 422, "reason-missing", slug=RUNNING),
    # Whom a host orders for
    cover("one that it orders for already", HEROY, 409, "already-covered"),
    cover("one that is no member", BINDAL, 422, "covered-not-member"),
    cover("one that the notice does not name", OSLO, 422, "covered-not-on-announced-list", "covered-not-member"),
    cover("a day that has passed", HEROY, 422, "coverage-day-invalid #/from_on", body={"from_on": "2020-01-01"}),
    cover(
        "a first day and a last",
        HEROY,
        422,
        "coverage-day-invalid #/to_on",
        body=dict.fromkeys(("from_on", "to_on"), "2029-01-01"),
    ),
    cover("the end of what never was", BINDAL, 404, "coverage-not-found", body={"to_on": "2029-01-01"}),
    cover("a person", PERSON, 422, "invalid-request number"),
    step(
        "for others, by one that acceded for itself",
        f"{{accession:{RUNNING}:{VEFSN}}}",
        f"covered/{HEROY}",
        422,
        "coverage-unfit",
        slug=RUNNING,
        organisation=VEFSN,
        body={"reason": "Prøve", "to_on": "2029-01-01"},
    ),
    Case(
        "read by another municipality",
        "GET",
        f"/framework-agreements/{OPEN}/accessions/{VEFSNS}",
        404,
        ("accession-not-found",),
    ),
]
