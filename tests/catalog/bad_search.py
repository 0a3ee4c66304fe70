"""Questions that cannot be asked of the search."""

from services.chassis import paging
from tests.catalog.bad import Case

FACETS = "/search/facets"


def case(
    name: str, problem: str, status: int, path: str = "/search", organisation: str | None = None, **query: str
) -> Case:
    return Case(name, "GET", path, problem, status, organisation=organisation, query=query)


CASES = [
    case("a cursor that is none", "cursor-malformed", 400, after="tull"),
    case("a cursor of another order", "cursor-malformed", 400, sort="name", after=paging.cursor(1, 10, "a", "/a")),
    case("a cursor of another list", "cursor-malformed", 400, q="felles", after=paging.cursor("a", "b")),
    case("a cursor with NUL", "value-unusable", 400, sort="name", after=paging.cursor("a\x00", "/a")),
    case(
        "a cursor beyond all numbers",
        "cursor-malformed",
        400,
        after="WzAsMTAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMCwiYSIsIi9hIl0",
    ),
    case("a facet that there is not", "invalid-request", 422, colour="red"),
    case("all of a facet with one value", "invalid-request", 422, owner_all="964983291"),
    case("a type that there is not", "invalid-request", 422, type="municipality"),
    case("an order that there is not", "invalid-request", 422, sort="price"),
    case("by adoption without a token", "adoption-hidden", 403, sort="adoption"),
    case("by adoption as a supplier", "adoption-hidden", 403, organisation="100000016", sort="adoption"),
    case("by adoption as somebody unknown", "adoption-hidden", 403, organisation="100000083", sort="adoption"),
    case("narrowed by adoption without a token", "adoption-hidden", 403, adoption="many"),
    case("counted by adoption as a supplier", "adoption-hidden", 403, FACETS, "100000024", adoption="few"),
    case("an adoption that there is not", "invalid-request", 422, adoption="7"),
    case("a very long question", "invalid-request", 422, q="ord " * 2_500),
    case("words with NUL", "invalid-request", 422, q="trygghet\x00"),
    case("a value with NUL", "invalid-request", 422, kind="comp\x00onent"),
    case("a value that is too long", "invalid-request", 422, FACETS, owner="9" * 201),
    case("no items on a page", "invalid-request", 422, limit="0"),
    case("too many items on a page", "invalid-request", 422, limit="201"),
    case("a field that a hit does not have", "field-unknown", 422, fields="price"),
    case("a language that there is not", "invalid-request", 422, language="de"),
    case("counts by page", "invalid-request", 422, FACETS, limit="10"),
    Case(
        "no token at all",
        "GET",
        "/search",
        "token-invalid",
        401,
        organisation=None,
        headers={"Authorization": "Bearer x"},
    ),
]
