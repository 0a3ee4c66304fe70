"""Questions about certificates that cannot be read."""

from typing import Any

from tests.catalog.bad import Case


def _case(
    name: str, path: str, body: Any, status: int = 422, problem: str = "invalid-request", pointer: str | None = None
) -> Case:
    return Case(name, "POST", path, problem, status, body, organisation=None, pointer=pointer)


def _asked(name: str, pointer: str | None = None, **query: str) -> Case:
    return Case(name, "GET", "/verify", "invalid-request", 422, organisation=None, query=query, pointer=pointer)


PRODUCT = {"product": "fjordvakt-alarm"}
SET = {"products": [PRODUCT], "specification": "velferdsteknologi-datautveksling"}
CASES = [
    _case("about nothing", "/verify", {}),
    _case("about two things", "/verify", PRODUCT | {"certificate": "SV-2026-000001"}),
    _case("a supplier that fails modulus 11", "/verify", {"supplier": "100000017"}, pointer="#/supplier"),
    _case("a supplier in a version", "/verify", {"supplier": "100000016", "version": "1"}),
    _case("a supplier in a delivery form", "/verify", {"supplier": "100000016", "delivery_form": "saas"}),
    _case("a product in a role", "/verify", PRODUCT | {"role": "innforing"}),
    _case("a number that is none", "/verify", {"certificate": "sv 1"}, pointer="#/certificate"),
    _case("a number with NUL", "/verify", {"certificate": "SV\u0000"}, pointer="#/certificate"),
    _case("a day that is none", "/verify", PRODUCT | {"on": "2026-02-30"}, pointer="#/on"),
    _case("a version too long", "/verify", PRODUCT | {"version": "1" * 41}, pointer="#/version"),
    _case("a field that is unknown", "/verify", PRODUCT | {"colour": "red"}, pointer="#/colour"),
    _case("a list", "/verify", [PRODUCT]),
    Case("no JSON", "POST", "/verify", "not-json", 400, organisation=None, content=b'{"product":'),
    Case("no UTF-8", "POST", "/verify", "about:blank", 400, organisation=None, content=b'{"product":"\xff"}'),
    _asked("looked up about nothing"),
    _asked("looked up about two things", product="fjordvakt-alarm", certificate="SV-2026-000001"),
    _asked("looked up with a field that is unknown", "?colour", product="fjordvakt-alarm", colour="red"),
    _asked("looked up on a day that is none", "?on", product="fjordvakt-alarm", on="i dag"),
    _case("no question", "/verify/batch", {"questions": []}, pointer="#/questions"),
    _case("too many questions", "/verify/batch", {"questions": [PRODUCT] * 501}, pointer="#/questions"),
    _case("questions that are none", "/verify/batch", {"questions": "all"}, pointer="#/questions"),
    _case("questions and more", "/verify/batch", {"questions": [PRODUCT], "on": "2026-01-01"}, pointer="#/on"),
    _case("no product", "/verify/set", SET | {"products": []}, pointer="#/products"),
    _case("too many products", "/verify/set", SET | {"products": [PRODUCT] * 21}, pointer="#/products"),
    _case("a product twice", "/verify/set", SET | {"products": [PRODUCT, PRODUCT]}, problem="product-repeated"),
    _case("no specification", "/verify/set", {"products": [PRODUCT]}, pointer="#/specification"),
    _case("a set of a field unknown", "/verify/set", SET | {"colour": "red"}, pointer="#/colour"),
]
