"""Questions over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field

from services.agreements.mini_competitions import store as mini_competitions
from services.agreements.questions import rules, store
from services.chassis.app import new_router
from services.chassis.auth import CallerDep
from services.chassis.contract import example
from services.chassis.db import ReaderDep, SessionDep
from services.chassis.problems import refuse
from services.chassis.values import In, Instant, Out, seed_id

router = new_router("/mini-competitions/{id}/questions", "Mini-competitions")

BRONNOY, FJORDVAKT = "964983291", "100000016"
OPEN = Path(description="The mini-competition's id", examples=[str(seed_id("mini-competition:open"))])


class NewQuestion(In):
    text: str = Field(
        min_length=3, max_length=5000, description="All who are invited read it: say nothing that tells who you are"
    )


class NewAnswer(In):
    text: str = Field(min_length=1, max_length=10_000)


class Question(Out):
    """A question and its answer, as all who are invited read them."""

    id: UUID
    number: int = Field(description="In the order in which they were asked")
    text: str
    asked_at: Instant
    answer: str | None = Field(description="Null: not answered yet")
    answered_at: Instant | None


class Questions(Out):
    items: list[Question]


@router.get("", summary="Read questions and answers", openapi_extra=example(organisation=FJORDVAKT))
def list_questions(id: Annotated[UUID, OPEN], caller: CallerDep, reader: ReaderDep) -> Questions:
    """All of them, for everybody who may see the competition. Who asked stands nowhere."""
    row = mini_competitions.visible(reader, id, caller.organisation)
    return Questions(items=[_shown(one) for one in store.of(reader, row.id or 0)])


@router.post(
    "",
    status_code=201,
    summary="Ask about a mini-competition",
    openapi_extra=example(organisation=FJORDVAKT, body={"text": "Kan opplæringen holdes digitalt?"}),
)
def ask(
    id: Annotated[UUID, OPEN], new: NewQuestion, caller: CallerDep, session: SessionDep, response: Response
) -> Question:
    """For who is invited, until the announced end of questions. Everybody who is invited reads the question and its
    answer, and nobody learns that you asked."""
    row, _ = mini_competitions.held(session, id, caller.organisation)
    at = mini_competitions.clock(session)
    refuse(rules.check_ask(row.state, row.questions_until or row.deadline, at))
    asked = store.ask(session, caller, row, new.text, at)
    response.headers["Location"] = f"{mini_competitions.path(id)}/questions"
    return _shown(asked)


@router.post(
    "/{question}/answer",
    summary="Answer a question",
    openapi_extra=example(organisation=BRONNOY, body={"text": "Ja, når minst ett møte holdes på stedet."}),
)
def answer(
    id: Annotated[UUID, OPEN],
    question: Annotated[UUID, Path(description="The question's id", examples=[str(seed_id("question:open:2"))])],
    new: NewAnswer,
    caller: CallerDep,
    session: SessionDep,
) -> Question:
    """Once, before the deadline; everybody who is invited is told. What it changes in the terms is an amendment
    besides."""
    row = mini_competitions.locked(session, id, caller.organisation)
    asked = store.by_uuid(session, row, question)
    at = mini_competitions.clock(session)
    refuse(rules.check_answer(row.state, row.deadline, at, answered=asked.answer is not None))
    store.answer(session, caller, row, asked, new.text, at)
    return _shown(asked)


def _shown(row: store.Question) -> Question:
    return Question(
        id=row.uuid,
        number=row.number,
        text=row.text,
        asked_at=row.asked_at,
        answer=row.answer,
        answered_at=row.answered_at,
    )
