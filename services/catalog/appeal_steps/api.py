"""The steps of an appeal over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Body, Response
from pydantic import Field
from sqlmodel import Session

from services.catalog.appeals import rules, shapes, store, targets
from services.catalog.appeals.rules import Step
from services.catalog.appeals.shapes import Appeal
from services.chassis import changes, clock
from services.chassis.app import new_router
from services.chassis.auth import Caller, CallerDep
from services.chassis.contract import example
from services.chassis.db import SessionDep
from services.chassis.problems import Problem, refuse
from services.chassis.values import In

router = new_router("/appeals", "Appeals")

BODY, HOLDER = "100000040", "100000016"
Why = Annotated[str, Field(min_length=1, max_length=10_000)]


class Hearing(In):
    reason: Why | None = Field(default=None, description="Needed to hear an appeal that came late")


class Dismissal(In):
    ground: rules.Ground
    reason: Why


class Outcome(In):
    reason: Why
    annulled_from_on: date | None = Field(
        default=None,
        description="From this day what was appealed against has no effect; today if left out. An earlier day, down to "
        "when it took effect, is flagged as back-dated. It does not matter for a decision",
    )
    conditions: list[Annotated[str, Field(max_length=40)]] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Of a grant with conditions: the keys of those that fall away; all if left out",
    )


class Reasoned(In):
    reason: Why


class Stay(In):
    reason: Why
    effective_on: date | None = Field(default=None, description="From this day; today if left out")


@dataclass
class _Taken:
    """What a step says: problems of its own, the day that it takes effect, what is kept with it."""

    found: list[Problem] = field(default_factory=list)
    effective_on: date | None = None
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _At:
    """Where a step is taken."""

    appeal: store.Appeal
    stands: rules.Stands
    found: targets.Found
    today: date


def _says(at: _At, step: Step, new: Any) -> _Taken:
    """What a step asks besides what all do."""
    match new:
        case Hearing():
            return _Taken(rules.check_hearing(at.appeal.late, new.reason))
        case Dismissal():
            return _Taken(rules.check_ground(new.ground, at.appeal.late), detail={"ground": new.ground})
        case Outcome():
            from_on = new.annulled_from_on or at.today
            return _Taken(rules.check_annulment(from_on, at.found.target), from_on)
        case Stay() if step is Step.STAY:
            return _Taken(rules.check_stay(new.effective_on or at.today, at.today), new.effective_on)
        case Stay():
            begun = at.stands.stayed_from_on
            return _Taken(rules.check_stay(new.effective_on or at.today, at.today, begun), new.effective_on)
    return _Taken()


def _works(at: _At, step: Step, said: targets.Said, new: Any) -> Mapping[str, Any] | None:
    """What a step does to what is appealed against. → what is kept of it"""
    if step is Step.STAY:
        targets.stay(at.found, said)
    elif step is Step.END_STAY:
        targets.end_stay(at.found, said)
    elif step in (Step.UPHOLD, Step.PARTLY_UPHOLD):
        fallen = targets.annul(at.found, said, new.conditions)
        return {"conditions": fallen} if fallen else None
    elif step in (Step.DISMISS, Step.WITHDRAW, Step.REJECT):
        targets.stands(at.found, said, looked_into=step is Step.REJECT)
    return None


def _take(
    step: Step, id: UUID, new: Any, caller: Caller, session: Session, today: date, if_match: str | None
) -> tuple[Appeal, int]:
    # What is appealed against first and then the appeal, as those do who appeal.
    sees = shapes.sees(session, caller, today)
    row = store.shown(session, id, own=sees.own, everything=sees.everything)
    found = targets.of(session, row, caller.organisation, today)
    kept = store.by_uuid(session, id, locked=True)
    changes.require_match(if_match, kept.revision, needed=False)
    at = _At(kept, store.standing(session, kept.id), found, today)
    wrong = rules.check_step(
        at.stands,
        step,
        found.target,
        organisation=caller.organisation,
        client=caller.client,
        by_another_organisation=found.terms.appeal_by_another_organisation,
    )
    taken = _says(at, step, new)
    refuse([*wrong, *taken.found])
    now, effective_on, reason = clock.now(), taken.effective_on or today, new.reason
    said = targets.Said(session, caller, kept, now, today, effective_on, reason or "")
    how: dict[str, Any] = {"at": now, "against": found.path, "decided_by": found.target.organisation}
    if at.stands.stayed_from_on and rules.MOVES[at.stands.state, step] not in rules.IN_PROGRESS:
        # A stay lasts as long as the appeal does, and ends with its outcome.
        ended_on = max(today, at.stands.stayed_from_on)
        ending = targets.Said(session, caller, kept, now, today, ended_on, reason or "")
        targets.end_stay(found, ending)
        store.add(session, caller, kept, rules.EventKind.STAY_ENDED, effective_on=ended_on, reason=reason, **how)
    detail = _works(at, step, said, new)
    store.add(
        session,
        caller,
        kept,
        rules.EVENTS[step],
        effective_on=effective_on,
        reason=reason,
        detail=detail or taken.detail,
        **how,
    )
    after = store.shown(session, id, own=[], everything=True)
    return shapes.shown(after, shapes.EVERYTHING), kept.revision


def _route(step: Step, shape: type[In], seeded: str, body: Any, summary: str, about: str) -> None:
    """One route for each step; `seeded` is an appeal that can take it."""

    def take(
        id: Annotated[UUID, shapes.path_of(seeded)],
        new: Annotated[Any, Body()],
        caller: CallerDep,
        session: SessionDep,
        today: clock.TodayDep,
        response: Response,
        if_match: changes.IfMatch = None,
    ) -> Appeal:
        shown, revision = _take(step, id, new, caller, session, today, if_match)
        response.headers["ETag"] = changes.etag(revision)
        return shown

    take.__annotations__["new"] = shape
    take.__doc__ = about
    router.post(
        f"/{{id}}/{step}",
        summary=summary,
        operation_id=f"appeal_{step.value.replace('-', '_')}",
        openapi_extra=example(organisation=HOLDER if step is Step.WITHDRAW else BODY, body=body),
    )(take)


_WHY = {"reason": "Vurdert på nytt av en annen (fiktivt)"}
_ROUTES: tuple[tuple[Step, type[In], str, Any, str, str], ...] = (
    (
        Step.BEGIN_REVIEW,
        Hearing,
        "submitted",
        {},
        "Begin to look into an appeal",
        "For decision-makers without an interest in it: submitted → under review. One that came late is heard only for "
        "a reason (after forvaltningsloven § 31).",
    ),
    (
        Step.DISMISS,
        Dismissal,
        "submitted",
        {"ground": "inadmissible", "reason": "Klagen gjelder noe annet enn vedtaket (fiktivt)"},
        "Dismiss an appeal",
        "For decision-makers, through another client than the one that decided: submitted or under review → dismissed, "
        "as late or inadmissible. What was decided stands.",
    ),
    (
        Step.UPHOLD,
        Outcome,
        "under-review",
        _WHY,
        "Decide for the appellant",
        "For decision-makers, through another client than the one that decided (medhold): under review → upheld. An "
        "event of a certificate, or a supplier's suspension, has no effect from `annulled_from_on`; an application "
        "that was refused is decided anew; conditions fall away. A withdrawal that is annulled takes the certificate's "
        "scope again: 409 when another certificate has it by now.",
    ),
    (
        Step.PARTLY_UPHOLD,
        Outcome,
        "under-review",
        _WHY,
        "Decide partly for the appellant",
        "The same, in part: from a later day, or of some conditions. Under review → partly upheld.",
    ),
    (
        Step.REJECT,
        Reasoned,
        "under-review",
        _WHY,
        "Decide against the appellant",
        "For decision-makers, through another client than the one that decided: under review → rejected. What was "
        "decided stands, and a stay of it ends.",
    ),
    (
        Step.WITHDRAW,
        Reasoned,
        "submitted",
        {"reason": "Saken er løst på annen måte (fiktivt)"},
        "Withdraw an appeal",
        "For the appellant: submitted or under review → withdrawn. A stay ends. It can appeal again.",
    ),
    (
        Step.STAY,
        Stay,
        "submitted",
        {"reason": "Klagen kan føre fram, og skaden er stor (fiktivt)"},
        "Stay what is appealed against",
        "For decision-makers without an interest in it, whoever decided first among them (utsatt iverksetting, after "
        "forvaltningsloven § 42): from a day on, what is appealed against has no effect until the appeal is answered "
        "or the stay is ended. A stayed withdrawal takes the certificate's scope again: 409 when another has it.",
    ),
    (
        Step.END_STAY,
        Stay,
        "stayed",
        {"reason": "Grunnlaget er falt bort (fiktivt)"},
        "End a stay",
        "For decision-makers without an interest in it: from a day on, what is appealed against has effect again.",
    ),
)
for _one in _ROUTES:
    _route(*_one)
