"""Wrong requests about standards, their clauses and bindings."""

from typing import Any

from services.chassis.values import seed_id
from tests.catalog.bad import Case

EDITOR = "100000008"
ADMIN = ("catalog.admin",)
WCAG = "/standards/wcag-2-1"
BINDING = f"{WCAG}/bindings/{seed_id('binding:wcag-2-1:municipality:universell-utforming')}"
PATCH = "application/merge-patch+json"
NEW: dict[str, Any] = {"slug": "ny", "name": {"nb": "Ny"}}
BIND: dict[str, Any] = {
    "sector": "municipality",
    "area": "ny",
    "area_name": {"nb": "Nytt"},
    "level": "recommended",
    "reason": "Derfor",
}


def posted(name: str, path: str, body: Any, problem: str, status: int, pointer: str | None = None) -> Case:
    return Case(name, "POST", path, problem, status, body=body, organisation=EDITOR, scopes=ADMIN, pointer=pointer)


def patched(name: str, path: str, body: Any, problem: str, status: int, pointer: str | None, **headers: str) -> Case:
    return Case(name, "PATCH", path, problem, status, body=body, organisation=EDITOR, scopes=ADMIN, media=PATCH,
                headers=headers, pointer=pointer)  # fmt: skip


CASES = [
    Case("by one who is no editor", "POST", "/standards", "scope-missing", 403, body=NEW),
    Case("without a token", "POST", "/standards", "token-missing", 401, body=NEW, organisation=None),
    posted("a slug that is taken", "/standards", NEW | {"slug": "wcag-2-1"}, "standard-slug-taken", 409),
    posted("an address that is none", "/standards", NEW | {"url": "ftp://a.no"}, "invalid-request", 422, "#/url"),
    posted("an unknown component", "/standards", NEW | {"component": "nei"}, "component-unknown", 422, "#/component"),
    posted("an unknown successor", "/standards", NEW | {"successor": "nei"}, "successor-unknown", 422, "#/successor"),
    posted("its own successor", "/standards", NEW | {"successor": "ny"}, "succeeds-itself", 422, "#/successor"),
    posted("a clause twice", "/standards", NEW | {"clauses": [{"id": "1", "title": {"nb": "a"}}] * 2},
           "clause-repeated", 422, "#/clauses/1/id"),
    posted("a clause that is taken", f"{WCAG}/clauses", {"clauses": [{"id": "1.4.3", "title": {"nb": "a"}}]},
           "clause-taken", 409, "#/clauses/0/id"),
    posted("no clauses", f"{WCAG}/clauses", {"clauses": []}, "invalid-request", 422, "#/clauses"),
    posted("a binding of nothing", "/standards/nei/bindings", BIND, "standard-not-found", 404),
    posted("no such sector", f"{WCAG}/bindings", BIND | {"sector": "private"}, "invalid-request", 422, "#/sector"),
    posted("a binding for no reason", f"{WCAG}/bindings", {**BIND, "reason": ""}, "invalid-request", 422, "#/reason"),
    posted("mandatory by no law", f"{WCAG}/bindings", BIND | {"level": "mandatory"}, "legal-basis-missing", 422,
           "#/legal_basis"),
    posted("an end before the beginning", f"{WCAG}/bindings",
           BIND | {"valid_from_on": "2027-01-01", "valid_to_on": "2026-12-31"}, "binding-ends-before-it-begins", 422,
           "#/valid_to_on"),
    posted("two levels on the same days", f"{WCAG}/bindings", BIND | {"area": "universell-utforming"},
           "binding-overlaps", 409, "#/valid_from_on"),
    posted("a binding replaced by its own standard", f"{WCAG}/bindings", BIND | {"successor": "wcag-2-1"},
           "binding-succeeds-itself", 422, "#/successor"),
    posted("an end before it began", f"{BINDING}/end", {"valid_to_on": "2023-01-01", "reason": "Feil"},
           "binding-ends-before-it-begins", 422, "#/valid_to_on"),
    posted("an end of nothing", f"{WCAG}/bindings/{seed_id('nei')}/end", {"valid_to_on": "2027-01-01", "reason": "Nei"},
           "binding-not-found", 404),
    posted("an end with a successor that is none", f"{BINDING}/end",
           {"valid_to_on": "2027-01-01", "reason": "Ny", "successor": "nei"}, "binding-successor-unknown", 422,
           "#/successor"),
    Case("an id that is none", "GET", f"{WCAG}/bindings/1", "invalid-request", 422, organisation=None),
    Case("an instant without a zone", "GET", WCAG, "invalid-request", 422, organisation=None,
         query={"known_at": "2026-01-01T00:00:00"}),
    Case("a name that is none", "GET", "/standards", "invalid-request", 422, organisation=None, query={"slug": "Å"}),
    patched("a binding's change without If-Match", BINDING, {"reason": "Ny"}, "if-match-missing", 428, None),
    patched("a binding's change of what has changed", BINDING, {"reason": "Ny"}, "stale", 412, None,
            **{"If-Match": '"9"'}),
    patched("a binding's change for no reason", BINDING, {"level": "recommended"}, "invalid-request", 422,
            "#/reason", **{"If-Match": '"1"'}),
    patched("another area", BINDING, {"area": "annet", "reason": "Ny"}, "invalid-request", 422, "#/area",
            **{"If-Match": '"1"'}),
    patched("another version without a reason", WCAG, {"version": "2.2"}, "reason-missing", 422, "#/reason",
            **{"If-Match": '"1"'}),
    patched("a circle of successors", WCAG, {"successor": "wcag-2-0", "reason": "Feil"}, "succeeds-itself", 422,
            "#/successor", **{"If-Match": '"1"'}),
]  # fmt: skip
