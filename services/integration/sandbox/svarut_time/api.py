"""Control of SvarUT's time over HTTP."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from pydantic import Field

from services.chassis import contract
from services.chassis.app import new_router
from services.chassis.db import ReaderDep, TransactionDep
from services.chassis.values import In, Instant, Out
from services.integration.sandbox.svarut_time import store
from services.integration.sandbox.svarut_time.store import Clock

router = new_router("/_sandbox/svarut/clock", "SvarUT")


class Passed(In):
    """Time that passes in SvarUT at once, and how fast it runs from now on."""

    seconds: float = Field(default=0, ge=0, le=31_536_000, examples=[60])
    working_hours: float = Field(
        default=0, ge=0, le=1000, description="Hours of working days, after the seconds; a reading deadline is 40"
    )
    speed: float | None = Field(
        default=None, gt=0, le=1_000_000, description="Seconds of SvarUT's in one of ours; 1 is as it was at first"
    )


class Time(Out):
    now: Instant = Field(description="What SvarUT takes the time to be")


async def _clock(request: Request) -> Clock:
    found = request.app.state.clock
    assert isinstance(found, Clock)
    return found


ClockDep = Annotated[Clock, Depends(_clock)]


@router.get("", summary="Ask SvarUT for the time", openapi_extra=contract.example())
def time(session: ReaderDep) -> Time:
    """As it was set, and has run since."""
    return Time(now=store.read(session))


@router.post("", summary="Let time pass in SvarUT", openapi_extra=contract.example(body={"seconds": 60}))
def pass_time(passed: Passed, session: TransactionDep) -> Time:
    """Letters move by themselves as time passes, reading deadlines end, and so does the block on repeated letters. Time
    never goes back. All workers go by it, and a restart does not change it."""
    by = timedelta(seconds=passed.seconds)
    return Time(now=store.change(session, by=by, working_hours=passed.working_hours, speed=passed.speed))
