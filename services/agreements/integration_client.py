"""What agreements asks of integration: take a letter, and tell what has become of the letters."""

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import httpx
from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError

from services.chassis.http import Neighbour
from services.chassis.problems import NeighbourAway, NeighbourNonsense

LONGEST_NAME = 100
"""Characters of a recipient's name that integration takes."""
T = TypeVar("T", bound=BaseModel)


class LetterRefused(Exception):
    """Integration will never take this letter: trying again does not help."""


class Dispatch(BaseModel):
    id: UUID
    status: str
    external_id: str | None = None


class News(BaseModel):
    """What an event says of a dispatch. `version` counts a dispatch's events."""

    id: UUID
    reference: str
    status: str
    version: int
    external_id: str | None = None
    event: str | None = None
    detail: str | None = None
    occurred_at: datetime | None = None


class ReplyNews(BaseModel):
    """That somebody answered a letter of ours."""

    id: UUID
    reference: str | None = None
    title: str
    sender_name: str | None = None
    sender_organisation_number: str | None = None
    received_at: datetime
    documents: list[dict[str, Any]] = []


class _Event(BaseModel):
    """A CloudEvent, as far as it is used."""

    type: str
    time: str
    data: dict[str, Any]


class _Events(BaseModel):
    items: list[_Event]
    next: int


class Integration:
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    def send(
        self,
        *,
        reference: str,
        recipient: str,
        name: str,
        title: str,
        filename: str,
        pdf: bytes,
        urgent: bool = False,
    ) -> Dispatch:
        """Hand a letter over; with the same reference again it is the same letter. If nobody reads it in time it goes
        to print, where there is an address."""
        status, body = self._neighbour.write(
            "POST",
            "/dispatches",
            headers={"Idempotency-Key": reference},
            json={
                "reference": reference,
                "recipient": {"organisation_number": recipient, "name": name[:LONGEST_NAME]},
                "title": title,
                "priority": "urgent" if urgent else "normal",
                "when_unread": "print",
                "documents": [
                    {
                        "filename": filename,
                        "media_type": "application/pdf",
                        "content_base64": base64.b64encode(pdf).decode(),
                    }
                ],
            },
        )
        if status in (400, 409, 413, 422):
            raise LetterRefused(f"{status}: {body.get('detail') if isinstance(body, dict) else body}")
        if status not in (200, 201):
            raise NeighbourNonsense(f"Integration answered {status} to a letter.")
        return _shaped(Dispatch, body)

    def news(self, after: int) -> tuple[list[tuple[News | ReplyNews, str]], int]:
        """What happened to our letters after a position, and what was answered to them: [(news, recorded at)], and the
        position to go on from."""
        status, body = self._neighbour.read("GET", "/events", params={"after": after, "limit": 200})
        if status != 200:
            raise NeighbourNonsense(f"Integration answered {status} to its feed.")
        events = _shaped(_Events, body)
        told: list[tuple[News | ReplyNews, str]] = []
        for event in events.items:
            if event.type.startswith("dispatch."):
                told.append((_shaped(News, event.data), event.time))
            elif event.type == "reply.received":
                told.append((_shaped(ReplyNews, event.data), event.time))
        return told, events.next

    def reply_document(self, reply: UUID, position: int) -> Iterator[bytes]:
        """A reply's document, piece by piece: it may be large, and is never here as a whole."""
        client = self._neighbour.client
        try:
            request = client.build_request("GET", f"/replies/{reply}/documents/{position}")
            response = client.send(request, stream=True)
        except (httpx.TransportError, OSError) as error:
            raise NeighbourAway("Integration does not answer.") from error
        if response.status_code != 200:
            response.close()
            if response.is_server_error:
                raise NeighbourAway(f"Integration has trouble ({response.status_code}).")
            raise NeighbourNonsense(f"Integration answered {response.status_code} to a reply's document.")
        return _pieces(response)


def _pieces(response: httpx.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_bytes()
    finally:
        response.close()


def _shaped(shape: type[T], body: Any) -> T:
    try:
        return shape.model_validate(body)
    except ValidationError as error:
        raise NeighbourNonsense("Integration's answer has another shape than agreed.") from error


async def _integration(request: Request) -> Integration:
    found = request.app.state.integration
    assert isinstance(found, Integration)
    return found


IntegrationDep = Annotated[Integration, Depends(_integration)]
