"""What integration asks of SvarUT: take a letter (REST v3), find one by our reference (v2), tell their status (v3);
and, once, to make an account of REST v1 one of these (migration)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
from joserfc.errors import JoseError

from services.chassis import log
from services.chassis.tokens import GrantRefused
from services.integration.attempts.rules import Answer
from services.integration.dispatches.rules import Address, Channel

LARGEST_ANSWER = 4 * 1024 * 1024
PIECE = 64 * 1024
LONGEST_MESSAGE = 500
ASK_SECONDS = 30.0
"""To answer a question; only a letter may take longer."""
SYSTEM = "Samvirke"
PDF = "application/pdf"
KINDS = {Channel.DIGITAL: "organisasjon", Channel.PRINT: "print"}
"""SvarUT's word for each of our channels."""
MIGRATION = "/svarut-konfigurasjon/api/v1/migrering/integrasjoner"


@dataclass(frozen=True)
class Streamed:
    """A file that is too large to be kept in memory."""

    size: int
    pieces: Callable[[], Iterable[bytes]]


@dataclass(frozen=True)
class File:
    filename: str
    media_type: str
    content: bytes | Streamed

    def size(self) -> int:
        return self.content.size if isinstance(self.content, Streamed) else len(self.content)

    def pieces(self) -> Iterable[bytes]:
        return self.content.pieces() if isinstance(self.content, Streamed) else (self.content,)


@dataclass(frozen=True)
class Letter:
    """A letter to an organisation. `reference` comes back as SvarUT's eksternReferanse; a letter to be printed needs
    the address."""

    reference: str
    title: str
    recipient_number: str
    recipient_name: str
    files: Sequence[File]
    channel: Channel = Channel.DIGITAL
    address: Address | None = None

    def metadata(self) -> bytes:
        """OrganisasjonForsendelse or PrintForsendelse."""
        told: dict[str, Any] = {
            "tittel": self.title,
            "avgivendeSystem": SYSTEM,
            "eksternReferanse": self.reference,
            "mottaker": {"navn": self.recipient_name},
            "kryptert": False,
            "dokumenter": [_dokument(file) for file in self.files],
        }
        if self.address:
            told["mottaker"]["adresse"] = _adresse(self.address)
        if self.channel is Channel.DIGITAL:
            told["mottaker"]["digitalId"] = self.recipient_number
            told["kunDigitalLevering"] = False
        return orjson.dumps(told)


def _dokument(file: File) -> dict[str, Any]:
    """Only PDF can be printed: whatever else there is comes to those alone who read the letter digitally."""
    told: dict[str, Any] = {"filnavn": file.filename, "mimeType": file.media_type}
    return told if file.media_type == PDF else told | {"skalEkskluderesFraUtskrift": True}


def _adresse(address: Address) -> dict[str, str]:
    told = {f"adresselinje{number}": line for number, line in enumerate(address.lines[:3], 1)} | {
        "poststed": address.place
    }
    if address.postcode:
        told["postnummer"] = address.postcode
    if address.country:
        told["landkode"] = address.country
    return told


@dataclass(frozen=True)
class Told:
    """A letter's status, in SvarUT's words, and since when."""

    id: str
    status: str
    changed_at: datetime | None


class _Body:
    """The multipart body, in pieces. The metadata come first, then the files in the order in which they are described;
    SvarUT matches them by file name, which stands there as it is (UTF-8, not encoded)."""

    def __init__(self, letter: Letter) -> None:
        self.boundary = uuid4().hex
        self.begun = False
        """Somebody has begun to read it: from now on SvarUT may have got it."""
        metadata = letter.metadata()
        self._parts: list[tuple[bytes, int, Iterable[bytes]]] = [
            (self._head('name="forsendelse"', "application/json; charset=utf-8"), len(metadata), (metadata,)),
            *(
                (
                    self._head(f'name="dokumenter"; filename="{file.filename}"', file.media_type),
                    file.size(),
                    file.pieces(),
                )
                for file in letter.files
            ),
        ]
        self._end = f"--{self.boundary}--\r\n".encode()

    def _head(self, disposition: str, media_type: str) -> bytes:
        return (
            f"--{self.boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {media_type}\r\n\r\n"
        ).encode()

    def headers(self) -> dict[str, str]:
        length = sum(len(head) + size + 2 for head, size, _ in self._parts) + len(self._end)
        return {
            "Content-Type": f"multipart/form-data; boundary={self.boundary}",
            "Content-Length": str(length),
        }

    def __iter__(self) -> Iterator[bytes]:
        self.begun = True
        for head, _, pieces in self._parts:
            yield head
            for content in pieces:
                for start in range(0, len(content), PIECE):
                    yield content[start : start + PIECE]
            yield b"\r\n"
        yield self._end


class SvarUt:
    """One account at SvarUT. Whatever goes wrong is an `Answer`, never an exception."""

    def __init__(
        self,
        base_url: str,
        *,
        konto: UUID,
        integration_id: UUID,
        password: str,
        token: httpx.Auth,
        read_seconds: float,
        connections: int,
    ) -> None:
        self._konto = konto
        self._client = httpx.Client(
            base_url=base_url,
            auth=token,
            headers=[
                (b"IntegrasjonId", str(integration_id).encode()),
                (b"IntegrasjonPassord", password.encode()),
                (b"Accept", b"application/json"),
            ],
            timeout=httpx.Timeout(ASK_SECONDS, connect=5.0, write=60.0, read=read_seconds),
            limits=httpx.Limits(max_connections=connections, keepalive_expiry=30.0),
            follow_redirects=False,
        )
        self._asking = httpx.Timeout(min(ASK_SECONDS, read_seconds), connect=5.0)

    def close(self) -> None:
        self._client.close()

    def send(self, letter: Letter) -> Answer:
        """Hand a letter over. SvarUT has no key for repeats: what is sent twice arrives twice."""
        body = _Body(letter)
        path = f"/api/v3/kontoer/{self._konto}/forsendelser/{KINDS[letter.channel]}"
        answer, told = self._ask("POST", path, body=body, content=body, headers=body.headers())
        return _with_id(answer, told)

    def find(self, reference: str) -> list[str] | Answer:
        """SvarUT's ids of the letters that were sent under a reference, oldest first; or why we cannot know."""
        path = f"/api/v2/kontoer/{self._konto}/forsendelser"
        answer, told = self._ask("GET", path, params={"eksternRef": reference}, timeout=self._asking)
        found = told.get("forsendelseIds") if isinstance(told, dict) else None
        if answer.status == 200 and isinstance(found, list):
            return [str(one) for one in found if _is_id(one)]
        return answer

    def trouble(self) -> Answer | None:
        """Ask something that changes nothing and needs all that sending a letter needs. → what is wrong, if anything"""
        found = self.find("samvirke")
        return found if isinstance(found, Answer) else None

    def statuses(self, ids: Sequence[str]) -> list[Told] | Answer:
        """What SvarUT says of letters; it leaves out those it does not know."""
        path = f"/api/v3/kontoer/{self._konto}/forsendelser/status/sok"
        answer, told = self._ask("POST", path, json={"id": list(ids)}, timeout=self._asking)
        found = told.get("statuser") if isinstance(told, dict) else None
        if answer.status == 200 and isinstance(found, list):
            return [
                Told(str(one["id"]), one["status"][:80], _instant(one.get("sisteStatusEndring")))
                for one in found
                if isinstance(one, dict) and _is_id(one.get("id")) and isinstance(one.get("status"), str)
            ]
        return answer

    def _ask(self, method: str, path: str, *, body: _Body | None = None, **request: Any) -> tuple[Answer, Any]:
        """→ (what came, the JSON of it)"""
        try:
            with self._client.stream(method, path, **request) as response:
                read = bytearray()
                for piece in response.iter_bytes():
                    read += piece
                    if len(read) > LARGEST_ANSWER:
                        break
        except (GrantRefused, OSError, ValueError, KeyError, JoseError) as error:
            if body and body.begun:
                return Answer(message=_safe(repr(error)), reached=True), None
            return Answer(message=_safe(f"No token from Maskinporten: {error}"), misconfigured=True), None
        except httpx.RequestError as error:
            what = f"SvarUT or Maskinporten did not answer ({type(error).__name__})."
            return Answer(message=what, reached=bool(body and body.begun)), None
        try:
            told = orjson.loads(bytes(read))
        except ValueError:
            told = None
        return _answer(response, told), told


class NotMigrated(Exception):
    """SvarUT did not make an integration of the account."""


@dataclass(frozen=True)
class Migrated:
    """What REST v2 and v3 want of a sender. SvarUT tells the password this once."""

    integration_id: UUID
    password: str
    konto: UUID


def migrate(api_url: str, *, user: str, password: str, token: str) -> Migrated:
    """Make an integration of a sender's account of REST v1 (KS's migration operation). Every call gives the integration
    a new password, and the one before is worth nothing any more."""
    try:
        response = httpx.post(
            api_url.rstrip("/") + MIGRATION,
            auth=httpx.BasicAuth(user.encode(), password.encode()),
            json={"maskinportenToken": token},
            timeout=ASK_SECONDS,
        )
        told = orjson.loads(response.content)
        return Migrated(UUID(told["id"]), str(told["passord"]), UUID(told["kontoId"]))
    except httpx.HTTPError as error:
        raise NotMigrated(f"SvarUT does not answer ({type(error).__name__}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise NotMigrated(f"SvarUT answered {response.status_code}: {_safe(response.text)}") from error


def _answer(response: httpx.Response, told: Any) -> Answer:
    status, own = response.status_code, told if isinstance(told, dict) else {}
    message, code = own.get("message"), own.get("errorCode") or own.get("errorcode")
    from_svarut = isinstance(message, str) and ("errorId" in own or "timestamp" in own or code is not None)
    kind = response.headers.get("content-type", "no content type")
    return Answer(
        status,
        message=_safe(message if isinstance(message, str) else f"SvarUT answered {status} ({kind})."),
        code=code if isinstance(code, str) else None,
        from_svarut=from_svarut,
        reached=True,
    )


def _with_id(answer: Answer, told: Any) -> Answer:
    id = told.get("id") if isinstance(told, dict) else None
    if answer.status is None or not _is_id(id):
        return answer
    return Answer(
        answer.status,
        id=str(id),
        message=answer.message,
        code=answer.code,
        from_svarut=answer.from_svarut,
        reached=True,
    )


def _is_id(value: object) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True


def _instant(value: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return read if read.tzinfo else None


def _safe(text: str) -> str:
    """What may be shown and logged of another's text."""
    return log.masked(text.encode()).decode()[:LONGEST_MESSAGE]
