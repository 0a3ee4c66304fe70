"""Wrong requests about organisations, successions, co-operations and memberships."""

from typing import Any

from services.chassis.values import seed_id
from tests.catalog.bad import Case


def id_of(number: str) -> str:
    return str(seed_id(f"organisation:{number}"))


EDITOR, BRONNOY_ITSELF, ALSTAHAUG = "100000008", "964983291", "938712441"
ASKER, DRAMMEN, ALESUND, HARAM = "920125298", "921234554", "929911709", "829912252"
BRONNOY, VEFSN, NORDLYS = id_of(BRONNOY_ITSELF), id_of("844824122"), id_of("100000024")
FORSAND, SANDNES, ROYKEN, OLD_ALESUND = map(id_of, ("939347801", "964965137", "938709866", "920415288"))
NOBODY = "00000000-0000-0000-0000-000000000000"
PROPOSED = str(seed_id("allocation:ekommune-sunnmore"))
END = {"effective_on": "2027-01-01", "source": "Forskrift (fiktiv)"}
STATE = {"as_of_on": "2026-01-01", "source": "Avtalen (fiktiv)", "units": [{"form": "host_municipality"}]}


def by_editor(name: str, method: str, path: str, problem: str, status: int, body: Any, **rest: Any) -> Case:
    return Case(name, method, path, problem, status, body=body, organisation=EDITOR, scopes=("catalog.admin",), **rest)


def merging(told: str, problem: str, status: int, predecessor: str = VEFSN, **body: Any) -> Case:
    return by_editor(told, "POST", f"/organisations/{predecessor}/merge", problem, status, END | body)


def splitting(name: str, problem: str, status: int, *successors: str) -> Case:
    body = END | {"successors": successors}
    return by_editor(name, "POST", f"/organisations/{VEFSN}/split", problem, status, body)


def changing(told: str, problem: str, status: int, match: dict[str, str] | None = None, **body: Any) -> Case:
    return by_editor(
        told,
        "PATCH",
        f"/organisations/{BRONNOY}",
        problem,
        status,
        body,
        media="application/merge-patch+json",
        headers={"If-Match": '"1"'} if match is None else match,
    )


def reading(name: str, path: str, problem: str, status: int, **query: Any) -> Case:
    return Case(name, "GET", path, problem, status, query=query)


def registering(name: str, problem: str, status: int, slug: str) -> Case:
    body = {"slug": slug, "name": "Samarbeidet (fiktivt)", "state": STATE}
    return by_editor(name, "POST", "/co-operations", problem, status, body)


def adding(told: str, problem: str, status: int, pointer: str, **state: Any) -> Case:
    return by_editor(told, "POST", "/co-operations/hald-ikt/states", problem, status, STATE | state, pointer=pointer)


def confirming(told: str, problem: str, status: int, slug: str, member: str, by: str, **body: Any) -> Case:
    path = f"/co-operations/{slug}/members/{id_of(member)}/confirm"
    return Case(told, "POST", path, problem, status, body=body, organisation=by)


def allocating(told: str, problem: str, status: int, by: str, *to: str, of: str = OLD_ALESUND, **rest: Any) -> Case:
    slug = "ekommune-sunnmore" if of == OLD_ALESUND else "d-ikt"
    body = {"predecessor": of, "carried_on_by": to, "effective_on": "2027-01-01"}
    return Case(told, "POST", f"/co-operations/{slug}/allocations", problem, status, body=body, organisation=by, **rest)


def answering(name: str, problem: str, status: int, id: str, by: str) -> Case:
    path = f"/co-operations/ekommune-sunnmore/allocations/{id}/confirm"
    return Case(name, "POST", path, problem, status, organisation=by)


NO_COMPANY = {"form": "limited_company", "legal_person": False}
OTHER_ACT = {"form": "task_partnership", "law": "kommuneloven 1992 § 27"}
MERGE_VEFSN = f"/organisations/{VEFSN}/merge"
LATE = "back-dating-unexplained"

CASES: list[Case] = [
    merging("merged into itself", "into-itself", 422, successor=VEFSN),
    merging("merged into nobody", "successor-unknown", 422, successor=NOBODY),
    merging("merged into one that has ended", "successor-not-existing", 409, successor=FORSAND),
    merging("a municipality merged into a supplier", "kind-differs", 409, successor=NORDLYS),
    merging("one that ended merges again", "already-ended", 409, FORSAND, successor=BRONNOY),
    merging(
        "ended before another became part of it",
        "ends-before-its-predecessors",
        409,
        SANDNES,
        successor=BRONNOY,
        effective_on="2019-06-01",
        reason="Feilført tidligere",
    ),
    merging("a merger told late without a reason", LATE, 422, successor=BRONNOY, effective_on="2025-01-01"),
    merging("a merger without a source", "invalid-request", 422, successor=BRONNOY, source=None),
    splitting("split into one", "invalid-request", 422, BRONNOY),
    splitting("split into the same twice", "successor-repeated", 422, BRONNOY, BRONNOY),
    Case("a municipality registers a merger", "POST", MERGE_VEFSN, "scope-missing", 403, END | {"successor": BRONNOY}),
    by_editor(
        "a merger that starts from a stale state",
        "POST",
        MERGE_VEFSN,
        "stale",
        412,
        END | {"successor": BRONNOY},
        headers={"If-Match": '"7"'},
    ),
    changing("a change that says not what it starts from", "if-match-missing", 428, {}, name="Brønnøy"),
    changing("a new number without a reason", "reason-missing", 422, organisation_number="100000083"),
    changing(
        "somebody else's organisation number",
        "organisation-number-taken",
        409,
        organisation_number="844824122",
        reason="Prøve",
    ),
    changing(
        "a municipality number that another holds",
        "organisation-number-taken",
        409,
        municipality_numbers=[{"number": "1824"}],
    ),
    changing("a population without its day", "population-undated", 422, population_on=None),
    changing(
        "an end before the beginning",
        "life-invalid",
        422,
        existed_from_on="2020-01-01",
        existed_to_on="2019-01-01",
        reason="Prøve",
    ),
    changing("an unknown field", "invalid-request", 422, mayor="Nn"),
    changing("an organisation without a name", "invalid-request", 422, name=None),
    reading("too many ids at once", "/organisations", "invalid-request", 422, id=[NOBODY] * 101),
    reading("a day that does not exist", "/organisations", "invalid-request", 422, on="2015-02-30"),
    reading("a field that is not there", f"/organisations/{BRONNOY}", "field-unknown", 422, fields="mayor"),
    reading("before anything is recorded", "/co-operations/hald-ikt", "nothing-recorded-then", 404, on="2014-01-01"),
    reading("a roll-up of an unknown one", "/co-operations/roll-up", "co-operation-not-found", 404, slug="finnes-ikke"),
    reading("a roll-up of nothing", "/co-operations/roll-up", "invalid-request", 422),
    registering("a name in addresses that the service needs", "slug-reserved", 422, "roll-up"),
    registering("a name in addresses that is taken", "co-operation-taken", 409, "hald-ikt"),
    adding("a state of tomorrow", "state-in-future", 422, "#/as_of_on", as_of_on="2099-01-01"),
    adding("a day that is recorded", "state-taken", 409, "#/as_of_on", as_of_on="2015-10-30"),
    adding("a host that is no member", "host-not-member", 422, "#/host", host=VEFSN, members=[BRONNOY]),
    adding("no host form", "host-without-host-form", 422, "#/host", host=VEFSN, units=[{"form": "agreements"}]),
    adding("a section of another act", "law-unfit", 422, "#/units/0/law", units=[OTHER_ACT]),
    adding(
        "a company that is no legal person",
        "legal-person-contradicted",
        422,
        "#/units/0/legal_person",
        units=[NO_COMPANY],
    ),
    adding("a member that had ended", "member-not-existing", 422, "#/members/1", members=[BRONNOY, FORSAND]),
    adding("a member that nobody is", "member-unknown", 422, "#/members/0", members=[NOBODY]),
    adding("a member twice", "member-repeated", 422, "#/members/1", members=[BRONNOY, BRONNOY]),
    confirming("confirming for another", "membership-not-yours", 403, "d-ikt", ASKER, DRAMMEN),
    confirming("nothing inherited", "nothing-inherited", 409, "d-ikt", BRONNOY_ITSELF, BRONNOY_ITSELF),
    confirming("what one is already", "already-member", 409, "hald-ikt", ALSTAHAUG, ALSTAHAUG),
    confirming("one side of a split alone", "allocation-needed", 409, "ekommune-sunnmore", HARAM, HARAM),
    confirming("an answer of the past", LATE, 422, "d-ikt", ASKER, ASKER, effective_on="2021-01-01"),
    allocating("an allocation of what was not split", "not-split", 409, ASKER, of=ROYKEN),
    allocating(
        "an allocation to a stranger", "carrier-not-successor", 422, ALESUND, BRONNOY, pointer="#/carried_on_by/0"
    ),
    allocating("a stranger proposes an allocation", "membership-not-yours", 403, BRONNOY_ITSELF),
    answering("a stranger confirms an allocation", "membership-not-yours", 403, PROPOSED, BRONNOY_ITSELF),
    answering("an allocation that is not there", "allocation-not-found", 404, NOBODY, HARAM),
]
