"""Bad input about specifications, their versions, tables, derivations and packs."""

from typing import Any

from tests.catalog.bad import Case

NATIONAL = "/specifications/velferdsteknologi-trygghetstjeneste"
OWN = "/specifications/alstahaug-trygghetstjeneste"
DRAFT = f"{OWN}/versions/1.1"
OWNER = "938712441"
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADER = "ID;Krav;Må/bør/kan\n"
READ = {"If-Match": '"1"'}
REQUIREMENT: dict[str, Any] = {"id": "X-1", "obligation": "must", "text": {"nb": "Krav"}}
VERSION: dict[str, Any] = {"version": "1.0", "requirements": [REQUIREMENT]}
NEW: dict[str, Any] = {"slug": "fallsensor", "level": 1, "name": {"nb": "Fallsensor"}, "versions": [VERSION]}


def register(what: str, problem: str, status: int = 422, **rest: Any) -> Case:
    pointer = rest.pop("pointer", None)
    return Case(what, "POST", "/specifications", problem, status, body=NEW | rest, pointer=pointer)


def table(
    name: str, problem: str, content: bytes, *, status: int = 422, media: str = CSV, pointer: str | None = None
) -> Case:
    return Case(
        name,
        "POST",
        f"{DRAFT}/requirements",
        problem,
        status,
        organisation=OWNER,
        content=content,
        media=media,
        query={"reason": "Egne krav"},
        pointer=pointer,
    )


def own(name: str, method: str, path: str, problem: str, status: int, body: Any = None, **rest: Any) -> Case:
    return Case(name, method, f"{OWN}{path}", problem, status, body=body, organisation=OWNER, **rest)


CASES: list[Case] = [
    # Registering
    register("a level that there is not", "invalid-request", level=3, pointer="#/level"),
    register("no version", "invalid-request", versions=[], pointer="#/versions"),
    register("a version without requirements", "invalid-request", versions=[VERSION | {"requirements": []}]),
    register("a label that is a path", "invalid-request", versions=[VERSION | {"version": "../1"}]),
    register("a name in no language", "invalid-request", name={}, pointer="#/name"),
    register("a name with NUL", "value-unusable", 400, name={"nb": "Fall\0sensor"}),
    register("a field that there is not", "invalid-request", colour="red", pointer="#/colour"),
    register(
        "a requirement twice",
        "requirement-repeated",
        versions=[VERSION | {"requirements": [REQUIREMENT] * 2}],
        pointer="#/versions/0/requirements/1/id",
    ),
    register(
        "an obligation that there is not",
        "invalid-request",
        versions=[VERSION | {"requirements": [REQUIREMENT | {"obligation": "shall"}]}],
    ),
    register(
        "a requirement that replaces itself",
        "replaced-unknown",
        versions=[VERSION | {"requirements": [REQUIREMENT | {"replaces": "X-1"}]}],
    ),
    Case(
        "a supplier's specification",
        "POST",
        "/specifications",
        "owner-not-public",
        403,
        body=NEW,
        organisation="100000016",
    ),
    Case(
        "a stranger's specification",
        "POST",
        "/specifications",
        "not-registered",
        403,
        body=NEW,
        organisation="100000083",
    ),
    register(
        "a clause that no standard has",
        "clause-unknown",
        versions=[VERSION | {"requirements": [REQUIREMENT | {"clause": {"standard": "wcag-2-1", "clause": "99"}}]}],
        pointer="#/versions/0/requirements/0/clause",
    ),
    # Changing
    own("a change without If-Match", "PATCH", "", "if-match-missing", 428, {"name": {"nb": "Ny"}}),
    own("a change of something old", "PATCH", "", "stale", 412, {"name": {"nb": "Ny"}}, headers={"If-Match": '"9"'}),
    own("a change of the level", "PATCH", "", "invalid-request", 422, {"level": 1}, headers=READ),
    own("a change that takes the name away", "PATCH", "", "invalid-request", 422, {"name": None}, headers=READ),
    Case("somebody else's", "PATCH", OWN, "specification-not-yours", 403, body={"name": {"nb": "Ny"}}, headers=READ),
    # Versions
    own("a version twice", "POST", "/versions", "version-label-taken", 409, {"version": "1.1"}),
    own("a copy of nothing", "POST", "/versions", "version-unknown", 422, {"version": "3", "copy_from": "2"}),
    own("a publication twice", "POST", "/versions/1.0/publish", "version-step-refused", 409, {"reason": "Igjen"}),
    own("a warning about a draft", "POST", "/versions/1.1/warn", "version-step-refused", 409, {"reason": "Snart"}),
    own("an end without a reason", "POST", "/versions/1.0/end", "invalid-request", 422, {}, pointer="#/reason"),
    own(
        "an end in the past",
        "POST",
        "/versions/1.1/publish",
        "publication-back-dated",
        422,
        {"effective_on": "2026-01-01"},
    ),
    own(
        "a version that there is not",
        "POST",
        "/versions/7/end",
        "specification-version-not-found",
        404,
        {"reason": "x"},
    ),
    # Requirements of a draft
    own(
        "a requirement of a published version",
        "PUT",
        "/versions/1.0/requirements/Z-1",
        "version-frozen",
        409,
        {"obligation": "may", "text": {"nb": "Z"}},
        headers=READ,
    ),
    own(
        "an id that means something else",
        "PUT",
        "/versions/1.1/requirements/ALS-01",
        "requirement-id-reused",
        422,
        {"obligation": "may", "text": {"nb": "Z"}},
        headers=READ,
    ),
    own(
        "an id in small letters",
        "PUT",
        "/versions/1.1/requirements/z-1",
        "invalid-request",
        422,
        {"obligation": "may", "text": {"nb": "Z"}},
        headers=READ,
    ),
    own(
        "a must left out without a reason",
        "DELETE",
        "/versions/1.1/requirements/VT2-01",
        "left-without-reason",
        422,
        headers=READ,
    ),
    # Tables
    table("a table of another type", "table-type-unsupported", b"ID", status=415, media="application/pdf"),
    table("a table in Latin-1", "table-unreadable", (HEADER + "A-1;Kråv;må").encode("latin-1")),
    table("a workbook that is none", "table-unreadable", b"PK\x03\x04 nei", media=XLSX),
    table("a table larger than allowed", "table-too-large", HEADER.encode() + b"x" * 5_300_000, status=413),
    table("an empty table", "column-missing", b""),
    table("a table without rows", "value-missing", HEADER.encode(), pointer="#/rows"),
    table("a table without its columns", "column-missing", b"ID;Kommentar\nA-1;Hei", pointer="#/rows/1"),
    table("a column twice", "column-repeated", b"ID;ID;Krav;Obligation\nA;A;B;must", pointer="#/rows/1/B"),
    table("an unknown column", "column-unknown", b"ID;Krav;Obligation;Pris\nA;B;must;9", pointer="#/rows/1/D"),
    table(
        "an unknown obligation",
        "value-unreadable",
        HEADER.encode() + b"A-1;Krav;kanskje",
        pointer="#/rows/2/obligation",
    ),
    table(
        "an id twice in a table",
        "requirement-repeated",
        HEADER.encode() + b"A-1;K;kan\nA-1;K;kan",
        pointer="#/rows/3/id",
    ),
    table(
        "an id of before in a table", "requirement-id-reused", HEADER.encode() + b"ALS-01;K;kan", pointer="#/rows/2/id"
    ),
    table("a row with NUL", "value-unreadable", HEADER.encode() + b"A-1;K\0;kan", pointer="#/rows/2/text"),
    # Comparing
    Case("a comparison with nothing", "GET", f"{NATIONAL}/diff", "invalid-request", 422, query={"from": "1.0"}),
    Case("an unknown version", "GET", f"{NATIONAL}/diff", "version-unknown", 422, query={"from": "1.0", "to": "7"}),
    # Deriving and following
    Case(
        "a derivation of nothing",
        "POST",
        f"{NATIONAL}/derive",
        "source-unknown",
        422,
        body={"slug": "ny", "name": {"nb": "Ny"}, "from_version": "7"},
    ),
    Case(
        "a derivation of a draft",
        "POST",
        f"{OWN}/derive",
        "source-is-draft",
        422,
        body={"slug": "ny", "name": {"nb": "Ny"}, "from_version": "1.1"},
    ),
    own("an unsettled conflict", "POST", "/follow", "follow-conflict", 409, {"to_version": "1.1", "version": "1.1"}),
    own(
        "a settlement of nothing",
        "POST",
        "/follow",
        "resolution-unknown",
        422,
        {"to_version": "1.1", "version": "1.1", "resolutions": [{"requirement": "VT2-01", "take": "ours"}]},
        pointer="#/resolutions/0/requirement",
    ),
    own(
        "a settlement that is none",
        "POST",
        "/follow",
        "invalid-request",
        422,
        {"to_version": "1.1", "version": "1.1", "resolutions": [{"requirement": "VT2-02", "take": "mine"}]},
    ),
    own(
        "following into what is published",
        "POST",
        "/follow",
        "version-frozen",
        409,
        {"to_version": "1.1", "version": "1.0"},
    ),
    # Packs
    Case("a pack of a draft", "GET", f"{OWN}/procurement-pack", "pack-of-draft", 409, query={"version": "1.1"}),
    Case("a pack of before", "GET", f"{OWN}/procurement-pack", "nothing-in-force", 409, query={"on": "1999-01-01"}),
    Case("a pack of no day", "GET", f"{OWN}/procurement-pack", "invalid-request", 422, query={"on": "i morgen"}),
    Case(
        "a pack of the future",
        "GET",
        f"{OWN}/procurement-pack",
        "pack-from-future",
        422,
        query={"known_at": "2999-01-01T00:00:00Z"},
    ),
]
