"""Reads XSD documents, and lets libxml2 compile them, without any other document being opened."""

from typing import Any
from xml.parsers import expat

from lxml import etree

from services.catalog.artefacts import rules
from services.catalog.artefacts.reading import Found, Report

MOST_PARTS = 20_000
"""Parts of a schema at most, with every group written out where it is used."""
XSD = "{http://www.w3.org/2001/XMLSchema}"


def examine(report: Report, content: bytes) -> None:
    _refuse_declarations(content)

    class Nothing(etree.Resolver):  # type: ignore[misc]  # lxml has no types
        def resolve(self, url: str, public_id: str, context: Any) -> Any:
            return self.resolve_empty(context)

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    parser.resolvers.add(Nothing())
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        for one in error.error_log:
            report.add(f"It is not XML: {one.message}", line=one.line)
        return
    if root.tag != f"{XSD}schema":
        raise Found(f"Its top is {root.tag}, not the schema of http://www.w3.org/2001/XMLSchema.", line=root.sourceline)
    report.title, report.specification_version = root.get("targetNamespace"), root.get("version")
    _cut_loose(report, root)
    _check_groups(root)
    try:
        etree.XMLSchema(root)
    except etree.XMLSchemaParseError as error:
        for one in error.error_log:
            # What an import would have brought is not here, so that it is missing says nothing.
            if report.complete or one.type_name != "SCHEMAP_SRC_RESOLVE":
                report.add(one.message, line=one.line)


def _refuse_declarations(content: bytes) -> None:
    """Expat reads it first, as it stops at the first sign of a declaration, before any entity is looked at."""
    depth, parser = 0, expat.ParserCreate()

    def declared(*_: Any) -> None:
        raise Found("A document type declaration is not taken.", unsafe=True, line=parser.CurrentLineNumber)

    def opened(*_: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > rules.DEEPEST:
            raise Found(
                f"It is nested more than {rules.DEEPEST} levels deep.", unsafe=True, line=parser.CurrentLineNumber
            )

    def closed(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declared
    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise Found(f"It is not XML: {expat.ErrorString(error.code)}.", line=error.lineno) from error


def _cut_loose(report: Report, root: Any) -> None:
    """Take out everything that would make the compiler open another document."""
    for name in ("import", "include", "redefine", "override"):
        for element in list(root.iter(f"{XSD}{name}")):
            location = element.attrib.pop("schemaLocation", None)
            report.external.append(location or element.get("namespace") or name)
            if name != "import":
                element.getparent().remove(element)
    report.external = sorted(set(report.external))[: rules.MOST_FINDINGS]
    report.complete = not report.external


def _check_groups(root: Any) -> None:
    """A group stands written out in every place that uses it, so that few lines can make a schema without end."""
    groups = {one.get("name"): one for one in root.iter(f"{XSD}group", f"{XSD}attributeGroup") if one.get("name")}
    sizes: dict[str, int] = {}

    def size(element: Any, within: frozenset[str]) -> int:
        total = 1
        for below in element.iterchildren(f"{XSD}*"):
            used = (below.get("ref") or "").rpartition(":")[2]
            if below.tag in (f"{XSD}group", f"{XSD}attributeGroup") and used in groups:
                if used not in within:  # libxml2 itself refuses a circle
                    if used not in sizes:
                        sizes[used] = size(groups[used], within | {used})
                    total += sizes[used]
            else:
                total += size(below, within)
            if total > MOST_PARTS:
                raise Found(
                    f"With its groups written out it has more than {MOST_PARTS} parts.",
                    unsafe=True,
                    line=below.sourceline,
                )
        return total

    size(root, frozenset())
