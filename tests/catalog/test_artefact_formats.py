"""What is found in artefacts that strangers made: everything that is wrong, nothing that harms, and nothing fetched."""

import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from services.catalog.artefacts import examination, formats, rules
from services.catalog.artefacts.rules import Format

JSON, YAML, XML = "application/json", "application/yaml", "application/xml"
SCHEMA = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'


def openapi(**parts: Any) -> dict[str, Any]:
    return {"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {}} | parts


def sent(document: Any) -> bytes:
    return json.dumps(document).encode()


def schemas(**named: Any) -> bytes:
    return sent(openapi(components={"schemas": named}))


def xsd(inside: str, before: str = "") -> bytes:
    return f"{before}<xs:schema {SCHEMA}>{inside}</xs:schema>".encode()


def operation(**parts: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "ok"}}} | parts


SAME = "#/components/schemas/a"
ASYNC = {"asyncapi": "2.6.0", "info": {"title": "T", "version": "1"}, "channels": {"a": {"subscribe": {"message": {}}}}}


@pytest.mark.parametrize(
    ("content", "media_type", "format", "version"),
    [
        (sent(openapi()), JSON, Format.OPENAPI, "3.0.3"),
        (b"\xef\xbb\xbf" + sent(openapi()), JSON, Format.OPENAPI, "3.0.3"),
        (sent(openapi(openapi="3.1.0")), "application/vnd.oai.openapi+json", Format.OPENAPI, "3.1.0"),
        (sent(openapi(openapi="3.2.0")), JSON, Format.OPENAPI, "3.2.0"),
        (b"openapi: 3.0.3\ninfo: {title: T, version: 1.0.0}\npaths: {}\n", YAML, Format.OPENAPI, "3.0.3"),
        (
            b"openapi: 3.0.3\nx-i: &i {title: T}\ninfo: {<<: *i, version: 2024-01-01}\npaths:\n"
            b"  /a: {get: {responses: {200: {description: on}}}}\n",
            YAML,
            Format.OPENAPI,
            "3.0.3",
        ),
        (schemas(a={"type": "object", "properties": {"next": {"$ref": SAME}}}), JSON, Format.OPENAPI, "3.0.3"),
        (schemas(a={"type": "object", "example": {"$ref": "#/nowhere"}}), JSON, Format.OPENAPI, "3.0.3"),
        (sent(ASYNC), JSON, Format.ASYNCAPI, "2.6.0"),
        (sent(ASYNC | {"asyncapi": "2.0.0"}), JSON, Format.ASYNCAPI, "2.0.0"),
        (sent({"asyncapi": "3.1.0", "info": ASYNC["info"]}), JSON, Format.ASYNCAPI, "3.1.0"),
        (xsd('<xs:element name="a" type="xs:string"/>'), XML, Format.XSD, None),
        (xsd("", '<?xml version="1.0" encoding="UTF-16"?>').decode().encode("utf-16"), XML, Format.XSD, None),
    ],
)
def test_what_is_right_is_taken(content: bytes, media_type: str, format: Format, version: str | None) -> None:
    report = formats.examine(content, media_type)
    assert report.findings == []
    assert (report.format, report.specification_version) == (format, version)


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0"])
def test_every_version_of_asyncapi_has_its_own_schema(version: str) -> None:
    assert formats.examine(sent(ASYNC | {"asyncapi": version}), JSON).findings == []
    wrong = formats.examine(sent(ASYNC | {"asyncapi": version, "chanels": {}}), JSON)
    assert len(wrong.findings) == 1


@pytest.mark.parametrize(
    ("content", "media_type", "pointers"),
    [
        (sent(openapi(info={"title": "T"}, paths={"/a": {"get": {}}})), JSON, {"#/info", "#/paths/~1a/get"}),
        (sent(openapi(paths={"/a/{id}": {"get": operation()}})), JSON, {"#"}),
        (
            sent(openapi(paths={"/a": {"get": operation(operationId="x"), "put": operation(operationId="x")}})),
            JSON,
            {"#"},
        ),
        (schemas(a={"$ref": "#/components/schemas/b"}), JSON, {"#/components/schemas/a/$ref"}),
        (sent(openapi(openapi="3.9.0")), JSON, {"#/openapi"}),
        (sent(ASYNC | {"asyncapi": "9.0.0"}), JSON, {"#/asyncapi"}),
        (sent({"asyncapi": "2.6.0", "info": {"title": "T"}, "channels": {}}), JSON, {"#/info"}),
        (sent({"swagger": "2.0"}), JSON, {None}),
        (sent([]), JSON, {None}),
        (b"{", JSON, {None}),
        (b'{"openapi": NaN}', JSON, {None}),
        (b'{"openapi": "3.0.3", "openapi": "3.1.0"}', JSON, {None}),
        (b"openapi: 3.0.3\nopenapi: 3.1.0\n", YAML, {None}),
        (b"openapi: [\n", YAML, {None}),
        (b"\xff\xfe", JSON, {None}),
        (sent(openapi(info={"title": "a\0b", "version": "1"})), JSON, {None}),
        (b'{"openapi": "\\ud800"}', JSON, {None}),
        (b"openapi: !!python/object/apply:os.system ['true']\n", YAML, {None}),
        (b"<a/>", XML, {None}),
        (b"<xs:schema>", XML, {None}),
        (xsd('<xs:element name="a" type="xs:strng"/><xs:element/>'), XML, {None}),
    ],
)
def test_everything_that_is_wrong_is_told_with_its_place(
    content: bytes, media_type: str, pointers: set[str | None]
) -> None:
    report = formats.examine(content, media_type)
    assert {one.pointer for one in report.findings} == pointers
    assert not report.unsafe


def test_a_finding_in_yaml_and_xml_has_its_line() -> None:
    yaml = b"openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /a:\n    get:\n      responses: []\n"
    assert [one.line for one in formats.examine(yaml, YAML).findings] == [6]
    assert [one.line for one in formats.examine(xsd('\n\n<xs:element type="xs:string"/>'), XML).findings] == [3]


def bomb(levels: int) -> bytes:
    """Each mapping nine times the one before."""
    names = [f"a{level}" for level in range(levels)]
    lines = [f"{names[0]}: &{names[0]} [x, x, x, x, x, x, x, x, x]"]
    for before, here in itertools.pairwise(names):
        lines.append(f"{here}: &{here} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(lines).encode()


def groups(levels: int) -> bytes:
    twice = "".join(
        f'<xs:group name="g{n}"><xs:sequence>' + f'<xs:group ref="g{n + 1}"/>' * 2 + "</xs:sequence></xs:group>"
        for n in range(levels)
    )
    return xsd(f'{twice}<xs:group name="g{levels}"><xs:sequence><xs:element name="e"/></xs:sequence></xs:group>')


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (bomb(10), YAML),
        (b"[" * 150 + b"]" * 150, YAML),
        (b"[" * 100_000, JSON),
        (b'{"a":' * 150 + b"1" + b"}" * 150, JSON),
        (xsd("", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>'), XML),
        (xsd("&b;", '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'), XML),
        (xsd("", '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">'), XML),
        (xsd("", '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]>').decode().encode("utf-16"), XML),
        (xsd("<xs:a>" * 200 + "</xs:a>" * 200), XML),
        (groups(40), XML),
        (
            schemas(
                **{f"s{n}": {"allOf": [{"$ref": f"#/components/schemas/s{n + 1}"}] * 9} for n in range(12)}, s12={}
            ),
            JSON,
        ),
        (schemas(a={"$ref": "#/components/schemas/b"}, b={"$ref": SAME}), JSON),
    ],
)
def test_what_would_harm_is_refused_before_it_does(content: bytes, media_type: str) -> None:
    report = formats.examine(content, media_type)
    assert report.unsafe
    assert len(report.findings) == 1


def test_nothing_that_a_document_refers_to_is_fetched() -> None:
    asked: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """The tests' output is theirs."""

    server = HTTPServer(("127.0.0.1", 0), Listening)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    there = f"http://127.0.0.1:{server.server_port}"
    for content, media_type in (
        (schemas(a={"$ref": f"{there}/a.json"}), JSON),
        (sent(openapi(paths={"/a": {"$ref": f"{there}/p.json"}})), JSON),
        (sent(ASYNC | {"channels": {"a": {"$ref": f"{there}/c.json"}}}), JSON),
        (xsd(f'<xs:import namespace="urn:o" schemaLocation="{there}/o.xsd"/>'), XML),
        (xsd(f'<xs:include schemaLocation="{there}/i.xsd"/><xs:element name="a" type="missing"/>'), XML),
        (schemas(a={"$ref": "file:///etc/hostname"}), JSON),
    ):
        report = formats.examine(content, media_type)
        assert report.findings == []
        assert not report.complete
        assert len(report.external) == 1
    server.shutdown()
    server.server_close()
    assert asked == []


def test_a_document_that_takes_too_long_is_stopped() -> None:
    slow = schemas(a={"type": "string", "pattern": "^(a+)+$", "default": "a" * 40 + "!"})
    with pytest.raises(rules.ArtefactTooCostly):
        examination.examine(slow, JSON, cpu_seconds=1)


def test_the_process_apart_tells_what_was_found_and_keeps_the_document_for_comparing() -> None:
    examined = examination.examine(b"openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths: {}\n", YAML)
    assert (examined.format, examined.title, examined.findings) == (Format.OPENAPI, "T", ())
    assert examined.document
    assert json.loads(examined.document) == openapi()
    broken = examination.examine(b"{}", JSON)
    assert (broken.document, len(broken.findings)) == (None, 1)


@pytest.mark.parametrize(
    ("before", "new", "if_match", "draft", "refused"),
    [
        (None, "b", None, True, None),
        (None, "b", None, False, None),
        ("a", "a", None, False, None),
        ("a", "b", '"a"', True, None),
        ("a", "b", '"x", "a"', True, None),
        ("a", "b", "*", True, None),
        ("a", "b", '"x"', True, rules.ArtefactStale),
        ("a", "b", '"a"', False, rules.ArtefactFinal),
    ],
)
def test_only_a_drafts_artefact_gives_way(
    before: str | None, new: str, if_match: str | None, draft: bool, refused: type | None
) -> None:
    found = rules.check_replacement(before, new, if_match, draft=draft)
    assert [type(one) for one in found] == ([refused] if refused else [])
