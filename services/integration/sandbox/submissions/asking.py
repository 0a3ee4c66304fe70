"""The multipart body in which every version of REST takes letters, as real clients really write it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile

from services.integration.sandbox.svarut.rules import ContentRefused, Part

LARGEST_METADATA = 1024 * 1024


@dataclass(frozen=True)
class Sent:
    """What a sender handed over: the metadata, unread, and the files."""

    metadata: str
    parts: list[Part]


async def _multipart(request: Request) -> Sent:
    """The first part is the metadata, whatever its content type; the others are files, whatever their part names."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise ContentRefused("Ugyldig innhold: forventet multipart/form-data")
    async with request.form(max_files=500, max_part_size=LARGEST_METADATA) as form:
        parts = form.multi_items()
        if not parts or parts[0][0] != "forsendelse":
            raise ContentRefused("Ugyldig innhold: første del må være «forsendelse»")
        first = parts[0][1]
        metadata = (await first.read()).decode(errors="replace") if isinstance(first, UploadFile) else first
        files = []
        for name, file in parts[1:]:
            if not isinstance(file, UploadFile) or not file.filename:
                raise ContentRefused(f"Ugyldig innhold: delen {name!r} mangler filnavn")
            files.append(Part(file.filename, await file.read()))
    return Sent(metadata, files)


SentDep = Annotated[Sent, Depends(_multipart)]
"""Declared after who asks, so that nobody's body is read."""


async def _body(request: Request) -> str:
    return (await request.body()).decode(errors="replace")


BodyDep = Annotated[str, Depends(_body)]
"""A JSON body that a shape is read from, whatever content type it has: one specification says `*/*`."""
