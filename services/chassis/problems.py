"""Errors as the caller sees them: RFC 9457 problem details.

A subclass is one problem type: its name is the `type`, its docstring's first line the `title`, its base class the
`status`. Raising one is all a rule ever has to do; `refuse` raises several at once.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Self

OWN_MEMBERS = {"type", "title", "status", "errors"}


class Problem(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 500

    def __init__(self, detail: str | None = None, *, pointer: str | None = None, **members: object) -> None:
        super().__init__(detail or self.title())
        if taken := members.keys() & OWN_MEMBERS:
            raise TypeError(f"{sorted(taken)} say what RFC 9457 says they say")
        self.detail = detail
        self.pointer = pointer
        """JSON pointer into the request body, as a URI fragment, e.g. `#/lines/0/quantity`."""
        self.members = members
        self.headers: dict[str, str] = {}
        self.all: Sequence[Problem] = ()
        """Every rule that failed, this one first, when more than one was looked at."""

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")

    @classmethod
    def slug(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def type(cls) -> str:
        return f"/problems/{cls.slug()}"

    def with_header(self, name: str, value: str) -> Self:
        self.headers[name] = value
        return self

    def body(self) -> dict[str, object]:
        body: dict[str, object] = {"type": self.type(), "title": self.title(), "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.all:
            body["errors"] = [problem.error() for problem in self.all]
        return body | self.members

    def error(self) -> dict[str, object]:
        """This problem as one line of another's `errors[]`."""
        line: dict[str, object] = {"type": self.type(), "detail": self.detail or self.title()}
        if self.pointer:
            line["pointer"] = self.pointer
        return line | self.members


def refuse(problems: Iterable[Problem]) -> None:
    """Raise the first of `problems`, telling all of them; do nothing when there are none."""
    failed = list(problems)
    if failed:
        failed[0].all = failed
        raise failed[0]


def known(base: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """Every problem type that this process can answer with."""
    for kind in base.__subclasses__():
        yield kind
        yield from known(kind)


class Malformed(Problem):
    """The request cannot be read."""

    status = 400


class Unauthorized(Problem):
    """The caller is not known."""

    status = 401


class Forbidden(Problem):
    """The caller may not do this."""

    status = 403


class NotFound(Problem):
    """Not found."""

    status = 404


class Conflict(Problem):
    """The request conflicts with the current state."""

    status = 409


class PreconditionFailed(Problem):
    """What the request presupposes is no longer so."""

    status = 412


class TooLarge(Problem):
    """The request is too large."""

    status = 413


class MediaTypeUnsupported(Problem):
    """The body's media type cannot be read here."""

    status = 415


class Invalid(Problem):
    """The request is not valid."""

    status = 422


class PreconditionRequired(Problem):
    """The request must say what it presupposes."""

    status = 428


class NeighbourNonsense(Problem):
    """A neighbouring service answered something it should not."""

    status = 502


class Unavailable(Problem):
    """This cannot be answered just now."""

    status = 503

    def __init__(self, detail: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.headers["Retry-After"] = str(retry_after)


class NeighbourAway(Unavailable):
    """A neighbouring service is away or too slow."""
