"""Signings over HTTP: the page where a recipient signs, and the same for control."""

from datetime import datetime
from html import escape
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Path, Request
from fastapi.responses import HTMLResponse
from pydantic import Field

from services.chassis.app import new_router
from services.chassis.clock import OSLO
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.values import In, Instant, Out
from services.integration.sandbox.signings import rules, store
from services.integration.sandbox.signings.rules import SigningStatus
from services.integration.sandbox.svarut import store as letters

national = APIRouter()
router = new_router("/_sandbox/svarut/letters/{id}/signing", "SvarUT")
LetterId = Annotated[
    UUID, Path(description="SvarUT's id of the letter", examples=["018f5e9c-7d2b-7c3a-9f00-000000000001"])
]


class Outcome(In):
    outcome: Literal["signed", "refused"]


class SigningStep(Out):
    status: SigningStatus
    text: str
    at: Instant


class Signing(Out):
    steps: list[SigningStep]
    reply: UUID | None = Field(default=None, description="The letter that brings the signed document, just made")


def _signing(request: Request, session: ReaderDep, id: UUID, reply: UUID | None = None) -> Signing:
    log = store.history(session, id, request.app.state.clock)
    steps = [SigningStep(status=rules.STATUSES[step], text=text, at=at) for step, text, at in log]
    return Signing(steps=steps, reply=reply)


@router.get("", summary="See how a letter's signing goes")
def signing(request: Request, id: LetterId, session: ReaderDep) -> Signing:
    """Oldest step first; none when the letter has nothing to sign."""
    return _signing(request, session, id)


@router.post("", summary="Sign a letter, or refuse to")
def decide(request: Request, id: LetterId, decided: Outcome, session: TransactionDep) -> Signing:
    """As its recipient would. What is signed goes back as a letter of its own to `svarSendesTil`; after a refusal
    nothing does. 409 when there is nothing to sign, or the time for it is over."""
    clock = request.app.state.clock
    if decided.outcome == "refused":
        store.refuse(session, id, clock)
        return _signing(request, session, id)
    return _signing(request, session, id, store.sign(session, id, clock))


@national.get("/forsendelse/{id}/{position}/signering")
def page(request: Request, id: UUID, position: int, session: TransactionDep) -> HTMLResponse:
    """Whose login is not asked for here."""
    clock = request.app.state.clock
    store.start(session, id, clock)
    letter = letters.one(session, id, clock)
    until = letters.forsendelse(session, id)["signering"]["signeringUtloper"]
    return HTMLResponse(
        _PAGE.format(
            title=escape(letter.title),
            sender=escape(letter.sender_name or ""),
            until=_shown(until),
            document=f"/forsendelse/{id}/{position}",
        )
    )


@national.post("/forsendelse/{id}/{position}/signering")
def answer(
    request: Request,
    id: UUID,
    position: int,
    svar: Annotated[Literal["signer", "avvis"], Form()],
    session: TransactionDep,
) -> HTMLResponse:
    clock = request.app.state.clock
    if svar == "signer":
        store.sign(session, id, clock)
    else:
        store.refuse(session, id, clock)
    told = "Du har signert. Avsenderen har fått dokumentet." if svar == "signer" else "Du har avvist å signere."
    return HTMLResponse(_DONE.format(told=told))


def _shown(until: str) -> str:
    local = datetime.fromisoformat(until).astimezone(OSLO)
    return f"{local:%d.%m.%Y kl. %H.%M}"


_HEAD = """<!doctype html>
<html lang="nb">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Signering – SvarUT i sandkassen</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 40rem; padding: 0 1rem; color: #1e2b3c }}
button {{ font: inherit; padding: .5rem 1rem; margin: 0 .5rem .5rem 0 }}
a {{ color: #0b5cad }}
</style>
</head>
<body>
<main>
<h1>Signering</h1>
"""
_PAGE = (
    _HEAD
    + """<p>{sender} ber deg signere <strong>{title}</strong> innen {until}.</p>
<p><a href="{document}">Les dokumentet</a></p>
<form method="post"><button name="svar" value="signer">Signer</button>
<button name="svar" value="avvis">Avvis</button></form>
</main>
</body>
</html>
"""
)
_DONE = _HEAD + "<p role=status>{told}</p>\n</main>\n</body>\n</html>\n"
