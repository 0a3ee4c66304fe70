"""Faults over HTTP: the control routes that arrange them, and the ASGI wrapper that does them to a stand-in."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path, Request, Response
from pydantic import Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.values import In, Out, new_id
from services.integration.sandbox.faults import rules
from services.integration.sandbox.faults.rules import Kind, Moment, StandIn
from services.integration.sandbox.faults.store import Register

LOOK_SECONDS = 0.1
_log = logging.getLogger("faults")

router = new_router("/_sandbox/faults", "Faults")


class NewFault(In):
    """A fault that strikes the next requests that it fits."""

    stand_in: StandIn
    kind: Kind = Field(
        description="delay: answer late, and handle the request before or after the wait (`moment`). status: answer "
        "`status` with `body` and handle nothing. drop_before / drop_after: close the connection without an answer, "
        "before or after the request was handled. hang: never answer, before or after handling. truncated: handle, "
        "and break off in the middle of the answer. wrong_content_type: handle, and call the answer `content_type`."
    )
    times: int = Field(default=1, ge=1, le=1_000_000, description="How many requests it strikes")
    method: str | None = Field(default=None, pattern=r"^[A-Z]{3,7}$", description="Only this method", examples=["POST"])
    path_prefix: str = Field(default="/", pattern=r"^/", max_length=300, description="Only paths that begin so")
    seconds: float = Field(default=30, ge=0, le=3600, description="How long to delay, or to hang at most")
    moment: Moment = Field(
        default=Moment.BEFORE, description="For delay and hang: before or after the request is handled"
    )
    status: int = Field(default=503, ge=400, le=599, description="For status")
    body: str = Field(
        default="<!doctype html><title>Feil</title><h1>Tjenesten er utilgjengelig</h1>",
        max_length=10_000,
        description="For status; a gateway's HTML page unless told",
    )
    content_type: str = Field(
        default="text/html; charset=utf-8",
        pattern=r"^[\x20-\x7e]+$",
        max_length=200,
        description="For status and wrong_content_type",
    )


class Fault(NewFault, Out):
    """A fault that waits. `times` is what is left."""

    id: UUID


class Faults(Out):
    items: list[Fault]


async def _register(request: Request) -> Register:
    found = request.app.state.faults
    assert isinstance(found, Register)
    return found


RegisterDep = Annotated[Register, Depends(_register)]


@router.get("", summary="List the faults that wait", openapi_extra=contract.example())
async def waiting(register: RegisterDep) -> Faults:
    """Oldest first, with how many times each is left."""
    return Faults(items=[Fault.model_validate(fault) for fault in register.waiting()])


@router.post(
    "",
    status_code=201,
    summary="Arrange a fault",
    openapi_extra=contract.example(body={"stand_in": "svarut", "kind": "status", "status": 503}),
)
async def arrange(new: NewFault, register: RegisterDep) -> Fault:
    """The oldest fault that fits a request strikes it. Kept in memory of the one sandbox process: a restart forgets."""
    fault = rules.Fault(id=new_id(), **new.model_dump())
    register.add(fault)
    return Fault.model_validate(fault)


@router.delete("", status_code=204, summary="Take all faults away", openapi_extra=contract.example())
async def clear(register: RegisterDep) -> Response:
    """Connections that hang are closed, too."""
    register.clear()
    return Response(status_code=204)


@router.delete("/{id}", status_code=204, summary="Take one fault away")
async def remove(
    id: Annotated[UUID, Path(examples=["018f5e9c-7d2b-7c3a-9f00-000000000001"])], register: RegisterDep
) -> Response:
    """404 when it has struck all its times already."""
    register.remove(id)
    return Response(status_code=204)


class Faulty:
    """Stands before a stand-in, outermost, so that what the caller meets happens on its real connection."""

    def __init__(self, app: ASGIApp, stand_in: StandIn, register: Register) -> None:
        self._app, self._stand_in, self._register = app, stand_in, register

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = None
        if scope["type"] == "http":
            fault = self._register.take(self._stand_in, scope["method"], scope["path"])
        if fault is None:
            await self._app(scope, receive, send)
            return
        _log.info("%s strikes %s %s on %s", fault.kind, scope["method"], scope["path"], self._stand_in)
        match fault.kind:
            case Kind.STATUS:
                await _answer(send, fault.status, fault.content_type, fault.body.encode())
            case Kind.DROP_BEFORE:
                await _cut(receive, send)
            case Kind.DELAY if fault.moment is Moment.BEFORE:
                await asyncio.sleep(fault.seconds)
                await self._app(scope, receive, send)
            case Kind.HANG if fault.moment is Moment.BEFORE:
                await self._hang(fault.seconds, receive, send)
            case _:
                answer = await self._handled(scope, receive)
                await self._spoil(fault, answer, receive, send)

    async def _spoil(self, fault: rules.Fault, answer: list[Message], receive: Receive, send: Send) -> None:
        """The request is handled, and its answer is spoilt on the way."""
        start, *pieces = answer
        body = b"".join(piece.get("body", b"") for piece in pieces)
        match fault.kind:
            case Kind.DROP_AFTER:
                await _cut(receive, send)
            case Kind.HANG:
                await self._hang(fault.seconds, receive, send)
            case Kind.TRUNCATED:
                await send(start)
                await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
                await _cut(receive, send, sent_first=True)
            case Kind.WRONG_CONTENT_TYPE:
                others = [(name, value) for name, value in start["headers"] if name.lower() != b"content-type"]
                await send({**start, "headers": [*others, (b"content-type", fault.content_type.encode())]})
                await send({"type": "http.response.body", "body": body})
            case _:
                await asyncio.sleep(fault.seconds)
                await send(start)
                await send({"type": "http.response.body", "body": body})

    async def _handled(self, scope: Scope, receive: Receive) -> list[Message]:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive, keep)
        return answer

    async def _hang(self, seconds: float, receive: Receive, send: Send) -> None:
        """Until the caller gives up, the faults are cleared, or the time is over; then the connection is closed."""
        gone = asyncio.ensure_future(_until_gone(receive))
        loop = asyncio.get_running_loop()
        ends, cleared = loop.time() + seconds, self._register.cleared
        while not gone.done() and loop.time() < ends and self._register.cleared == cleared:
            await asyncio.wait({gone}, timeout=min(LOOK_SECONDS, max(ends - loop.time(), 0.001)))
        if not gone.done():
            gone.cancel()
            await asyncio.wait({gone})
            await _cut(receive, send)


async def _answer(send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _cut(receive: Receive, send: Send, *, sent_first: bool = False) -> None:
    """Close the caller's connection without (the rest of) an answer. ASGI has no word for that: an application that
    returns or raises is answered 500 for. Both of uvicorn's HTTP protocols, however, give us `send` as a method of the
    object that holds the connection's transport."""
    transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("A fault closed the connection; only uvicorn lets us do it on the wire.")
    end: Callable[[], None] = transport.close if sent_first else transport.abort
    end()
    closed: Awaitable[None] = _until_gone(receive)
    await closed
