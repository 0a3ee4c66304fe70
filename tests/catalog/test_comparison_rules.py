"""What changed between two OpenAPI documents, and what of it breaks a consumer."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.comparisons.rules import Code, compare


def document(**operation: Any) -> dict[str, Any]:
    return {"openapi": "3.0.3", "info": {}, "paths": {"/a": {"get": {"responses": {}} | operation}}}


def taking(schema: Any, **rest: Any) -> dict[str, Any]:
    return document(requestBody={"content": {"application/json": {"schema": schema}}} | rest)


def giving(schema: Any) -> dict[str, Any]:
    return document(responses={"200": {"content": {"application/json": {"schema": schema}}}})


def asking(*parameters: Any) -> dict[str, Any]:
    return document(parameters=list(parameters))


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[Code, bool]]:
    return [(one.code, one.breaking) for one in compare(old, new).changes]


LIMIT = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a"]}
NOTHING: dict[str, Any] = {"openapi": "3.0.3", "info": {}, "paths": {}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (document(), NOTHING, [(Code.OPERATION_REMOVED, True)]),
        (NOTHING, document(), [(Code.OPERATION_ADDED, False)]),
        (document(), document(deprecated=True), [(Code.OPERATION_DEPRECATED, False)]),
        (document(summary="a"), document(summary="b", tags=["c"]), []),
        (asking(), asking(LIMIT), [(Code.PARAMETER_ADDED, False)]),
        (asking(), asking(LIMIT | {"required": True}), [(Code.PARAMETER_ADDED, True)]),
        (asking(LIMIT), asking(), [(Code.PARAMETER_REMOVED, True)]),
        (asking(LIMIT), asking(LIMIT | {"required": True}), [(Code.BECAME_REQUIRED, True)]),
        (asking(LIMIT | {"required": True}), asking(LIMIT), [(Code.BECAME_OPTIONAL, False)]),
        (asking(LIMIT), asking(LIMIT | {"schema": {"type": "number"}}), [(Code.TYPE_CHANGED, False)]),
        (asking(LIMIT), asking(LIMIT | {"schema": {"type": "string"}}), [(Code.TYPE_CHANGED, True)]),
        (
            asking(LIMIT),
            asking(LIMIT | {"schema": {"type": "integer", "maximum": 5}}),
            [(Code.CONSTRAINT_CHANGED, True)],
        ),
        (
            asking({"name": "X-A", "in": "header", "schema": {}}),
            asking({"name": "x-a", "in": "header", "schema": {}}),
            [],
        ),
        (document(), taking(OBJECT, required=True), [(Code.REQUEST_BODY_ADDED, True)]),
        (document(), taking(OBJECT), [(Code.REQUEST_BODY_ADDED, False)]),
        (taking(OBJECT), document(), [(Code.REQUEST_BODY_REMOVED, True)]),
        (taking(OBJECT), taking(OBJECT | {"required": ["a", "b"]}), [(Code.BECAME_REQUIRED, True)]),
        (giving(OBJECT), giving(OBJECT | {"required": ["a", "b"]}), [(Code.BECAME_REQUIRED, False)]),
        (taking(OBJECT), taking(OBJECT | {"required": []}), [(Code.BECAME_OPTIONAL, False)]),
        (giving(OBJECT), giving(OBJECT | {"required": []}), [(Code.BECAME_OPTIONAL, True)]),
        (giving(OBJECT), giving({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}),
         [(Code.PROPERTY_REMOVED, True)]),
        (giving({"type": "object", "properties": {}}), giving({"type": "object", "properties": {"c": {}}}),
         [(Code.PROPERTY_ADDED, False)]),
        (taking({"type": "object"}), taking({"type": "object", "properties": {"c": {}}, "required": ["c"]}),
         [(Code.PROPERTY_ADDED, True)]),
        (taking({"type": "object"}), taking({"type": "object", "properties": {"c": {}}}),
         [(Code.PROPERTY_ADDED, False)]),
        (taking({"type": "object"}), taking({"type": "object", "additionalProperties": False}),
         [(Code.CONSTRAINT_CHANGED, True)]),
        (taking({"type": "object", "additionalProperties": False}), taking({"type": "object"}),
         [(Code.CONSTRAINT_CHANGED, False)]),
        (taking({"enum": ["a", "b"]}), taking({"enum": ["a"]}), [(Code.VALUES_CHANGED, True)]),
        (giving({"enum": ["a", "b"]}), giving({"enum": ["a"]}), [(Code.VALUES_CHANGED, False)]),
        (taking({"enum": ["a"]}), taking({"enum": ["a", "b"]}), [(Code.VALUES_CHANGED, False)]),
        (giving({"enum": ["a"]}), giving({"enum": ["a", "b"]}), [(Code.VALUES_CHANGED, True)]),
        (giving({"enum": ["a"]}), giving({}), [(Code.VALUES_CHANGED, True)]),
        (giving({"type": "string"}), giving({"type": "string", "nullable": True}), [(Code.TYPE_CHANGED, True)]),
        (taking({"type": "string"}), taking({"type": ["string", "null"]}), [(Code.TYPE_CHANGED, False)]),
        (giving({"type": "number"}), giving({"type": "integer"}), [(Code.TYPE_CHANGED, False)]),
        (giving({"maxLength": 5}), giving({"maxLength": 9}), [(Code.CONSTRAINT_CHANGED, True)]),
        (taking({"maxLength": 5}), taking({"maxLength": 9}), [(Code.CONSTRAINT_CHANGED, False)]),
        (taking({"minLength": 5}), taking({"minLength": 9}), [(Code.CONSTRAINT_CHANGED, True)]),
        (taking({"minLength": 5}), taking({}), [(Code.CONSTRAINT_CHANGED, False)]),
        (taking({"pattern": "a"}), taking({"pattern": "b"}), [(Code.CONSTRAINT_CHANGED, True)]),
        (giving({"items": {"type": "string"}}), giving({"items": {"type": "integer"}}), [(Code.TYPE_CHANGED, True)]),
        (giving({"oneOf": [{"type": "string"}]}), giving({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
         [(Code.ALTERNATIVE_ADDED, True)]),
        (taking({"oneOf": [{"type": "string"}]}), taking({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
         [(Code.ALTERNATIVE_ADDED, False)]),
        (taking({"oneOf": [{"type": "string"}, {"type": "integer"}]}), taking({"oneOf": [{"type": "string"}]}),
         [(Code.ALTERNATIVE_REMOVED, True)]),
        (giving({"allOf": [OBJECT]}), giving(OBJECT), []),
        (giving({"allOf": [{"type": "object"}, OBJECT]}), giving(OBJECT), []),
        (giving({"$ref": "https://a.invalid/x"}), giving({"$ref": "https://a.invalid/y"}),
         [(Code.REFERENCE_CHANGED, True)]),
        (taking({"properties": {"a": {"readOnly": True}}}), taking({}), []),
        (giving({"properties": {"a": {"writeOnly": True}}}), giving({}), []),
        (document(responses={"200": {}, "404": {}}), document(responses={"2XX": {}}),
         [(Code.RESPONSE_REMOVED, False), (Code.RESPONSE_ADDED, False)]),
        (document(responses={"200": {}}), document(responses={}), [(Code.RESPONSE_REMOVED, True)]),
        (document(responses={"200": {"content": {"text/csv": {}}}}), document(responses={"200": {}}),
         [(Code.MEDIA_TYPE_REMOVED, True)]),
        (document(), document(security=[{"token": []}]), [(Code.SECURITY_TIGHTENED, True)]),
        (document(security=[{"token": ["a"]}]), document(security=[{"token": ["a", "b"]}]),
         [(Code.SECURITY_TIGHTENED, True)]),
        (document(security=[{"token": ["a"]}]), document(security=[{"token": ["a"]}, {"key": []}]),
         [(Code.SECURITY_RELAXED, False)]),
        (document(security=[{"token": []}]), document(security=[]), [(Code.SECURITY_RELAXED, False)]),
    ],
)  # fmt: skip
def test_a_change_breaks_or_not(old: dict[str, Any], new: dict[str, Any], expected: list[tuple[Code, bool]]) -> None:
    assert changes(old, new) == expected


def test_what_a_path_calls_its_parameters_is_no_change() -> None:
    def named(name: str) -> dict[str, Any]:
        parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        return NOTHING | {"paths": {f"/a/{{{name}}}": {"parameters": [parameter], "get": {"responses": {}}}}}

    assert changes(named("id"), named("varsel")) == []


def test_a_change_behind_a_reference_is_seen_in_every_operation() -> None:
    def shared(kind: str) -> dict[str, Any]:
        answer = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/t"}}}}}
        tree = {"properties": {"v": {"type": kind}, "next": {"$ref": "#/components/schemas/t"}}}
        paths = {path: {"get": {"responses": answer}} for path in ("/a", "/b")}
        return NOTHING | {"paths": paths, "components": {"schemas": {"t": tree}}}

    found = compare(shared("string"), shared("integer"))
    assert [(one.operation, one.where) for one in found.changes] == [
        ("GET /a", "response 200 application/json/v"),
        ("GET /b", "response 200 application/json/v"),
    ]
    assert found.complete


def test_too_deep_a_document_says_that_not_all_was_looked_at() -> None:
    def chain(kind: str) -> dict[str, Any]:
        named: dict[str, Any] = {
            f"s{n}": {"properties": {"p": {"$ref": f"#/components/schemas/s{n + 1}"}}} for n in range(500)
        }
        whole = giving({"$ref": "#/components/schemas/s0"})
        return whole | {"components": {"schemas": named | {"s500": {"type": kind}}}}

    assert not compare(chain("string"), chain("integer")).complete


names = st.sampled_from("abc")
leaves: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(lambda kind: {"type": kind}, st.sampled_from(["string", "integer", "number", "boolean"])),
    st.builds(lambda values: {"enum": sorted(values)}, st.sets(names, min_size=1)),
    st.builds(lambda low, high: {"minLength": low, "maxLength": high}, st.integers(0, 9), st.integers(0, 9)),
    st.just({"$ref": "#/components/schemas/t"}),
)
trees: st.SearchStrategy[dict[str, Any]] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda one: {"type": "array", "items": one}, inner),
        st.builds(lambda some: {"allOf": some}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda some: {"anyOf": some}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(
            lambda named, needed: {"type": "object", "properties": named, "required": sorted(needed)},
            st.dictionaries(names, inner, max_size=3),
            st.sets(names),
        ),
    ),
    max_leaves=8,
)


def whole(request: dict[str, Any], response: dict[str, Any], tree: dict[str, Any]) -> dict[str, Any]:
    one = taking(request)
    one["paths"]["/a"]["get"]["responses"] = giving(response)["paths"]["/a"]["get"]["responses"]
    return one | {"components": {"schemas": {"t": tree}}}


@settings(max_examples=150, deadline=None)
@given(trees, trees, trees)
def test_a_document_does_not_differ_from_itself(
    request: dict[str, Any], response: dict[str, Any], tree: dict[str, Any]
) -> None:
    one = whole(request, response, tree)
    assert compare(one, copy.deepcopy(one)).changes == []


@settings(max_examples=150, deadline=None)
@given(trees, trees, trees)
def test_a_difference_seen_one_way_is_seen_the_other_way_too(
    old: dict[str, Any], new: dict[str, Any], tree: dict[str, Any]
) -> None:
    """Whether two contracts differ does not depend on which of them is the older."""
    forth = {(one.operation, one.where) for one in compare(whole(old, old, tree), whole(new, new, tree)).changes}
    back = {(one.operation, one.where) for one in compare(whole(new, new, tree), whole(old, old, tree)).changes}
    assert bool(forth) == bool(back)


@pytest.mark.parametrize("complete", [True, False])
def test_schemas_that_are_made_of_themselves_or_of_too_many_end(complete: bool) -> None:
    last = 1 if complete else 40
    named = {f"s{n}": {"allOf": [{"$ref": f"#/components/schemas/s{(n + 1) % last}"}] * 2} for n in range(last)}
    one = giving({"$ref": "#/components/schemas/s0"}) | {"components": {"schemas": named}}
    found = compare(one, copy.deepcopy(one))
    assert (found.changes, found.complete) == ([], complete)
