"""Verification over HTTP: one question or many, answered with bytes that were made before where nothing has changed."""

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Header, Query, Request, Response
from pydantic import ValidationError

from services.catalog.verifications import rules, shapes, store
from services.chassis import clock
from services.chassis.app import new_router
from services.chassis.contract import example
from services.chassis.hot import add_hot_read
from services.chassis.problems import Invalid

router = new_router("/verify", "Verification")

SPECIFICATION = "velferdsteknologi-trygghetstjeneste"
LARGEST_PLAIN_QUESTION = 4_096
SECOND = {"Cache-Control": "max-age=1"}


class QuestionInvalid(Invalid):
    """This question cannot be answered as it is asked."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """`words` are the question's own bytes, by which its answer is remembered."""

    words: bytes
    question: shapes.Question


@asynccontextmanager
async def remembering(app: FastAPI) -> AsyncIterator[None]:
    """What this process remembers lives as long as the service does."""
    memory = app.state.verifications = store.Memory(app.state.database)
    try:
        yield
    finally:
        await memory.close()


# ---- One


async def _verify(question: shapes.Question, request: Request) -> Response:
    """Open to all. `valid`, `not_valid` or `unknown`, with a code for machines and reasons for people. Asked about
    is a product, in a version and a delivery form, or a supplier, or what a certificate certifies, against a
    specification in a version, on a day; leave out what does not matter. `unknown` (`product_unknown`,
    `specification_unknown` …): the catalogue cannot say. The answer holds for one second. `GET /verify` asks the
    same."""
    return await _posted(request, _Asked(await request.body(), question))


async def _verify_plainly(request: Request) -> Response | None:
    """A question that is remembered, or can be read as it stands: no dependency, and no model of FastAPI's."""
    if not _plain(request, LARGEST_PLAIN_QUESTION):
        return None
    words = await request.body()
    today = clock.today()
    if remembered := _memory(request).recall(words, today):
        return _checked(remembered.body)
    question = _read(words)
    return await _posted(request, _Asked(words, question)) if question else None


async def _posted(request: Request, asked: _Asked) -> Response:
    ((body, _),) = await _answers(_memory(request), [asked], clock.today())
    return _checked(body)


def _checked(body: bytes) -> Response:
    whole = b'%b,"checked_at":"%b"}' % (body[:-1], _now())
    return Response(whole, media_type="application/json", headers=SECOND)


add_hot_read(
    router,
    "",
    _verify,
    _verify_plainly,
    method="POST",
    name="verify",
    summary="Is it certified on a day?",
    response_model=shapes.Verdict,
    openapi_extra=example(body={"product": "fjordvakt-alarm", "specification": SPECIFICATION, "on": "2027-03-01"}),
)

IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description="The `ETag` that you have; unchanged, the answer is 304 without a body"),
]


async def _look_up(
    question: Annotated[shapes.Question, Query()], request: Request, if_none_match: IfNoneMatch = None
) -> Response:
    """What `POST /verify` answers, at an address: for browsers, caches and proxies, which may keep it for one second
    and then ask whether it still is so (`If-None-Match`). The answer's bytes change only when what is certified does;
    when it was given says the header `Date`."""
    return await _looked_up(request, _Asked(b"?" + request.scope["query_string"], question), if_none_match)


async def _look_up_plainly(request: Request) -> Response | None:
    words = b"?" + request.scope["query_string"]
    if len(words) > LARGEST_PLAIN_QUESTION:
        return None
    given = request.headers.get("if-none-match")
    if remembered := _memory(request).recall(words, clock.today()):
        return _cacheable(remembered.body, remembered.etag, given)
    values = request.query_params.multi_items()
    if len(values) > len(dict(values)):
        return None
    try:
        question = shapes.Question.model_validate(dict(values))
    except ValidationError:
        return None
    return await _looked_up(request, _Asked(words, question), given)


async def _looked_up(request: Request, asked: _Asked, given: str | None) -> Response:
    ((body, etag),) = await _answers(_memory(request), [asked], clock.today())
    return _cacheable(body, etag, given)


def _cacheable(body: bytes, etag: str, given: str | None) -> Response:
    headers = {"ETag": etag, "Cache-Control": "public, max-age=1"}
    if given and (given.strip() == "*" or etag in {one.strip().removeprefix("W/") for one in given.split(",")}):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


add_hot_read(
    router,
    "",
    _look_up,
    _look_up_plainly,
    name="look_up",
    summary="Is it certified on a day? (cacheable)",
    response_model=shapes.Answer,
    responses={304: {"description": "As you have it"}},
    openapi_extra=example(query={"product": "fjordvakt-alarm", "specification": SPECIFICATION, "on": "2027-03-01"}),
)


# ---- Many


async def _verify_many(asked: shapes.Questions, request: Request) -> Response:
    """Up to 500 questions as `POST /verify` takes them, answered in their order, all at one time. A question that
    cannot be read gets a `problem` in its place; the others are answered all the same."""
    return await _answered(request, asked.questions)


async def _verify_many_plainly(request: Request) -> Response | None:
    if not _plain(request, LARGEST_PLAIN_QUESTION * shapes.MOST_QUESTIONS):
        return None
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict) or body.keys() != {"questions"} or not isinstance(body["questions"], list):
        return None
    if not 1 <= len(body["questions"]) <= shapes.MOST_QUESTIONS:
        return None
    return await _answered(request, body["questions"])


async def _answered(request: Request, questions: Sequence[Any]) -> Response:
    memory, today = _memory(request), clock.today()
    await memory.catch_up()
    said: list[bytes | None] = []
    left: list[tuple[int, _Asked]] = []
    for place, one in enumerate(questions):
        words = _words(one)
        if remembered := memory.recall(words, today):
            said.append(remembered.body)
            continue
        try:
            left.append((place, _Asked(words, shapes.Question.model_validate(one))))
            said.append(None)
        except ValidationError as error:
            said.append(json.dumps({"problem": _refused(place, error).body()}).encode())
    if left:
        made = await _answers(memory, [asked for _, asked in left], today)
        for (place, _), (body, _) in zip(left, made, strict=True):
            said[place] = body
    whole = b'{"checked_at":"%b","answers":[%b]}' % (_now(), b",".join(one or b"null" for one in said))
    return Response(whole, media_type="application/json", headers=SECOND)


def _words(question: Any) -> bytes:
    """A question in one way of writing. What cannot be written so, of a depth or with letters that are none, is no
    question either."""
    try:
        return orjson.dumps(question)
    except TypeError:
        return b""


def _refused(place: int, error: ValidationError) -> QuestionInvalid:
    problem = QuestionInvalid()
    problem.all = [
        QuestionInvalid(one["msg"], pointer="/".join(["#/questions", str(place), *map(str, one["loc"])]))
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return problem


add_hot_read(
    router,
    "/batch",
    _verify_many,
    _verify_many_plainly,
    method="POST",
    name="verify_many",
    summary="Are these certified? Up to 500 questions",
    response_model=shapes.Answers,
    openapi_extra=example(
        body={
            "questions": [
                {"product": "fjordvakt-alarm", "specification": SPECIFICATION, "on": "2027-03-01"},
                {"certificate": "SV-2026-000003"},
                {"product": "havorn-tilsyn", "version": "1.4"},
            ]
        }
    ),
)


# ---- Answering


def _memory(request: Request) -> store.Memory:
    found = request.app.state.verifications
    assert isinstance(found, store.Memory)
    return found


def _now() -> bytes:
    return _instant(clock.now()).encode()


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(request: Request, most: int) -> bool:
    """Whether the body is JSON of a length that is told and not too large."""
    length = kind = b""
    for name, value in request.scope["headers"]:
        if name == b"content-length":
            length = value
        elif name == b"content-type":
            kind = value
    return kind.startswith(b"application/json") and length.isdigit() and int(length) <= most


def _read(words: bytes) -> shapes.Question | None:
    try:
        return shapes.Question.model_validate_json(words)
    except ValidationError:
        return None


async def _answers(memory: store.Memory, asked: Sequence[_Asked], today: date) -> list[tuple[bytes, str]]:
    """The bytes of each answer, with its ETag."""
    found = await memory.find({_key(one.question) for one in asked})
    made = []
    for one in asked:
        portfolio = found.portfolios.get(_key(one.question))
        question, finding = _judged(one.question, portfolio, found.specifications, today)
        body = orjson.dumps(shapes.wire(question, finding))
        etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        if portfolio is not None:
            memory.remember(one.words, body, etag, today, portfolio, found)
        made.append((body, etag))
    return made


def _key(question: shapes.Question) -> store.Key:
    if question.product is not None:
        return "product", question.product
    if question.certificate is not None:
        return "certificate", question.certificate
    return "supplier", str(question.supplier)


_UNKNOWN = {
    "product": rules.Code.PRODUCT_UNKNOWN,
    "certificate": rules.Code.CERTIFICATE_UNKNOWN,
    "supplier": rules.Code.SUPPLIER_UNKNOWN,
}


def _judged(
    asked: shapes.Question, portfolio: store.Portfolio | None, known: store.Specifications, today: date
) -> tuple[rules.Question, rules.Finding]:
    question = rules.Question(
        on=asked.on or today,
        product=asked.product,
        supplier=asked.supplier,
        certificate=asked.certificate,
        role=asked.role,
        version=asked.version or (portfolio.current_version if portfolio else None),
        specification=asked.specification,
        specification_version=asked.specification_version,
        profile=asked.profile,
        delivery_form=asked.delivery_form,
    )
    if portfolio is None:
        return question, rules.unknown(question, _UNKNOWN[_key(asked)[0]])
    if question.specification is not None and question.specification not in known.slugs:
        return question, rules.unknown(question, rules.Code.SPECIFICATION_UNKNOWN)
    return question, rules.verify(question, portfolio.held(question, known))
