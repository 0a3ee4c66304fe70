"""Which documents an artefact may be, and what may be done with it when."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from services.chassis.problems import (
    Conflict,
    Invalid,
    MediaTypeUnsupported,
    NotFound,
    PreconditionFailed,
    Problem,
    TooLarge,
    Unavailable,
)

LARGEST = 2 * 1024 * 1024
"""Bytes of an artefact at most."""
DEEPEST = 100
"""Levels of nesting at most."""
MOST_VALUES = 200_000
"""Values of a document at most, with YAML's aliases written out."""
MOST_FINDINGS = 100
"""Findings that are told at most."""


class Format(StrEnum):
    OPENAPI = "openapi"
    ASYNCAPI = "asyncapi"
    XSD = "xsd"


class Syntax(StrEnum):
    JSON = "json"
    YAML = "yaml"
    XML = "xml"


@dataclass(frozen=True)
class MediaType:
    syntax: Syntax
    format: Format | None = None
    """None: the document itself says which (`openapi:` or `asyncapi:` at its top)."""


MEDIA_TYPES = {
    "application/json": MediaType(Syntax.JSON),
    "application/yaml": MediaType(Syntax.YAML),
    "application/x-yaml": MediaType(Syntax.YAML),
    "text/yaml": MediaType(Syntax.YAML),
    "application/vnd.oai.openapi": MediaType(Syntax.YAML, Format.OPENAPI),
    "application/vnd.oai.openapi+json": MediaType(Syntax.JSON, Format.OPENAPI),
    "application/vnd.oai.openapi+yaml": MediaType(Syntax.YAML, Format.OPENAPI),
    "application/openapi+json": MediaType(Syntax.JSON, Format.OPENAPI),
    "application/openapi+yaml": MediaType(Syntax.YAML, Format.OPENAPI),
    "application/vnd.aai.asyncapi": MediaType(Syntax.YAML, Format.ASYNCAPI),
    "application/vnd.aai.asyncapi+json": MediaType(Syntax.JSON, Format.ASYNCAPI),
    "application/vnd.aai.asyncapi+yaml": MediaType(Syntax.YAML, Format.ASYNCAPI),
    "application/xml": MediaType(Syntax.XML, Format.XSD),
    "text/xml": MediaType(Syntax.XML, Format.XSD),
}
"""The media types that are taken. OpenAPI's and AsyncAPI's own names, and the general ones (YAML: RFC 9512)."""
SUFFIXES = {Syntax.JSON: "json", Syntax.YAML: "yaml", Syntax.XML: "xsd"}
FITTING = {
    "rest": frozenset({Format.OPENAPI}),
    "events": frozenset({Format.ASYNCAPI}),
    "xml": frozenset({Format.XSD}),
    "file": frozenset({Format.XSD}),
    "other": frozenset(Format),
}
"""Which formats describe an interface of a kind."""


class ArtefactNotFound(NotFound):
    """This version has no artefact."""


class ArtefactMissing(Invalid):
    """The request has no document."""


class ArtefactTooLarge(TooLarge):
    """An artefact is at most two megabytes."""


class ArtefactMediaTypeUnknown(MediaTypeUnsupported):
    """The media type is none that an artefact can have."""


class ArtefactInvalid(Invalid):
    """The document is not what it says that it is.

    `errors[]` holds every finding, with a JSON pointer into the document where it is JSON or YAML, and the line where
    it is YAML or XML.
    """


class ArtefactUnsafe(Invalid):
    """The document is made so that reading it would harm.

    For example a document type declaration in XML (entities can open files or grow without end), aliases in YAML that
    multiply, or nesting without end.
    """


class ArtefactTooCostly(Invalid):
    """The document could not be examined within the time and memory that one may take."""


class FormatUnfit(Invalid):
    """A document of this format does not describe an interface of this kind."""


class ArtefactFinal(Conflict):
    """The artefact of a published version is never replaced."""


class ArtefactStale(PreconditionFailed):
    """The artefact has been changed since you read it."""


class ExaminersBusy(Unavailable):
    """Too many documents are being examined."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a document."""

    detail: str
    pointer: str | None = None
    """JSON pointer into the document, as a URI fragment."""
    line: int | None = None

    def problem(self, kind: type[Problem]) -> Problem:
        members = {"line": self.line} if self.line else {}
        return kind(self.detail, pointer=self.pointer, **members)


@dataclass(frozen=True)
class Examined:
    """What an examination tells of a document."""

    format: Format | None
    specification_version: str | None
    """The version of OpenAPI or AsyncAPI that it is written in."""
    title: str | None
    complete: bool
    """False where references lead out of the document: these are not fetched, and what hangs on them is not judged."""
    external_references: tuple[str, ...]
    findings: tuple[Finding, ...]
    unsafe: bool
    document: bytes | None
    """An OpenAPI document as JSON, for comparing."""


def media_type(header: str | None) -> str:
    """The media type without its parameters; refused when an artefact cannot have it."""
    name = (header or "").split(";")[0].strip().lower()
    if name not in MEDIA_TYPES:
        raise ArtefactMediaTypeUnknown(f"Send Content-Type with one of {', '.join(MEDIA_TYPES)}.")
    return name


def check(examined: Examined, kind: str) -> list[Problem]:
    """Every finding, or that the format is none for this kind of interface."""
    if examined.findings:
        refused = ArtefactUnsafe if examined.unsafe else ArtefactInvalid
        return [finding.problem(refused) for finding in examined.findings]
    if examined.format is not None and examined.format not in FITTING[kind]:
        fitting = ", ".join(sorted(FITTING[kind]))
        return [FormatUnfit(f"It is {examined.format}; an interface of kind {kind} is described by {fitting}.")]
    return []


def check_replacement(before: str | None, new: str, if_match: str | None, *, draft: bool) -> list[Problem]:
    """Whether the artefact with hash `before` may give way to `new`: only a draft's, and only as it was last read.
    The same bytes again change nothing and are always welcome."""
    if before is None or before == new:
        return []
    if not draft:
        return [ArtefactFinal("Register a new version of the interface.")]
    given = {one.strip() for one in if_match.split(",")} if if_match else set()
    if not given & {"*", f'"{before}"'}:
        return [ArtefactStale("Read it again, and decide anew.")]
    return []


def external(references: Iterable[str]) -> list[str]:
    """Those that lead out of the document, each once."""
    return sorted({one for one in references if not one.startswith("#")})
