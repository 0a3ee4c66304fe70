"""Faults over HTTP: the control routes that arrange them, and the ASGI wrapper that does them to a stand-in."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path as FilePath
from typing import Annotated, Any, Self
from uuid import UUID

import orjson
from fastapi import Depends, Path, Request, Response
from pydantic import Field, ValidationError, model_validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import TransactionDep
from services.chassis.values import In, Out, new_id
from services.integration.sandbox.fates import store as fates
from services.integration.sandbox.fates.shapes import NewFate
from services.integration.sandbox.faults import rules, store
from services.integration.sandbox.faults.rules import Kind, Moment, Signer, StandIn
from services.integration.sandbox.faults.store import Register

LOOK_SECONDS = 0.1
LONGEST_WAIT = 3600
WITHOUT_BODY = (204, 205, 304)
_log = logging.getLogger("faults")

router = new_router("/_sandbox/faults", "Faults")


class NewFault(In):
    """A fault that strikes the next requests that it fits."""

    stand_in: StandIn
    kind: Kind = Field(
        description="delay: answer late, and handle the request before or after the wait (`moment`). status: answer "
        "`status` with `body` and handle nothing. drop_before / drop_after: close the connection without an answer, "
        "before or after the request was handled. hang: never answer, before or after handling. truncated: handle, "
        "and break off in the middle of the answer. empty_body: handle, and answer with nothing in it. "
        "wrong_content_type: handle, and call the answer `content_type`. changed_json: handle, and merge `changes` "
        "into the answer. wrong_clock: the stand-in's clock is `seconds` fast, or slow when negative. spoilt_token: "
        "tokens are issued with their times moved by `seconds`, `changes` merged into their claims and `header` into "
        "their header, signed by `signed_by`. lagging_lookup: letters are looked up by their reference as it was "
        "`seconds` ago, or at random between `least_seconds` and that; it strikes beside any other fault."
    )
    times: int = Field(default=1, ge=1, le=1_000_000, description="How many requests it strikes")
    method: str | None = Field(default=None, pattern=r"^[A-Z]{3,7}$", description="Only this method", examples=["POST"])
    path_prefix: str = Field(default="/", pattern=r"^/", max_length=300, description="Only paths that begin so")
    seconds: float = Field(
        default=0,
        ge=-31_536_000,
        le=31_536_000,
        description="How long to delay, or to hang at most: 0–3600, and 30 unless told; how far the clock or a token's "
        "times are off; how far a look-up is behind",
    )
    least_seconds: float = Field(default=0, ge=0, le=LONGEST_WAIT, description="For lagging_lookup: not less behind")
    share: float = Field(
        default=1, gt=0, le=1, description="Strikes this share of the requests that it fits, at random", examples=[0.1]
    )
    begins_after: float = Field(default=0, ge=0, le=LONGEST_WAIT, description="Strikes nothing for so many seconds")
    lasts: float | None = Field(
        default=None, gt=0, le=86_400, description="Is over so many seconds after it began, e.g. an outage"
    )
    moment: Moment = Field(
        default=Moment.BEFORE, description="For delay and hang: before or after the request is handled"
    )
    status: int = Field(default=503, ge=200, le=599, description="For status; not one that has no body")
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
    changes: dict[str, Any] = Field(
        default={}, description="For changed_json and spoilt_token: a JSON merge patch (RFC 7396)"
    )
    header: dict[str, Any] = Field(default={}, description="For spoilt_token: the same for the token's header")
    signed_by: Signer = Field(
        default=Signer.ISSUER, description="For spoilt_token: `stranger` is a key never published"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind in (Kind.DELAY, Kind.HANG):
            if "seconds" not in self.model_fields_set:
                self.seconds = 30
            if not 0 <= self.seconds <= LONGEST_WAIT:
                raise ValueError(f"nobody waits for less than 0 or more than {LONGEST_WAIT} seconds")
        if self.kind is Kind.LAGGING_LOOKUP and not self.least_seconds <= self.seconds <= LONGEST_WAIT:
            raise ValueError(f"seconds are between least_seconds and {LONGEST_WAIT}")
        able = rules.DONE_BY.get(self.kind, set(StandIn))
        if self.stand_in not in able:
            raise ValueError(f"only {', '.join(sorted(able))} can do this")
        if self.status in WITHOUT_BODY:
            raise ValueError("an answer with this status has no body")
        return self


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


scenarios = new_router("/_sandbox/scenarios", "Faults")
Name = Annotated[str, Path(max_length=100, examples=["expired-tokens"])]


class ScenarioFile(In):
    """What stands in a scenario's file."""

    description: str = Field(min_length=1)
    faults: list[NewFault] = Field(default=[])
    fates: list[NewFate] = Field(default=[], description="What becomes of SvarUT's next letters")

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if not self.faults and not self.fates:
            raise ValueError("a scenario has faults or fates")
        return self


class Scenario(Out):
    name: str
    description: str
    faults: list[NewFault]
    fates: list[NewFate]


class Scenarios(Out):
    items: list[Scenario]


async def _folder(request: Request) -> FilePath:
    found = request.app.state.sandbox.scenarios_folder
    assert isinstance(found, FilePath)
    return found


FolderDep = Annotated[FilePath, Depends(_folder)]


def _read(folder: FilePath, name: str) -> ScenarioFile:
    try:
        return ScenarioFile.model_validate_json(store.scenario(folder, name))
    except ValidationError as error:
        raise store.ScenarioUnreadable(
            f"{name}: {error.error_count()} errors; the first: {error.errors()[0]['msg']}"
        ) from error


@scenarios.get("", summary="List the scenarios", openapi_extra=contract.example())
def all_scenarios(folder: FolderDep) -> Scenarios:
    """Faults that belong together, from files: own ones can be laid beside those that come with the sandbox."""
    read = {name: _read(folder, name) for name in store.scenario_names(folder)}
    return Scenarios(items=[Scenario(name=name, **one.model_dump()) for name, one in read.items()])


@scenarios.post("/{name}", status_code=201, summary="Arrange a scenario's faults")
def begin(name: Name, folder: FolderDep, register: RegisterDep, session: TransactionDep) -> Faults:
    """All of them, in their order, after those that wait already; and its fates, which are not in the answer."""
    scenario = _read(folder, name)
    for fate in scenario.fates:
        fates.arrange(session, fate.status, fate.times, fate.recipient_number, fate.external_reference)
    arranged = [rules.Fault(id=new_id(), **one.model_dump()) for one in scenario.faults]
    for fault in arranged:
        register.add(fault)
    return Faults(items=[Fault.model_validate(fault) for fault in arranged])


class Faulty:
    """Stands before a stand-in, outermost, so that what the caller meets happens on its real connection."""

    def __init__(self, app: ASGIApp, stand_in: StandIn, register: Register) -> None:
        self._app, self._stand_in, self._register = app, stand_in, register

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = None
        if scope["type"] == "http":
            fault = self._register.take(self._stand_in, scope["method"], scope["path"])
            if lag := self._register.lag(self._stand_in, scope["method"], scope["path"]):
                scope = {**scope, rules.LAG: lag}
        if fault is None:
            await self._app(scope, receive, send)
            return
        _log.info("%s strikes %s %s on %s", fault.kind, scope["method"], scope["path"], self._stand_in)
        match fault.kind:
            case Kind.STATUS:
                await _answer(send, fault.status, fault.content_type, fault.body.encode())
            case Kind.DROP_BEFORE:
                await _cut(receive, send)
            case kind if kind in rules.DONE_BY:
                await self._app({**scope, rules.AT_WORK: fault}, receive, send)
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
                await _send(send, start, body, content_type=fault.content_type)
            case Kind.EMPTY_BODY:
                await _send(send, start, b"")
            case Kind.CHANGED_JSON:
                await _send(send, start, _changed(body, fault.changes))
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


async def _send(send: Send, start: Message, body: bytes, *, content_type: str | None = None) -> None:
    """An answer as it was, but with this body, and perhaps called something else."""
    new = {b"content-length": str(len(body)).encode()} | (
        {b"content-type": content_type.encode()} if content_type else {}
    )
    kept = [(name, value) for name, value in start["headers"] if name.lower() not in new]
    await send({**start, "headers": [*kept, *new.items()]})
    await send({"type": "http.response.body", "body": body})


def _changed(body: bytes, changes: Mapping[str, Any]) -> bytes:
    """An answer that is no JSON object stays as it is."""
    try:
        right = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return orjson.dumps(rules.merged(right, changes)) if isinstance(right, dict) else body


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
